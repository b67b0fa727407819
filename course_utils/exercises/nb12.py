"""Exercises and quiz of notebook 12, Deep Speech 2."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from course_utils.exercises.framework import Case, Notebook, WrongAnswer, read_finding
from course_utils.exercises.quiz import Option, Question

notebook = Notebook(12, "Deep Speech 2")

_ROWS = {
    "valid": (
        "Each layer is padded by half a filter at each end: the filter takes nothing away, only "
        "the stride counts.",
        lambda L, F, S: (L - F) // S + 1,
    ),
    "floor": (
        "A row stands at every frame that is a multiple of the stride, the first one included, "
        "also where fewer frames than a stride follow: round up.",
        lambda L, F, S: L // S,
    ),
    "right": ("", lambda L, F, S: (L - 1) // S + 1),
}
_NEEDED = {
    "labels": (
        "Between two equal labels CTC needs a row for the blank.",
        lambda labels: len(labels),
    ),
    "blanks": (
        "Blanks are allowed around each label, not required: 2U + 1 rows are not needed.",
        lambda labels: 2 * len(labels) + 1,
    ),
    "right": ("", lambda labels: len(labels) + sum(a == b for a, b in itertools.pairwise(labels))),
}
_SHORTEST = {
    "whole": (
        "The last row needs one frame only, not a whole stride: one frame less than a stride more "
        "would do.",
        lambda rows, stride: rows * stride,
    ),
    "right": ("", lambda rows, stride: (rows - 1) * stride + 1),
}
_STEP = {
    "sum": ("Strides multiply: a step of the second layer is so many of the first.", sum),
    "last": ("The strides of all layers count.", lambda strides: list(strides)[-1]),
    "right": ("", math.prod),
}


def _front_end(rows: str, needed: str, step: str, shortest: str) -> Callable[..., tuple[int, int]]:
    """The two counts, each of its four parts right or wrong."""

    def count(
        frames: int, layers: Sequence[tuple[int, int]], labels: Sequence[int]
    ) -> tuple[int, int]:
        left = frames
        for size, stride in layers:
            left = _ROWS[rows][1](left, size, stride)
        stride = _STEP[step][1](stride for _, stride in layers)
        return left, _SHORTEST[shortest][1](_NEEDED[needed][1](labels), stride)

    return count


def _miscounts() -> list[tuple[str, Callable[..., Any]]]:
    """Every way to have one or more of the four parts wrong; the first of them is told."""
    parts = (_ROWS, _NEEDED, _STEP, _SHORTEST)
    found = []
    for chosen in itertools.product(*parts):
        whys = [part[name][0] for part, name in zip(parts, chosen, strict=True) if part[name][0]]
        if whys:
            found.append((whys[0], _front_end(*chosen)))
    return sorted(found, key=lambda pair: pair[0])


@notebook.function(
    cases=[
        (10, [(3, 1)], [1]),
        (10, [(11, 4)], [1, 2]),
        (1, [(11, 4)], [5]),
        (9, [(11, 3)], [1, 1]),
        (100, [(11, 2), (11, 2)], [3, 2, 2, 3]),
        (101, [(11, 2), (5, 1), (5, 3)], [7, 7, 7]),
        (7, [(11, 2), (21, 3)], [1, 2, 3, 3, 4]),
    ],
    mistakes=_miscounts(),
    hints=[
        "Rows first, layer by layer: what comes out of one goes into the next. Then turn the "
        "question round: how many rows does CTC need (section 3), and which is the last frame "
        "that must be there for the last of these rows?",
        "A layer with stride S leaves (L - 1) // S + 1. CTC needs len(labels), and one more for "
        "each pair of equal neighbours. Row n, counted from 0, stands at frame n times the product "
        "of the strides.",
        "for _, S in layers: frames = (frames - 1) // S + 1; needed = len(labels) + sum(a == b for "
        "a, b in zip(labels, labels[1:])); P = math.prod(S for _, S in layers); return frames, "
        "(needed - 1) * P + 1",
    ],
)
def front_end(
    frames: int, layers: Sequence[tuple[int, int]], labels: Sequence[int]
) -> tuple[int, int]:
    """Rows and letters.

    Args:
        frames: what goes in, 1 or more.
        layers: (frames that the filter spans, an odd number; stride) of each, from the input on.
        labels: a text as numbers.

    Returns:
        How many rows are left of `frames`: 100 frames through [(11, 2), (5, 3)] leave 50, then 17.
        And the fewest frames with which the labels fit, backwards: [1, 2, 2] needs 4 rows; row 3 of
        the second layer stands at row 9 of the first, that one at frame 18: 19 frames.
    """
    return _front_end("right", "right", "right", "right")(frames, layers, labels)


def _look(h: np.ndarray, W: np.ndarray, behind: str = "zeros") -> np.ndarray:
    """The formula, with what is behind the end: "zeros", the "last" row again, or the "first"."""
    ahead = W.shape[1] - 1
    rows = {
        "zeros": np.zeros((ahead, h.shape[1])),
        "last": np.repeat(h[-1:], ahead, axis=0),
        "first": np.resize(h, (ahead, h.shape[1])),
    }[behind]
    longer = np.concatenate([h, rows])
    return sum(W[:, j] * longer[j : j + len(h)] for j in range(ahead + 1))


def _ahead(seed: int, frames: int, size: int, tau: int, description: str) -> Case:
    rng = np.random.default_rng(seed)
    return Case((rng.normal(size=(frames, size)), rng.normal(size=(size, tau + 1))), description)


@notebook.function(
    cases=[
        Case(
            (np.array([[1.0], [2.0], [4.0]]), np.array([[1.0, 0.5]])),
            "h = [[1], [2], [4]], W = [[1, 0.5]]",
        ),
        Case(
            (np.array([[1.0, 10.0], [2.0, 20.0]]), np.array([[1.0, 2.0], [3.0, 4.0]])),
            "h = [[1, 10], [2, 20]], W = [[1, 2], [3, 4]]",
        ),
        _ahead(0, 6, 3, 2, "6 frames of 3 numbers, τ = 2"),
        _ahead(1, 3, 2, 5, "3 frames of 2 numbers, τ = 5"),
        _ahead(2, 5, 4, 0, "5 frames of 4 numbers, τ = 0"),
        _ahead(3, 4, 4, 3, "4 frames of 4 numbers, τ = 3"),
    ],
    mistakes=[
        (
            "You look back: it must be h[t + j], what is still to come.",
            lambda h, W: _look(h[::-1], W)[::-1],
        ),
        (
            "The weights are the wrong way round: W[i, 0] is that of the frame t itself.",
            lambda h, W: _look(h, W[:, ::-1]),
        ),
        (
            "Behind the end h is 0; you go on with the beginning (np.roll does that).",
            lambda h, W: _look(h, W, "first"),
        ),
        (
            "Behind the end h is 0; you repeat its last frame.",
            lambda h, W: _look(h, W, "last"),
        ),
        (
            "Each number has its own weights: W[i], not one row of W for all of them.",
            lambda h, W: _look(h, np.repeat(W[:1], len(W), axis=0)),
        ),
        (
            "Frame t itself belongs to the sum: j begins at 0.",
            lambda h, W: _look(h, W * (np.arange(W.shape[1]) > 0)),
        ),
        (
            "The sum has τ + 1 terms: j = τ is one of them.",
            lambda h, W: _look(h, W * (np.arange(W.shape[1]) < W.shape[1] - 1)),
        ),
        (
            "It is a sum, not a mean: the weights do not have to add up to 1.",
            lambda h, W: _look(h, W) / W.shape[1],
        ),
    ],
    hints=[
        "Put τ rows of zeros behind h. Which rows of that are h[t + j], for one j and all t?",
        "longer = np.concatenate([h, np.zeros((tau, size))]); for one j: longer[j : j + frames], "
        "times W[:, j], which has one weight for each column.",
        "tau = W.shape[1] - 1; longer = np.pad(h, ((0, tau), (0, 0))); return sum(W[:, j] * "
        "longer[j : j + len(h)] for j in range(tau + 1))",
    ],
)
def lookahead(h: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Look ahead."""
    return _look(h, W)


