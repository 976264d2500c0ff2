"""Checkpoints that an interrupted run can go on from, and averaged weights."""

import json
import os
import time
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


def load_captioner(path, dropout=0.0, image_dropout=0.0):
    """The averaged model of a checkpoint, its vocabulary and its curve."""
    content = load(path)
    vocabulary = Vocabulary(content["counts"])
    captioner = Captioner(len(vocabulary), content["encoder"], content["size"], dropout, image_dropout)
    captioner.load_state_dict(content["average"])
    return captioner.eval(), vocabulary, content["curve"]


def save_run(path, vocabulary, model, average, optimizer, curve):
    """All that `resume` needs, and the next stage."""
    save(
        path,
        counts=vocabulary.counts,
        encoder=model.backbone.encoder,
        size=model.backbone.size,
        model=model.state_dict(),
        average=average.state,
        steps=average.steps,
        optimizer=optimizer.state_dict(),
        curve=curve,
    )


def run_epochs(args, vocabulary, model, average, optimizer, before, train, validate):
    """Trains the epochs that `args.output` lacks and writes it after each.

    `before` is the curve of the stages before; `train(epoch)` gives what was learned and
    `validate(model)` the scores of the averaged model, both for the curve."""
    curve = list(before)
    if Path(args.output).exists():
        curve = resume(args.output, model, average, optimizer)
    for epoch in range(len(curve) - len(before), args.epochs):
        began = time.time()
        learned = train(epoch)
        seconds = round(time.time() - began)
        row = {**learned, "seconds": seconds, **validate(average.model(model))}
        print(json.dumps(row), flush=True)
        curve.append(row)
        save_run(args.output, vocabulary, model, average, optimizer, curve)


def resume(path, model, average, optimizer):
    """Restores all three and returns the curve so far."""
    content = load(path)
    model.load_state_dict(content["model"])
    average.state, average.steps = content["average"], content["steps"]
    optimizer.load_state_dict(content["optimizer"])
    return content["curve"]


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

    def model(self, like):
        """A captioner of its own with the averaged weights."""
        backbone = like.backbone
        shadow = Captioner(len(like.decoder.embedding.weight), backbone.encoder, backbone.size)
        shadow.load_state_dict(self.state)
        return shadow.eval()
