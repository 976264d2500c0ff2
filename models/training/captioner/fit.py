"""Cross-entropy training on all sources: the decoder alone on features of the encoder as it is, or with encoder blocks."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from . import checkpoint
from .data import drawn, pad
from .optimise import learn, one_cycle, optimizer_of
from .photographs import pooled_features
from .search import Decoding, Judge, captions_of
from .sentences import BagOfWords, SentenceFeatures
from .views import TeachersLoss, Views, autocast


@dataclass
class FitOptions:
    """Of one step. `first` is the first encoder block that learns; None: the encoder stays as it is."""

    epochs: int
    first: int | None = None
    batch: int = 64  # photographs
    captions: int = 2  # of each, an epoch
    sentences: int = 0  # a batch
    sentence_weight: float = 0.5
    rate: float = 2e-3
    encoder_rate: float = 4e-4
    falling: float = 0.9  # rate of an encoder block against that of the next
    warm: float = 0.05  # share of the steps in which the rate rises
    smoothing: float = 0.1
    dropout: float = 0.4
    image_dropout: float = 0.2
    unknown_source: float = 0.4  # share of photographs whose source is not told
    classes: float = 0.1  # weight of the class teacher
    objects: float = 3.0  # of the object teacher
    smallest_crop: float = 0.7
    decay: float = 0.998
    longest: int = 22
    watch: int = 1  # epochs between scores
    stop: int | None = None  # ends after so many epochs of the schedule
    seed: int = 1


class Fit:
    def __init__(self, model, vocabulary, photographs, sentences, options, cache):
        self.model, self.vocabulary, self.photographs, self.options = model, vocabulary, photographs, options
        self.device = photographs.device
        self.ids = photographs.encoded(vocabulary, options.longest)
        weights = [source.weight for source in photographs.sources]
        self.weights = torch.tensor(weights, device=self.device)
        self.optimizer = optimizer_of(model, options)
        self.views = Views(model, photographs, options.first is not None, options.smallest_crop, cache)
        self.teachers_loss = TeachersLoss(photographs, options.classes, options.objects)
        if sentences and options.sentences:
            bag = BagOfWords(vocabulary, 2200)
            self.sentences = SentenceFeatures(sentences, bag, photographs, vocabulary, options.longest)
            self.sentences.fit(self.views.features[0])
        else:
            self.sentences = None

    def batch_loss(self, rows, rng):
        options, model = self.options, self.model
        pooled, embeddings = self.views.embedded(rows, options.unknown_source)
        owner, ids = drawn(self.ids, rows, options.captions, rng, self.device)
        embeddings = embeddings[owner]
        weights = self.weights[torch.as_tensor(self.photographs.owner[rows], device=self.device)][owner]
        if self.sentences:
            features, more = self.sentences.draw(options.sentences, rng)
            spoken = torch.full((len(more),), len(model.names), device=self.device)
            embeddings = torch.cat([embeddings, model.embed(features) + model.sources(spoken)])
            weights = torch.cat([weights, torch.full((len(more),), options.sentence_weight, device=self.device)])
            ids += more
        return self.words_loss(embeddings, ids, weights) + self.teachers_loss(model, pooled, rows)

    def words_loss(self, embeddings, ids, weights):
        inputs, targets = (torch.from_numpy(part).to(self.device) for part in pad(ids))
        keep = targets >= 0
        with autocast(self.device):
            logits = self.model.decoder(embeddings, inputs, keep)
        losses = F.cross_entropy(logits.float(), targets[keep], label_smoothing=self.options.smoothing, reduction="none")
        share = weights[:, None].expand_as(targets)[keep]
        return (losses * share).sum() / share.sum()

    def epoch(self, number, average):
        options = self.options
        rng = np.random.default_rng([options.seed, number])
        torch.manual_seed(options.seed * 1000 + number)
        order = self.photographs.epoch(rng)
        starts = range(0, len(order), options.batch)
        if self.sentences and options.first is not None and number:
            self.sentences.fit(self.views.features[0])
        self.model.train()
        losses = torch.zeros(len(starts), device=self.device)
        for i, start in enumerate(starts):
            share = one_cycle(number * len(starts) + i, options.epochs * len(starts), options.warm)
            loss = self.batch_loss(order[start : start + options.batch], rng)
            learn(self.model, self.optimizer, average, loss, share, 5.0)
            losses[i] = loss.detach()
        return {"loss": round(losses.mean().item(), 4)}


class Watch:
    """Scores of a model on the development split of every source that has one, as itself and with no source told."""

    def __init__(self, photographs, vocabulary):
        self.vocabulary, self.photographs = vocabulary, photographs
        device = photographs.device
        self.judges = {name: Judge(split.captions, vocabulary, device) for name, split in photographs.dev.items()}

    @torch.no_grad()
    def __call__(self, model):
        model.eval()
        decoding = Decoding(length_normalization=1.0, min_length=5, banned=[self.vocabulary.unknown])
        row = {}
        for name, split in self.photographs.dev.items():
            features = pooled_features(model.backbone, split.images, self.photographs.device)[0]
            for label, number in ((name, 1 + model.names.index(name)), (f"{name}, untold", 0)):
                embeddings = model.embed(features) + model.sources.weight[number]
                found = captions_of(model.decoder, embeddings, self.vocabulary, decoding)
                row[label] = self.judges[name].score(found)
        return row


def fit(path, model, vocabulary, curve, photographs, sentences, options):
    """Writes the checkpoint `path` after every epoch, and goes on from it."""
    torch.manual_seed(options.seed)
    model.to(photographs.device, memory_format=torch.channels_last)
    cache = path.with_suffix(".features")
    run = Fit(model, vocabulary, photographs, sentences, options, cache)
    if not curve:
        model.embed.measure(run.views.features[0])
    checkpoint.run_epochs(path, options, model, vocabulary, run, curve, Watch(photographs, vocabulary))
    cache.unlink(missing_ok=True)
