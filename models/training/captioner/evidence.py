"""Which words a photograph speaks for: one logistic regression a word, from the image embedding.

It hears nothing of the captions that search finds, so that a word it does not see either makes a caption doubtful; the
product's confidence looks at that."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from .faults import FUNCTION
from .photographs import pooled_features


@dataclass
class EvidenceOptions:
    epochs: int = 12
    batch: int = 256
    rate: float = 3e-3
    decay: float = 0.02  # of the weights
    fold: dict | None = None  # what the bundle folds into the embedding
    seed: int = 1


def targets_of(captions, vocabulary):
    """float32 [n, words]: the share of each photograph's captions that say the word; 0 for function words."""
    shares = np.zeros((len(captions), len(vocabulary)), np.float32)
    for row, some in enumerate(captions):
        for tokens in some:
            for word in set(tokens) - FUNCTION:
                if word in vocabulary.ids:
                    shares[row, vocabulary.ids[word]] += 1 / len(some)
    return torch.from_numpy(shares)


def fit_evidence(embeddings, targets, options):
    """(weights [words, 512], biases [words]): log-odds of each word are `embedding @ weights.T + biases`."""
    torch.manual_seed(options.seed)
    device, n = embeddings.device, len(embeddings)
    size = embeddings.std(0) + 1e-6
    middle = embeddings.mean(0)
    inputs = (embeddings - middle) / size
    share = targets.mean(0).clamp(1e-5, 1 - 1e-5)
    layer = torch.nn.Linear(inputs.shape[1], targets.shape[1], device=device)
    torch.nn.init.zeros_(layer.weight)
    layer.bias.data.copy_((share / (1 - share)).log())
    optimizer = torch.optim.AdamW(
        [{"params": [layer.weight], "weight_decay": options.decay}, {"params": [layer.bias], "weight_decay": 0.0}],
        lr=options.rate,
    )
    steps = options.epochs * -(-n // options.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(options.epochs):
        for rows in torch.randperm(n, device=device).split(options.batch):
            # Summed over words: most are rare, and a mean would hardly move them.
            loss = F.binary_cross_entropy_with_logits(layer(inputs[rows]), targets[rows], reduction="sum") / len(rows)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    weights = layer.weight.detach() / size
    return weights, layer.bias.detach() - weights @ middle


def evidence_of(model, vocabulary, photographs, options, features=None):
    """The regression of a model as its bundle will be, on all training photographs."""
    device = photographs.device
    model.to(device).eval()
    with torch.no_grad():
        if features is None:
            features = pooled_features(model.backbone, photographs.images, device)[0]
        embeddings = model.embed(features)
        for name, share in (options.fold or {}).items():
            embeddings = embeddings + share * model.sources.weight[1 + model.names.index(name)]
    return fit_evidence(embeddings, targets_of(photographs.captions, vocabulary).to(device), options)


def write_evidence(path, weights, biases):
    """float32 biases, float32 steps, int8 weights row by row, all little-endian: log-odds are
    `embedding @ (step * weights[word]) + bias`."""
    steps = weights.abs().amax(1).clamp(min=1e-9) / 127
    rounded = (weights / steps[:, None]).round().clamp(-127, 127).to(torch.int8)
    with open(path, "wb") as file:
        for part, kind in ((biases, "<f4"), (steps, "<f4"), (rounded, "i1")):
            file.write(part.cpu().numpy().astype(kind).tobytes())
