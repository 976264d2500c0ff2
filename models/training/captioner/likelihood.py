"""What a decoder thinks of whole captions."""

import torch
from torch.nn import functional as F

from .views import autocast


def log_likelihoods(decoder, embeddings, inputs, targets):
    """Sum of the log-probabilities of each row's words [n]; `targets` [n, t] is negative where there is no word."""
    keep = targets >= 0
    with autocast(targets.device):
        logits = decoder(embeddings, inputs, keep)
    chosen = F.log_softmax(logits.float(), 1).gather(1, targets[keep][:, None])[:, 0]
    owner = torch.arange(len(targets), device=targets.device)[:, None].expand_as(targets)[keep]
    return torch.zeros(len(targets), device=targets.device).index_add(0, owner, chosen)
