"""Exercises and quiz of notebook 05, Convolution."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from course_utils.exercises.framework import Case, Notebook, WrongAnswer
from course_utils.exercises.quiz import Option, Question

notebook = Notebook(5, "Convolution")

_ROOM = "The zeros of P stand at both ends: 2P of them."
_SPAN = "From the first tap to the last the filter spans D (F - 1) + 1 inputs: F only when D is 1."


@notebook.function(
    cases=[
        (5, 3, 1, 0, 1),
        (6, 3, 2, 0, 1),
        (5, 3, 1, 1, 1),
        (7, 3, 1, 0, 2),
        (8, 3, 2, 1, 2),
        (1, 1, 1, 0, 1),
        (8000, 81, 10, 40, 1),
        (100, 5, 3, 2, 4),
        (99, 2, 4, 3, 5),
    ],
    mistakes=[
        (
            "The first place needs no step: add 1 behind the division.",
            lambda L, F, S, P, D: (L + 2 * P - D * (F - 1) - 1) // S,
        ),
        (
            "The first place is counted twice now: L - D (F - 1) - 1 steps, and 1 more place.",
            lambda L, F, S, P, D: (L + 2 * P - D * (F - 1)) // S + 1,
        ),
        (
            "A place that the filter only half fits into does not count: // and not /.",
            lambda L, F, S, P, D: (L + 2 * P - D * (F - 1) - 1) / S + 1,
        ),
        (
            "A place that the filter only half fits into does not count: round down.",
            lambda L, F, S, P, D: math.ceil((L + 2 * P - D * (F - 1) - 1) / S) + 1,
        ),
        (_ROOM, lambda L, F, S, P, D: (L + P - D * (F - 1) - 1) // S + 1),
        (
            "The padding is missing: the filter slides over L + 2P numbers.",
            lambda L, F, S, P, D: (L - D * (F - 1) - 1) // S + 1,
        ),
        (_SPAN, lambda L, F, S, P, D: (L + 2 * P - F) // S + 1),
        (
            "D taps times F is one gap too many: between F taps there are F - 1 gaps.",
            lambda L, F, S, P, D: (L + 2 * P - D * F) // S + 1,
        ),
        (
            "Only the gaps become wider, from 1 to D: the span is D (F - 1) + 1, not D (F + 1).",
            lambda L, F, S, P, D: (L + 2 * P - D * (F + 1) - 1) // S + 1,
        ),
        (
            "Stride divides the steps alone, not the place that comes first: + 1 stands outside.",
            lambda L, F, S, P, D: (L + 2 * P - D * (F - 1)) // S,
        ),
    ],
    hints=[
        "Put the filter at the left end of the padded input. How many numbers does it span, and "
        "how many are left to its right?",
        "It spans D (F - 1) + 1 of the L + 2P numbers. What is left is walked in steps of S, whole "
        "steps only; the place where it stood first counts too.",
        "return (length + 2 * padding - dilation * (filter_size - 1) - 1) // stride + 1",
    ],
)
def places(length: int, filter_size: int, stride: int, padding: int, dilation: int) -> int:
    """How many places?"""
    return (length + 2 * padding - dilation * (filter_size - 1) - 1) // stride + 1


def _slide(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    x = np.pad(np.asarray(x, dtype=float), padding)
    starts = range(0, len(x) - len(w) + 1, stride)
    return np.array([x[t : t + len(w)] @ w for t in starts])


def _sums(w: np.ndarray, pieces: list[np.ndarray]) -> np.ndarray:
    return np.array([piece @ w for piece in pieces if len(piece) == len(w)])


@notebook.function(
    cases=[
        Case((np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0]), 1, 0), "[1, 2, 4], [1, 3], 1, 0"),
        (np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0]), 1, 1),
        (np.array([1.0, 2.0, 4.0, 8.0, 16.0]), np.array([1.0, 0.0, -2.0]), 2, 0),
        (np.array([3.0, -1.0, 4.0, 1.0, -5.0, 9.0]), np.array([2.0, -1.0, 0.5]), 3, 2),
        (np.array([2.0]), np.array([5.0]), 1, 0),
        (np.arange(30.0) ** 2, np.array([1.0, -2.0, 1.0]), 4, 1),
    ],
    mistakes=[
        (
            "That is the filter turned round, as np.convolve does it: here the first weight goes "
            "with the first number under the filter.",
            lambda x, w, S, P: _slide(x, w[::-1], S, P),
        ),
        (
            "The zeros at the ends are missing: np.pad(x, padding).",
            lambda x, w, S, P: _slide(x, w, S, 0),
        ),
        (
            "Zeros belong at both ends.",
            lambda x, w, S, P: _slide(np.concatenate([np.zeros(P), x]), w, S, 0),
        ),
        (
            "Zeros belong at both ends.",
            lambda x, w, S, P: _slide(np.concatenate([x, np.zeros(P)]), w, S, 0),
        ),
        ("The filter moves by 1 each time: use the stride.", lambda x, w, S, P: _slide(x, w, 1, P)),
        (
            "The last place is missing: the filter still fits at len(x) - len(w).",
            lambda x, w, S, P: _sums(
                w, [y[t : t + len(w)] for y in [np.pad(x, P)] for t in range(0, len(y) - len(w), S)]
            ),
        ),
        (
            "That is the largest product; the products are added up.",
            lambda x, w, S, P: np.array(
                [
                    (y[t : t + len(w)] * w).max()
                    for y in [np.pad(x, P)]
                    for t in range(0, len(y) - len(w) + 1, S)
                ]
            ),
        ),
    ],
    hints=[
        "Do it on paper for [1, 2, 4] and [1, 3]: 1·1 + 3·2 = 7, then 1·2 + 3·4 = 14. Where does "
        "each piece start?",
        "Pad x first. The pieces start at 0, stride, 2·stride ..., the last at len(x) - len(w) or "
        "before. Each output is the sum of piece times w.",
        "x = np.pad(x, padding); return np.array([x[t : t + len(w)] @ w for t in range(0, len(x) - "
        "len(w) + 1, stride)])",
    ],
)
def slide(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """Slide a filter."""
    return _slide(x, w, stride, padding)


def _field(layers: Sequence[tuple[int, int, int]]) -> int:
    field, step = 1, 1
    for F, S, D in layers:
        field += D * (F - 1) * step
        step *= S
    return field


def _field_late_stride(layers: Sequence[tuple[int, int, int]]) -> int:
    field, step = 1, 1
    for F, S, D in layers:
        step *= S
        field += D * (F - 1) * step
    return field


@notebook.function(
    cases=[
        Case(([(3, 1, 1)],), "[(3, 1, 1)]"),
        ([(3, 1, 1), (3, 1, 1)],),
        ([(3, 2, 1), (3, 1, 1)],),
        ([(3, 1, 1), (3, 1, 2)],),
        ([(5, 2, 1), (3, 2, 1), (3, 1, 1), (3, 2, 1)],),
        ([(2, 1, 1), (2, 1, 2), (2, 1, 4), (2, 1, 8)],),
        ([(1, 4, 1), (3, 1, 3)],),
        ([],),
    ],
    mistakes=[
        (
            "A layer's own stride does not widen what it sees itself, only what the layers behind "
            "it see: multiply by it after adding.",
            _field_late_stride,
        ),
        (
            "Strides are missing: behind a layer of stride 2, one step is two inputs.",
            lambda layers: 1 + sum(D * (F - 1) for F, S, D in layers),
        ),
        (
            "Dilation is missing: a filter spans D (F - 1) + 1 of its inputs.",
            lambda layers: _field([(F, S, 1) for F, S, D in layers]),
        ),
        (
            "F taps have F - 1 gaps between them: two layers of 3 see 5, not 6.",
            lambda layers: sum(D * F for F, S, D in layers),
        ),
        (
            "Fields do not multiply: the second filter of 3 sees 3 neighbours, whose fields "
            "overlap. Together they see 5.",
            lambda layers: math.prod(D * (F - 1) + 1 for F, S, D in layers),
        ),
        (
            "An output sees itself at least: start with 1.",
            lambda layers: _field(layers) - 1,
        ),
    ],
    hints=[
        "Without layers an output is an input: it sees 1. Now put one filter of 3 on: 3. A second "
        "one sees three neighbours; how far apart do their fields begin?",
        "Keep two numbers: what is seen so far, and the step, how many inputs lie between two "
        "neighbours of the layer below. A layer adds D (F - 1) steps, then the step grows by S.",
        "field, step = 1, 1; for F, S, D in layers: field += D * (F - 1) * step; step *= S; "
        "return field",
    ],
)
def field(layers: Sequence[tuple[int, int, int]]) -> int:
    """How far does it see?"""
    return _field(layers)


def _conv_count(channels: int, filters: int, size: int) -> int:
    return filters * (channels * size**2 + 1)


def _full_count(channels: int, frames: int, bands: int, filters: int) -> int:
    return (channels * frames * bands + 1) * filters * frames * bands


@notebook.function(
    cases=[
        (1, 2, 2, 1, 1),
        (1, 4, 3, 2, 3),
        (3, 4, 3, 2, 3),
        (1, 60, 40, 16, 5),
        (16, 30, 20, 32, 3),
    ],
    mistakes=[
        (
            "In the convolution, each filter has a weight for each channel too: "
            "channels · size · size.",
            lambda C, T, B, K, F: (_conv_count(1, K, F), _full_count(C, T, B, K)),
        ),
        (
            "The convolution's biases are missing: one for each filter.",
            lambda C, T, B, K, F: (K * C * F**2, _full_count(C, T, B, K)),
        ),
        (
            "The convolution has one bias for all of its filters; it needs one for each.",
            lambda C, T, B, K, F: (K * C * F**2 + 1, _full_count(C, T, B, K)),
        ),
        (
            "A filter is a square: size · size weights a channel.",
            lambda C, T, B, K, F: (K * (C * F + 1), _full_count(C, T, B, K)),
        ),
        (
            "The convolution uses its weights at all places again: frames and bands do not count.",
            lambda C, T, B, K, F: (_conv_count(C, K, F) * T * B, _full_count(C, T, B, K)),
        ),
        (
            "The fully connected layer's outputs are not the filters alone: each of them has a "
            "value for each frame and band.",
            lambda C, T, B, K, F: (_conv_count(C, K, F), (C * T * B + 1) * K),
        ),
        (
            "The fully connected layer's biases are missing: one for each of its outputs.",
            lambda C, T, B, K, F: (_conv_count(C, K, F), C * T * B * K * T * B),
        ),
        (
            "All channels go into the fully connected layer: channels · frames · bands inputs.",
            lambda C, T, B, K, F: (_conv_count(C, K, F), _full_count(1, T, B, K)),
        ),
        (
            "The two counts have changed places: the convolution comes first.",
            lambda C, T, B, K, F: (_full_count(C, T, B, K), _conv_count(C, K, F)),
        ),
    ],
    hints=[
        "Convolution: how many weights does one filter have, over all channels? One bias more. "
        "Fully connected: how many numbers go in, how many come out?",
        "One filter: channels · size · size + 1. Fully connected: each of the filters · frames · "
        "bands outputs has a weight for each of the channels · frames · bands inputs, and a bias.",
        "return filters * (channels * size**2 + 1), (channels * frames * bands + 1) * filters * "
        "frames * bands",
    ],
)
def count(channels: int, frames: int, bands: int, filters: int, size: int) -> tuple[int, int]:
    """Count the weights."""
    return _conv_count(channels, filters, size), _full_count(channels, frames, bands, filters)


def _batch(seed: int, lengths: list[int], bands: int = 3, filters: int = 2) -> Case:
    g = torch.Generator().manual_seed(seed)
    features = torch.zeros(len(lengths), max(lengths), bands)
    for row, length in zip(features, lengths, strict=True):
        row[:length] = torch.randn(length, bands, generator=g)
    w = torch.randn(filters, bands, 3, generator=g)
    shown = f"a batch of {len(lengths)}, lengths {lengths}, {bands} bands, {filters} filters"
    return Case((features, torch.tensor(lengths), w), shown)


def _pooled(
    features: Tensor,
    lengths: Tensor,
    w: Tensor,
    turn: bool = True,
    keep: str = "inside",
    divide: str = "lengths",
) -> Tensor:
    """The exercise's program; the last three arguments choose among its bugs."""
    x = features.transpose(1, 2) if turn else features.reshape(len(features), w.shape[1], -1)
    maps = torch.relu(functional.conv1d(x, w, padding=1))
    inside = torch.arange(maps.shape[2]) < lengths[:, None]
    if keep == "inside":
        maps = maps * inside[:, None]
    counts = lengths if divide == "lengths" else torch.full_like(lengths, maps.shape[2])
    return maps.sum(dim=2) / counts[:, None]


