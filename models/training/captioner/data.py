"""The captions file and batches of encoded captions."""

import json

import numpy as np

from .vocabulary import tokenize


def read_split(path, split):
    """[(file name, [caption, ...]), ...] in the order of the file."""
    with open(path, encoding="utf-8") as file:
        return list(json.load(file)[split].items())


def tokenized(captions):
    return [tokenize(caption) for caption in captions]


def encode_captions(split, vocabulary, max_tokens):
    """Image index and ids of every caption, longer ones left out.

    A caption longer than the product ever writes teaches little and pads its batch."""
    rows = []
    for image, (_, captions) in enumerate(split):
        for tokens in tokenized(captions):
            if len(tokens) <= max_tokens:
                rows.append((image, vocabulary.encode(tokens)))
    return rows


def pad(sequences):
    """Inputs and targets as two int64 arrays [n, t]; -100 marks what has no loss."""
    longest = max(map(len, sequences)) - 1
    inputs = np.zeros((len(sequences), longest), np.int64)
    targets = np.full((len(sequences), longest), -100, np.int64)
    for row, ids in enumerate(sequences):
        inputs[row, : len(ids) - 1] = ids[:-1]
        targets[row, : len(ids) - 1] = ids[1:]
    return inputs, targets


def bucketed(lengths, size, rng):
    """Index batches of similar lengths in random order: half the padding, half the time."""
    order = np.argsort(np.asarray(lengths) + rng.random(len(lengths)), kind="stable")
    batches = [order[i : i + size] for i in range(0, len(order), size)]
    rng.shuffle(batches)
    return batches
