"""How well a model did: shares of right answers, errors of sequences, ranking and detection."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching
from scipy.stats import norm, rankdata


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
        raise ValueError(
            f"{len(references)} references, but {len(hypotheses)} hypotheses: give one for each"
        )
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


def bootstrap_interval(
    errors: ArrayLike,
    words: ArrayLike,
    speakers: Sequence[str],
    seed: int = 0,
    level: float = 0.95,
    draws: int = 10_000,
) -> tuple[float, float]:
    """How far an error rate would move with other speakers, by the percentile bootstrap.

    As many speakers as there are, are drawn again and again with replacement, each with all that
    they said; the interval holds the middle `level` of the error rates. Utterances of one speaker
    are alike, so drawing utterances would give too narrow an interval. With few speakers this one
    is too narrow as well.

    Args:
        errors: wrong words of each utterance, (utterances,); or how many more one system made than
            another, for the interval of their difference.
        words: reference words of each.
        speakers: who said each.
        seed: of the draws.
        level: share of the draws inside.
        draws: how many.

    Returns:
        Lower and upper end, fractions.

    Raises:
        ValueError: shapes differ, a speaker has no words, fewer than two speakers, or `level` is
            not between 0 and 1.

    Source: Bisani and Ney (2004), https://doi.org/10.1109/ICASSP.2004.1326009, who draw utterances;
        blocks of what belongs together are drawn by Liu and Peng (2020),
        https://arxiv.org/abs/1912.09508
    """
    errors, words = np.asarray(errors, dtype=np.float64), np.asarray(words, dtype=np.float64)
    if errors.ndim != 1 or errors.shape != words.shape or len(speakers) != len(errors):
        raise ValueError(
            f"errors, words and speakers must have one entry an utterance, got {errors.shape}, "
            f"{words.shape} and {len(speakers)}"
        )
    names, who = np.unique(np.asarray(speakers), return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"{len(names)} speaker: nobody else to draw, so there is no interval")
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level!r}")
    errors, words = np.bincount(who, errors), np.bincount(who, words)
    if not (words > 0).all():
        raise ValueError(f"{names[words <= 0][0]} has no reference word")
    chances = np.full(len(names), 1 / len(names))
    times = np.random.default_rng(seed).multinomial(len(names), chances, size=draws)
    low, high = np.quantile(times @ errors / (times @ words), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float | np.ndarray:
    """Mean precision at each true item, going down from the highest score; ties stand together.

    AP = Σ_n (R_n - R_{n-1}) P_n over the distinct scores. The mean over classes is mAP.

    Args:
        labels: 0 or 1, (clips,) of one class or (clips, classes).
        scores: any real numbers of the same shape, higher for "yes".

    Returns:
        A number for one class, else float64, one a class. A class without a positive has no average
        precision: it is left out, and a warning names it.

    Raises:
        ValueError: shapes differ, a label is not 0 or 1, a score is NaN, or no class has positives.
    """
    return _by_class(_average_precision, labels, scores, "a positive", lambda y: y.any())


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float | np.ndarray:
    """How often a positive scores above a negative, ties counted half: the area under the ROC.

    Args:
        labels: 0 or 1, (clips,) of one class or (clips, classes).
        scores: any real numbers of the same shape, higher for "yes".

    Returns:
        A number for one class, else float64, one a class. A class without positives or without
        negatives is left out, and a warning names it.

    Raises:
        ValueError: shapes differ, a label is not 0 or 1, a score is NaN, or no class is left.
    """
    both = "both positives and negatives"
    return _by_class(_roc_auc, labels, scores, both, lambda y: y.any() and not y.all())


def d_prime(auc: ArrayLike) -> float | np.ndarray:
    """Distance of two Gaussians of variance 1 whose ROC has this area: d' = √2 Φ⁻¹(AUC).

    Args:
        auc: 0 to 1, any shape; 0.5 is chance and gives 0, 1 gives infinity.

    Raises:
        ValueError: an area is not 0 to 1.
    """
    auc = np.asarray(auc, dtype=np.float64)
    if not ((auc >= 0) & (auc <= 1)).all():
        raise ValueError(f"an area under the ROC is 0 to 1, got {auc}")
    return np.sqrt(2) * norm.ppf(auc)[()]


def lwlrap(labels: ArrayLike, scores: ArrayLike) -> float:
    """Label-weighted label-ranking average precision: each true label of each clip counts once.

    For a true label, the precision of its clip's ranking down to it; of tied labels the lowest rank
    counts. Equals scikit-learn's label_ranking_average_precision_score with sample_weight = number
    of labels.

    Args:
        labels: 0 or 1, (clips, classes).
        scores: (clips, classes).

    Raises:
        ValueError: shapes differ, a label is not 0 or 1, a score is NaN, or there is no true label.

    Source: Fonseca et al. (2019), https://arxiv.org/abs/1906.02975
    """
    labels, scores = _binary(labels, scores)
    if labels.ndim != 2 or not labels.any():
        raise ValueError(f"labels must be (clips, classes) with a true one, got {labels.shape}")
    precisions = []
    for y, s in zip(labels, scores, strict=True):
        true = s[y]
        ranks = (s >= true[:, None]).sum(axis=1)
        precisions += list((true >= true[:, None]).sum(axis=1) / ranks)
    return float(np.mean(precisions))


def f1(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN); 0 when all three are 0.

    Args:
        labels: 0 or 1, any shape.
        predictions: 0 or 1, the same shape; all places count alike.

    Raises:
        ValueError: the shapes differ.
    """
    labels, predictions = (np.asarray(x).astype(bool) for x in (labels, predictions))
    if labels.shape != predictions.shape:
        raise ValueError(
            f"labels are {labels.shape}, predictions {predictions.shape}: they must be alike"
        )
    right = int((labels & predictions).sum())
    return 2 * right / max(int(labels.sum() + predictions.sum()), 1)


