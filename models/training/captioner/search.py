"""Beam search with im2txt's rules, for many images at once, and the scores of what it finds.

A complete caption scores logprob / length^factor, counting <S> and </S>; partial ones are
never normalised; complete and partial captions are never mixed."""

from dataclasses import dataclass, field

import torch

from .cider import Cider, padded
from .faults import breaks_off, says_twice

BATCH = 500  # images


@dataclass
class Decoding:
    beam_width: int = 3
    max_length: int = 20  # counts <S>
    length_normalization: float = 1.0
    min_length: int = 5  # words before </S> may follow
    banned: list = field(default_factory=list)  # ids


@torch.no_grad()
def beam_search(decoder, images, vocabulary, decoding):
    """The best caption of every image embedding [n, 512], as ids without <S> and </S>."""
    n, width, device = len(images), decoding.beam_width, images.device
    state, _ = decoder.step(images, torch.zeros(n, 1024, device=device))
    # Rows are image * width + beam; unused beams have score -inf.
    state = state.repeat_interleave(width, 0)
    scores = torch.full((n, width), -torch.inf, device=device)
    scores[:, 0] = 0
    words = torch.full((n * width, 1), vocabulary.start, device=device)
    complete = [[] for _ in range(n)]
    for step in range(decoding.max_length - 1):
        state, log_probabilities = decoder.step(decoder.embedding(words[:, -1]), state)
        log_probabilities[:, decoding.banned] = -torch.inf
        if step < decoding.min_length:
            log_probabilities[:, vocabulary.end] = -torch.inf
        best, ids = log_probabilities.topk(width, 1)
        totals = (scores.reshape(-1, 1) + best).reshape(n, -1)
        ids = ids.reshape(n, -1)
        _collect(complete, totals, ids, words, vocabulary.end, step, decoding)
        totals[ids == vocabulary.end] = -torch.inf
        scores, chosen = totals.topk(width, 1)
        rows = (chosen // width + torch.arange(n, device=device)[:, None] * width).reshape(-1)
        state = state[rows]
        words = torch.cat([words[rows], ids.gather(1, chosen).reshape(-1, 1)], 1)
        if not torch.isfinite(scores).any():
            break
    return [_winner(complete[i], words[i * width]) for i in range(n)]


def _collect(complete, totals, ids, words, end, step, decoding):
    ended = ((ids == end) & torch.isfinite(totals)).nonzero().tolist()
    if not ended:
        return
    length = step + 2
    values, rows = totals.tolist(), words[:, 1:].tolist()
    for image, candidate in ended:
        row = image * decoding.beam_width + candidate // decoding.beam_width
        score = values[image][candidate] / length**decoding.length_normalization
        complete[image].append((score, rows[row]))


def _winner(complete, partial):
    if not complete:
        return partial[1:].tolist()
    return max(complete, key=lambda item: item[0])[1]


def captions_of(decoder, embeddings, vocabulary, decoding):
    """Id lists of all embeddings."""
    parts = (embeddings[i : i + BATCH] for i in range(0, len(embeddings), BATCH))
    return [ids for part in parts for ids in beam_search(decoder, part, vocabulary, decoding)]


class Judge:
    """Scores captions of a development split: CIDEr-D as a percentage (near the product's own: the tokenizer is
    training's), and how many say a thing twice or break off."""

    def __init__(self, references, vocabulary, device="cpu"):
        """`references` are tokens by image."""
        self.vocabulary, self.device = vocabulary, device
        # Words that the vocabulary lacks stay different from all others.
        self.extra = {}
        self.dropped = {vocabulary.ids.get(mark) for mark in (".", ",")}
        ids = [[self._ids(tokens) for tokens in some] for some in references]
        self.cider = Cider(ids, len(vocabulary) + len(self.extra), device)

    def _ids(self, tokens):
        known = self.vocabulary.ids
        ids = [known[t] if t in known else self.extra.setdefault(t, len(known) + len(self.extra)) for t in tokens]
        return [i for i in ids if i not in self.dropped]

    def ciders(self, captions):
        """CIDEr-D in percent of each caption (ids)."""
        plain = [[i for i in ids if i not in self.dropped] for ids in captions]
        rows = torch.arange(len(captions), device=self.device)
        return 100 * self.cider.score(rows, padded(plain, max(map(len, plain)), self.device))

    def score(self, captions):
        words = [self.vocabulary.decode(ids).split() for ids in captions]
        faulty = sum(says_twice(w) or breaks_off(w) for w in words)
        return {"ciderD": round(self.ciders(captions).mean().item(), 2), "faulty": faulty}
