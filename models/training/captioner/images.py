"""Image files to square RGB arrays, from a directory or a zip, and augmentation."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

def load_image(data, size):
    """uint8 [size, size, 3] from encoded bytes: upright, RGB, squashed to a square.

    The filter is antialiased, as the serving side's is; a file of that size stays as it is."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(image)


def load_images(path, names, size):
    """uint8 [n, size, size, 3] of the named files in a directory or a zip archive."""
    read = _zip_reader(path) if zipfile.is_zipfile(path) else _directory_reader(path)
    images = np.empty((len(names), size, size, 3), np.uint8)
    for i, name in enumerate(names):
        images[i] = load_image(read(name), size)
    return images


def _directory_reader(path):
    return lambda name: (Path(path) / name).read_bytes()


def _zip_reader(path):
    archive = zipfile.ZipFile(path)
    members = {Path(member).name: member for member in archive.namelist()}
    return lambda name: archive.read(members[name])


def open_archive(path):
    """For each image of a zip archive, in the order of names, a function that gives it as an RGB image."""
    archive = zipfile.ZipFile(path)
    names = sorted(name for name in archive.namelist() if not name.endswith("/"))
    return [lambda name=name: Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in names]


def augment(images, rng, smallest=0.8, light=0.15):
    """A random crop enlarged to the full square, a flip, a change of brightness and contrast.

    Hue stays: captions name colours."""
    return np.stack([_augment_one(image, rng, smallest, light) for image in images])


def _augment_one(image, rng, smallest, light):
    size = len(image)
    width, height = size * rng.uniform(smallest, 1, 2)
    left, top = rng.uniform(0, size - width), rng.uniform(0, size - height)
    box = (left, top, left + width, top + height)
    crop = Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR, box=box)
    if rng.random() < 0.5:
        crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    gain, offset = 1 + rng.uniform(-light, light, 2)
    levels = (np.arange(256) - 127) * gain + 127 * (1 + offset)
    return np.asarray(crop.point(np.tile(levels.clip(0, 255).astype(np.uint8), 3).tolist()))
