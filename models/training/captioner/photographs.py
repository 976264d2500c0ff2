"""All training photographs of all sources in memory, with captions, teachers' answers and the development splits."""

from dataclasses import dataclass

import numpy as np
import torch

from .images import load_images
from .network import normalise
from .sources import Teachers


@dataclass
class Split:
    """Photographs of one source: names, uint8 [n, size, size, 3], tokens of the captions of each."""

    names: list
    images: torch.Tensor
    captions: list


def load_split(source, split, size):
    captions = source.captions(split)
    images = load_images(source.images(split), list(captions), size) if captions else np.empty((0, size, size, 3), np.uint8)
    return Split(list(captions), torch.from_numpy(images), list(captions.values()))


class Photographs:
    """The training splits end to end; `owner[i]` is the number of photograph i's source, from 0."""

    def __init__(self, sources, size, teachers=None, device="cpu"):
        splits = [load_split(source, "train", size) for source in sources]
        self.sources, self.device = sources, device
        self.names = [name for split in splits for name in split.names]
        self.own = [some for split in splits for some in split.captions]
        self.captions = self.own
        self.images = torch.cat([split.images for split in splits]).to(device)
        self.owner = np.repeat(np.arange(len(sources)), [len(split.names) for split in splits])
        # Two folders may hold a file of the same name.
        self.keys = [f"{sources[owner].name}/{name}" for owner, name in zip(self.owner, self.names)]
        self.dev = {s.name: split for s in sources if (split := load_split(s, "dev", size)).names}
        self.teachers = teachers and Teachers.read(teachers)

    def rows(self, source):
        """Of the photographs of the source with this name."""
        return np.flatnonzero(self.owner == [s.name for s in self.sources].index(source))

    def take(self, *found):
        """Puts captions {source/file: [tokens, ...]} in place of photographs' own; later ones in place of earlier ones."""
        self.captions = self.own
        for some in found:
            self.captions = [some.get(name, before) for name, before in zip(self.keys, self.captions)]

    def encoded(self, vocabulary, longest, own=()):
        """Ids of all captions of every photograph, of the sources `own` without found ones; a long caption is cut
        rather than its photograph lost."""
        chosen = self.captions.copy()
        for row in (row for name in own for row in self.rows(name)):
            chosen[row] = self.own[row]
        return [[vocabulary.encode(tokens[:longest]) for tokens in some] for some in chosen]

    def epoch(self, rng, wanted=lambda source: True):
        """Rows of one epoch in random order, photographs of a source as often as it says."""
        repeats = np.array([source.repeat if wanted(source) else 0 for source in self.sources])
        return rng.permutation(np.repeat(np.arange(len(self.names)), repeats[self.owner]))

    def batch(self, rows):
        """Normalised images [n, 3, size, size] on the device."""
        return normalise(self.images[torch.as_tensor(rows, device=self.images.device)])


@torch.no_grad()
def pooled_features(backbone, images, device, views=(False,), batch=64):
    """Mean of the last feature map, float32 [views, n, 1280]; a view is whether the image is mirrored."""
    backbone.to(memory_format=torch.channels_last)
    result = torch.empty(len(views), len(images), backbone.head.conv.out_channels, device=device)
    for i in range(0, len(images), batch):
        pixels = normalise(images[i : i + batch].to(device))
        for view, mirrored in enumerate(views):
            with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=torch.device(device).type == "cuda"):
                maps = backbone(pixels.flip(3) if mirrored else pixels)
            result[view, i : i + batch] = maps.float().mean((2, 3))
    return result
