"""Stage 1: image embedding and LSTM on frozen features."""

import argparse
import math

import numpy as np
import torch
from torch.nn import functional as F

from . import checkpoint
from .data import bucketed, encode_captions, pad, read_split, tokenized
from .evaluate import captions_of, product_decoding, ptb_references, score
from .network import ENCODERS, Captioner
from .vocabulary import Vocabulary


def one_cycle(step, total, peak, warm=0.1):
    """Learning rate: a straight climb, then half a cosine to zero."""
    done = step / total
    if done < warm:
        return peak * (0.04 + 0.96 * done / warm)
    return peak * 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))


def train_epoch(model, average, optimizer, features, rows, args, epoch):
    rng = np.random.default_rng([args.seed, epoch])
    torch.manual_seed(args.seed * 1000 + epoch)
    batches = bucketed([len(ids) for _, ids in rows], args.batch, rng)
    model.train()
    losses = []
    for i, batch in enumerate(batches):
        step = epoch * len(batches) + i
        for group in optimizer.param_groups:
            group["lr"] = one_cycle(step, args.epochs * len(batches), args.rate)
        images = [rows[j][0] for j in batch]
        views = rng.integers(len(features), size=len(batch))
        pooled = torch.from_numpy(features[views, images].astype(np.float32))
        inputs, targets = map(torch.from_numpy, pad([rows[j][1] for j in batch]))
        keep = targets >= 0
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bfloat16):
            logits = model.decoder(model.embed(pooled), inputs, keep)
        loss = F.cross_entropy(logits.float(), targets[keep], label_smoothing=args.smoothing)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained(model), 5.0)
        optimizer.step()
        average.update(model)
        losses.append(loss.item())
    return float(np.mean(losses))


def trained(model):
    return [p for p in model.parameters() if p.requires_grad]


@torch.no_grad()
def validate(captioner, features, vocabulary, references):
    embeddings = captioner.embed(torch.from_numpy(features[0].astype(np.float32)))
    captions = captions_of(captioner.decoder, embeddings, vocabulary, product_decoding(vocabulary))
    return score(captions, references)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--captions", required=True)
    parser.add_argument("--train-features", required=True)
    parser.add_argument("--dev-features", required=True)
    parser.add_argument("--output", required=True, help="checkpoint; the run goes on from it if it exists")
    parser.add_argument("--encoder", choices=ENCODERS, default="lite2", help="that of the features")
    parser.add_argument("--size", type=int, default=224, help="that of the features' images")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--smoothing", type=float, default=0.1)
    parser.add_argument("--dropout", type=float, default=0.4, help="of words and LSTM outputs")
    parser.add_argument("--image-dropout", type=float, default=0.0)
    parser.add_argument("--decay", type=float, default=0.998, help="of the weight average")
    parser.add_argument("--min-count", type=int, default=4, help="rarer words are unknown")
    parser.add_argument("--max-tokens", type=int, default=24)
    parser.add_argument("--bfloat16", action="store_true", help="twice as fast on processors that have it")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    split = read_split(args.captions, "train")
    vocabulary = Vocabulary.build([t for _, c in split for t in tokenized(c)], args.min_count)
    rows = encode_captions(split, vocabulary, args.max_tokens)
    references = ptb_references(read_split(args.captions, "dev"))
    features, dev = np.load(args.train_features), np.load(args.dev_features)

    model = Captioner(len(vocabulary), args.encoder, args.size, args.dropout, args.image_dropout)
    model.backbone.load_imagenet()
    model.backbone.requires_grad_(False)
    model.embed.measure(torch.from_numpy(features[0].astype(np.float32)))
    average = checkpoint.Average(model, args.decay)
    optimizer = torch.optim.AdamW(trained(model), lr=args.rate, weight_decay=0.01)

    def train_one(epoch):
        loss = train_epoch(model, average, optimizer, features, rows, args, epoch)
        return {"stage": 1, "epoch": epoch + 1, "loss": round(loss, 4)}

    def scores(captioner):
        return validate(captioner, dev, vocabulary, references)

    checkpoint.run_epochs(args, vocabulary, model, average, optimizer, [], train_one, scores)


if __name__ == "__main__":
    main()
