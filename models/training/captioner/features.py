"""Frozen ImageNet features of every image under a few augmentations, computed once."""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime

from . import checkpoint
from .data import read_split
from .graphs import prefix_graph
from .images import augment, load_images
from .network import ENCODERS, Backbone

BATCH = 16


def session(model, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    data = model if isinstance(model, (bytes, str)) else model.SerializeToString()
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def run_batches(prefix, images):
    parts = [prefix.run(None, {"image": images[i : i + BATCH]})[0] for i in range(0, len(images), BATCH)]
    return np.concatenate(parts)


def extract(prefix, images, views, seed):
    """float16 [views, n, 1280]: as they are, mirrored, then random crops."""
    rng = np.random.default_rng(seed)
    result = np.empty((views, len(images), 1280), np.float16)
    for view in range(views):
        for i in range(0, len(images), BATCH):
            batch = images[i : i + BATCH]
            result[view, i : i + BATCH] = prefix.run(None, {"image": _view(batch, view, rng)})[0]
        print(f"view {view + 1} of {views}", flush=True)
    return result


def _view(batch, view, rng):
    if view == 0:
        return batch
    if view == 1:
        return np.ascontiguousarray(batch[:, :, ::-1])
    return augment(batch, rng)


def _backbone(args):
    if args.checkpoint:
        return checkpoint.load_captioner(args.checkpoint)[0].backbone
    backbone = Backbone(args.encoder, args.size)
    backbone.load_imagenet()
    return backbone


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, help="directory or zip of the split's images")
    parser.add_argument("--captions", required=True, help="captions file")
    parser.add_argument("--split", required=True)
    parser.add_argument("--views", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--encoder", choices=ENCODERS, default="lite2", help="with ImageNet's weights")
    parser.add_argument("--size", type=int, default=224, help="of the square image, a multiple of 32")
    parser.add_argument("--checkpoint", help="its fine-tuned encoder instead")
    parser.add_argument("--output", required=True, help=".npy file to write")
    args = parser.parse_args()
    names = [name for name, _ in read_split(args.captions, args.split)]
    backbone = _backbone(args)
    prefix = session(prefix_graph(backbone, len(backbone.blocks)), args.threads)
    features = extract(prefix, load_images(args.images, names, backbone.size), args.views, args.seed)
    Path(args.output).parent.mkdir(parents=True, exist_ok=True)
    np.save(args.output, features)


if __name__ == "__main__":
    main()
