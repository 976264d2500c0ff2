"""ROUGE-L (Lin 2004) on word ids, as pycocoevalcap computes it; part of the reward."""

BETA = 1.2


def common(first, second):
    """Length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for a in first:
        corner = 0
        for j, b in enumerate(second, 1):
            above = row[j]
            row[j] = corner + 1 if a == b else max(above, row[j - 1])
            corner = above
    return row[-1]


def rouge(ids, references):
    """0 to 1: the best recall and the best precision that any reference gives."""
    shared = [common(ids, reference) for reference in references]
    if not ids or not max(shared):
        return 0.0
    precision = max(shared) / len(ids)
    recall = max(n / len(reference) for n, reference in zip(shared, references))
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)