def best_threshold(labels: ArrayLike, scores: ArrayLike) -> tuple[float, float]:
    """The threshold with the highest F1 when "yes" is score >= threshold; search on dev data.

    Args:
        labels: 0 or 1, (clips,).
        scores: (clips,).

    Returns:
        The threshold, one of the scores (of several best ones the highest), and its F1.

    Raises:
        ValueError: shapes differ, a label is not 0 or 1, a score is NaN, or there is no positive.
    """
    labels, scores = _binary(labels, scores)
    if labels.ndim != 1 or not labels.any():
        raise ValueError("F1 needs the (clips,) of one class, and a positive among them")
    thresholds, right, said = _steps(labels, scores)
    values = 2 * right / (said + labels.sum())
    return float(thresholds[values.argmax()]), float(values.max())


class Event(NamedTuple):
    """Something that sounds from a time to a time, in seconds."""

    label: str
    start_s: float
    end_s: float


def event_f1(
    references: Sequence[Sequence[Event]],
    detections: Sequence[Sequence[Event]],
    collar_s: float = 0.2,
    share: float = 0.5,
) -> float:
    """F1 of detected events: a detection is right when label, onset and offset fit a reference.

    The onset fits within `collar_s`, the offset within `collar_s` or `share` of the reference's
    duration, whichever is more. Each reference answers for one detection; pairs are made so that as
    many as possible fit.

    Args:
        references: one sequence of events a clip.
        detections: the same clips' detected events.
        collar_s: tolerance in seconds.
        share: tolerance of the offset as a share of the duration.

    Returns:
        2 · pairs / (references + detections) over all clips; 0 when there are neither.

    Raises:
        ValueError: the counts of clips differ, or an event ends before it starts.

    Source: Mesaros, Heittola and Virtanen (2016), https://doi.org/10.3390/app6060162
    """
    if len(references) != len(detections):
        raise ValueError(
            f"{len(references)} clips of references, {len(detections)} of detections: give the "
            "detected events of each clip, [] where there are none"
        )
    pairs = 0
    for wanted, got in zip(references, detections, strict=True):
        for event in (*wanted, *got):
            if not event.end_s >= event.start_s:
                raise ValueError(f"an event ends before it starts: {event}")
        fits = [[_fits(w, g, collar_s, share) for g in got] for w in wanted]
        if wanted and got:
            matched = maximum_bipartite_matching(csr_array(np.array(fits, dtype=bool)))
            pairs += int((matched >= 0).sum())
    return 2 * pairs / max(sum(map(len, references)) + sum(map(len, detections)), 1)


