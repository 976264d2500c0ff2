"""Checkpoints that an interrupted run can go on from, and averaged weights."""

import os
from pathlib import Path

import torch

from .network import Captioner
from .vocabulary import Vocabulary


def save(path, **content):
    """Writes beside the target and renames: a killed run leaves the old file whole."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    temporary = f"{path}.partial"
    torch.save(content, temporary)
    os.replace(temporary, path)


def load(path):
    return torch.load(path, map_location="cpu", weights_only=True)


def load_captioner(path):
    """The averaged model of a checkpoint, its vocabulary and its curve."""
    content = load(path)
    vocabulary = Vocabulary(content["counts"])
    captioner = Captioner(len(vocabulary))
    captioner.load_state_dict(content["average"])
    return captioner.eval(), vocabulary, content["curve"]


class Average:
    """Exponential moving average of a model's floating-point state."""

    def __init__(self, model, decay):
        self.decay, self.steps = decay, 0
        self.state = {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model):
        self.steps += 1
        # A short memory at first, or the random start would linger.
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in model.named_parameters():
            if value.requires_grad:
                self.state[name].lerp_(value.detach(), 1 - decay)
