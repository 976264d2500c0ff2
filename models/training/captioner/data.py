"""Batches of encoded captions."""

import numpy as np


def pad(sequences):
    """Inputs and targets as two int64 arrays [n, t]; -100 marks what has no loss."""
    longest = max(map(len, sequences)) - 1
    inputs = np.zeros((len(sequences), longest), np.int64)
    targets = np.full((len(sequences), longest), -100, np.int64)
    for row, ids in enumerate(sequences):
        inputs[row, : len(ids) - 1] = ids[:-1]
        targets[row, : len(ids) - 1] = ids[1:]
    return inputs, targets
