"""Beam search with im2txt's rules, for many images at once.

A complete caption scores logprob / length^factor, counting <S> and </S>; partial ones are
never normalised; complete and partial captions are never mixed."""

from dataclasses import dataclass, field

import torch


@dataclass
class Decoding:
    beam_width: int = 3
    max_length: int = 20  # counts <S>
    length_normalization: float = 0.0
    min_length: int = 0  # words before </S> may follow
    banned: list = field(default_factory=list)  # ids


@torch.no_grad()
def beam_search(decoder, images, vocabulary, decoding):
    """The best caption of every image embedding [n, 512], as ids without <S> and </S>."""
    n, width = len(images), decoding.beam_width
    state, _ = decoder.step(images, torch.zeros(n, 1024))
    # Rows are image * width + beam; unused beams have score -inf.
    state = state.repeat_interleave(width, 0)
    scores = torch.full((n, width), -torch.inf)
    scores[:, 0] = 0
    words = torch.full((n * width, 1), vocabulary.start)
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
        rows = (chosen // width + torch.arange(n)[:, None] * width).reshape(-1)
        state = state[rows]
        words = torch.cat([words[rows], ids.gather(1, chosen).reshape(-1, 1)], 1)
        if not torch.isfinite(scores).any():
            break
    return [_winner(complete[i], words[i * width]) for i in range(n)]


def _collect(complete, totals, ids, words, end, step, decoding):
    ended = ((ids == end) & torch.isfinite(totals)).nonzero().tolist()
    length = step + 2
    for image, candidate in ended:
        row = image * decoding.beam_width + candidate // decoding.beam_width
        score = totals[image, candidate].item() / length**decoding.length_normalization
        complete[image].append((score, words[row, 1:]))


def _winner(complete, partial):
    if not complete:
        return partial[1:].tolist()
    return max(complete, key=lambda item: item[0])[1].tolist()
