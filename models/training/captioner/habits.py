"""What a model tends to say: faults, sameness, and words said against words that people used.

    npx show-and-tell evaluate --json --set NAME=IMAGES,CAPTIONS ... > evaluation.json
    python -m captioner.habits evaluation.json --captions NAME=CAPTIONS ...

prints the figures of a model card, a set at a time."""

import argparse
import json

from .faults import breaks_off, says_twice
from .vocabulary import tokenize

GROUPS = {
    "man, men": {"man", "men"},
    "woman, women": {"woman", "women"},
    "boy, boys": {"boy", "boys"},
    "girl, girls": {"girl", "girls"},
    "person, people": {"person", "people"},
    "child, children": {"child", "children"},
    "dog, dogs": {"dog", "dogs"},
    "skateboard, skateboarder": {"skateboard", "skateboarder", "skateboarding"},
    "table": {"table", "tables"},
    "plate": {"plate"},
    "laptop": {"laptop", "laptops"},
    "close-up": {"close-up", "closeup", "close up"},
}


def words_of(tokens):
    """The words of a caption, and its pairs of words ("close up")."""
    return {*tokens, *(" ".join(pair) for pair in zip(tokens, tokens[1:]))}


def faults_of(captions):
    """How many of the captions (tokens) say a thing twice, and how many break off or end in a function word."""
    return sum(map(says_twice, captions)), sum(map(breaks_off, captions))


def shares(captions, references, group):
    """In percent: captions that use a word of the group, people's captions that do, photographs where anybody does."""
    said = [bool(group & words_of(tokens)) for tokens in captions]
    written = [[bool(group & words_of(tokens)) for tokens in some] for some in references]
    mean = lambda values: 100 * sum(values) / len(values)
    return mean(said), mean([mean(some) / 100 for some in written]), mean([any(some) for some in written])


def lines_of(name, captions, references):
    """`captions` are tokens, `references` tokens by caption."""
    twice, off = faults_of(captions)
    different = len({" ".join(tokens) for tokens in captions})
    yield f"{name}: {len(captions)} captions, {different} different, {len({w for c in captions for w in c})} words"
    yield f"  say a thing twice {twice}, break off {off}"
    for label, group in GROUPS.items():
        yield f"  {label:26}" + " / ".join(f"{share:.1f}" for share in shares(captions, references, group))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluation", help="what `show-and-tell evaluate --json` of several sets printed")
    parser.add_argument("--captions", action="append", required=True, metavar="NAME=FILE", help="captions of a set by people")
    parser.add_argument("--split", default="dev")
    args = parser.parse_args()
    with open(args.evaluation, encoding="utf-8") as file:
        sets = json.load(file)["sets"]
    for name, path in (part.split("=", 1) for part in args.captions):
        with open(path, encoding="utf-8") as file:
            written = json.load(file)[args.split]
        images = sets[name]["perImage"]
        references = [[tokenize(caption) for caption in written[image["image"]]] for image in images]
        print("\n".join(lines_of(name, [image["caption"].split() for image in images], references)))


if __name__ == "__main__":
    main()
