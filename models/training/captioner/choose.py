"""Chooses a bundle's manner of speaking and decoding defaults on the development splits."""

import itertools
import json
from dataclasses import dataclass, field

import torch

from .photographs import pooled_features
from .search import Decoding, Judge, captions_of


@dataclass
class ChooseOptions:
    """Every combination is tried. `counts` says how much the CIDEr-D of each development split counts; a faulty caption
    costs `fault` points for each percent of them."""

    counts: dict
    folds: list = field(default_factory=lambda: [{}])
    length_normalization: list = field(default_factory=lambda: [1.0])
    min_length: list = field(default_factory=lambda: [5])
    max_length: list = field(default_factory=lambda: [20])
    beam_width: list = field(default_factory=lambda: [3])
    fault: float = 2.0


@torch.no_grad()
def choose(model, vocabulary, photographs, options):
    """Rows of options and scores, best first."""
    device = photographs.device
    model.to(device).eval()
    splits = {name: photographs.dev[name] for name in options.counts}
    features = {name: pooled_features(model.backbone, split.images, device)[0] for name, split in splits.items()}
    judges = {name: Judge(split.captions, vocabulary, device) for name, split in splits.items()}
    rows = []
    grid = (options.folds, options.length_normalization, options.min_length, options.max_length, options.beam_width)
    for fold, normalization, least, most, width in itertools.product(*grid):
        decoding = Decoding(width, most, normalization, least, [vocabulary.unknown])
        voice = sum(share * model.sources.weight[1 + model.names.index(name)] for name, share in fold.items())
        row = {"fold": fold, "length_normalization": normalization, "min_length": least, "max_length": most, "beam": width}
        total = 0.0
        for name, count in options.counts.items():
            found = captions_of(model.decoder, model.embed(features[name]) + voice, vocabulary, decoding)
            row[name] = judges[name].score(found)
            percent = 100 * row[name]["faulty"] / len(found)
            total += count * (row[name]["ciderD"] - options.fault * percent)
        row["score"] = round(total / sum(options.counts.values()), 2)
        print(json.dumps(row), flush=True)
        rows.append(row)
    return sorted(rows, key=lambda row: -row["score"])
