"""A bundle's manifest.json, and the checksum that covers it."""

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
# One line, as `sha256sum manifest.json` prints it.
CHECKSUM = "manifest.json.sha256"


class BundleError(Exception):
    """What of a bundle is not as it was written, or cannot be read back."""


def file_entry(directory, name):
    data = (Path(directory) / name).read_bytes()
    return {"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def file_hash(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def build(directory, backbone, vocabulary, decoding, description):
    """The manifest of the files in `directory`; `description` has name, description, license and provenance."""
    return {
        "formatVersion": 1,
        "checksum": CHECKSUM,
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
    data = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
    (Path(directory) / "manifest.json").write_bytes(data)
    (Path(directory) / CHECKSUM).write_text(checksum_line(data), "utf-8")


def checksum_line(data):
    return f"{hashlib.sha256(data).hexdigest()}  manifest.json\n"


def read(directory):
    """The manifest, after it and the files that it names were found as they were written.

    Bundles that versions up to 1.0.0 wrote have no checksum, and do not say that one belongs to them.

    @raises BundleError"""
    directory = Path(directory)
    data, checksum = (directory / "manifest.json").read_bytes(), directory / CHECKSUM
    if checksum.exists() and checksum.read_bytes() != checksum_line(data).encode():
        raise BundleError(f"{directory}: manifest.json is not what {CHECKSUM} says")
    manifest = json.loads(data)
    if "checksum" in manifest and not checksum.exists():
        raise BundleError(f"{checksum}: not here, though the manifest says that it belongs to it")
    for entry in manifest["files"].values():
        if file_entry(directory, entry["path"]) != entry:
            raise BundleError(f"{directory / entry['path']}: not the file that the manifest describes")
    return manifest
