"""CIDEr-D (Vedantam et al. 2015) on word ids, fast enough to be a reward.

The end marker counts as a word: a caption that breaks off ("... with a") then lacks the n-grams
that every reference ends with, and stopping there does not pay."""

import math
from collections import Counter

ORDERS = 4
SIGMA = 6.0


def ngrams(ids):
    """Counts of all n-grams, by n."""
    return [Counter(tuple(ids[i : i + n]) for i in range(len(ids) - n + 1)) for n in range(1, ORDERS + 1)]


class Cider:
    """References of every image as lists of ids, `</S>` last, without `<S>`."""

    def __init__(self, references):
        counted = [[ngrams(ids) for ids in five] for five in references]
        self.frequency = Counter()
        for five in counted:
            self.frequency.update({gram for orders in five for counts in orders for gram in counts})
        self.images = math.log(len(references))
        self.references = [
            [(*self._weigh(orders), len(ids)) for orders, ids in zip(five, lists)]
            for five, lists in zip(counted, references)
        ]

    def _weigh(self, orders):
        """tf-idf by n-gram, and the length of each vector."""
        vectors = [
            {g: c * (self.images - math.log(max(1, self.frequency[g]))) for g, c in counts.items()}
            for counts in orders
        ]
        return vectors, [math.sqrt(sum(w * w for w in v.values())) for v in vectors]

    def score(self, image, ids):
        """CIDEr-D, 0 to 10, of one caption of one image."""
        vectors, norms = self._weigh(ngrams(ids))
        total = 0.0
        for reference, reference_norms, length in self.references[image]:
            penalty = math.exp(-((len(ids) - length) ** 2) / (2 * SIGMA**2))
            for mine, norm, theirs, their_norm in zip(vectors, norms, reference, reference_norms):
                if norm and their_norm:
                    shared = sum(min(w, theirs[g]) * theirs[g] for g, w in mine.items() if g in theirs)
                    total += penalty * shared / (norm * their_norm)
        return 10 * total / (ORDERS * len(self.references[image]))
