"""Image files to square RGB arrays, from a directory or a zip, and augmentation."""

import io
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.nn import functional as F


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

    def load(i):
        images[i] = load_image(read(names[i]), size)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(load, range(len(names))))
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


def augment(images, smallest=0.8, light=0.15):
    """A random crop enlarged to the full square, a flip, a change of brightness and contrast.

    `images` are normalised, [n, 3, size, size]. Hue stays: captions name colours."""
    n, device = len(images), images.device
    size = torch.rand(n, 2, device=device) * (1 - smallest) + smallest
    middle = (torch.rand(n, 2, device=device) * 2 - 1) * (1 - size)
    flip = torch.where(torch.rand(n, device=device) < 0.5, -1.0, 1.0)
    frame = torch.zeros(n, 2, 3, device=device)
    frame[:, 0, 0], frame[:, 1, 1], frame[:, :, 2] = size[:, 0] * flip, size[:, 1], middle
    grid = F.affine_grid(frame, list(images.shape), align_corners=False)
    crops = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    gain, offset = ((torch.rand(2, n, 1, 1, 1, device=device) * 2 - 1) * light).unbind()
    return (crops * (1 + gain) + offset).clamp(-1, 1).contiguous(memory_format=torch.channels_last)
