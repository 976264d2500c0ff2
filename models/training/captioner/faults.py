"""What a caption must not do: say a thing twice, or break off."""

# Words that may come twice in a good caption, and that cannot end one.
FUNCTION = set(
    """a an the , . 's n't and or of in on at to by for from with into onto over under through up down off out near
    next behind around along across against beside between during after before above below inside outside toward
    towards while as is are was be being that which who whom his her their its it he she they them him there""".split()
)
# Those may end one: "the dog jumps up ."
_MAY_END = set(
    """on up down off out by over near next behind around along across above below inside outside
    it them him her there""".split()
)


def repetitions(words):
    """How often a content word comes again."""
    content = [word for word in words if word not in FUNCTION]
    return len(content) - len(set(content))


def breaks_off(words):
    """Whether nothing follows a word that something must follow: "a dog with a ."."""
    said = [word for word in words if word not in ",."]
    return not said or said[-1] in FUNCTION - _MAY_END or words[-1] != "."


def says_twice(words):
    """Whether a caption repeats itself so that a reader laughs; unlike in `repetitions`, two dogs are no fault.

    "white and white", "a hat and a hat", "dog dog", and any two content words in a row or three words in a row that
    come again ("a red shirt and a red shirt")."""
    words = [word for word in words if word not in ",."]
    pairs = [pair for pair in zip(words, words[1:]) if not FUNCTION & set(pair)]
    triples = [triple for triple in zip(words, words[1:], words[2:]) if set(triple) - FUNCTION]
    bare = [word for word in words if word not in ("a", "an", "the")]
    joined = any(b in ("and", "with", "of") and a == c for a, b, c in zip(bare, bare[1:], bare[2:]))
    doubled = any(a == b for a, b in zip(words, words[1:]))
    return joined or doubled or any(len(grams) > len(set(grams)) for grams in (pairs, triples))