_RESHAPED = (
    "reshape keeps the order of the numbers and cuts them elsewhere: frames and bands are mixed. "
    "transpose(1, 2) exchanges the axes."
)


@notebook.function(
    cases=[
        _batch(1, [4]),
        _batch(2, [4, 2]),
        _batch(3, [6, 6, 5], bands=4, filters=3),
        _batch(4, [9, 3, 7, 1], bands=2),
    ],
    mistakes=[
        (
            "All three bugs are still there. Start with one item alone: are its bands channels?",
            lambda f, n, w: _pooled(f, n, w, turn=False, keep="all", divide="frames"),
        ),
        (_RESHAPED, lambda f, n, w: _pooled(f, n, w, turn=False)),
        (_RESHAPED, lambda f, n, w: _pooled(f, n, w, turn=False, keep="all")),
        (_RESHAPED, lambda f, n, w: _pooled(f, n, w, turn=False, divide="frames")),
        (
            "The mean still goes over the padded frames, and the padding counts in it.",
            lambda f, n, w: _pooled(f, n, w, keep="all", divide="frames"),
        ),
        (
            "The sum is right now, but it is divided by the padded length, not by the item's own.",
            lambda f, n, w: _pooled(f, n, w, divide="frames"),
        ),
        (
            "Divided by the right number, but summed over too many frames: a filter of 3 that "
            "stands just behind the end still sees the last frame. Set maps to 0 there.",
            lambda f, n, w: _pooled(f, n, w, keep="all"),
        ),
    ],
    hints=[
        "Give it one item without padding: the result is wrong already, so look at the shapes. "
        "Then compare an item alone with the same item beside a longer one.",
        "Conv1d wants (batch, channels, time), and the bands are the channels: exchange two axes, "
        "don't reshape. The maps behind an item's length are not zero; sum only inside, and divide "
        "by the item's own length.",
        "x = features.transpose(1, 2); maps = torch.relu(functional.conv1d(x, w, padding=1)); "
        "inside = torch.arange(maps.shape[2]) < lengths[:, None]; "
        "return (maps * inside[:, None]).sum(2) / lengths[:, None]",
    ],
    relative=1e-4,
    absolute=1e-5,
)
def mended(features: Tensor, lengths: Tensor, w: Tensor) -> Tensor:
    """Bug hunt: three mistakes."""
    return _pooled(features, lengths, w)


