"""Exercises and quiz of notebook 09, Audio classification and tagging."""

import itertools
from numbers import Real
from typing import Any

import numpy as np

from course_utils.exercises.framework import Case, Notebook, WrongAnswer
from course_utils.exercises.quiz import Option, Question
from course_utils.metrics import average_precision as _average_precision
from course_utils.metrics import best_threshold, f1, roc_auc

notebook = Notebook(9, "Audio classification and tagging")

Scored = tuple[np.ndarray, np.ndarray, np.ndarray]  # scores, lengths, tags


def _precisions(y: np.ndarray, s: np.ndarray, order: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Labels from the highest score on, and the precision down to each of them."""
    y = y[np.argsort(order * s, kind="stable")]
    return y, np.cumsum(y) / np.arange(1, len(y) + 1)


def _ap(y: np.ndarray, s: np.ndarray) -> float:
    y, precision = _precisions(y, s)
    return float((y * precision).sum() / y.sum())


def _ap_lowest_first(y: np.ndarray, s: np.ndarray) -> float:
    y, precision = _precisions(y, s, order=1)
    return float((y * precision).sum() / y.sum())


@notebook.function(
    cases=[
        (np.array([0, 1, 0]), np.array([0.9, 0.6, 0.2])),
        (np.array([0, 1, 1, 0, 0]), np.array([0.9, 0.8, 0.6, 0.4, 0.1])),
        (np.array([1, 0, 0, 1]), np.array([0.2, 0.7, 0.1, 0.9])),
        (np.array([1, 0, 0, 0, 1, 0]), np.array([0.3, -1.0, 2.0, 0.5, 0.4, -2.0])),
    ],
    mistakes=[
        (
            "The clips must be taken from the highest score on; that is from the lowest on: "
            "np.argsort(-scores).",
            _ap_lowest_first,
        ),
        (
            "The clips are taken as they come: first put them in order, the highest score first.",
            lambda y, s: float((y * np.cumsum(y) / np.arange(1, len(y) + 1)).sum() / y.sum()),
        ),
        (
            "The sum is divided by the number of clips; the mean is over the true ones only: "
            "labels.sum().",
            lambda y, s: _ap(y, s) * y.sum() / len(y),
        ),
        (
            "The precision counts at the ranks of the true clips only; that is its mean over all "
            "ranks.",
            lambda y, s: float(_precisions(y, s)[1].mean()),
        ),
        (
            "That is the precision when all clips are said yes to, the share of true ones: the "
            "average precision of chance.",
            lambda y, s: float(y.mean()),
        ),
        (
            "That is the area under the ROC: the share of pairs in the right order.",
            lambda y, s: roc_auc(y, s),
        ),
        (
            "Ranks count from 1: the precision at the first clip is 0 or 1 out of one.",
            lambda y, s: float(
                (_precisions(y, s)[0] * np.cumsum(_precisions(y, s)[0]))[1:]
                @ (1 / np.arange(1, len(y)))
                / y.sum()
            ),
        ),
    ],
    hints=[
        "Put the clips in order, the highest score first. At each true clip, how many of those "
        "down to it are true? Divide by its rank.",
        "y = labels[np.argsort(-scores)]; the true ones down to each rank are np.cumsum(y), the "
        "ranks np.arange(1, len(y) + 1). Take the mean of their ratio where y is 1.",
        "y = labels[np.argsort(-scores)]; precision = np.cumsum(y) / np.arange(1, len(y) + 1); "
        "return precision[y == 1].mean()",
    ],
)
def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Average precision by hand."""
    return float(_average_precision(labels, scores))


def _inside(y: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return np.arange(y.shape[1]) < lengths[:, None]


def _weighted(y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return (weights * y).sum(axis=1) / weights.sum(axis=1)


@notebook.function(
    cases=[
        (np.array([[0.5, 0.5]]), np.array([2])),
        (np.array([[0.8, 0.2, 0.0]]), np.array([2])),
        (np.array([[0.9, 0.1, 0.6], [0.3, 0.2, 0.1]]), np.array([2, 3])),
        (np.array([[0.2, 0.7, 0.9, 0.9], [0.4, 0.1, 0.5, 0.3]]), np.array([1, 3])),
    ],
    mistakes=[
        (
            "Frames behind the length count too: set them to 0 first, or add up y[i, :lengths[i]].",
            lambda y, n: _weighted(y, y),
        ),
        (
            "That is mean pooling. Here each frame weighs as much as its own probability.",
            lambda y, n: _weighted(y, _inside(y, n).astype(float)),
        ),
        (
            "That is the mean of the squares: divide by the sum of the probabilities, not by "
            "their number.",
            lambda y, n: (
                _weighted(y, _inside(y, n).astype(float) * y) * 0
                + (_inside(y, n) * y * y).sum(axis=1) / n
            ),
        ),
        (
            "That is exponential softmax, weights exp y. Linear softmax weighs with y itself.",
            lambda y, n: _weighted(y, np.exp(y) * _inside(y, n)),
        ),
        (
            "That is max pooling. Here each frame weighs as much as its own probability.",
            lambda y, n: np.where(_inside(y, n), y, -1).max(axis=1),
        ),
        (
            "The sum goes over the frames of all clips together: axis=1 keeps the clips apart.",
            lambda y, n: float((_inside(y, n) * y * y).sum() / (_inside(y, n) * y).sum()),
        ),
    ],
    hints=[
        "It is a weighted mean, Σ w y / Σ w, and the weights are the probabilities themselves. "
        "What weight has a frame behind the end?",
        "inside = np.arange(y.shape[1]) < lengths[:, None] is True where a frame counts. Multiply "
        "y by it, then divide the sum of the squares by the sum, over axis 1.",
        "y = y * (np.arange(y.shape[1]) < lengths[:, None]); "
        "return (y * y).sum(axis=1) / y.sum(axis=1)",
    ],
)
def linear_pool(y: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Linear softmax without padding."""
    return _weighted(y, y * _inside(y, lengths))


def _runs(on: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on, [0]]).astype(int)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _in_seconds(
    runs: list[tuple[int, int]], frame_s: float, less: int = 0
) -> list[tuple[float, float]]:
    return [(a * frame_s, (b - less) * frame_s) for a, b in runs]


@notebook.function(
    cases=[
        (np.array([0.1, 0.7, 0.8, 0.2]), 0.5, 0.1),
        (np.array([0.1, 0.2]), 0.5, 0.1),
        (np.array([0.9, 0.1, 0.5, 0.6, 0.3, 0.8]), 0.5, 0.08),
        (np.array([0.6, 0.6, 0.6]), 0.5, 1.0),
        (np.array([0.4, 0.3, 0.3, 0.9, 0.2, 0.3]), 0.3, 0.5),
    ],
    mistakes=[
        (
            "The last frame of an event lasts until the next one begins: the end is one frame "
            "later.",
            lambda p, t, d: _in_seconds(_runs(p >= t), d, less=1),
        ),
        (
            "A frame that is exactly at the threshold counts: >=, not >.",
            lambda p, t, d: _in_seconds(_runs(p > t), d),
        ),
        (
            "An event that still sounds at the end is lost: it ends with the last frame.",
            lambda p, t, d: _in_seconds([r for r in _runs(p >= t) if r[1] < len(p)], d),
        ),
        (
            "An event that sounds from the first frame on is lost: before frame 0 nothing sounds.",
            lambda p, t, d: _in_seconds([r for r in _runs(p >= t) if r[0] > 0], d),
        ),
        (
            "Events at the very beginning or end are lost: put a False on both sides before you "
            "look for changes.",
            lambda p, t, d: _in_seconds(
                [r for r in _runs(p >= t) if r[0] > 0 and r[1] < len(p)], d
            ),
        ),
        ("Those are frames; times frame_s they are seconds.", lambda p, t, d: _runs(p >= t)),
        (
            "That is one event from the first to the last frame above the threshold; where it "
            "falls below, an event ends.",
            lambda p, t, d: (
                [(np.flatnonzero(p >= t)[0] * d, (np.flatnonzero(p >= t)[-1] + 1) * d)]
                if (p >= t).any()
                else []
            ),
        ),
    ],
    hints=[
        "Make a list of True and False, one a frame. An event starts where False turns to True "
        "and ends where True turns to False. What about the first and the last frame?",
        "Put a 0 in front and behind, np.concatenate([[0], p >= threshold, [0]]), and look at "
        "np.diff: +1 is a start, -1 an end, and the index is already the right frame.",
        "edges = np.flatnonzero(np.diff(np.concatenate([[0], p >= threshold, [0]]))); "
        "return [(a * frame_s, b * frame_s) for a, b in zip(edges[::2], edges[1::2])]",
    ],
)
def events(p: np.ndarray, threshold: float, frame_s: float) -> list[tuple[float, float]]:
    """From frames to events."""
    return _in_seconds(_runs(p >= threshold), frame_s)


@notebook.function(
    cases=[(1.0, 1.0), (9.0, 1.0), (1.0, 4.0), (100.0, 1.0), (2.0, 3.0)],
    mistakes=[
        (
            "The other way round: an expensive miss must lower the threshold.",
            lambda miss, alarm: miss / (miss + alarm),
        ),
        (
            "That would be right for equal costs only. What does saying yes cost at probability p, "
            "and what does saying no?",
            lambda miss, alarm: 0.5,
        ),
        (
            "That is the ratio of the costs; it exceeds 1 when false alarms are the dearer ones. "
            "Solve (1 - p) · alarm = p · miss for p.",
            lambda miss, alarm: alarm / miss,
        ),
        (
            "That is the ratio of the costs. Solve (1 - p) · alarm = p · miss for p.",
            lambda miss, alarm: miss / alarm,
        ),
    ],
    hints=[
        "Say the probability is p. If you say yes, you pay for a false alarm when nothing is "
        "there: how often is that? If you say no, you pay for a miss: how often?",
        "Yes costs (1 - p) · cost_false_alarm on average, no costs p · cost_miss. At the "
        "threshold both are equal: solve for p.",
        "return cost_false_alarm / (cost_false_alarm + cost_miss)",
    ],
)
def threshold(cost_miss: float, cost_false_alarm: float) -> float:
    """What a mistake costs."""
    return cost_false_alarm / (cost_false_alarm + cost_miss)


def evidence(seed: int = 0) -> tuple[Scored, Scored]:
    """What a tagger gave for two sets of clips, for the exercise "Too good".

    Returns:
        dev and test, each: scores (logits) of frames, (clips, frames, classes), padded; frames of
        each clip, (clips,); tags, 0 or 1, (clips, classes).
    """
    rng = np.random.default_rng(seed)
    return _scored(rng, 30), _scored(rng, 24)


def _scored(rng: np.random.Generator, clips: int, frames: int = 12, classes: int = 4) -> Scored:
    lengths = rng.integers(3, frames + 1, clips)
    tags = (rng.random((clips, classes)) < 0.45).astype(int)
    tags[0], tags[1] = 1, 0
    bias = np.array([-1.5, 0.0, 0.8, -0.5])[:classes]
    scores = bias + 2.2 * (tags[:, None] - 0.5) + rng.normal(0, 2.2, (clips, 1, classes))
    scores = scores + rng.normal(0, 1, (clips, frames, classes))
    # What a network says of padding is anything but nothing.
    outside = np.arange(frames) >= lengths[:, None]
    scores[outside] = rng.normal(2.0, 1.5, (int(outside.sum()), classes))
    return scores, lengths, tags


def _report(
    dev: Scored, test: Scored, softmax: bool = False, padded: bool = False, on_test: bool = False
) -> float:
    """F1 of the test tags; the three switches turn the three faults on."""

    def of_clips(scores: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        if softmax:
            p = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)
        else:
            p = 1 / (1 + np.exp(-scores))
        weights = np.ones(p.shape[:2]) if padded else _inside(p, lengths).astype(float)
        return (weights[..., None] * p).sum(axis=1) / weights.sum(axis=1)[:, None]

    p, tags = of_clips(*test[:2]), test[2]
    chosen_on = (p, tags) if on_test else (of_clips(*dev[:2]), dev[2])
    limits = [best_threshold(y, s)[0] for y, s in zip(chosen_on[1].T, chosen_on[0].T, strict=True)]
    return f1(tags, p >= np.array(limits))


_FAULTS = {
    "softmax": "softmax makes the classes of a frame compete, though several may sound at once",
    "padded": "frames behind a clip's length take part in its mean",
    "on_test": "the thresholds are chosen on the clips that they are then scored on",
}


def _with_faults(*names: str) -> tuple[str, Any]:
    what = "; and ".join(_FAULTS[name] for name in names)
    left = {1: "One fault is", 2: "Two faults are", 3: "All three faults are"}[len(names)]
    switches = dict.fromkeys(names, True)
    return f"{left} left: {what}.", lambda dev, test: _report(dev, test, **switches)


@notebook.function(
    cases=[Case(evidence(seed), f"dev and test of evidence({seed})") for seed in (0, 1, 2, 3)],
    mistakes=[
        *(
            _with_faults(*names)
            for count in (1, 2, 3)
            for names in itertools.combinations(_FAULTS, count)
        ),
        (
            "That is the F1 at a threshold of 0.5: each class wants its own, found on dev.",
            lambda dev, test: f1(test[2], _clip_means(*test[:2]) >= 0.5),
        ),
        (
            "That is the F1 on dev, where the thresholds come from; report the one on test.",
            lambda dev, test: _report(dev, dev),
        ),
    ],
    hints=[
        "There are three faults, one in each of three steps: from scores to probabilities, from "
        "frames to clips, from probabilities to yes and no. What must not happen at each?",
        "Tags do not exclude each other; a clip ends at its length; and what is chosen with the "
        "help of some clips must be judged on others.",
        "p = 1 / (1 + np.exp(-scores)); inside = np.arange(p.shape[1]) < lengths[:, None]; "
        "clip = (p * inside[..., None]).sum(axis=1) / lengths[:, None]; thresholds with "
        "metrics.best_threshold on dev; return metrics.f1(test_tags, test_clip >= thresholds)",
    ],
    relative=1e-4,
)
def report(dev: Scored, test: Scored) -> float:
    """Too good."""
    return _report(dev, test)


def _clip_means(scores: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    p = 1 / (1 + np.exp(-scores))
    return (p * _inside(p, lengths)[..., None]).sum(axis=1) / lengths[:, None]


_PARTS = {
    "question": (15, "what you changed and what you measured"),
    "expected": (15, "what you expected before you ran it"),
    "finding": (40, "what came out, in one or two sentences, and what you make of it"),
}


@notebook.open(
    hints=[
        "Change one thing only: the SNR of the events, how many there are, or how long the clip "
        "is. Write down what you expect before you run it.",
        "score(snr_db=(0, 3)) gives the mean average precision of fresh test scenes whose events "
        "have such an SNR. Three or more settings make a curve.",
        'measured = {f"{snr} dB": score(snr_db=(snr, snr)) for snr in (-10, -5, 0, 10)}; then '
        'finding = {"question": "...", "expected": "...", "measured": measured, "finding": "..."}',
    ],
)
def experiment(finding: Any) -> str:
    """What does it depend on?"""
    if not isinstance(finding, dict):
        raise WrongAnswer(
            f"The finding is a {type(finding).__name__}; it must be a dict with the keys question, "
            "expected, measured and finding."
        )
    if missing := [key for key in (*_PARTS, "measured") if key not in finding]:
        raise WrongAnswer(f"The finding lacks {', '.join(missing)}.")
    for key, (least, what) in _PARTS.items():
        text = finding[key]
        if not isinstance(text, str) or len(text.strip().strip(".…")) < least:
            raise WrongAnswer(f"{key!r} should say {what}, in {least} letters at least.")
    measured = finding["measured"]
    if not isinstance(measured, dict) or len(measured) < 3:
        count = len(measured) if isinstance(measured, dict) else 0
        raise WrongAnswer(
            f"'measured' holds {count} settings; it must be a dict of setting to value with three "
            "or more, or there is nothing to see a trend in."
        )
    for setting, value in measured.items():
        if isinstance(value, bool) or not isinstance(value, Real) or not np.isfinite(value):
            raise WrongAnswer(f"The value of {setting!r} is {value!r:.40}, not a number.")
    values = [float(value) for value in measured.values()]
    if max(values) == min(values):
        raise WrongAnswer(
            f"All {len(values)} values are {values[0]:.3g}. Did the setting arrive where it should?"
        )
    return (
        f"{len(values)} settings, from {min(values):.3g} to {max(values):.3g}. Would a second set "
        "of scenes, another seed, say the same?"
    )


notebook.set_quiz(
    Question(
        "A siren and a bell sound at once. Why does a softmax over the classes fail here?",
        [
            Option(
                "Because softmax is only defined for two classes.",
                "It is defined for any number. The problem is what its outputs must add up to.",
            ),
            Option(
                "Because its probabilities add up to 1: both can't be near 1 together.",
                "Each gets about a half at best, the same as when the model is undecided between "
                "them. Sigmoids answer one question a class.",
                correct=True,
            ),
            Option(
                "Because it is trained with cross-entropy.",
                "So is the sigmoid: binary cross-entropy, one yes or no a class.",
            ),
            Option(
                "Because it is slower than a sigmoid.",
                "Both cost next to nothing beside the convolutions.",
            ),
        ],
    ),
    Question(
        "One clip in fifty holds a siren. A detector that always says no has an accuracy of 98 %. "
        "What does its average precision say?",
        [
            Option(
                "About 0.98 as well.",
                "Average precision looks at the ranking of the true clips; one that ranks nothing "
                "is as good as chance.",
            ),
            Option(
                "About 0.5, as a coin.",
                "That is the area under the ROC of a ranking by chance. Average precision of "
                "chance is the share of true clips.",
            ),
            Option(
                "About 0.02: the share of clips with a siren.",
                "Chance level of average precision is how frequent the class is, so say both.",
                correct=True,
            ),
        ],
    ),
    Question(
        "You train with labels of whole clips. Why does max pooling learn slowly?",
        [
            Option(
                "Because only one frame of each clip gets a gradient.",
                "All others learn nothing from this clip, although many of them hold the sound, or "
                "its absence.",
                correct=True,
            ),
            Option(
                "Because the maximum is not differentiable.",
                "It is, nearly everywhere: the gradient goes to the frame that was the largest.",
            ),
            Option(
                "Because it is always larger than the mean.",
                "True, but that would not make learning slow: the loss pushes it down as well.",
            ),
            Option(
                "Because padding may be the largest frame.",
                "Masked pooling leaves padding out. What remains is a gradient for one frame only.",
            ),
        ],
    ),
    Question(
        "Which of these may you choose with the help of the test clips?",
        [
            Option(
                "The thresholds, since they are not weights.",
                "They are fitted numbers all the same: the score on the clips that chose them is "
                "too good.",
            ),
            Option(
                "The number of epochs, since training did not see the test clips.",
                "Choosing the best epoch by the test score is looking at the test clips.",
            ),
            Option(
                "Nothing. Test clips are for one thing: to say how good what was chosen is.",
                "Everything else, thresholds and temperatures too, is chosen on training and "
                "development clips.",
                correct=True,
            ),
        ],
    ),
    Question(
        "A tagger says 0.9 for a hundred clips; 70 of them are true. What can be said?",
        [
            Option(
                "Its ranking is bad.",
                "The order of the clips may be perfect: multiply all logits by a number and it "
                "stays the same.",
            ),
            Option(
                "It is over-confident; dividing its logits by a temperature above 1 may repair it.",
                "One number, found on development clips, moves the probabilities and leaves the "
                "ranking, and so average precision, as it is.",
                correct=True,
            ),
            Option(
                "It is under-confident.",
                "Then more than 90 of the hundred would be true.",
            ),
            Option(
                "Nothing, without its accuracy.",
                "A probability is a promise about frequencies, and this one is not kept.",
            ),
        ],
    ),
    Question(
        "In ESC-10, a classifier that knows only how long a clip is before its silence begins "
        "beats chance by far. What follows?",
        [
            Option(
                "Length is a good feature: add it to the model.",
                "It is a habit of whoever cut these clips, and no property of a rooster. In use, "
                "it would mislead.",
            ),
            Option(
                "The clips were labelled wrongly.",
                "The labels are right; the zeros behind short recordings give them away.",
            ),
            Option(
                "Exact silence is to be cut off, or masked, before a model is trained or judged.",
                "Else a part of its score is for hearing where a file was filled up with zeros.",
                correct=True,
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
