"""Stage 3: self-critical training (Rennie et al. 2017) of image embedding and LSTM on frozen features.

Several captions of each image are sampled; each is rewarded with its CIDEr-D and ROUGE-L, less a fine for what it
says twice or breaks off, above the mean of the others. A share of the cross-entropy stays in the loss,
and the end marker counts in the reward: both keep captions whole."""

import argparse

import numpy as np
import torch
from torch.nn import functional as F

from . import checkpoint
from .cider import Cider
from .data import pad, read_split, tokenized
from .evaluate import captions_of, product_decoding, ptb_references, score
from .faults import breaks_off, repetitions, says_twice
from .rouge import rouge
from .train import trained


@torch.no_grad()
def sample(model, embeddings, vocabulary, longest):
    """One sampled caption for each row, as ids with `</S>` last where it was reached."""
    decoder, rows = model.decoder, len(embeddings)
    state, _ = decoder.step(embeddings, torch.zeros(rows, 1024))
    words = torch.full((rows,), vocabulary.start)
    captions, unfinished = [[] for _ in range(rows)], torch.arange(rows)
    for _ in range(longest):
        state, log_probabilities = decoder.step(decoder.embedding(words), state)
        log_probabilities = log_probabilities.float()
        log_probabilities[:, [vocabulary.unknown, vocabulary.start]] = -torch.inf
        # Six times faster than torch.multinomial.
        shares = log_probabilities.exp().cumsum(1)
        words = torch.searchsorted(shares, torch.rand(len(shares), 1) * shares[:, -1:])[:, 0]
        for row, word in zip(unfinished.tolist(), words.tolist()):
            captions[row].append(word)
        going = words != vocabulary.end
        unfinished, words, state = unfinished[going], words[going], state[going]
        if not len(unfinished):
            break
    return captions


def fine(ids, vocabulary):
    """What a caption costs beside its CIDEr-D, in shares of args.fine."""
    words = vocabulary.decode(ids).split()
    return repetitions(words) + 2 * says_twice(words) + 2 * (ids[-1] != vocabulary.end or breaks_off(words))


def log_likelihoods(model, embeddings, captions, vocabulary, bfloat16):
    """Sum of each caption's log-probabilities, and its length."""
    inputs, targets = map(torch.from_numpy, pad([[vocabulary.start, *ids] for ids in captions]))
    keep = targets >= 0
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        logits = model.decoder(embeddings, inputs, keep)
    chosen = F.log_softmax(logits.float(), 1).gather(1, targets[keep][:, None])[:, 0]
    owner = torch.arange(len(captions))[:, None].expand_as(targets)[keep]
    sums = torch.zeros(len(captions)).index_add(0, owner, chosen)
    return sums, keep.sum(1)


def batch_loss(model, features, images, sequences, cider, vocabulary, args, rng):
    """`features[i]` are those of the training image `images[i]`."""
    owner = torch.arange(len(images)).repeat_interleave(args.samples)
    model.eval()
    with torch.no_grad():
        frozen = model.embed(features)
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bfloat16):
            captions = sample(model, frozen[owner], vocabulary, args.longest)
    scores = np.array([cider.score(images[i], ids) for i, ids in zip(owner.tolist(), captions)])
    overlaps = [rouge(ids, [five[1:] for five in sequences[images[i]]]) for i, ids in zip(owner.tolist(), captions)]
    fines = args.fine * np.array([fine(ids, vocabulary) for ids in captions])
    rewards = torch.from_numpy(scores + args.rouge * np.array(overlaps) - fines).float().view(-1, args.samples)
    others = (rewards.sum(1, keepdim=True) - rewards) / (args.samples - 1)
    advantage = (rewards - others).view(-1)
    model.train()
    embeddings = model.embed(features)
    sums, lengths = log_likelihoods(model, embeddings[owner], captions, vocabulary, args.bfloat16)
    reinforced = -(advantage * sums).sum() / lengths.sum()
    chosen = [rng.permutation(len(sequences[i]))[: args.written] for i in images]
    written = [sequences[i][j][1:] for i, some in zip(images, chosen) for j in some]
    writers = torch.tensor([row for row, some in enumerate(chosen) for _ in some])
    sums, lengths = log_likelihoods(model, embeddings[writers], written, vocabulary, args.bfloat16)
    return reinforced + args.cross_entropy * -sums.sum() / lengths.sum(), scores.mean()


