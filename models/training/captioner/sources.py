"""What a model learns from: folders of photographs with captions, sentences without photographs, teachers' answers."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .vocabulary import Vocabulary, tokenize


@dataclass
class Source:
    """One folder: `captions.json` {"train": {file: [caption, ...]}, "dev": ...} and for each split a zip or directory.

    `weight` is that of its captions in the loss, `repeat` how often an epoch sees each photograph, `reinforce` whether
    self-critical training uses it; `origin` and `license` go into the manifest."""

    name: str
    folder: Path
    weight: float = 1.0
    repeat: int = 1
    reinforce: bool = False
    origin: str = "not said"
    license: str = "not said"

    def images(self, split):
        archive = self.folder / f"{split}.zip"
        return archive if archive.exists() else self.folder / split

    def captions(self, split):
        """{file: [tokens, ...]} of a split; empty where the source has none."""
        with open(self.folder / "captions.json", encoding="utf-8") as file:
            return {name: [tokenize(c) for c in some] for name, some in json.load(file).get(split, {}).items()}


def read_sources(entries, data):
    """Of a recipe's `sources`; what it leaves out stands in the folder's meta.json, if there is one."""
    sources = []
    for entry in entries:
        folder = Path(data) / entry["folder"]
        meta = folder / "meta.json"
        suggested = json.loads(meta.read_text("utf-8")) if meta.exists() else {}
        if "rl" in suggested:
            suggested["reinforce"] = suggested.pop("rl")
        options = {**suggested, **{k: v for k, v in entry.items() if k != "folder"}}
        sources.append(Source(**{"name": folder.name, "folder": folder, **options}))
    return sources


def read_sentences(path):
    """Tokens of every line of a text file, gzip or plain."""
    opened = gzip.open(path, "rt", encoding="utf-8") if str(path).endswith(".gz") else open(path, encoding="utf-8")
    with opened as lines:
        return [tokenize(line) for line in lines if line.strip()]


def build_vocabulary(captions, sentences, min_count, kept=()):
    """`captions` are those of all sources; words that only sentences use count too, those of `kept` captions always stay."""
    return Vocabulary.build([*captions, *sentences], min_count, {word for tokens in kept for word in tokens})


@dataclass
class Teachers:
    """Answers of other networks for training photographs, by file name.

    `classes` are probabilities of the 1,000 ImageNet classes (the likeliest only, renormalised), `objects` scores of the
    90 COCO object classes."""

    rows: dict
    ids: np.ndarray
    shares: np.ndarray
    objects: np.ndarray

    CLASSES, OBJECTS = 1000, 90

    @classmethod
    def read(cls, directory):
        names = json.loads((Path(directory) / "teacher_names.json").read_text("utf-8"))
        with np.load(Path(directory) / "teachers.npz") as arrays:
            shares = arrays["p"].astype(np.float32)
            shares /= shares.sum(1, keepdims=True) + 1e-6
            objects = arrays["ssd"].astype(np.float32)
            return cls({name: i for i, name in enumerate(names)}, arrays["ids"].astype(np.int64), shares, objects)

    def of(self, names):
        """Class probabilities [n, 1000], object scores [n, 90] and whether the photograph is known [n]."""
        known = np.array([name in self.rows for name in names])
        classes = np.zeros((len(names), self.CLASSES), np.float32)
        objects = np.zeros((len(names), self.OBJECTS), np.float32)
        rows = [self.rows[name] for name in names if name in self.rows]
        filled = np.zeros((len(rows), self.CLASSES), np.float32)
        np.put_along_axis(filled, self.ids[rows], self.shares[rows], 1)
        classes[known], objects[known] = filled, self.objects[rows]
        return classes, objects, known
