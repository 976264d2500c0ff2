"""Stage 2: the later encoder blocks together with embedding and LSTM.

The frozen first blocks run in onnxruntime, several times faster than in PyTorch."""

import argparse

import numpy as np
import torch
from torch.nn import functional as F

from . import checkpoint
from .data import pad, read_split, tokenized
from .evaluate import captions_of, product_decoding, ptb_references, score
from .features import run_batches, session
from .graphs import prefix_graph
from .images import augment, load_images
from .train import one_cycle, trained


def parameter_groups(model, first, args):
    """The backbone learns slower: it already knows what things look like."""
    model.backbone.requires_grad_(False)
    for module in (*model.backbone.blocks[first:], model.backbone.head):
        module.requires_grad_(True)
    backbone = [p for p in model.backbone.parameters() if p.requires_grad]
    rest = [*model.embed.parameters(), *model.decoder.parameters()]
    return [{"params": backbone, "peak": args.encoder_rate}, {"params": rest, "peak": args.decoder_rate}]


def embed(model, maps, first):
    maps = torch.from_numpy(maps).contiguous(memory_format=torch.channels_last)
    return model.embed(model.backbone.tail(maps, first).mean((2, 3)))


def batch_loss(model, prefix, images, sequences, args):
    """`sequences[i]` are the encoded captions of image i; they share one encoder pass."""
    maps = prefix.run(None, {"image": images})[0]
    owner = torch.tensor([i for i, captions in enumerate(sequences) for _ in captions])
    inputs, targets = map(torch.from_numpy, pad([ids for captions in sequences for ids in captions]))
    keep = targets >= 0
    embeddings = embed(model, maps, args.first)[owner]
    # The depthwise convolutions gain nothing from bfloat16; the LSTM halves its time.
    with torch.autocast("cpu", torch.bfloat16, enabled=args.bfloat16):
        logits = model.decoder(embeddings, inputs, keep)
    return F.cross_entropy(logits.float(), targets[keep], label_smoothing=args.smoothing)


def train_epoch(model, average, optimizer, prefix, images, sequences, args, epoch):
    rng = np.random.default_rng([args.seed, epoch])
    torch.manual_seed(args.seed * 1000 + epoch)
    order = rng.permutation(len(images))
    batches = [order[i : i + args.batch] for i in range(0, len(order), args.batch)]
    model.train()
    losses = []
    for i, batch in enumerate(batches):
        step = epoch * len(batches) + i
        for group in optimizer.param_groups:
            group["lr"] = one_cycle(step, args.epochs * len(batches), group["peak"], warm=0.05)
        pictures = augment(images[batch], rng, args.smallest_crop)
        loss = batch_loss(model, prefix, pictures, [sequences[j] for j in batch], args)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained(model), 5.0)
        optimizer.step()
        average.update(model)
        losses.append(loss.item())
        if i % 50 == 0:
            print(f"epoch {epoch + 1} batch {i} of {len(batches)} loss {np.mean(losses[-50:]):.4f}", flush=True)
    return float(np.mean(losses))


@torch.no_grad()
def validate(captioner, maps, vocabulary, references, first):
    parts = [embed(captioner, maps[i : i + 32], first) for i in range(0, len(maps), 32)]
    captions = captions_of(captioner.decoder, torch.cat(parts), vocabulary, product_decoding(vocabulary))
    return score(captions, references)


def encoded(split, vocabulary, max_tokens):
    """Ids of the captions of every image; a long caption is cut rather than its image lost."""
    return [[vocabulary.encode(t[:max_tokens]) for t in tokenized(captions)] for _, captions in split]


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    model, vocabulary, before = checkpoint.load_captioner(args.start, args.dropout, args.image_dropout)
    train, dev = (read_split(args.captions, split) for split in ("train", "dev"))
    sequences = encoded(train, vocabulary, args.max_tokens)
    references = ptb_references(dev)

    model.to(memory_format=torch.channels_last)
    prefix = session(prefix_graph(model.backbone, args.first), args.threads)
    optimizer = torch.optim.AdamW(parameter_groups(model, args.first, args), weight_decay=0.01, fused=True)
    average = checkpoint.Average(model, args.decay)
    size = model.backbone.size
    maps = run_batches(prefix, load_images(args.dev_images, [name for name, _ in dev], size))
    images = load_images(args.train_images, [name for name, _ in train], size)

    def train_one(epoch):
        loss = train_epoch(model, average, optimizer, prefix, images, sequences, args, epoch)
        return {"stage": 2, "epoch": epoch + 1, "loss": round(loss, 4)}

    def scores(captioner):
        return validate(captioner, maps, vocabulary, references, args.first)

    checkpoint.run_epochs(args, vocabulary, model, average, optimizer, before, train_one, scores)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", required=True, help="checkpoint of stage 1")
    parser.add_argument("--captions", required=True)
    parser.add_argument("--train-images", required=True, help="directory or zip")
    parser.add_argument("--dev-images", required=True, help="directory or zip")
    parser.add_argument("--output", required=True, help="checkpoint; the run goes on from it if it exists")
    parser.add_argument("--first", type=int, default=9, help="first block that learns")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=16, help="images, each with all its captions")
    parser.add_argument("--encoder-rate", type=float, default=1e-4)
    parser.add_argument("--decoder-rate", type=float, default=3e-4)
    parser.add_argument("--smoothing", type=float, default=0.1)
    parser.add_argument("--dropout", type=float, default=0.4, help="of words and LSTM outputs")
    parser.add_argument("--image-dropout", type=float, default=0.2)
    parser.add_argument("--decay", type=float, default=0.998, help="of the weight average")
    parser.add_argument("--smallest-crop", type=float, default=0.8, help="of each side")
    parser.add_argument("--max-tokens", type=int, default=24)
    parser.add_argument("--bfloat16", action="store_true", help="faster on processors that have it")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
