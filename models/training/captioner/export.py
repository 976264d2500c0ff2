"""A model as an fp32 bundle, with parity.json for the serving side's tests."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import torch

from . import manifest
from .evidence import EvidenceOptions, fit_evidence, targets_of, write_evidence
from .graphs import decoder_graph, decoder_weights, encoder_graph, session
from .images import load_image

SAMPLED = 64


def decoding_defaults(options):
    return {
        "beamWidth": 3,
        "maxLength": options.max_length,
        "lengthNormalization": options.length_normalization,
        "minLength": options.min_length,
        "bannedWords": ["<UNK>"],
        "avoidRepeats": True,
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


def embeddings_of(encoder, images, batch=8):
    """float32 [n, 512] of uint8 images, by the exported graph."""
    parts = (images[i : i + batch].cpu().numpy() for i in range(0, len(images), batch))
    return np.concatenate([encoder.run(["image_embedding"], {"image": part})[0] for part in parts])


@dataclass
class ExportOptions:
    """`fold` says which sources' manner the bundle has: {"coco" = 0.7, "flickr8k" = 0.3}; none: that of no source."""

    fold: dict = field(default_factory=dict)
    length_normalization: float = 1.0
    min_length: int = 5
    max_length: int = 20  # start and end word counted
    samples: str | None = None  # folder of photographs for parity.json
    evidence: bool = False  # whether to fit which words a photograph speaks for; wants thousands of photographs


def export(model, vocabulary, photographs, description, options, output):
    """Writes the fp32 bundle directory `output`; `description` is what the manifest says beside the networks."""
    partial = Path(f"{output}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    model.fold_sources(options.fold)
    onnx.save(encoder_graph(model), partial / "encoder.onnx")
    onnx.save(decoder_graph(decoder_weights(model.decoder)), partial / "decoder.onnx")
    vocabulary.write(partial / "word_counts.txt")
    encoder = session(str(partial / "encoder.onnx"), torch.get_num_threads())
    if options.evidence:
        embeddings = torch.from_numpy(embeddings_of(encoder, photographs.images))
        targets = targets_of(photographs.captions, vocabulary)
        write_evidence(partial / "evidence.bin", *fit_evidence(embeddings, targets, EvidenceOptions()))
    if options.samples:
        samples = sorted(Path(options.samples).glob("*.jpg"))
        write_parity(partial / "parity.json", samples, encoder, model.backbone.size)
    manifest.write(partial, manifest.build(partial, model.backbone, vocabulary, decoding_defaults(options), description))
    shutil.rmtree(output, ignore_errors=True)
    partial.rename(output)
