"""Self-critical training (Rennie et al. 2017) on the sources that ask for it, the encoder included where it learns.

Several captions of each photograph are sampled; each is rewarded with its CIDEr-D, less a fine for what it says twice or
breaks off, above the mean of the others. A share of the cross-entropy stays in the loss, and the end marker counts in
the reward: both keep captions whole."""

from dataclasses import dataclass

import numpy as np
import torch

from . import checkpoint
from .cider import NONE, Cider
from .data import drawn, pad
from .faults import breaks_off, repetitions, says_twice
from .fit import Watch
from .likelihood import log_likelihoods
from .optimise import learn, one_cycle, optimizer_of
from .views import TeachersLoss, Views


@dataclass
class ReinforceOptions:
    """Of one step. `first` as in FitOptions."""

    epochs: int
    first: int | None = None
    batch: int = 64  # photographs
    samples: int = 5  # captions of each
    written: int = 2  # of each photograph's own captions, for the cross-entropy
    rate: float = 1e-4
    encoder_rate: float = 3e-5
    falling: float = 0.9
    warm: float = 0.05
    final: float = 0.2  # the rate falls to this share
    cross_entropy: float = 0.1  # its weight beside the reward's
    own: list = ()  # sources that are rewarded by their own captions alone, not by found ones
    sharpness: float = 1.0  # by which the words' scores are multiplied first
    fine: float = 0.3  # for a content word said twice; a fault costs two
    dropout: float = 0.3
    image_dropout: float = 0.1
    unknown_source: float = 0.4
    classes: float = 0.1
    objects: float = 3.0
    smallest_crop: float = 0.8
    decay: float = 0.99
    longest: int = 19  # words of a caption, the end marker counted
    watch: int = 1
    stop: int | None = None  # ends after so many epochs of the schedule
    seed: int = 1


@torch.no_grad()
def sample(decoder, embeddings, vocabulary, longest):
    """One sampled caption for each row: ids [n, longest] with `</S>` where it was reached and -1 behind it."""
    rows, device = len(embeddings), embeddings.device
    state, _ = decoder.step(embeddings, torch.zeros(rows, 1024, device=device))
    words = torch.full((rows,), vocabulary.start, device=device)
    captions = torch.full((rows, longest), NONE, device=device)
    going = torch.ones(rows, dtype=torch.bool, device=device)
    for position in range(longest):
        state, log_probabilities = decoder.step(decoder.embedding(words), state)
        shares = log_probabilities.float().exp()
        shares[:, [vocabulary.unknown, vocabulary.start]] = 0
        # Six times faster than torch.multinomial on a processor.
        shares = shares.cumsum(1)
        drawn = torch.rand(rows, 1, device=device) * shares[:, -1:]
        words = torch.searchsorted(shares, drawn)[:, 0].clamp(max=shares.shape[1] - 1)
        captions[going, position] = words[going]
        going &= words != vocabulary.end
        if not going.any():
            break
    return captions


@torch.no_grad()
def sharpen(decoder, factor):
    """Multiplies the scores of words. Label smoothing left much to unlikely ones; samples would be full of them."""
    decoder.output.weight.mul_(factor)
    decoder.output.bias.mul_(factor)


def fine(ids, vocabulary):
    """What a caption costs beside its CIDEr-D, in shares of the option `fine`."""
    words = vocabulary.decode(ids).split()
    return repetitions(words) + 2 * says_twice(words) + 2 * (ids[-1] != vocabulary.end or breaks_off(words))