@notebook.open(
    hints=[
        "Choose one thing that the notebook decided without asking you: the pooling, the size of "
        "the first filter, the augmentations, 2-D or 1-D. Change that one thing and nothing else.",
        "Train each variant with three seeds or more, the same ones for both, and test on the "
        "development voices. Note every accuracy, also those that you do not like.",
        "finding = {'question': 'Does augmentation help?', 'variants': {'with': [0.98, 0.97, "
        "0.98], 'without': [0.95, 0.96, 0.94]}, 'conclusion': 'Yes: by three points, more ...'}",
    ],
)
def finding(answer: Any) -> str:
    """An experiment of your own."""
    keys = ("question", "variants", "conclusion")
    if not isinstance(answer, Mapping) or set(answer) != set(keys):
        raise WrongAnswer(f"The finding is to be a dict with the keys {', '.join(keys)}.")
    for key, least in (("question", 10), ("conclusion", 40)):
        if not isinstance(answer[key], str) or len(answer[key].strip()) < least:
            raise WrongAnswer(f"The {key} is to be a text of at least {least} characters.")
    variants = answer["variants"]
    if not isinstance(variants, Mapping) or len(variants) < 2:
        raise WrongAnswer("Compare at least two variants: {'with': [...], 'without': [...]}.")
    runs = {}
    for name, values in variants.items():
        try:
            runs[name] = np.asarray(values, dtype=float).ravel()
        except (TypeError, ValueError):
            raise WrongAnswer(f"{name}: the accuracies are to be a list of numbers.") from None
        if len(runs[name]) < 3:
            raise WrongAnswer(
                f"{name}: {len(runs[name])} accuracies; one seed says little, give three or more."
            )
        if not (np.isfinite(runs[name]).all() and (np.abs(runs[name] - 0.5) <= 0.5).all()):
            raise WrongAnswer(f"{name}: accuracies are fractions from 0 to 1.")
        if np.ptp(runs[name]) == 0 and runs[name][0] < 1:
            raise WrongAnswer(f"{name}: all runs are the same. Was the seed changed, torch's too?")
    means = sorted(((float(a.mean()), name) for name, a in runs.items()), reverse=True)
    (best, first), (second, runner_up) = means[:2]
    errors = [float(a.std(ddof=1) / math.sqrt(len(a))) for a in (runs[first], runs[runner_up])]
    noise = math.hypot(*errors)
    verdict = (
        "more than two standard errors: hardly chance"
        if best - second > 2 * noise
        else "within two standard errors: these runs can't tell them apart"
    )
    return (
        f"{first} {100 * best:.1f} %, {runner_up} {100 * second:.1f} %: a difference of "
        f"{100 * (best - second):.1f} points, {verdict}. Does your conclusion say so?"
    )


