"""How weights move: rates of parts and of time, and one step."""

import math

import torch


def one_cycle(step, total, warm):
    """Share of the highest rate: a straight climb, then half a cosine to zero."""
    done = step / total
    if done < warm:
        return 0.04 + 0.96 * done / warm
    return 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))


def optimizer_of(model, options):
    """The encoder learns slower, its early blocks slowest: they already know what things look like.

    `options` have `first`, `rate`, `encoder_rate` and `falling`."""
    backbone = model.backbone
    backbone.requires_grad_(False)
    rest = [p for name, p in model.named_parameters() if not name.startswith("backbone.")]
    groups = [{"params": rest, "peak": options.rate}]
    first = options.first
    if first is not None:
        layers = [backbone.head, *reversed(backbone.blocks[first:]), *([backbone.stem] if first == 0 else [])]
        for depth, layer in enumerate(layers):
            layer.requires_grad_(True)
            groups.append({"params": list(layer.parameters()), "peak": options.encoder_rate * options.falling**depth})
    return torch.optim.AdamW(groups, weight_decay=0.01, fused=True)


def learn(model, optimizer, average, loss, share, longest):
    """One step at this share of the highest rates, by a gradient that is at most `longest`."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * share
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], longest)
    optimizer.step()
    average.update()
