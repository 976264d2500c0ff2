"""Captions to tokens, and the word list in the format of im2txt's word_counts.txt."""

import re
from collections import Counter
from pathlib import Path

START, END, UNKNOWN = "<S>", "</S>", "<UNK>"

# "n't" and "'s" become tokens of their own, as NLTK's word_tokenize makes them.
# Quotation marks, brackets and dashes between words are dropped: the model would
# have to learn to close what it opened from a few hundred examples.
_TOKEN = re.compile(r"n't\b|'(?:s|re|ve|ll|m|d)\b|[a-z0-9]+(?:-[a-z0-9]+)*?(?=n't\b)|[a-z0-9]+(?:-[a-z0-9]+)*|[.,]")


def tokenize(caption):
    """Lower-case tokens; the last one is always a full stop."""
    tokens = _TOKEN.findall(caption.lower().replace("’", "'"))
    while tokens and tokens[-1] in ".,":
        tokens.pop()
    return tokens + ["."]


class Vocabulary:
    """Words by id. The id is the line number; <UNK> follows the last line."""

    def __init__(self, counts):
        self.counts = list(counts)
        self.words = [word for word, _ in self.counts] + [UNKNOWN]
        self.ids = {word: i for i, word in enumerate(self.words)}
        self.start, self.end, self.unknown = (self.ids[w] for w in (START, END, UNKNOWN))

    def __len__(self):
        return len(self.words)

    @classmethod
    def build(cls, captions, min_count, always=()):
        """`captions` are token lists; words rarer than min_count become <UNK>, unless they are in `always`."""
        counts = Counter()
        for tokens in captions:
            counts.update([START, *tokens, END])
        kept = [(word, n) for word, n in counts.items() if n >= min_count or word in always]
        return cls(sorted(kept, key=lambda item: (-item[1], item[0])))

    @classmethod
    def read(cls, path):
        lines = Path(path).read_text("utf-8").splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines)
        return cls((word, int(n)) for word, n in pairs)

    def write(self, path):
        text = "".join(f"{word} {n}\n" for word, n in self.counts)
        Path(path).write_text(text, "utf-8", newline="\n")

    def encode(self, tokens):
        return [self.start, *(self.ids.get(t, self.unknown) for t in tokens), self.end]

    def decode(self, ids):
        """Words without the start and end markers."""
        return " ".join(self.words[i] for i in ids if i not in (self.start, self.end))
