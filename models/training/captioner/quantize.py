"""An fp32 bundle as an INT8 one.

All weights have 7 bits: without VNNI, processors add two products of an unsigned and a
signed byte into 16 bits, and full-range weights overflow there. With 7 bits nothing can."""

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_static,
)

from . import manifest
from .data import read_split
from .export import add_decoding_arguments, decoding_defaults, read_metrics
from .features import session
from .graphs import IR_VERSION, Graph, choose_input, finish_decoder, lstm_cell, split_state
from .images import augment, load_images
from .vocabulary import Vocabulary

WEIGHT_LIMIT = 63
# Quantising these costs most of the accuracy and saves least of the time.
FLOAT_NODES = ["stem_conv", "block0_depthwise_conv", "block0_project_conv", "head_conv"]
# The embeddings leave the graph: rounding them once more would only lose precision.
OUTPUT_NODES = ["region_embeddings", "image_embedding"]


class Images(CalibrationDataReader):
    def __init__(self, images):
        self.batches = iter([{"image": image[None]} for image in images])

    def get_next(self):
        return next(self.batches, None)


def quantize_encoder(source, target, images, method):
    with tempfile.TemporaryDirectory() as folder:
        prepared = str(Path(folder) / "prepared.onnx")
        quant_pre_process(str(source), prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            str(target),
            Images(images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Clip", "Add", "MatMul"],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=FLOAT_NODES + OUTPUT_NODES,
            calibrate_method=method,
            extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul"], "CalibMovingAverage": True},
        )
    model = onnx.load(target)
    model.ir_version = IR_VERSION
    onnx.save(model, target)


def quantize_decoder(source, target, embeddings):
    """Bytes in, integer products, float gates.

    All steps are fixed in advance, so a caption never depends on what else is in its batch.
    Words are stored as the very bytes that the product reads."""
    weights = {i.name: numpy_helper.to_array(i) for i in onnx.load(source).graph.initializer}
    onnx.save(integer_decoder_graph(weights, input_step(weights["words"], embeddings)), target)


def input_step(words, embeddings):
    """Of the LSTM's input bytes: covers every word and nearly every value of an image."""
    return np.float32(max(np.abs(words).max(), np.quantile(np.abs(embeddings), 0.9999)) / 127)


def integer_decoder_graph(weights, step):
    hidden_step = np.float32(1 / 127)  # a hidden value is a tanh times a sigmoid
    g = Graph()
    choose_input(g)
    g.constant("input_step", step)
    g.constant("hidden_step", hidden_step)
    g.constant("byte_zero", np.uint8(128))
    g.constant("words", (np.rint(weights["words"] / step) + 128).clip(0, 255).astype(np.uint8))
    g.node("Gather", ["words", "word_or_first"], "word_bytes", axis=0)
    g.node("QuantizeLinear", ["image_embedding", "input_step", "byte_zero"], "image_bytes")
    g.node("Where", ["is_image_column", "image_bytes", "word_bytes"], "input_bytes")
    split_state(g)
    g.node("QuantizeLinear", ["hidden", "hidden_step", "byte_zero"], "hidden_bytes")
    width = weights["words"].shape[1]
    _multiply(g, "input_bytes", step, "input_weight", weights["lstm_weight"][:width], "input_gates")
    _multiply(g, "hidden_bytes", hidden_step, "hidden_weight", weights["lstm_weight"][width:], "hidden_gates")
    g.constant("lstm_bias", weights["lstm_bias"])
    g.node("Add", ["input_gates", "hidden_gates"], "sum_gates")
    g.node("Add", ["sum_gates", "lstm_bias"], "gates")
    lstm_cell(g)
    g.node("QuantizeLinear", ["next_hidden", "hidden_step", "byte_zero"], "next_hidden_bytes")
    _multiply(g, "next_hidden_bytes", hidden_step, "output_weight", weights["output_weight"], "products")
    g.constant("output_bias", weights["output_bias"])
    g.node("Add", ["products", "output_bias"], "logits")
    return finish_decoder(g, weights["output_bias"].size)


def _multiply(g, x, step, name, weight, output):
    """Bytes times int8 columns, summed as integers, then scaled to floats."""
    scale = np.maximum(np.abs(weight).max(0) / WEIGHT_LIMIT, 1e-8).astype(np.float32)
    g.constant(name, np.rint(weight / scale).astype(np.int8))
    g.constant(f"{name}_scale", scale * step)
    g.node("MatMulInteger", [x, name, "byte_zero"], f"{output}_sum")
    g.node("Cast", [f"{output}_sum"], f"{output}_float", to=TensorProto.FLOAT)
    g.node("Mul", [f"{output}_float", f"{name}_scale"], output)


def cosines(a, b):
    return (a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))


def calibration_images(path, captions, count, seed):
    rng = np.random.default_rng(seed)
    names = [name for name, _ in read_split(captions, "train")]
    chosen = [names[i] for i in rng.choice(len(names), min(count, len(names)), replace=False)]
    # Enlarged crops and changes of light as well: photographs are not all like the data set's.
    images = load_images(path, chosen)
    half = len(images) // 2
    return np.concatenate([images[:half], augment(images[half:], rng)])


def embeddings_of(path, images, threads):
    encoder = session(str(path), threads)
    return np.concatenate([encoder.run(["image_embedding"], {"image": i[None]})[0] for i in images])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, help="fp32 bundle")
    parser.add_argument("--images", required=True, help="training images, directory or zip")
    parser.add_argument("--captions", required=True)
    parser.add_argument("--count", type=int, default=300, help="calibration images")
    parser.add_argument("--method", choices=["MinMax", "Percentile", "Entropy"], default="MinMax")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", required=True, help="bundle directory")
    add_decoding_arguments(parser)
    args = parser.parse_args()
    source, output = Path(args.source), Path(args.output)
    output.mkdir(parents=True, exist_ok=True)

    images = calibration_images(args.images, args.captions, args.count, args.seed)
    before = embeddings_of(source / "encoder.onnx", images, args.threads)
    quantize_encoder(source / "encoder.onnx", output / "encoder.onnx", images, CalibrationMethod[args.method])
    quantize_decoder(source / "decoder.onnx", output / "decoder.onnx", before)
    after = embeddings_of(output / "encoder.onnx", images, args.threads)
    similar = cosines(before, after)
    print(f"image embedding cosine to fp32: mean {similar.mean():.4f}, worst {similar.min():.4f}")

    for name in ("word_counts.txt", "parity.json"):
        if (source / name).exists():
            shutil.copyfile(source / name, output / name)
    vocabulary = Vocabulary.read(output / "word_counts.txt")
    hashes = dict(zip(("weights", "captions"), (p["sha256"] for p in manifest.read(source)["provenance"])))
    content = manifest.build(
        output, vocabulary, "int8", decoding_defaults(args), hashes, read_metrics(args.metrics)
    )
    manifest.write(output, content)


if __name__ == "__main__":
    main()
