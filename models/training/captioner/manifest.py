"""A bundle's manifest.json."""

import hashlib
import json
from pathlib import Path

from .network import EMBEDDING, STATE

FILES = {
    "encoder": "encoder.onnx",
    "decoder": "decoder.onnx",
    "vocabulary": "word_counts.txt",
    "evidence": "evidence.bin",
}

def file_entry(directory, name):
    data = (Path(directory) / name).read_bytes()
    return {"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def file_hash(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def build(directory, backbone, vocabulary, decoding, description):
    """The manifest of the files in `directory`; `description` has name, description, license and provenance."""
    return {
        "formatVersion": 1,
        "name": description["name"],
        "description": description["description"],
        "files": {role: file_entry(directory, name) for role, name in FILES.items() if (Path(directory) / name).exists()},
        "vocabulary": {
            "size": len(vocabulary),
            "logits": len(vocabulary),
            "startId": vocabulary.start,
            "endId": vocabulary.end,
            "unknownId": vocabulary.unknown,
        },
        "image": {
            "resampling": "antialiased",
            "width": backbone.size,
            "height": backbone.size,
            "dtype": "uint8",
            "range": [0, 255],
            "aspect": "squash",
        },
        "embeddingWidth": EMBEDDING,
        "stateWidth": 2 * STATE,
        "regions": backbone.regions,
        "precision": "fp32",
        "decoding": decoding,
        "license": description["license"],
        "provenance": description["provenance"],
    }


def write(directory, manifest):
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (Path(directory) / "manifest.json").write_text(text, "utf-8")


def read(directory):
    return json.loads((Path(directory) / "manifest.json").read_text("utf-8"))
