"""Checkpoints that an interrupted run can go on from, averaged weights, and the mean of several runs."""

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


def captioner_of(content, weights="average", dropout=0.0, image_dropout=0.0):
    """The model of a checkpoint's content and its vocabulary."""
    vocabulary = Vocabulary(content["counts"])
    names, encoder, size = content["sources"], content["encoder"], content["size"]
    captioner = Captioner(len(vocabulary), encoder, size, names, dropout, image_dropout)
    captioner.load_state_dict({name: value.float() if value.is_floating_point() else value for name, value in content[weights].items()})
    return captioner.eval(), vocabulary


def load_captioner(path, dropout=0.0, image_dropout=0.0):
    """The averaged model of a checkpoint, its vocabulary and its curve."""
    content = load(path)
    return *captioner_of(content, "average", dropout, image_dropout), content["curve"]


def description(model, vocabulary):
    """What rebuilds a model beside its weights."""
    backbone = model.backbone
    return {"counts": vocabulary.counts, "encoder": backbone.encoder, "size": backbone.size, "sources": model.names}


def run_epochs(path, options, model, vocabulary, run, before, watch):
    """Trains the epochs that the checkpoint `path` lacks and writes it after each.

    `before` is the curve of the steps before; `run.epoch(number, average)` gives what was learned and `watch(model)`
    the scores of the averaged model, both for the curve; `options` say how many epochs and how often to look."""
    average = Average(model, vocabulary, options.decay)
    curve = list(before)
    if Path(path).exists():
        content = load(path)
        curve = content["curve"]
        if "model" not in content:
            return
        model.load_state_dict(content["model"])
        average.load(content["average"], content["updates"])
        run.optimizer.load_state_dict(content["optimizer"])
    epochs = options.stop or options.epochs
    for number in range(len(curve) - len(before), epochs):
        began = time.time()
        row = {"step": Path(path).stem, "epoch": number + 1, **run.epoch(number, average)}
        row["seconds"] = round(time.time() - began, 1)
        last = number + 1 == epochs
        if last or (number + 1) % options.watch == 0:
            row |= watch(average.model)
        print(json.dumps(row), flush=True)
        curve.append(row)
        save(
            path,
            **description(model, vocabulary),
            average=average.model.state_dict(),
            curve=curve,
            # What only an interrupted step needs.
            **({} if last else going_on(model, average, run.optimizer)),
        )


def going_on(model, average, optimizer):
    return {"model": model.state_dict(), "updates": average.updates, "optimizer": optimizer.state_dict()}


class Average:
    """Exponential moving average of what a model learns, as a model of its own."""

    def __init__(self, model, vocabulary, decay):
        self.decay, self.updates = decay, 0
        self.model, _ = captioner_of({**description(model, vocabulary), "average": model.state_dict()})
        self.model.to(next(model.parameters()).device)
        theirs = dict(self.model.named_parameters())
        self.pairs = [(theirs[name], value) for name, value in model.named_parameters() if value.requires_grad]

    @torch.no_grad()
    def update(self):
        self.updates += 1
        # A short memory at first, or the random start would linger.
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        mine, values = zip(*self.pairs)
        torch._foreach_lerp_(list(mine), [v.detach() for v in values], 1 - decay)

    def load(self, state, updates):
        self.model.load_state_dict(state)
        self.updates = updates


def mean(states, weights):
    """Of state dicts; whole numbers (batches a norm has counted) are the first's."""
    total = sum(weights)
    return {
        name: sum(state[name] * (weight / total) for state, weight in zip(states, weights))
        if value.is_floating_point()
        else value
        for name, value in states[0].items()
    }


def average_runs(paths, weights, output):
    """The weighted mean of checkpoints that began at the same one: steadier than each of them."""
    parts = [load(path) for path in paths]
    curve = []
    for part in parts:
        curve += [row for row in part["curve"] if row not in curve]
    content = {name: parts[0][name] for name in ("counts", "encoder", "size", "sources")}
    save(output, average=mean([part["average"] for part in parts], weights), curve=curve, **content)
