"""The ONNX graphs of a bundle, written node by node so that they stay small and plain."""

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from .network import EMBEDDING, FEATURES, STATE

OPSET = 21
# The oldest format that carries opset 21; onnxruntime of the same year reads it.
IR_VERSION = 10
FLOAT, INT64, UINT8 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.UINT8


class Graph:
    """Collects nodes and constants."""

    def __init__(self):
        self.nodes, self.constants = [], {}

    def constant(self, name, value):
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def node(self, kind, inputs, output, **attributes):
        outputs = output if isinstance(output, list) else [output]
        name = attributes.pop("name", outputs[0])
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=name, **attributes))
        return output

    def model(self, name, inputs, outputs):
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(*i) for i in inputs],
            [helper.make_tensor_value_info(*o) for o in outputs],
            list(self.constants.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="show-and-tell-training",
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def session(model, threads):
    """Of a model, its bytes or its path."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    data = model if isinstance(model, (bytes, str)) else model.SerializeToString()
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def encoder_graph(captioner):
    """image -> image_embedding, region_embeddings."""
    g = Graph()
    x = _head(g, captioner.backbone, _blocks(g, captioner.backbone, _stem(g, captioner.backbone)))
    regions = captioner.backbone.regions
    g.constant("grid", np.array([0, FEATURES, regions], np.int64))
    x = g.node("Reshape", [x, "grid"], "channels")
    x = g.node("Transpose", [x], "cells", perm=[0, 2, 1])
    weight, bias = captioner.embed.folded()
    g.constant("embed_weight", weight.numpy().T)
    g.constant("embed_bias", bias.numpy())
    x = g.node("MatMul", [x, "embed_weight"], "embedded")
    g.node("Add", [x, "embed_bias"], "region_embeddings")
    g.constant("region_axis", np.array([1], np.int64))
    g.node("ReduceMean", ["region_embeddings", "region_axis"], "image_embedding", keepdims=0)
    outputs = [
        ("image_embedding", FLOAT, ["N", EMBEDDING]),
        ("region_embeddings", FLOAT, ["N", regions, EMBEDDING]),
    ]
    return g.model("encoder", [_image(captioner.backbone)], outputs)


def _image(backbone):
    return "image", UINT8, ["N", backbone.size, backbone.size, 3]


def _stem(g, backbone):
    # (x - 127) / 128 is a dequantisation: exact, and the image stays bytes until here.
    g.constant("image_scale", np.float32(1 / 128))
    g.constant("image_zero", np.uint8(127))
    x = g.node("Transpose", ["image"], "planes", perm=[0, 3, 1, 2])
    x = g.node("DequantizeLinear", [x, "image_scale", "image_zero"], "pixels")
    return _conv(g, "stem", backbone.stem, x)


def _blocks(g, backbone, x):
    for i, block in enumerate(backbone.blocks):
        y = x
        for part in ("expand", "depthwise", "project"):
            if getattr(block, part) is not None:
                y = _conv(g, f"block{i}_{part}", getattr(block, part), y)
        x = g.node("Add", [y, x], f"block{i}_sum") if block.residual else y
    return x


def _head(g, backbone, x):
    return _conv(g, "head", backbone.head, x)


def _conv(g, name, layer, x):
    weight, bias = (t.detach().numpy() for t in layer.folded())
    g.constant(f"{name}_weight", weight)
    g.constant(f"{name}_bias", bias)
    left, right, top, bottom = layer.pads
    conv = layer.conv
    x = g.node(
        "Conv",
        [x, f"{name}_weight", f"{name}_bias"],
        f"{name}_conv",
        kernel_shape=list(conv.kernel_size),
        strides=list(conv.stride),
        group=conv.groups,
        pads=[top, left, bottom, right],
    )
    if layer.linear:
        return x
    g.constant("relu_low", np.float32(0))
    g.constant("relu_high", np.float32(6))
    return g.node("Clip", [x, "relu_low", "relu_high"], f"{name}_relu")


def decoder_weights(decoder):
    """The arrays of the step graph: one matrix for input and hidden state together."""
    lstm = decoder.lstm
    arrays = {
        "words": decoder.embedding.weight,
        "lstm_weight": torch.cat([lstm.weight_ih_l0, lstm.weight_hh_l0], 1).T,
        "lstm_bias": lstm.bias_ih_l0 + lstm.bias_hh_l0,
        "output_weight": decoder.output.weight.T,
        "output_bias": decoder.output.bias,
    }
    return {name: np.ascontiguousarray(a.detach().numpy()) for name, a in arrays.items()}


def decoder_graph(weights):
    """One step: word or image, state, k -> next state, k best, all log-probabilities."""
    g = Graph()
    choose_input(g)
    g.constant("words", weights["words"])
    g.node("Gather", ["words", "word_or_first"], "word_embedding", axis=0)
    g.node("Where", ["is_image_column", "image_embedding", "word_embedding"], "input")
    split_state(g)
    g.node("Concat", ["input", "hidden"], "lstm_input", axis=1)
    _linear(g, weights, "lstm_input", "lstm", "gates")
    lstm_cell(g)
    _linear(g, weights, "next_hidden", "output", "logits")
    return finish_decoder(g, weights["output_bias"].size)


def _linear(g, weights, x, name, output):
    g.constant(f"{name}_weight", weights[f"{name}_weight"])
    g.constant(f"{name}_bias", weights[f"{name}_bias"])
    g.node("MatMul", [x, f"{name}_weight"], f"{output}_product")
    g.node("Add", [f"{output}_product", f"{name}_bias"], output)


def choose_input(g):
    """is_image_column [B, 1], and word ids that are safe to look up where the word is -1."""
    g.constant("zero", np.int64(0))
    g.constant("last_axis", np.array([1], np.int64))
    g.node("Less", ["word", "zero"], "is_image")
    g.node("Unsqueeze", ["is_image", "last_axis"], "is_image_column")
    g.node("Max", ["word", "zero"], "word_or_first")


def split_state(g):
    g.node("Split", ["state"], ["cell", "hidden"], axis=1, num_outputs=2)


def lstm_cell(g):
    """Gates in PyTorch's order: input, forget, candidate, output."""
    g.node("Split", ["gates"], ["in_gate", "forget_gate", "candidate", "out_gate"], axis=1, num_outputs=4)
    for name in ("in", "forget", "out"):
        g.node("Sigmoid", [f"{name}_gate"], f"{name}_open")
    g.node("Tanh", ["candidate"], "new")
    g.node("Mul", ["forget_open", "cell"], "kept")
    g.node("Mul", ["in_open", "new"], "added")
    g.node("Add", ["kept", "added"], "next_cell")
    g.node("Tanh", ["next_cell"], "squashed")
    g.node("Mul", ["out_open", "squashed"], "next_hidden")
    g.node("Concat", ["next_cell", "next_hidden"], "next_state", axis=1)


def finish_decoder(g, words):
    """Log-softmax and the k best, and the names and shapes that a bundle promises."""
    g.node("LogSoftmax", ["logits"], "log_probabilities", axis=1)
    best = ["top_log_probabilities", "top_ids"]
    g.node("TopK", ["log_probabilities", "k"], best, name="top", axis=1, largest=1, sorted=1)
    inputs = [
        ("word", INT64, ["B"]),
        ("image_embedding", FLOAT, ["B", EMBEDDING]),
        ("state", FLOAT, ["B", 2 * STATE]),
        ("k", INT64, [1]),
    ]
    outputs = [
        ("next_state", FLOAT, ["B", 2 * STATE]),
        ("top_log_probabilities", FLOAT, ["B", "K"]),
        ("top_ids", INT64, ["B", "K"]),
        ("log_probabilities", FLOAT, ["B", words]),
    ]
    return g.model("decoder", inputs, outputs)
