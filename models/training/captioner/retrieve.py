"""Captions for photographs that have none, from sentences that people wrote for other photographs.

Ridge regression from what is known of a photograph (pooled features, class probabilities, object scores) to the bag of
words of its captions, fitted on photographs with captions. A sentence is as near as the cosine of its words with those
predicted, words weighted by rarity. The nearest are ranked again by how far they agree with each other and, where a captioner
is there already, by how much likelier it finds them with the photograph than without; some that differ are taken."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from .cider import Cider
from .data import pad
from .likelihood import log_likelihoods
from .photographs import pooled_features
from .sentences import BagOfWords, ridge, with_constant


@dataclass
class RetrieveOptions:
    sources: list  # whose photographs get captions
    fill: list = ()  # sources of these whose own captions stay, and found ones make them up to `filled`
    filled: int = 5
    voice: str = "sentences"  # source as which the captioner ranks
    words: int = 1500
    strength: float = 500.0  # of the ridge
    classes: float = 3.0  # size of the class teacher's answers beside the features
    objects: float = 10.0  # of the object teacher's
    folds: int = 5  # no photograph is answered by a ridge that saw its own captions
    nearest: int = 100  # sentences that are ranked again
    likelihood: float = 1.0  # weight of the captioner in that, CIDEr-D (0 to 10) having 1
    prior: float = 0.6  # share of the likelihood without a photograph that is taken off
    captions: int = 10
    alike: float = 0.8  # highest share of words that two captions of one photograph have in common
    longest: int = 20


def evidence(features, teachers, options):
    """What the ridge sees of photographs [n, e]: the parts at comparable sizes."""
    classes, objects = teachers
    scaled = features / (features.std() + 1e-6)
    return torch.cat([scaled, options.classes * classes.sqrt(), options.objects * objects.sqrt()], 1)


class Finder:
    """Sentences by their words."""

    def __init__(self, sentences, vocabulary, options, device):
        self.bag = BagOfWords(vocabulary, options.words)
        usable = [s for s in sentences if len(s) <= options.longest and all(t in vocabulary.ids for t in s)]
        self.sentences = [s for s in usable if any(t in self.bag.columns for t in s)]
        bags = torch.from_numpy(self.bag.of(self.sentences)).to(device)
        self.rarity = (len(bags) / (1 + bags.sum(0))).log()
        self.rows = F.normalize(bags * self.rarity, dim=1)
        self.device = device

    def answer(self, known, captions, wanted, options):
        """Numbers of the nearest sentences [n, nearest] of the photographs `wanted`, best first.

        `known` [all, e] is the evidence and `captions` the tokens of all photographs; the ridge is fitted in folds."""
        bags = torch.from_numpy(self.bag.mean(captions)).to(self.device) * self.rarity
        fold = torch.arange(len(known), device=self.device) % options.folds
        numbers = torch.empty(len(known), options.nearest, dtype=torch.long, device=self.device)
        for number in range(options.folds):
            weights = ridge(known[fold != number], bags[fold != number], options.strength)
            mine = torch.as_tensor(wanted, device=self.device)
            mine = mine[fold[mine] == number]
            numbers[mine] = self.nearest(known[mine], weights, options.nearest)
        return numbers[wanted]

    def nearest(self, known, weights, count):
        wanted = F.normalize((with_constant(known) @ weights).clamp(min=0), dim=1)
        return torch.cat([(part @ self.rows.T).topk(count, 1).indices for part in wanted.split(500)])


def consensus(finder, vocabulary, numbers, device, batch=8):
    """CIDEr-D [n, count] of every sentence found for a photograph against all that were found for it: what most of
    them say is likelier right than what one says (Devlin et al. 2015)."""
    marks = {vocabulary.ids.get(mark) for mark in (".", ",")}
    ids = [[i for i in vocabulary.encode(tokens)[1:-1] if i not in marks] for tokens in finder.sentences]
    rows = numbers.tolist()
    judge = Cider([[ids[i] for i in some] for some in rows], len(vocabulary), device)
    count, scores = numbers.shape[1], []
    for begin in range(0, len(rows), batch):
        some = torch.arange(begin, min(begin + batch, len(rows)), device=device)
        scores.append(judge.score(some.repeat_interleave(count), judge.references[some].flatten(0, 1)))
    return torch.cat(scores).view(-1, count)


@torch.no_grad()
def likelihoods(decoder, embeddings, ids, device, batch=3000):
    """Mean log-probability of a word of every caption, under the embedding of the same row."""
    result = torch.empty(len(ids), device=device)
    order = np.argsort([len(i) for i in ids], kind="stable")
    for begin in range(0, len(ids), batch):
        rows = order[begin : begin + batch]
        inputs, targets = (torch.from_numpy(part).to(device) for part in pad([ids[i] for i in rows]))
        at = torch.from_numpy(rows).to(device)
        result[at] = log_likelihoods(decoder, embeddings(at), inputs, targets) / (targets >= 0).sum(1)
    return result


def different(order, sentences, count, alike):
    """The first `count` of `order` whose words are not mostly those of one taken before."""
    taken, bags = [], []
    for number in order:
        words = set(sentences[number])
        if all(len(words & bag) <= alike * min(len(words), len(bag)) for bag in bags):
            taken.append(number)
            bags.append(words)
            if len(taken) == count:
                break
    return taken


@torch.no_grad()
def surprise(model, vocabulary, finder, embeddings, numbers, prior):
    """How much likelier the captioner finds each sentence with its photograph than without: nats a word [n, count]."""
    device, count = embeddings.device, numbers.shape[1]
    encoded = [vocabulary.encode(tokens) for tokens in finder.sentences]
    seen = likelihoods(
        model.decoder, lambda at: embeddings[at // count], [encoded[i] for i in numbers.reshape(-1).tolist()], device
    )
    unique, back = numbers.reshape(-1).unique(return_inverse=True)
    plain = embeddings.mean(0, keepdim=True)
    alone = [encoded[i] for i in unique.tolist()]
    unseen = likelihoods(model.decoder, lambda at: plain.expand(len(at), -1), alone, device)[back]
    return (seen - prior * unseen).view(-1, count)


@torch.no_grad()
def retrieve(model, vocabulary, photographs, sentences, options, speaks):
    """{source/file: [tokens, ...]} of the photographs of the sources.

    `speaks` says whether the model's decoder is trained, and so may rank; else only its encoder is asked."""
    device = photographs.device
    model.to(device).eval()
    wanted = np.concatenate([photographs.rows(name) for name in options.sources])
    features = pooled_features(model.backbone, photographs.images, device)[0]
    known = evidence(features, teachers_of(photographs, device), options)
    finder = Finder(sentences, vocabulary, options, device)
    numbers = finder.answer(known, photographs.captions, wanted, options)
    scores = consensus(finder, vocabulary, numbers, device)
    if speaks:
        voice = model.sources.weight[1 + model.names.index(options.voice)]
        embeddings = model.embed(features[torch.as_tensor(wanted, device=device)]) + voice
        scores += options.likelihood * surprise(model, vocabulary, finder, embeddings, numbers, options.prior)
    order = numbers.gather(1, scores.argsort(1, descending=True)).tolist()
    found = {}
    for row, some in zip(wanted, order):
        best = [finder.sentences[i] for i in different(some, finder.sentences, options.captions, options.alike)]
        if photographs.sources[photographs.owner[row]].name in options.fill:
            best = (photographs.own[row] + best)[: max(options.filled, len(photographs.own[row]))]
        found[photographs.keys[row]] = best
    return found


def teachers_of(photographs, device):
    """Class probabilities and object scores; nothing where no teacher was asked."""
    if not photographs.teachers:
        return (torch.zeros(len(photographs.names), 0, device=device),) * 2
    classes, objects, _ = photographs.teachers.of(photographs.names)
    return torch.from_numpy(classes).to(device), torch.from_numpy(objects).to(device)