notebook.set_quiz(
    Question(
        "You copy a low-pass filter, not symmetric, from a book on signal processing into the "
        "weights of torch.nn.Conv1d. What comes out?",
        [
            Option(
                "The book's result, since Conv1d computes a convolution.",
                "Its name says so, its arithmetic does not: it slides the filter as it stands. "
                "The book's convolution turns it round first.",
            ),
            Option(
                "The result of the filter turned round, unless you turn it yourself.",
                "Conv1d computes a cross-correlation. With learned weights nobody notices, since "
                "the turned ones are learned just as well; with copied ones it matters.",
                correct=True,
            ),
            Option(
                "An error, because weights must be symmetric.",
                "Any weights do. Symmetric ones only hide the difference.",
            ),
            Option(
                "The book's result, but later in time.",
                "A shift would be harmless. Turning round changes the order of the weights, and "
                "with it the phase of the result.",
            ),
        ],
    ),
    Question(
        "A layer has F = 5, S = 2, D = 1. Which padding makes 100 frames into exactly 50?",
        [
            Option("P = 0", "(100 - 5) // 2 + 1 = 48: two places are lost at the end."),
            Option("P = 5", "(110 - 5) // 2 + 1 = 53: more zeros than the filter can use."),
            Option(
                "P = 2",
                "(104 - 5) // 2 + 1 = 50. Half of the filter reaches out at each end.",
                correct=True,
            ),
            Option(
                "None: stride 2 always loses a frame.",
                "Padding is there to make up for what the filter's width costs.",
            ),
        ],
    ),
    Question(
        "The input is shifted by one frame. The first layer has stride 2. What do its feature maps "
        "do?",
        [
            Option(
                "They are shifted by half a frame, nothing else.",
                "There are no half places: at every second frame, the filter now stands where it "
                "did not stand before.",
            ),
            Option(
                "They stay the same: convolution is invariant.",
                "Convolution alone is equivariant: what comes out moves along. It is pooling over "
                "all places that makes the result the same.",
            ),
            Option(
                "They are shifted by two frames.",
                "A stride makes the shift smaller, not larger: two frames in become one place out.",
            ),
            Option(
                "They take other values; after a shift by two they would be moved by one place.",
                "Equivariance survives only for shifts that are multiples of the stride.",
                correct=True,
            ),
        ],
    ),
    Question(
        "40 mel bands over time go into torch.nn.Conv1d. What are its input channels?",
        [
            Option(
                "1, as audio has no channels.",
                "That would be the waveform. A frame of mel bands has 40 numbers, and Conv1d "
                "slides over time alone: the numbers of a frame are its channels.",
            ),
            Option(
                "40: each band is a channel, and each filter has weights for all of them.",
                "So a 1-D filter sees the whole frame, and which band stands beside which is "
                "nothing to it.",
                correct=True,
            ),
            Option(
                "3, like a colour picture.",
                "Three is the number of colours of a picture on the screen, no law.",
            ),
            Option(
                "As many as there are frames.",
                "Frames are the places over which the filter slides, not channels.",
            ),
        ],
    ),
    Question(
        "Why does the recogniser divide by each item's own length in its mean over time?",
        [
            Option(
                "Because otherwise the padding, and so the longest item of the batch, changes the "
                "result.",
                "The same word would get another score beside a long neighbour than beside a short "
                "one. A masked mean gives each word what it gets alone.",
                correct=True,
            ),
            Option(
                "Because torch refuses to average zeros.",
                "It averages them without a word. That is what makes the mistake so common.",
            ),
            Option(
                "Because long words are louder.",
                "Level has nothing to do with it; it was taken off before.",
            ),
            Option(
                "Because the gradient would vanish.",
                "It would be a little smaller, for short items. The result would still be wrong.",
            ),
        ],
    ),
    Question(
        "On FSDD's official split a network has 99 %. What do you tell those who will use it?",
        [
            Option(
                "That it recognises 99 % of everyone's digits.",
                "Its test speakers were in its training: six men, takes from one session each. A "
                "new voice is another matter, by several points.",
            ),
            Option(
                "That the last percent is noise in the labels.",
                "Nothing in the number says so. Listen to the errors first.",
            ),
            Option(
                "That it knows these six speakers; for others, test with a speaker left out.",
                "The split has to be along what will be new in use. Here that is the speaker.",
                correct=True,
            ),
            Option(
                "That it needs more layers.",
                "More layers would fit the six still better, and say no more about a seventh.",
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