class Reinforce:
    def __init__(self, model, vocabulary, photographs, options, cache):
        self.model, self.vocabulary, self.photographs, self.options = model, vocabulary, photographs, options
        self.device = photographs.device
        self.ids = photographs.encoded(vocabulary, options.longest, options.own)
        self.rewards = {}
        self.place = np.zeros(len(self.ids), np.int64)  # of a photograph within its source
        for number, source in enumerate(photographs.sources):
            rows = np.flatnonzero(photographs.owner == number)
            self.place[rows] = np.arange(len(rows))
            if source.reinforce:
                references = [[ids[1:] for ids in self.ids[row]] for row in rows]
                self.rewards[number] = Cider(references, len(vocabulary), self.device)
        self.optimizer = optimizer_of(model, options)
        self.views = Views(model, photographs, options.first is not None, options.smallest_crop, cache)
        self.teachers_loss = TeachersLoss(photographs, options.classes, options.objects)

    def reward(self, rows, captions):
        """CIDEr-D less fines of captions [n * samples, longest], and the CIDEr-D alone."""
        samples = self.options.samples
        scores = torch.zeros(len(captions), device=self.device)
        owner = np.repeat(self.photographs.owner[rows], samples)
        place = torch.from_numpy(np.repeat(self.place[rows], samples)).to(self.device)
        for number, cider in self.rewards.items():
            mine = torch.from_numpy(np.flatnonzero(owner == number)).to(self.device)
            if len(mine):
                weight = self.photographs.sources[number].weight
                scores[mine] = weight * cider.score(place[mine], captions[mine])
        lists = [[i for i in ids if i != NONE] for ids in captions.tolist()]
        fines = torch.tensor([fine(ids, self.vocabulary) for ids in lists], device=self.device)
        return scores - self.options.fine * fines, scores

    def batch_loss(self, rows, rng):
        options, model, vocabulary = self.options, self.model, self.vocabulary
        pooled, embeddings = self.views.embedded(rows, options.unknown_source)
        owner = torch.arange(len(rows), device=self.device).repeat_interleave(options.samples)
        model.eval()
        captions = sample(model.decoder, embeddings.detach()[owner], vocabulary, options.longest)
        rewards, scores = self.reward(rows, captions)
        rewards = rewards.view(-1, options.samples)
        others = (rewards.sum(1, keepdim=True) - rewards) / (options.samples - 1)
        advantage = (rewards - others).view(-1)
        model.train()
        start = torch.full((len(captions), 1), vocabulary.start, device=self.device)
        inputs = torch.cat([start, captions[:, :-1].clamp(min=0)], 1)
        sums = log_likelihoods(model.decoder, embeddings[owner], inputs, captions)
        loss = -(advantage * sums).sum() / (captions >= 0).sum()
        loss = loss + options.cross_entropy * self.written_loss(rows, embeddings, rng)
        loss = loss + self.teachers_loss(model, pooled, rows)
        return loss, scores.mean()

    def written_loss(self, rows, embeddings, rng):
        """Cross-entropy of what people wrote."""
        owner, ids = drawn(self.ids, rows, self.options.written, rng, self.device)
        inputs, targets = (torch.from_numpy(part).to(self.device) for part in pad(ids))
        return -log_likelihoods(self.model.decoder, embeddings[owner], inputs, targets).sum() / (targets >= 0).sum()

    def epoch(self, number, average):
        options = self.options
        rng = np.random.default_rng([options.seed, number])
        torch.manual_seed(options.seed * 1000 + number)
        order = self.photographs.epoch(rng, lambda source: source.reinforce)
        starts = range(0, len(order), options.batch)
        rewards = torch.zeros(len(starts), device=self.device)
        for i, start in enumerate(starts):
            cycle = one_cycle(number * len(starts) + i, options.epochs * len(starts), options.warm)
            loss, reward = self.batch_loss(order[start : start + options.batch], rng)
            share = options.final + (1 - options.final) * cycle
            learn(self.model, self.optimizer, average, loss, share, 1.0)
            rewards[i] = reward
        return {"reward": round(rewards.mean().item(), 4)}


def reinforce(path, model, vocabulary, curve, photographs, options):
    """Writes the checkpoint `path` after every epoch, and goes on from it."""
    torch.manual_seed(options.seed)
    model.to(photographs.device, memory_format=torch.channels_last)
    sharpen(model.decoder, options.sharpness)
    cache = path.with_suffix(".features")
    run = Reinforce(model, vocabulary, photographs, options, cache)
    checkpoint.run_epochs(path, options, model, vocabulary, run, curve, Watch(photographs, vocabulary))
    cache.unlink(missing_ok=True)
