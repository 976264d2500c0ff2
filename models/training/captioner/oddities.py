"""Images that are no photograph of an everyday scene, for fitting when a caption needs a person's look.

Whatever a captioner says of them is wrong, so `show-and-tell evaluate --not-photographs` fits and judges the
confidence on them. All are drawn by chance from a seed; no file from elsewhere is needed. Photographs, where given,
are spoilt: blurred, darkened, drowned in noise, turned into sketches."""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from . import odd_documents, odd_drawings, odd_instruments, odd_patterns, odd_photographs
from .images import open_archive

# Aspect ratios and sizes as files have them; the captioner squashes all to a square.
SIZES = [(256, 256), (320, 240), (240, 320), (384, 216), (200, 283), (480, 200), (180, 360)]

KINDS = {**odd_patterns.KINDS, **odd_documents.KINDS, **odd_drawings.KINDS, **odd_instruments.KINDS}


def make(number, seed, photographs=()):
    """(name, RGB image) of image `number`: the kinds take turns, chance decides the rest."""
    rng = np.random.default_rng([seed, number])
    kinds = list(KINDS) + (list(odd_photographs.KINDS) if photographs else [])
    kind = kinds[number % len(kinds)]
    if kind in KINDS:
        width, height = SIZES[rng.integers(len(SIZES))]
        image = KINDS[kind](rng, width, height)
    else:
        image = odd_photographs.KINDS[kind](rng, photographs[rng.integers(len(photographs))]())
    return f"{number:04d}-{kind}", _published(rng, image)


def _published(rng, image):
    """What happens to images on their way: another size, grey instead of colour, a frame."""
    if rng.random() < 0.1:
        image = image.convert("L").convert("RGB")
    if rng.random() < 0.07:
        border = int(min(image.size) * rng.uniform(0.03, 0.15))
        framed = Image.new("RGB", (image.width + 2 * border, image.height + 2 * border), random_frame(rng))
        framed.paste(image, (border, border))
        image = framed
    return image


def random_frame(rng):
    return "white" if rng.random() < 0.5 else "black"


def write(directory, count, seed, photographs=()):
    """Writes `count` images, half of them as JPEG, half as PNG."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        name, image = make(number, seed, photographs)
        if number % 2:
            image.save(directory / f"{name}.png")
        else:
            quality = int(np.random.default_rng([seed, number, 1]).integers(60, 96))
            image.save(directory / f"{name}.jpg", quality=quality)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", required=True, help="directory for the images")
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--photographs", action="append", default=[], help="zip of photographs to spoil; may be given several times"
    )
    arguments = parser.parse_args()
    photographs = [read for path in arguments.photographs for read in open_archive(path)]
    write(arguments.output, arguments.count, arguments.seed, photographs)


if __name__ == "__main__":
    main()
