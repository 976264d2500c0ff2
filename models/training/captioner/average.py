"""The weighted mean of checkpoints that began at the same one: steadier than each of them."""

import argparse

from . import checkpoint


def mean(states, weights):
    """Of state dicts; whole numbers (batches a norm has counted) are the first's."""
    total = sum(weights)
    return {
        name: sum(state[name] * (weight / total) for state, weight in zip(states, weights))
        if value.is_floating_point()
        else value
        for name, value in states[0].items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", nargs="+", help="FILE=WEIGHT")
    parser.add_argument("--output", required=True)
    args = parser.parse_args()
    paths, weights = zip(*(part.rsplit("=", 1) for part in args.checkpoints))
    parts = [checkpoint.load(path) for path in paths]
    curve = []
    for part in parts:
        curve += [row for row in part["curve"] if row not in curve]
    content = {name: parts[0][name] for name in ("counts", "encoder", "size")}
    averaged = mean([part["average"] for part in parts], [float(weight) for weight in weights])
    checkpoint.save(args.output, average=averaged, curve=curve, **content)


if __name__ == "__main__":
    main()