def _inside(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return np.arange(x.shape[1]) < lengths[:, None]


def _standard(x: np.ndarray, mean: Any, variance: Any, keep: np.ndarray) -> np.ndarray:
    return np.where(keep[..., None], (x - mean) / np.sqrt(variance + 1e-5), 0.0)


def _by_sums(x: np.ndarray, lengths: np.ndarray, axis: Any, count: Any, **options: Any) -> Any:
    """Mean and variance from the sums over real frames along `axis`, divided by a count."""
    keep = _inside(x, lengths)
    real = np.where(keep[..., None], x, 0.0)
    mean = real.sum(axis=axis, keepdims=True) / count
    squares = np.where(keep[..., None], (x - mean) ** 2, 0.0)
    variance = squares.sum(axis=axis, keepdims=True) / options.get("other_count", count)
    return _standard(x, mean, variance, options.get("keep", keep))


def _everywhere(x: np.ndarray, lengths: np.ndarray, zeroed: bool) -> np.ndarray:
    real = np.where(_inside(x, lengths)[..., None], x, 0.0) if zeroed else x
    return _standard(x, real.mean(axis=(0, 1)), real.var(axis=(0, 1)), _inside(x, lengths))


def _means_of_items(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    items = [row[:n] for row, n in zip(x, lengths, strict=True)]
    mean = np.mean([item.mean(axis=0) for item in items], axis=0)
    variance = np.mean([item.var(axis=0) for item in items], axis=0)
    return _standard(x, mean, variance, _inside(x, lengths))


def _padded(seed: int, lengths: Sequence[int], size: int, garbage: float, description: str) -> Case:
    rng = np.random.default_rng(seed)
    x = rng.normal(rng.normal(0, 3, size), 2, (len(lengths), max(lengths), size)).round(2)
    x[~_inside(x, np.array(lengths))] = garbage
    return Case((x, np.array(lengths)), description)


@notebook.function(
    cases=[
        Case(
            (np.array([[[1.0], [3.0]], [[5.0], [0.0]]]), np.array([2, 1])),
            "x = [[[1], [3]], [[5], [0]]], lengths [2, 1]",
        ),
        _padded(0, [4, 4], 3, 0.0, "2 items of 4 frames of 3 numbers, no padding"),
        _padded(1, [5, 2, 3], 2, 0.0, "lengths 5, 2 and 3, zeros in the padding"),
        _padded(2, [5, 2, 3], 2, 77.0, "lengths 5, 2 and 3, the number 77 in the padding"),
        _padded(3, [2, 6, 1], 4, -3.0, "lengths 2, 6 and 1, the number -3 in the padding"),
    ],
    mistakes=[
        (
            "The padding takes part in the mean and the variance. Only real frames count.",
            lambda x, lengths: _everywhere(x, lengths, zeroed=False),
        ),
        (
            "You set the padding to 0, and then count its zeros: divide by the number of real "
            "frames, lengths.sum().",
            lambda x, lengths: _everywhere(x, lengths, zeroed=True),
        ),
        (
            "You sum over real frames and divide by all of them: the count is lengths.sum().",
            lambda x, lengths: _by_sums(x, lengths, (0, 1), x.shape[0] * x.shape[1]),
        ),
        (
            "Each item got a mean of its own. Here all frames of all items make one statistic, a "
            "mean and a variance for each column.",
            lambda x, lengths: _by_sums(x, lengths, 1, lengths[:, None, None]),
        ),
        (
            "Each time step got a mean of its own, over the items. Sequence-wise means: all frames "
            "of all items together.",
            lambda x, lengths: _by_sums(
                x, lengths, 0, _inside(x, lengths).sum(axis=0)[None, :, None]
            ),
        ),
        (
            "The columns are mixed: each of the numbers of a frame has its own mean and variance.",
            lambda x, lengths: _by_sums(x, lengths, None, lengths.sum() * x.shape[2]),
        ),
        (
            "The mean of the items' means gives a short item the weight of a long one: each frame "
            "counts the same.",
            _means_of_items,
        ),
        (
            "The variance is divided by the number of frames, not by one less (ddof=0).",
            lambda x, lengths: _by_sums(
                x, lengths, (0, 1), lengths.sum(), other_count=lengths.sum() - 1
            ),
        ),
        (
            "What stands behind the lengths must be 0 again.",
            lambda x, lengths: _by_sums(
                x, lengths, (0, 1), lengths.sum(), keep=np.ones(x.shape[:2], bool)
            ),
        ),
    ],
    hints=[
        "Which frames are real? A boolean array (batch, frames), from np.arange(frames) and "
        "lengths. x[inside] then is (real frames, size): a batch without padding.",
        "inside = np.arange(x.shape[1]) < lengths[:, None]; real = x[inside]; its mean and "
        "variance over axis 0 have one number a column. Behind the lengths, write zeros.",
        "inside = np.arange(x.shape[1]) < lengths[:, None]; real = x[inside]; y = "
        "np.zeros_like(x); y[inside] = (real - real.mean(axis=0)) / np.sqrt(real.var(axis=0) + "
        "1e-5); return y",
    ],
)
def normalised(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """One mean for all."""
    return _by_sums(x, lengths, (0, 1), lengths.sum())


def _hear(
    kept: np.ndarray, chunk: np.ndarray, window: int, hop: int, keep: str = "right", more: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """One chunk; `keep` says which samples stay, `more` is the 1 of the formula."""
    x = np.concatenate([kept, chunk])
    n = max(0, (len(x) - window) // hop + more)
    frames = x[hop * np.arange(n)[:, None] + np.arange(window)]
    rest = {
        "right": x[n * hop :],
        "all": x,
        "window": x[n * window :],
        "behind": x[(n - 1) * hop + window :] if n else x,
        "overlap": x[len(x) - min(len(x), window - hop) :],
    }[keep]
    return frames, rest


def _sound(first: int, last: int) -> np.ndarray:
    return np.arange(first, last, dtype=float)


@notebook.function(
    cases=[
        Case((_sound(0, 0), _sound(0, 4), 4, 2), "nothing kept, samples 0 to 3, window 4, hop 2"),
        Case((_sound(0, 0), _sound(0, 3), 4, 2), "nothing kept, samples 0 to 2, window 4, hop 2"),
        Case((_sound(0, 3), _sound(3, 9), 4, 2), "kept 0 to 2, samples 3 to 8, window 4, hop 2"),
        Case((_sound(6, 9), _sound(9, 10), 4, 2), "kept 6 to 8, the sample 9, window 4, hop 2"),
        Case((_sound(8, 10), _sound(10, 10), 4, 2), "kept 8 and 9, an empty chunk"),
        Case((_sound(5, 9), _sound(9, 40), 8, 5), "kept 5 to 8, samples 9 to 39, window 8, hop 5"),
        Case((_sound(0, 2), _sound(2, 13), 3, 3), "kept 0 and 1, samples 2 to 12, window 3, hop 3"),
    ],
    mistakes=[
        (
            "What was kept is not used: the frames that begin in one chunk and end in the next are "
            "lost.",
            lambda kept, chunk, window, hop: _hear(kept[:0], chunk, window, hop),
        ),
        (
            "You keep everything: then the next call makes the same frames again, and the memory "
            "grows. Keep from the beginning of the next frame on.",
            lambda *a: _hear(*a, keep="all"),
        ),
        (
            "The next frame begins n hops further on, not n windows.",
            lambda *a: _hear(*a, keep="window"),
        ),
        (
            "You keep what is behind the last frame. Frames overlap: the next one begins a hop "
            "behind the beginning of the last one, and needs samples that were used already.",
            lambda *a: _hear(*a, keep="behind"),
        ),
        (
            "window - hop samples are right only where the last frame ends with the chunk. Count "
            "from the beginning: n · hop samples are done.",
            lambda *a: _hear(*a, keep="overlap"),
        ),
        (
            "As soon as there are window samples, there is a frame: (samples - window) // hop + 1.",
            lambda *a: _hear(*a, more=0),
        ),
    ],
    hints=[
        "Put the chunk behind what was kept. How many whole frames begin at 0, hop, 2 hop ... of "
        "that? At which sample does the first frame begin that is not yet complete? (At first both "
        "may be empty.)",
        "x = np.concatenate([kept, chunk]); n = max(0, (len(x) - window) // hop + 1). The next "
        "frame begins at n * hop. Of no frame at all, the array has the shape (0, window).",
        "x = np.concatenate([kept, chunk]); n = max(0, (len(x) - window) // hop + 1); starts = hop "
        "* np.arange(n)[:, None]; return x[starts + np.arange(window)], x[n * hop :]",
    ],
)
def hear(
    kept: np.ndarray, chunk: np.ndarray, window: int, hop: int
) -> tuple[np.ndarray, np.ndarray]:
    """While it is spoken.

    Args:
        kept: what the step before has kept, at first an empty array.
        chunk: the next samples, any number of them.
        window: samples a frame.
        hop: samples from the beginning of a frame to that of the next, at most `window`.

    Returns:
        The frames that are complete now, (n, window), n from 0 on; and the samples from the
        beginning of the next frame on. At the end of the stream these are less than a frame: the
        caller drops them, or fills them up with zeros.
    """
    return _hear(kept, chunk, window, hop)


CAUSES = {
    "A": "no batch normalisation",
    "B": "learning rate a hundred times too high",
    "C": "32 utterances instead of 1,500",
}
_OTHERS = ("the development set was trained on as well", "nothing is wrong")
_AGAINST = {
    ("A", "B"): "With such a rate the loss leaps. A comes down calmly, then it hardly moves.",
    ("A", "C"): "Few utterances can be learned by heart: their loss would be low. A's is high.",
    ("A", "seen"): "Whoever has trained on a set is good at it. A writes nothing of it.",
    (
        "A",
        "fine",
    ): "A writes nothing, its WER is 100 %. D wrote nearly all words by the third epoch.",
    ("B", "A"): "From one epoch to the next B's losses double and halve. A has nothing of that.",
    ("B", "C"): "Few utterances can be learned by heart: their loss would be low. B's is high.",
    ("B", "seen"): "Whoever has trained on a set is good at it. B writes nothing of it.",
    ("B", "fine"): "B writes nothing in the end, and its losses are a hundred times those of D.",
    ("C", "A"): "C does learn: its loss in training falls nearly to 0, so it has left the plateau.",
    ("C", "B"): "After its first epochs C's loss in training falls smoothly: no step is too long.",
    ("C", "seen"): "Then both losses would fall together. C's part: one falls on, one stops.",
    ("C", "fine"): "Look at the two losses of C: where does the one on the development set go?",
}


@notebook.open(
    hints=[
        "First compare each with D. Which loss is high in the end, that in training, the other, or "
        "both? Is a curve flat, does it leap, does it turn round?",
        "Low in training and high in development: too little was heard. High in both, calm, and "
        "nothing written: the plateau of notebook 10. High in both, up and down by a factor of "
        "two: the steps are too long.",
        "Take the last epochs of A, the first five of B, and of C the point where the development "
        'loss is lowest: diagnosis = {"A": "no batch normalisation", "B": ..., "C": ...}',
    ],
)
def diagnosis(answer: Any) -> str:
    """Three curves."""
    if not isinstance(answer, Mapping):
        raise WrongAnswer(
            f'The diagnosis is a {type(answer).__name__}; it must be a dictionary, {{"A": ...}}.'
        )
    if missing := [name for name in CAUSES if name not in answer or answer[name] is ...]:
        raise WrongAnswer(f"It says nothing about {', '.join(missing)}.")
    known = [*CAUSES.values(), *_OTHERS]
    for name in CAUSES:
        if answer[name] not in known:
            raise WrongAnswer(f"{answer[name]!r:.60} is none of the five; copy one from the text.")
    short = dict(zip(known, ("A", "B", "C", "seen", "fine"), strict=True))
    wrong = [name for name in CAUSES if answer[name] != CAUSES[name]]
    if wrong:
        raise WrongAnswer(_AGAINST[wrong[0], short[answer[wrong[0]]]])
    return "The cure of each is known, too: normalise; a smaller rate, with warm-up; more sound."


_LIMIT_MS, _ROW_MS, _FUTURE_MS, _MOST_WEIGHTS = 250, 30, 200, 350_000
_HOP_MS, _FRAME_MS = 10, 32
_SHAPE = ("layers", "lookahead", "hidden_size")
_DESIGN = (*_SHAPE, "latency_ms", "gave_up", "because")


def _measured_latency(model: Any) -> int:
    """How many frames behind its own a row waits for, found by giving frames one by one."""
    import torch

    row, rows, state = 3, 0, None
    for frame in itertools.count():
        with torch.no_grad():
            found, state = model.stream(torch.zeros(1, 1, model.dims), state)
        rows += found.shape[1]
        if rows > row:
            return frame - row * model.stride
    raise AssertionError


def _model(design: Mapping[str, Any]) -> Any:
    """The recogniser of a design, without its weights; with what is wrong, if there is none."""
    import torch  # only here: the other exercises need no torch, and start quicker without

    from course_utils.models.convolution import Layer
    from course_utils.models.deepspeech2 import DeepSpeech2

    layers = design["layers"]
    pairs = isinstance(layers, list | tuple) and all(
        isinstance(pair, list | tuple)
        and len(pair) == 2
        and all(isinstance(n, Integral) and n > 0 for n in pair)
        for pair in layers
    )
    if not pairs or not layers:
        raise WrongAnswer('"layers" is a list of pairs (frames of the filter, stride): [(11, 3)].')
    bands = [(11 if number == 0 else 5, 2) for number in range(len(layers))]
    convolutions = [
        Layer(16, (int(taps), height), (int(stride), step))
        for (taps, stride), (height, step) in zip(layers, bands, strict=True)
    ]
    try:
        with torch.device("meta"):  # only counted: a huge one would take the memory
            return DeepSpeech2(
                40,
                29,
                convolutions,
                hidden_size=design["hidden_size"],
                bidirectional=False,
                lookahead=design["lookahead"],
            )
    except (ValueError, TypeError) as error:
        raise WrongAnswer(f"There is no such model: {error}.") from error


def _broken(model: Any) -> list[str]:
    """Which of the theatre's four demands a model does not meet, a sentence each."""
    weights = sum(p.numel() for p in model.parameters())
    row_ms, future_ms = _HOP_MS * model.stride, _HOP_MS * model.latency
    latency = _FRAME_MS + future_ms
    demands = {
        f"It has {weights:,} weights; at most {_MOST_WEIGHTS:,} fit.": weights <= _MOST_WEIGHTS,
        f"A row stands for {row_ms} ms, more than {_ROW_MS}: fast speech has more letters.": (
            row_ms <= _ROW_MS
        ),
        f"Its rows come {latency} ms late, more than {_LIMIT_MS} ms.": latency <= _LIMIT_MS,
        f"Its rows wait for {future_ms} ms of what follows, less than {_FUTURE_MS} ms: with so "
        "little, letters are guessed before they are heard.": future_ms >= _FUTURE_MS,
    }
    return [why for why, met in demands.items() if not met]


@notebook.open(
    seconds=20.0,  # torch may have to be imported first
    hints=[
        "The latency has three shares: the frame itself, half of each filter, and the lookahead. A "
        "step of a later layer is as many frames as the strides before it say. How many frames may "
        "the last two shares have together, at least and at most?",
        "20 or 21. Half of a filter of 11 frames waits for 5; half of a second one of 5 behind a "
        "stride of 3 waits for 2 · 3; τ rows wait for τ times the product of all strides. With one "
        "convolution the LSTM has 320 inputs, with two 160: which hidden size fits then?",
        'captions = {"layers": [(5, 3)], "lookahead": 6, "hidden_size": 96, "latency_ms": 32 + 10 '
        '* (2 + 3 * 6), "gave_up": {"layers": [(5, 3)], "lookahead": 6, "hidden_size": 128}, '
        '"because": "..."}; then look for one that you like better.',
    ],
)
def captions(answer: Any) -> str:
    """Captions on a stage."""
    read_finding(answer, {}, others=_DESIGN, what="design")
    claimed, dream = answer["latency_ms"], answer["gave_up"]
    model = _model(answer)
    if not isinstance(claimed, Real) or isinstance(claimed, bool):
        raise WrongAnswer(f'"latency_ms" must be a number of milliseconds, got {claimed!r:.40}.')
    broken = _broken(model)
    if broken and (" weights; " in broken[0] or "A row stands" in broken[0]):
        raise WrongAnswer(broken[0])
    waits = _measured_latency(model.to_empty(device="cpu").eval())
    latency = _FRAME_MS + _HOP_MS * waits
    if abs(claimed - latency) > 0.5:
        raise WrongAnswer(
            _why_not(float(claimed), latency, answer["layers"], int(answer["lookahead"]))
        )
    if broken:
        raise WrongAnswer(broken[0])
    if not isinstance(dream, Mapping) or any(name not in dream for name in _SHAPE):
        raise WrongAnswer(f'"gave_up" must be a dictionary, a design with {", ".join(_SHAPE)}.')
    try:
        price = _broken(_model(dream))
    except WrongAnswer as error:
        raise WrongAnswer(f"gave_up: {error}") from error
    if len(price) != 1:
        raise WrongAnswer(
            f'The design in "gave_up" breaks {len(price) or "none"} of the four demands, it must '
            f"break just one. {' '.join(price) or 'Then nothing had to be given up for it.'}"
        )
    part = r"filter|lookahead|τ|\btau\b|\brows?\b|stride|hidden|numbers|convolution|layer|weight"
    names = {"the latency": float(latency), "which part of the design you gave up": part}
    read_finding(answer, {"because": names}, what="design")
    weights = sum(p.numel() for p in model.parameters())
    return (
        f"Measured frame by frame: each row comes {latency} ms after its frame begins, and knows "
        f"{_HOP_MS * waits} ms of what follows, with a row each {_HOP_MS * model.stride} ms and "
        f"{weights:,} weights. What you gave up: {price[0][0].lower()}{price[0][1:]}"
    )


def _why_not(claimed: float, latency: int, layers: Sequence[Any], tau: int) -> str:
    """What was forgotten in a latency that is not the measured one."""
    strides = [stride for _, stride in layers]
    steps = list(itertools.accumulate([1, *strides], lambda a, b: a * b))
    halves = sum((taps - 1) // 2 * step for (taps, _), step in zip(layers, steps, strict=False))
    plain = sum((taps - 1) // 2 for taps, _ in layers)
    wrong = {
        "The frame itself must be complete, too: 32 ms.": latency - _FRAME_MS,
        "The lookahead counts rows: each of them is as many frames as the strides' product.": (
            _FRAME_MS + _HOP_MS * (halves + tau)
        ),
        "A step of a later layer is several frames: multiply by the strides before it.": (
            _FRAME_MS + _HOP_MS * (plain + tau * steps[-1])
        ),
        "Half of each filter lies ahead, not all of it: the other half is past.": (
            _FRAME_MS + _HOP_MS * (2 * halves + tau * steps[-1])
        ),
        "The filters look ahead as well: half of each lies in the future.": (
            _FRAME_MS + _HOP_MS * tau * steps[-1]
        ),
    }
    said = f"Frame by frame, its rows come later or sooner than {claimed:g} ms."
    found = [why for why, number in wrong.items() if abs(number - claimed) < 0.5]
    return " ".join([said, *found[:1]])


notebook.set_quiz(
    Question(
        "A sequence-wise batch normalisation computes its mean over which numbers?",
        [
            Option(
                "Over the frames of each utterance, for each utterance alone.",
                "Then a loud and a quiet utterance would look alike, and no two utterances would "
                "share a statistic. Here the whole batch shares one.",
            ),
            Option(
                "Over the utterances of the batch, at each time step alone.",
                "Late steps would have statistics from the few utterances that are so long, and "
                "none at all beyond the longest of the training.",
            ),
            Option(
                "Over all real frames of all utterances of the batch, for each unit alone.",
                "One mean and one variance a unit, from thousands of frames, the same at every "
                "time step. Padding is left out.",
                correct=True,
            ),
            Option(
                "Over all frames of the batch, padding included, since that is 0 anyhow.",
                "Zeros pull the mean to 0 and change the variance, and how many there are depends "
                "on which utterances happen to be in a batch together.",
            ),
        ],
    ),
    Question(
        "The front end has stride 3, frames come every 10 ms. An utterance of 100 frames says "
        '"eel". How many rows are left, and how many does CTC need?',
        [
            Option(
                "34 rows; 4 are needed.",
                "Rows at the frames 0, 3 ... 99. Three letters, and a blank between the two e.",
                correct=True,
            ),
            Option(
                "33 rows; 4 are needed.",
                "33 whole strides; but a row begins at frame 99 as well: round up.",
            ),
            Option(
                "34 rows; 7 are needed.",
                "Blanks around every letter are allowed, not needed. Only the one between the two "
                "e is.",
            ),
            Option(
                "30 rows; 3 are needed.",
                "The filters are padded by half their size, so they take nothing from the ends; "
                'and "ee" in three rows with l would collapse to "el".',
            ),
        ],
    ),
    Question(
        "A forward-reading model has a lookahead convolution with τ = 5. When can it write the "
        "row at time t?",
        [
            Option(
                "At once: it is unidirectional.",
                "Its recurrent layers are. The lookahead takes a weighted sum with the next five "
                "rows, and must wait for them.",
            ),
            Option(
                "When the utterance is over: it needs the future.",
                "A bidirectional layer needs all of the future. This one needs five rows of it.",
            ),
            Option(
                "Five frames of 10 ms later.",
                "Five rows: with a stride of 3, each of them is three frames, and the filters of "
                "the front end wait for half of their size.",
            ),
            Option(
                "When five more rows and half of the front end's filters have been heard.",
                "A fixed number of milliseconds, however long the utterance is. That is what makes "
                "it a stream.",
                correct=True,
            ),
        ],
    ),
    Question(
        "A training without batch normalisation sits at a loss that no longer falls; the model "
        "writes nothing. What is it doing?",
        [
            Option(
                "It gives the blank a high probability in every row.",
                "The first thing CTC teaches, since most rows are blank: notebook 10's plateau. "
                "Normalised layers leave it after an epoch or so.",
                correct=True,
            ),
            Option(
                "It has learned the training set by heart.",
                "Then the loss on the training set would be low, and the texts there right.",
            ),
            Option(
                "Its gradients are zero: ReLUs are dead everywhere.",
                "Dead units are possible, but the loss did fall to the plateau, and the gradient "
                "there is small, not zero.",
            ),
            Option(
                "It decodes wrongly; a beam search would find the text.",
                "A beam search adds up paths of what the model says. If each row says blank, the "
                "empty text wins in any search.",
            ),
        ],
    ),
    Question(
        "Why does Deep Speech 2 clip its ReLU at 20?",
        [
            Option(
                "To make the network linear where it counts.",
                "It is linear between 0 and 20; that was already so without the clip, above 0.",
            ),
            Option(
                "So that a state that grows from step to step can't grow without end.",
                "In a recurrent layer a ReLU feeds itself: with weights a little too large it "
                "doubles, and doubles again. The clip ends that.",
                correct=True,
            ),
            Option(
                "So that its outputs are probabilities.",
                "They are not: they lie between 0 and 20, and don't sum to 1. The softmax at the "
                "end makes probabilities.",
            ),
            Option(
                "To save computing time.",
                "It costs one comparison more.",
            ),
        ],
    ),
    Question(
        "Trained on synthetic voices alone, with under 2 % of wrong words on synthetic voices that "
        "it never heard, a model is run on recordings of people. What do you expect?",
        [
            Option(
                "Under 2 % as well: the test voices were unseen, too.",
                "Unseen, but from the same synthesiser. People differ from it in more ways than "
                "its voices do from each other.",
            ),
            Option(
                "A little more, since recordings are noisier.",
                "Noise is one part; voices, rooms and ways of speaking are others. Section 14 has "
                "the figure.",
            ),
            Option(
                "Far more: a test set speaks for what it was drawn from, and for nothing else.",
                "The interval round the 2 % was about other synthetic voices. Only real recordings "
                "can tell about real recordings.",
                correct=True,
            ),
            Option(
                "It can't be run: the features differ.",
                "The same log-mel frames are computed from any sound of the same rate. It runs, "
                "and is wrong.",
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
