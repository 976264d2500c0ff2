"""CIDEr-D (Vedantam et al. 2015) of many captions at once, on word ids and on the device: fast enough to be a reward."""

import math

import torch

ORDERS = 4
SIGMA = 6.0
NONE = -1


def padded(captions, longest, device="cpu"):
    """Id lists as [n, longest], -1 behind each."""
    rows = [[*ids[:longest], *[NONE] * (longest - len(ids))] for ids in captions]
    return torch.tensor(rows, dtype=torch.long, device=device).view(len(rows), longest)


def ngrams(ids, order, words):
    """One number for the n-gram that begins at each position of [..., length]; -1 where none does."""
    whole = ids
    codes = ids + 1
    for shift in range(1, order):
        following = torch.full_like(ids, NONE)
        following[..., :-shift] = ids[..., shift:]
        codes = codes * (words + 1) + following + 1
        whole = following
    return torch.where(whole == NONE, NONE, codes)


def counted(codes):
    """How often each n-gram of a row is in it [..., length], and whether this is its first place."""
    same = (codes[..., :, None] == codes[..., None, :]) & (codes != NONE)[..., None, :]
    earlier = same & torch.ones(same.shape[-2:], dtype=torch.bool, device=codes.device).tril(-1)
    return same.sum(-1).float(), ~earlier.any(-1) & (codes != NONE)


class Cider:
    """References of every image as lists of ids.

    Give `</S>` as a last word where the score is a reward: a caption that breaks off then lacks the n-grams that every
    reference ends with, and stopping there does not pay."""

    def __init__(self, references, words, device="cpu"):
        self.words = words
        self.longest = max(len(ids) for some in references for ids in some)
        most = max(map(len, references))
        flat = [ids for some in references for ids in [*some, *[[]] * (most - len(some))]]
        self.references = padded(flat, self.longest, device).view(len(references), most, self.longest)
        self.lengths = (self.references != NONE).sum(2)
        self.images = math.log(len(references))
        self.tables = [self._table(order) for order in range(1, ORDERS + 1)]

    def _table(self, order):
        """(codes, weights, norms) of the references' n-grams and (codes, counts) of how many images have each."""
        codes = ngrams(self.references, order, self.words)
        once = codes.flatten(1).sort(1).values
        fresh = torch.ones_like(once, dtype=torch.bool)
        fresh[:, 1:] = once[:, 1:] != once[:, :-1]
        # NONE is among them, so that the table is never empty.
        present = torch.cat([once[fresh & (once != NONE)], once.new_tensor([NONE])])
        known, frequency = torch.unique(present, return_counts=True)
        weights, norms = self._weigh(codes, known, frequency)
        return codes, weights, norms, known, frequency

    def _weigh(self, codes, known, frequency):
        """tf-idf of each n-gram at its first place, 0 elsewhere, and the length of the vector."""
        counts, first = counted(codes)
        place = torch.searchsorted(known, codes).clamp(max=len(known) - 1)
        images = torch.where(known[place] == codes, frequency[place], 1).float()
        weights = torch.where(first, counts * (self.images - images.log()), 0.0)
        return weights, weights.square().sum(-1).sqrt()

    def score(self, images, captions):
        """CIDEr-D, 0 to 10, of captions [m, length] (-1 behind each) of these images [m]."""
        lengths = (captions != NONE).sum(1)
        penalty = torch.exp(-((lengths[:, None] - self.lengths[images]) ** 2) / (2 * SIGMA**2))
        total = torch.zeros_like(penalty)
        for order, (codes, weights, norms, known, frequency) in enumerate(self.tables, 1):
            mine = ngrams(captions, order, self.words)
            my_weights, my_norm = self._weigh(mine, known, frequency)
            theirs, their_weights = codes[images], weights[images]
            same = mine[:, None, :, None] == theirs[:, :, None, :]
            both = torch.minimum(my_weights[:, None, :, None], their_weights[:, :, None, :])
            shared = (same * both * their_weights[:, :, None, :]).sum((2, 3))
            total += shared / (my_norm[:, None] * norms[images]).clamp(min=1e-9)
        written = (self.lengths[images] > 0).float()
        return 10 * (penalty * total * written).sum(1) / (ORDERS * written.sum(1))
