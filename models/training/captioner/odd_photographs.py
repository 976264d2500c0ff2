"""Photographs of which too little is left to caption them."""

import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageOps

from .odd_patterns import to_image


def blurred(rng, photograph):
    """Nothing but patches of colour: a blur of at least a sixteenth of the width."""
    return photograph.filter(ImageFilter.GaussianBlur(photograph.width * float(rng.uniform(0.06, 0.2))))


def shaken(rng, photograph):
    """Moved along a line of a quarter of the width or more while the shutter was open."""
    pixels, total = np.asarray(photograph, np.float32) / 255, 0
    length, angle = photograph.width * rng.uniform(0.25, 0.7), rng.uniform(0, np.pi)
    steps = 40
    for at in np.linspace(-length / 2, length / 2, steps):
        total = total + np.roll(pixels, (int(at * np.sin(angle)), int(at * np.cos(angle))), (0, 1))
    return to_image(total / steps)


def black(rng, photograph):
    """Nearly nothing exposed, with the noise that sensors then show."""
    pixels = np.asarray(photograph, np.float32) / 255 * rng.uniform(0, 0.07)
    return to_image(pixels + rng.normal(rng.uniform(0, 0.02), rng.uniform(0, 0.02), pixels.shape))


def white(rng, photograph):
    pixels = np.asarray(photograph, np.float32) / 255 * rng.uniform(0.02, 0.1)
    return to_image(1 - rng.uniform(0, 0.08) - pixels)


def drowned(rng, photograph):
    """Noise several times as strong as the picture."""
    pixels = np.asarray(photograph, np.float32) / 255
    return to_image(0.5 + (pixels - 0.5) * rng.uniform(0.05, 0.3) + rng.normal(0, rng.uniform(0.25, 0.5), pixels.shape))


def sketch(rng, photograph):
    """A pencil drawing: the picture divided by its own blur, or its edges."""
    grey = ImageOps.grayscale(photograph)
    if rng.random() < 0.5:
        soft = np.asarray(grey.filter(ImageFilter.GaussianBlur(float(rng.uniform(1.5, 4)))), np.float32)
        values = ((np.asarray(grey, np.float32) + 1) / (soft + 1)) ** rng.uniform(2, 8)
    else:
        edges = ImageChops.invert(grey.filter(ImageFilter.GaussianBlur(1)).filter(ImageFilter.FIND_EDGES))
        values = (np.asarray(edges, np.float32) / 255) ** rng.uniform(2, 8)
    return to_image(values)


def cut_out(rng, photograph):
    """Two levels only, as a stencil or a bad photocopy."""
    grey = ImageOps.autocontrast(ImageOps.grayscale(photograph).filter(ImageFilter.GaussianBlur(2)))
    threshold = int(rng.integers(100, 156))
    return grey.point([255 * (level > threshold) for level in range(256)]).convert("RGB")


def pixelated(rng, photograph):
    small = photograph.resize((int(rng.integers(2, 9)), int(rng.integers(2, 9))), Image.Resampling.BOX)
    return small.resize(photograph.size, Image.Resampling.NEAREST)


KINDS = {
    "blurred": blurred,
    "blurred-2": blurred,
    "shaken": shaken,
    "black": black,
    "white": white,
    "drowned": drowned,
    "sketch": sketch,
    "cut-out": cut_out,
    "pixelated": pixelated,
}
