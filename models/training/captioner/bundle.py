"""A bundle's graphs read back into a model, so that training can go on from what is shipped.

What was rounded to INT8 stays rounded; a few hundred steps of training smooth it. The batch norms are folded into the
convolutions for good."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from . import manifest
from .manifest import BundleError
from .network import EMBEDDING, ENCODERS, FEATURES, Captioner, stages
from .vocabulary import Vocabulary


class Constants:
    """Constants of a graph as float32, whether they are kept as floats or as integers with scales."""

    def __init__(self, path):
        self.path = path
        self.arrays = {c.name: numpy_helper.to_array(c) for c in onnx.load(path).graph.initializer}

    def get(self, name, node, part, axis):
        """`name` is that in an fp32 graph; an INT8 graph has `node/part/integers` with scales along `axis`."""
        if name in self.arrays:
            return torch.from_numpy(self.arrays[name].astype(np.float32))
        stem = f"{node}/{part}" if part else node
        integers, scales = self.arrays.get(f"{stem}/integers"), self.arrays.get(f"{stem}/scales")
        if integers is None or scales is None:
            raise BundleError(f"{self.path}: neither {name} nor {stem}/integers is here; was it made by show-and-tell quantize?")
        zeros = self.arrays.get(f"{stem}/zeros", np.zeros(1, np.int8)).astype(np.float32)
        shape = [1] * integers.ndim
        shape[axis] = -1
        floats = (integers.astype(np.float32) - zeros.reshape(shape)) * scales.astype(np.float32).reshape(shape)
        return torch.from_numpy(floats)


def read_bundle(directory, sources=()):
    """(model, vocabulary) of a bundle that `export` wrote, fp32 or INT8; `sources` are those it will learn from.

    The teachers' heads start anew, and sources add nothing yet.

    @raises BundleError where a file is not as it was written, or the graphs are another network's"""
    directory = Path(directory)
    described = manifest.read(directory)
    encoder_file, decoder_file = (directory / described["files"][role]["path"] for role in ("encoder", "decoder"))
    vocabulary = Vocabulary.read(directory / described["files"]["vocabulary"]["path"])
    encoder, decoder = Constants(encoder_file), Constants(decoder_file)
    try:
        model = Captioner(len(vocabulary), kind_of(encoder), described["image"]["width"], sources)
        read_encoder(model, encoder)
        read_decoder(model.decoder, decoder)
    except (KeyError, RuntimeError) as error:
        raise BundleError(f"{directory}: not a network of this package's: {error}") from error
    return model.eval(), vocabulary


def kind_of(constants):
    """Which EfficientNet-Lite it is, by the number of its blocks and the width of the last."""
    blocks = {name.split("_")[0] for name in constants.arrays if name.startswith("block")}
    width = constants.get("head_weight", "head_conv", "weights", 0).shape[1]
    for kind in ENCODERS:
        rows = list(stages(kind))
        if (sum(row[0] for row in rows), rows[-1][-1]) == (len(blocks), width):
            return kind
    raise BundleError(f"{constants.path}: {len(blocks)} blocks, {width} channels: none of {', '.join(ENCODERS)}")


@torch.no_grad()
def read_encoder(model, constants):
    for name, conv in convolutions(model.backbone):
        conv.conv.weight.copy_(constants.get(f"{name}_weight", f"{name}_conv", "weights", 0))
        conv.norm.bias.copy_(constants.get(f"{name}_bias", f"{name}_conv", "bias", 0))
        # A norm that changes nothing but the bias.
        conv.norm.running_mean.zero_()
        conv.norm.running_var.fill_(1 - conv.norm.eps)
        conv.norm.weight.fill_(1)
    weight = constants.get("embed_weight", "embedded", "weights", 1).T
    if weight.shape != (EMBEDDING, FEATURES):
        raise BundleError(f"{constants.path}: the embedding has shape {tuple(weight.shape)}")
    model.embed.mean.zero_()
    model.embed.size.fill_(1)
    model.embed.linear.weight.copy_(weight)
    model.embed.linear.bias.copy_(constants.get("embed_bias", "embedded", "bias", 0))


def convolutions(backbone):
    yield "stem", backbone.stem
    for i, block in enumerate(backbone.blocks):
        for part in ("expand", "depthwise", "project"):
            if getattr(block, part) is not None:
                yield f"block{i}_{part}", getattr(block, part)
    yield "head", backbone.head


@torch.no_grad()
def read_decoder(decoder, constants):
    decoder.embedding.weight.copy_(constants.get("words", "words", "", 0))
    both = constants.get("lstm_weight", "lstm_weight", "", 1).T
    decoder.lstm.weight_ih_l0.copy_(both[:, :EMBEDDING])
    decoder.lstm.weight_hh_l0.copy_(both[:, EMBEDDING:])
    decoder.lstm.bias_ih_l0.copy_(constants.get("lstm_bias", "lstm_bias", "", 0))
    decoder.lstm.bias_hh_l0.zero_()
    decoder.output.weight.copy_(constants.get("output_weight", "output_weight", "", 1).T)
    decoder.output.bias.copy_(constants.get("output_bias", "output_bias", "", 0))


def grown(vocabulary, more):
    """The vocabulary with the words of `more` that it lacks behind its own."""
    return Vocabulary([*vocabulary.counts, *(pair for pair in more.counts if pair[0] not in vocabulary.ids)])


def with_words(model, vocabulary, larger, dropout=0.0, image_dropout=0.0):
    """The same model for a vocabulary that `grown` made of its own; the new words start unsaid."""
    backbone = model.backbone
    result = Captioner(len(larger), backbone.encoder, backbone.size, model.names, dropout, image_dropout)
    state = model.state_dict()
    for name in ("decoder.embedding.weight", "decoder.output.weight", "decoder.output.bias"):
        old, fresh = state[name], result.state_dict()[name].clone()
        # <UNK> is last in both.
        fresh[: len(vocabulary) - 1], fresh[-1] = old[:-1], old[-1]
        if name == "decoder.output.bias":
            fresh[len(vocabulary) - 1 : -1] = old.min()
        state[name] = fresh
    result.load_state_dict(state)
    return result.eval()
