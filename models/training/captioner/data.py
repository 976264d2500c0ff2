"""Batches of encoded captions."""

import numpy as np
import torch


def pad(sequences):
    """Inputs and targets as two int64 arrays [n, t]; -100 marks what has no loss."""
    longest = max(map(len, sequences)) - 1
    inputs = np.zeros((len(sequences), longest), np.int64)
    targets = np.full((len(sequences), longest), -100, np.int64)
    for row, ids in enumerate(sequences):
        inputs[row, : len(ids) - 1] = ids[:-1]
        targets[row, : len(ids) - 1] = ids[1:]
    return inputs, targets


def drawn(captions, rows, count, rng, device):
    """Some captions (ids) by chance of each photograph in `rows`, at most `count`: (places in `rows` [m], their ids)."""
    chosen = [(place, captions[row][i]) for place, row in enumerate(rows) for i in rng.permutation(len(captions[row]))[:count]]
    places, ids = zip(*chosen)
    return torch.tensor(places, device=device), list(ids)
