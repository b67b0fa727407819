"""How well a model did: shares of right answers, and errors of sequences by edit distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def accuracy(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Share of predictions that are right, 0 to 1.

    Args:
        labels: what is true, (items,).
        predictions: what was said, (items,).

    Raises:
        ValueError: there are none, or the counts differ.
    """
    labels, predictions = _labels(labels, predictions)
    return float(np.mean(labels == predictions))


def confusion(labels: ArrayLike, predictions: ArrayLike, classes: int) -> np.ndarray:
    """How often each class was taken for each.

    Args:
        labels: what is true, integers (items,).
        predictions: what was said, integers (items,).
        classes: number of classes.

    Returns:
        int64 (classes, classes): row is what is true, column what was said.

    Raises:
        ValueError: there are none, the counts differ, or a label is not 0 to classes - 1.
    """
    labels, predictions = _labels(labels, predictions)
    for name, values in (("labels", labels), ("predictions", predictions)):
        if not np.issubdtype(values.dtype, np.integer):
            raise ValueError(f"{name} must be integers, got {values.dtype}")
        if values.min() < 0 or values.max() >= classes:
            wrong = values[(values < 0) | (values >= classes)][0]
            raise ValueError(f"{name} must be 0 to {classes - 1}, got {wrong}")
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (labels, predictions), 1)
    return counts


def _labels(labels: ArrayLike, predictions: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.ndim != 1 or labels.shape != predictions.shape or labels.size == 0:
        raise ValueError(
            "labels and predictions must be (items,), one of each and at least one, got shapes "
            f"{labels.shape} and {predictions.shape}"
        )
    return labels, predictions


def edit_table(reference: Sequence[Any], hypothesis: Sequence[Any]) -> np.ndarray:
    """Edit distances of all beginnings: entry [i, j] is that of reference[:i] to hypothesis[:j].

    Returns:
        int64 (len(reference) + 1, len(hypothesis) + 1).

    Source: Wagner and Fischer (1974), https://doi.org/10.1145/321796.321811
    """
    D = [list(range(len(hypothesis) + 1))]
    for i, wanted in enumerate(reference, start=1):
        row = [i]
        for j, got in enumerate(hypothesis, start=1):
            replaced = D[i - 1][j - 1] + (wanted != got)  # right, or a substitution
            deleted = D[i - 1][j] + 1  # the reference's token is missing
            inserted = row[j - 1] + 1  # a token too many
            row.append(min(replaced, deleted, inserted))
        D.append(row)
    return np.array(D, dtype=np.int64)


def edit_distance(reference: Sequence[Any], hypothesis: Sequence[Any]) -> int:
    """Fewest substitutions, deletions and insertions that turn one sequence into the other.

    Args:
        reference: what is right: a list of tokens, or a string of characters.
        hypothesis: what was recognised.
    """
    return int(edit_table(reference, hypothesis)[-1, -1])


def alignment(reference: Sequence[Any], hypothesis: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Pairs (reference, hypothesis) of one cheapest way; None stands for a missing token.

    A pair of equals is right, (a, b) a substitution, (a, None) a deletion, (None, b) an insertion.
    """
    D = edit_table(reference, hypothesis)
    i, j = len(reference), len(hypothesis)
    pairs: list[tuple[Any, Any]] = []
    while i or j:
        if i and j and D[i, j] == D[i - 1, j - 1] + (reference[i - 1] != hypothesis[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((reference[i], hypothesis[j]))
        elif i and D[i, j] == D[i - 1, j] + 1:
            i -= 1
            pairs.append((reference[i], None))
        else:
            j -= 1
            pairs.append((None, hypothesis[j]))
    return pairs[::-1]


def error_rate(references: Sequence[Sequence[Any]], hypotheses: Sequence[Sequence[Any]]) -> float:
    """All errors by all reference tokens: a corpus's rate, not the mean of its items' rates.

    Args:
        references: one sequence of tokens an item.
        hypotheses: what was recognised, in the same order.

    Returns:
        A fraction; above 1 when there are more insertions than right tokens.

    Raises:
        ValueError: the counts differ, or there is no reference token at all.
    """
    if len(references) != len(hypotheses):
        raise ValueError(f"{len(references)} references, but {len(hypotheses)} hypotheses")
    total = sum(map(len, references))
    if total == 0:
        raise ValueError("there is no reference token: an error rate has nothing to divide by")
    return sum(map(edit_distance, references, hypotheses)) / total


def wer(references: str | Sequence[str], hypotheses: str | Sequence[str]) -> float:
    """Word error rate: all wrong words by all reference words; nothing is normalised.

    Args:
        references: a text, or a list of texts.
        hypotheses: what was recognised.

    Returns:
        A fraction, possibly above 1.

    Raises:
        ValueError: the counts differ, or there is no reference word at all.
    """
    pairs = (_texts(references), _texts(hypotheses))
    return error_rate(*([text.split() for text in texts] for texts in pairs))


def cer(references: str | Sequence[str], hypotheses: str | Sequence[str]) -> float:
    """Character error rate: as `wer`, but of characters, spaces among them."""
    return error_rate(_texts(references), _texts(hypotheses))


def _texts(texts: str | Sequence[str]) -> list[str]:
    texts = [texts] if isinstance(texts, str) else list(texts)
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"expected a text or a list of texts, got {text!r} among them")
    return texts
