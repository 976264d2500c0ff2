"""A checkpoint as an fp32 bundle, with parity.json for the serving side's tests."""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx

from . import manifest
from .checkpoint import load_captioner
from .features import session
from .graphs import decoder_graph, decoder_weights, encoder_graph
from .images import load_image
from .network import imagenet_weights

SAMPLED = 64


def add_decoding_arguments(parser):
    parser.add_argument("--length-normalization", type=float, default=1.0)
    parser.add_argument("--min-length", type=int, default=5)
    parser.add_argument("--max-length", type=int, default=20, help="start and end word counted")


def decoding_defaults(args):
    return {
        "beamWidth": 3,
        "maxLength": args.max_length,
        "lengthNormalization": args.length_normalization,
        "minLength": args.min_length,
        "bannedWords": ["<UNK>"],
    }


def write_parity(path, samples, encoder, size):
    """What serving must reproduce: pixels of the photographs as training loads them."""
    rng = np.random.default_rng(1)
    indices = np.sort(rng.choice(size * size * 3, SAMPLED, replace=False))
    files = {sample.name: parity_entry(sample, encoder, size, indices) for sample in samples}
    content = {"indices": indices.tolist(), "files": files}
    Path(path).write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def parity_entry(sample, encoder, size, indices):
    image = load_image(sample.read_bytes(), size)
    embedding = encoder.run(["image_embedding"], {"image": image[None]})[0][0]
    return {
        "channelMeans": image.mean((0, 1)).round(4).tolist(),
        "values": image.reshape(-1)[indices].tolist(),
        "embedding": [round(float(v), 5) for v in embedding[:8]],
        "embeddingNorm": round(float(np.linalg.norm(embedding)), 5),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--captions", required=True, help="captions file, for its hash")
    parser.add_argument("--samples", help="directory of photographs for parity.json")
    parser.add_argument("--output", required=True, help="bundle directory")
    add_decoding_arguments(parser)
    args = parser.parse_args()
    output = Path(args.output)
    output.mkdir(parents=True, exist_ok=True)

    captioner, vocabulary, _ = load_captioner(args.checkpoint)
    backbone = captioner.backbone
    onnx.save(encoder_graph(captioner), output / "encoder.onnx")
    onnx.save(decoder_graph(decoder_weights(captioner.decoder)), output / "decoder.onnx")
    vocabulary.write(output / "word_counts.txt")
    if args.samples:
        samples = sorted(Path(args.samples).glob("*.jpg"))
        encoder = session(str(output / "encoder.onnx"), 1)
        write_parity(output / "parity.json", samples, encoder, backbone.size)
    hashes = {"weights": manifest.file_hash(imagenet_weights(backbone.encoder)), "captions": manifest.file_hash(args.captions)}
    content = manifest.build(output, backbone, vocabulary, "fp32", decoding_defaults(args), hashes)
    manifest.write(output, content)


if __name__ == "__main__":
    main()