def detect(
    frames: ArrayLike,
    thresholds: ArrayLike,
    names: Sequence[str],
    frame_s: float,
    shortest_s: float = 0.2,
    gap_s: float = 0.7,
) -> list[Event]:
    """Events in time: where a class's probability is at or above its threshold.

    Frame t stands for the time from (t - ½) · frame_s to (t + ½) · frame_s. Two stretches of a
    class with less than `gap_s` between them are one event; what is then shorter than `shortest_s`
    is dropped.

    Args:
        frames: probabilities of one clip, (frames, classes), without padding.
        thresholds: one for all classes, or (classes,).
        names: of the classes.
        frame_s: time from frame to frame in seconds.
        shortest_s: shortest event.
        gap_s: shortest gap; steps and strikes of a bell rest for half a second and more.

    Returns:
        Events by start; none begins before 0.

    Raises:
        ValueError: shapes do not fit.
    """
    frames = np.asarray(frames)
    if frames.ndim != 2 or frames.shape[1] != len(names):
        raise ValueError(f"frames must be (frames, {len(names)} classes), got {frames.shape}")
    on = frames >= np.broadcast_to(np.asarray(thresholds), len(names))
    found = []
    for name, active in zip(names, on.T, strict=True):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], active, [0]]).astype(int)))
        spans: list[list[int]] = []
        for start, end in edges.reshape(-1, 2):  # frames start ... end - 1
            if spans and (start - spans[-1][1]) * frame_s < gap_s:
                spans[-1][1] = end
            else:
                spans.append([start, end])
        found += [
            Event(name, max(0.0, (start - 0.5) * frame_s), (end - 0.5) * frame_s)
            for start, end in spans
            if (end - start) * frame_s >= shortest_s
        ]
    return sorted(found, key=lambda event: event.start_s)


def _fits(reference: Event, detection: Event, collar_s: float, share: float) -> bool:
    tolerance_s = max(collar_s, share * (reference.end_s - reference.start_s))
    return (
        reference.label == detection.label
        and abs(reference.start_s - detection.start_s) <= collar_s
        and abs(reference.end_s - detection.end_s) <= tolerance_s
    )


def _binary(labels: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if labels.shape != scores.shape or labels.size == 0:
        raise ValueError(f"labels are {labels.shape}, scores {scores.shape}: they must be alike")
    if not np.isin(labels, (0, 1)).all():
        wrong = labels[~np.isin(labels, (0, 1))]
        raise ValueError(f"labels must be 0 or 1, got {wrong[0]!r} among them")
    if np.isnan(scores).any():
        raise ValueError(f"{np.isnan(scores).sum()} scores are NaN")
    return labels.astype(bool), scores


def _by_class(
    measure: Callable[[np.ndarray, np.ndarray], float],
    labels: ArrayLike,
    scores: ArrayLike,
    needed: str,
    defined: Callable[[np.ndarray], bool],
) -> float | np.ndarray:
    """One class's measure, or that of each class for which it is defined."""
    labels, scores = _binary(labels, scores)
    if labels.ndim > 2:
        raise ValueError(f"labels must be (clips,) or (clips, classes), got {labels.shape}")
    columns = [
        (y, s) for y, s in zip(np.atleast_2d(labels.T), np.atleast_2d(scores.T), strict=True)
    ]
    left_out = [index for index, (y, _) in enumerate(columns) if not defined(y)]
    if len(left_out) == len(columns):
        raise ValueError(f"no class has {needed} among the clips: there is nothing to measure")
    if left_out:
        names = ", ".join(map(str, left_out))
        warnings.warn(f"left out, because they lack {needed}: classes {names}", stacklevel=3)
    values = np.array([measure(y, s) for y, s in columns if defined(y)])
    return float(values[0]) if labels.ndim == 1 else values


def _steps(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each distinct score, from the highest; how many at or above are true, and how many are."""
    order = np.argsort(-scores, kind="stable")
    scores, right = scores[order], np.cumsum(labels[order])
    last = np.flatnonzero(np.append(np.diff(scores) != 0, True))  # of each group of ties
    return scores[last], right[last], last + 1


def _average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    _, right, said = _steps(labels, scores)
    return float(np.sum(np.diff(right, prepend=0) * right / said) / labels.sum())


def _roc_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    positives = int(labels.sum())
    ranks = rankdata(scores)[labels].sum()  # ties get their mean rank
    return float((ranks - positives * (positives + 1) / 2) / (positives * (~labels).sum()))
