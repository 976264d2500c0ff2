"""What one training step sees of photographs, and what it learns beside words: shared by `fit` and `reinforce`."""

import torch
from torch.nn import functional as F

from .images import augment
from .photographs import pooled_features


def autocast(device, encoder=False):
    """bfloat16; on a processor the depthwise convolutions gain nothing from it."""
    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda" or not encoder)


class Views:
    """Features [n, 1280] of photographs: of new views where the encoder learns, else those measured once.

    `features` [2, all, 1280] are of the photographs as they are and mirrored; where the encoder learns, the first half
    follows it, view by view."""

    def __init__(self, model, photographs, learns, smallest_crop, cache):
        """`cache` is a file that keeps the features for a run that goes on: minutes on a processor."""
        self.model, self.photographs, self.learns, self.smallest_crop = model, photographs, learns, smallest_crop
        self.device = photographs.device
        if cache.exists() and not learns:
            self.features = torch.load(cache, map_location=self.device).float()
            return
        self.features = pooled_features(model.backbone, photographs.images, self.device, (False, True))
        if not learns:
            torch.save(self.features.half().cpu(), cache)

    def pooled(self, rows):
        at = torch.as_tensor(rows, device=self.device)
        if not self.learns:
            return self.features[torch.randint(len(self.features), (len(rows),), device=self.device), at]
        pixels = augment(self.photographs.batch(rows), self.smallest_crop)
        with autocast(self.device, encoder=True):
            maps = self.model.backbone(pixels)
        pooled = maps.float().mean((2, 3))
        self.features[0, at] = pooled.detach()
        return pooled

    def embedded(self, rows, unknown):
        """(pooled features [n, 1280], embeddings [n, 512]); a share `unknown` of them is not told its source."""
        pooled = self.pooled(rows)
        numbers = torch.as_tensor(self.photographs.owner[rows], device=self.device)
        told = torch.rand(len(rows), device=self.device) >= unknown
        return pooled, self.model.embed(pooled) + self.model.sources((numbers + 1) * told)


class TeachersLoss:
    """Keeps the encoder from forgetting what it hears little of: cross-entropy against the class teacher's
    probabilities, binary cross-entropy against the object teacher's scores (Hinton et al. 2015)."""

    def __init__(self, photographs, classes, objects):
        self.weights, self.device = (classes, objects), photographs.device
        taught = photographs.teachers.of(photographs.names) if photographs.teachers else None
        self.taught = taught and [torch.from_numpy(part).to(self.device) for part in taught]

    def __call__(self, model, pooled, rows):
        if not self.taught:
            return 0.0
        classes, objects, known = (part[torch.as_tensor(rows, device=self.device)] for part in self.taught)
        told = -(classes * F.log_softmax(model.classes(pooled), 1)).sum(1)
        seen = F.binary_cross_entropy_with_logits(model.objects(pooled), objects, reduction="none").mean(1)
        both = self.weights[0] * told + self.weights[1] * seen
        return (both * known.float()).sum() / known.sum().clamp(min=1)
