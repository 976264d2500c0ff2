"""Captions of a split and their scores: BLEU, ROUGE-L and CIDEr-D by pycocoevalcap."""

import argparse
import contextlib
import io
import itertools
import json

import torch

from .checkpoint import load_captioner
from .data import read_split
from .images import load_images
from .network import normalise
from .search import Decoding, beam_search

BATCH = 32
# What PTBTokenizer drops of what our tokens can be.
PUNCTUATION = {".", ","}


def ptb_references(split):
    """Lower-cased references without punctuation, by image index. Needs Java."""
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    captions = {i: [{"caption": c} for c in five] for i, (_, five) in enumerate(split)}
    return PTBTokenizer().tokenize(captions)


def score(captions, references):
    """Percentages of the captions (strings by image index) against tokenised references."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    found = {i: [_without_punctuation(c)] for i, c in enumerate(captions)}
    with contextlib.redirect_stdout(io.StringIO()):
        bleu, _ = Bleu(4).compute_score(references, found)
        rouge, _ = Rouge().compute_score(references, found)
        cider, _ = Cider().compute_score(references, found)
    names = ["bleu1", "bleu2", "bleu3", "bleu4", "rougeL", "ciderD"]
    return {name: round(100 * float(v), 2) for name, v in zip(names, [*bleu, rouge, cider])}


def _without_punctuation(caption):
    return " ".join(w for w in caption.split() if w not in PUNCTUATION)


@torch.no_grad()
def embed_images(captioner, images):
    """Image embeddings [n, 512] of uint8 images."""
    captioner.eval()
    batches = (normalise(images[i : i + BATCH]) for i in range(0, len(images), BATCH))
    return torch.cat([captioner.embed_map(captioner.backbone(b)).mean(1) for b in batches])


def captions_of(decoder, embeddings, vocabulary, decoding):
    found = beam_search(decoder, embeddings, vocabulary, decoding)
    return [vocabulary.decode(ids) for ids in found]


def product_decoding(vocabulary, length_normalization=1.0, min_length=5, beam_width=3):
    """What training watches; the final defaults are chosen by main."""
    return Decoding(beam_width, 20, length_normalization, min_length, [vocabulary.unknown])


def choose(decoder, embeddings, vocabulary, references, widths, factors, minimums):
    """Scores of every combination of decoding options, best CIDEr-D first."""
    rows = []
    for width, factor, minimum in itertools.product(widths, factors, minimums):
        decoding = product_decoding(vocabulary, factor, minimum, width)
        captions = captions_of(decoder, embeddings, vocabulary, decoding)
        options = {"beamWidth": width, "lengthNormalization": factor, "minLength": minimum}
        rows.append({**options, **score(captions, references)})
        print(json.dumps(rows[-1]), flush=True)
    return sorted(rows, key=lambda row: -row["ciderD"])


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    captioner, vocabulary, _ = load_captioner(args.checkpoint)
    split = read_split(args.captions, args.split)
    embeddings = embed_images(captioner, load_images(args.images, [name for name, _ in split], captioner.backbone.size))
    references = ptb_references(split)
    rows = choose(captioner.decoder, embeddings, vocabulary, references, args.beams, args.factors, args.minimums)
    best = rows[0]
    print("best", json.dumps(best))
    if args.list:
        decoding = product_decoding(vocabulary, best["lengthNormalization"], best["minLength"], best["beamWidth"])
        captions = captions_of(captioner.decoder, embeddings, vocabulary, decoding)
        with open(args.list, "w", encoding="utf-8") as file:
            json.dump({name: c for (name, _), c in zip(split, captions)}, file, indent=1)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--images", required=True)
    parser.add_argument("--captions", required=True)
    parser.add_argument("--split", default="dev")
    parser.add_argument("--beams", type=int, nargs="+", default=[3])
    parser.add_argument("--factors", type=float, nargs="+", default=[1.0], help="length normalisation")
    parser.add_argument("--minimums", type=int, nargs="+", default=[5], help="least words")
    parser.add_argument("--list", help="write the captions of the best options to this JSON file")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