@torch.no_grad()
def sharpen(decoder, factor):
    """Multiplies the scores of words. Label smoothing left much to unlikely ones; samples would be full of them."""
    decoder.output.weight.mul_(factor)
    decoder.output.bias.mul_(factor)


def train_epoch(model, average, optimizer, features, sequences, cider, vocabulary, args, epoch):
    rng = np.random.default_rng([args.seed, epoch])
    torch.manual_seed(args.seed * 1000 + epoch)
    order = rng.permutation(features.shape[1])
    rewards = []
    for begin in range(0, len(order), args.batch):
        images = order[begin : begin + args.batch].tolist()
        views = rng.integers(len(features), size=len(images))
        batch = torch.from_numpy(features[views, images].astype(np.float32))
        loss, reward = batch_loss(model, batch, images, sequences, cider, vocabulary, args, rng)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained(model), 1.0)
        optimizer.step()
        average.update(model)
        rewards.append(reward)
        if begin // args.batch % 20 == 0:
            print(f"epoch {epoch + 1} image {begin} reward {np.mean(rewards[-20:]):.4f}", flush=True)
    return float(np.mean(rewards))


@torch.no_grad()
def validate(captioner, features, vocabulary, references):
    """Scores, and how many captions say something twice or break off."""
    embeddings = captioner.embed(torch.from_numpy(features[0].astype(np.float32)))
    captions = captions_of(captioner.decoder, embeddings, vocabulary, product_decoding(vocabulary))
    words = [caption.split() for caption in captions]
    faulty = sum(says_twice(w) or breaks_off(w) for w in words)
    return score(captions, references) | {"repetitions": sum(repetitions(w) > 0 for w in words), "faulty": faulty}


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    model, vocabulary, before = checkpoint.load_captioner(args.start, args.dropout, args.image_dropout)
    train, dev = (read_split(args.captions, split) for split in ("train", "dev"))
    sequences = [[vocabulary.encode(t[: args.longest]) for t in tokenized(five)] for _, five in train]
    cider = Cider([[ids[1:] for ids in five] for five in sequences])
    references = ptb_references(dev)
    features, dev_features = np.load(args.train_features), np.load(args.dev_features)

    model.backbone.requires_grad_(False)
    sharpen(model.decoder, args.sharpness)
    optimizer = torch.optim.AdamW(trained(model), lr=args.rate, weight_decay=0.01)
    average = checkpoint.Average(model, args.decay)

    def train_one(epoch):
        reward = train_epoch(model, average, optimizer, features, sequences, cider, vocabulary, args, epoch)
        return {"stage": 3, "epoch": epoch + 1, "reward": round(reward, 4)}

    def scores(captioner):
        return validate(captioner, dev_features, vocabulary, references)

    checkpoint.run_epochs(args, vocabulary, model, average, optimizer, before, train_one, scores)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", required=True, help="checkpoint of stage 2")
    parser.add_argument("--captions", required=True)
    parser.add_argument("--train-features", required=True, help="made by features with --checkpoint")
    parser.add_argument("--dev-features", required=True)
    parser.add_argument("--output", required=True, help="checkpoint; the run goes on from it if it exists")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=50, help="images")
    parser.add_argument("--samples", type=int, default=5, help="captions sampled for each image")
    parser.add_argument("--written", type=int, default=2, help="of each image's own captions, for the cross-entropy")
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--cross-entropy", type=float, default=0.2, help="its weight beside the reward's")
    parser.add_argument("--rouge", type=float, default=0.0, help="weight of ROUGE-L in the reward, beside CIDEr-D's 1")
    parser.add_argument("--sharpness", type=float, default=1.6, help="of the first samples")
    parser.add_argument("--fine", type=float, default=0.2, help="for a content word said twice; a fault costs two")
    parser.add_argument("--dropout", type=float, default=0.3)
    parser.add_argument("--image-dropout", type=float, default=0.0)
    parser.add_argument("--decay", type=float, default=0.98, help="of the weight average")
    parser.add_argument("--longest", type=int, default=19, help="words of a caption, the end marker counted")
    parser.add_argument("--bfloat16", action="store_true", help="faster on processors that have it")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
