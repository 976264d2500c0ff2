"""Sentences without photographs as further training: features predicted from their words.

Ridge regression from a caption's bag of words to the features of its photograph, plus what it leaves unexplained of some
real photograph, so that predicted features are spread as real ones are."""

import numpy as np
import torch

from .faults import FUNCTION


class BagOfWords:
    """The `size` most frequent words that mean something on their own, as columns."""

    def __init__(self, vocabulary, size):
        words = [w for w in vocabulary.words[:-1] if w not in FUNCTION and not w.startswith("<")][:size]
        self.columns = {word: i for i, word in enumerate(words)}

    def __len__(self):
        return len(self.columns)

    def of(self, captions):
        """float32 [n, words]: 1 where a caption (tokens) has the word."""
        bags = np.zeros((len(captions), len(self)), np.float32)
        for row, tokens in enumerate(captions):
            bags[row, [self.columns[t] for t in tokens if t in self.columns]] = 1
        return bags

    def mean(self, captions):
        """The mean bag of each photograph's captions."""
        return np.stack([self.of(some).mean(0) for some in captions])


def ridge(inputs, targets, strength):
    """Weights of inputs [n, a] and of a constant, [a + 1, b], for targets [n, b]."""
    x = with_constant(inputs)
    gram = x.T @ x + strength * torch.eye(x.shape[1], device=x.device)
    return torch.linalg.solve(gram, x.T @ targets)


def with_constant(inputs):
    return torch.cat([inputs, torch.ones(len(inputs), 1, device=inputs.device)], 1)


class SentenceFeatures:
    """Draws sentences with features as if there were a photograph of each."""

    STRENGTH = 20.0

    def __init__(self, sentences, bag, photographs, vocabulary, longest):
        self.bag, self.device = bag, photographs.device
        self.tokens = [tokens for tokens in sentences if len(tokens) <= longest]
        self.ids = [vocabulary.encode(tokens) for tokens in self.tokens]
        self.photographs = torch.from_numpy(bag.mean(photographs.captions)).to(self.device)

    def fit(self, features):
        """`features` [n, 1280] of all photographs."""
        self.weights = ridge(self.photographs, features, self.STRENGTH)
        self.left = features - with_constant(self.photographs) @ self.weights

    def draw(self, count, rng):
        """Features [count, 1280] and ids of as many sentences."""
        chosen = rng.integers(len(self.tokens), size=count)
        bags = torch.from_numpy(self.bag.of([self.tokens[i] for i in chosen])).to(self.device)
        others = torch.as_tensor(rng.integers(len(self.left), size=count), device=self.device)
        return with_constant(bags) @ self.weights + self.left[others], [self.ids[i] for i in chosen]
