"""Exercises and quiz of notebook 13, Listen, Attend and Spell."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_utils.exercises.framework import Case, Notebook, WrongAnswer, read_finding
from course_utils.exercises.quiz import Option, Question

notebook = Notebook(13, "Listen, Attend and Spell")


def _masked(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return np.where((np.arange(x.shape[1]) < lengths[:, None])[..., None], x, 0.0)


def _even(x: np.ndarray) -> np.ndarray:
    return np.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, 0)))


def _pair(x: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x = _even(_masked(x, lengths))
    return np.concatenate([x[:, 0::2], x[:, 1::2]], axis=-1), (lengths + 1) // 2


def _halves(x: np.ndarray) -> np.ndarray:
    half = x.shape[1] // 2
    return np.concatenate([x[:, :half], x[:, half:]], axis=-1)


def _padded(seed: int, lengths: Sequence[int], d: int, garbage: float, description: str) -> Case:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(len(lengths), max(lengths), d)).round(2)
    x[np.arange(max(lengths)) >= np.array(lengths)[:, None]] = garbage
    return Case((x, np.array(lengths)), description)


@notebook.function(
    cases=[
        Case(
            (np.array([[[1.0], [2.0], [3.0], [4.0]]]), np.array([4])),
            "x = [[[1], [2], [3], [4]]], lengths [4]",
        ),
        Case((np.array([[[1.0], [2.0], [3.0]]]), np.array([3])), "x = [[[1], [2], [3]]], [3]"),
        _padded(0, [6, 6], 3, 0.0, "2 items of 6 frames of 3 numbers"),
        _padded(1, [7, 4, 1], 2, 0.0, "lengths 7, 4 and 1, zeros in the padding"),
        _padded(2, [5, 8, 3], 2, 77.0, "lengths 5, 8 and 3, the number 77 in the padding"),
        _padded(3, [5, 2], 4, -9.0, "lengths 5 and 2, the number -9 in the padding"),
    ],
    mistakes=[
        (
            "A last frame without a partner must not be dropped: it gets zeros beside it.",
            lambda x, lengths: (
                _pair(x[:, : x.shape[1] // 2 * 2], np.minimum(lengths, x.shape[1] // 2 * 2))[0],
                lengths // 2,
            ),
        ),
        (
            "An odd item keeps its last frame, with zeros beside it: its length is rounded up.",
            lambda x, lengths: (_pair(x, lengths)[0], lengths // 2),
        ),
        (
            "There are half as many frames now: the lengths change with them.",
            lambda x, lengths: (_pair(x, lengths)[0], lengths),
        ),
        (
            "What stands in the padding came in: behind an odd item's last frame stand zeros, "
            "whatever the padding holds.",
            lambda x, lengths: (
                np.concatenate([_even(x)[:, 0::2], _even(x)[:, 1::2]], axis=-1),
                (lengths + 1) // 2,
            ),
        ),
        (
            "Pairs are neighbours, frame 2t and 2t + 1, not one of each half.",
            lambda x, lengths: (_halves(_even(_masked(x, lengths))), (lengths + 1) // 2),
        ),
        (
            "The pair is kept whole, one frame behind the other; you take their mean.",
            lambda x, lengths: (
                (_even(_masked(x, lengths))[:, 0::2] + _even(_masked(x, lengths))[:, 1::2]) / 2,
                (lengths + 1) // 2,
            ),
        ),
        (
            "The earlier frame stands first.",
            lambda x, lengths: (
                np.roll(_pair(x, lengths)[0], x.shape[2], axis=-1),
                *_pair(x, lengths)[1:],
            ),
        ),
        (
            "The numbers of the two frames are shuffled into each other: first all of frame 2t, "
            "then all of frame 2t + 1.",
            lambda x, lengths: (
                _pair(x, lengths)[0]
                .reshape(len(x), -1, 2, x.shape[2])
                .swapaxes(2, 3)
                .reshape(len(x), -1, 2 * x.shape[2]),
                (lengths + 1) // 2,
            ),
        ),
    ],
    hints=[
        "Three steps: make the padding 0, make the number of frames even, put neighbours side by "
        "side. What must happen to a length of 5?",
        "Where np.arange(frames) >= lengths[:, None] there is padding. With an odd number of "
        "frames, np.pad one of zeros behind. x[:, 0::2] and x[:, 1::2] are the two of each pair.",
        "x = np.where((np.arange(x.shape[1]) < lengths[:, None])[..., None], x, 0); x = np.pad(x, "
        "((0, 0), (0, x.shape[1] % 2), (0, 0))); return np.concatenate([x[:, 0::2], x[:, 1::2]], "
        "axis=-1), (lengths + 1) // 2",
    ],
)
def pair(x: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pyramid."""
    return _pair(x, lengths)


def _softmax(scores: np.ndarray) -> np.ndarray:
    e = np.exp(scores - scores.max())
    return e / e.sum()


def _look(
    q: np.ndarray,
    k: np.ndarray,
    f: np.ndarray,
    h: np.ndarray,
    v: np.ndarray,
    length: int,
    judge: Callable[[np.ndarray], np.ndarray] = np.tanh,
    places: bool = True,
    mask: str = "before",
    stable: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """One look, or one of the ways to get it wrong."""
    scores = judge(q + k + (f if places else 0)) @ v
    real = np.arange(len(h)) < length
    if mask == "before":
        scores = np.where(real, scores, -np.inf)
    elif mask == "zero":
        scores = np.where(real, scores, 0.0)
    weights = _softmax(scores) if stable else np.exp(scores) / np.exp(scores).sum()
    if mask == "after":
        weights = np.where(real, weights, 0.0)
    return weights @ h, weights


def _view(seed: int, frames: int, length: int, scale: float, description: str) -> Case:
    rng = np.random.default_rng(seed)
    q, v = rng.normal(size=(2, 4))
    k, f = rng.normal(size=(2, frames, 4))
    h = rng.normal(size=(frames, 3))
    k[length:], h[length:] = 2.0, 50.0  # what the padding holds
    return Case((q, k, f, h, scale * v, length), description)


@notebook.function(
    cases=[
        Case(
            (
                np.array([0.0]),
                np.array([[0.0], [1.0]]),
                np.array([[0.0], [0.0]]),
                np.array([[10.0], [20.0]]),
                np.array([1.0]),
                2,
            ),
            "q [0], k [[0], [1]], f [[0], [0]], h [[10], [20]], v [1], 2",
        ),
        _view(0, 5, 5, 1.0, "5 frames, all of them real"),
        _view(1, 6, 4, 1.0, "6 frames, 4 of them real"),
        _view(2, 8, 3, 2.0, "8 frames, 3 of them real"),
        _view(3, 7, 5, 2000.0, "7 frames, 5 of them real, v of some thousands"),
    ],
    mistakes=[
        (
            "You looked at the padding too: its scores are -inf before the softmax.",
            lambda *a: _look(*a, mask="none"),
        ),
        (
            "You cut the padding off after the softmax: then the weights no longer sum to 1. Mask "
            "the scores, before it.",
            lambda *a: _look(*a, mask="after"),
        ),
        (
            "A score of 0 is no mask: exp(0) is 1. It takes -inf.",
            lambda *a: _look(*a, mask="zero"),
        ),
        (
            "The tanh is missing. Without it, q would change all scores alike, and the state would "
            "have no say in where to look.",
            lambda *a: _look(*a, judge=lambda x: x),
        ),
        (
            "f is missing: the speller does not know where it looked before.",
            lambda *a: _look(*a, places=False),
        ),
        (
            "What is read are the states h; the keys k are for finding only.",
            lambda q, k, f, h, v, n: (_look(q, k, f, h, v, n)[1] @ k, _look(q, k, f, h, v, n)[1]),
        ),
        (
            "exp of a large score overflows: subtract the largest score first, which changes no "
            "weight.",
            lambda *a: _look(*a, stable=False),
        ),
        (
            "The context is the *weighted* sum of the states, not their mean.",
            lambda q, k, f, h, v, n: (h[:n].mean(axis=0), _look(q, k, f, h, v, n)[1]),
        ),
    ],
    hints=[
        "Four lines: scores, mask, softmax, sum. Broadcasting adds q to every row of k and f. What "
        "shape has tanh(q + k + f) @ v?",
        "scores = np.tanh(q + k + f) @ v, one a frame; scores[length:] = -np.inf; then subtract "
        "the largest, exp, and divide by the sum. The context is weights @ h.",
        "e = np.tanh(q + k + f) @ v; e[length:] = -np.inf; a = np.exp(e - e.max()); a = a / "
        "a.sum(); return a @ h, a",
    ],
)
def look(
    q: np.ndarray, k: np.ndarray, f: np.ndarray, h: np.ndarray, v: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """One look."""
    return _look(q, k, f, h, v, length)


Predict = Callable[[list[int]], int]


def _told(
    target: Sequence[int],
    coins: Sequence[float],
    sampling: float,
    predict: Predict,
    start: int,
    own: Callable[[float, float], bool] = lambda coin, sampling: coin < sampling,
    after: str = "told",
    one_coin: bool = False,
    judged: str = "target",
) -> tuple[list[int], list[int]]:
    """The loop, or one of the ways to get it wrong."""
    told = [start]
    for u in range(len(target)):
        before = {
            "told": list(told),
            "right": [start, *target[:u]],
            "last": told[-1:],
        }[after]
        coin = coins[0] if one_coin else coins[u]
        told.append(predict(before) if own(coin, sampling) else target[u])
    expected = {"target": [*target, 0], "told": [*told[1:], 0], "short": list(target)}[judged]
    return told, expected


def _speller(told: list[int]) -> int:
    """What a speller of the checks says after what it was told: 1 to 26."""
    code = 0
    for token in told:
        code = (31 * code + token) % 1009
    return 1 + code % 26


def _spelled(target: Sequence[int], coins: Sequence[float], sampling: float) -> Case:
    shown = f"{list(target)}, coins {list(coins)}, sampling {sampling}"
    return Case((list(target), list(coins), sampling, _speller, 27), shown)


def _spelled_at_random(seed: int, length: int, sampling: float) -> Case:
    rng = np.random.default_rng(seed)
    target, coins = rng.integers(1, 27, length).tolist(), rng.random(length).round(2).tolist()
    description = f"{length} tokens, sampling {sampling}"
    return Case((target, coins, sampling, _speller, 27), description)


@notebook.function(
    cases=[
        _spelled([3, 1, 20], [0.5, 0.0, 0.9], 0.0),
        _spelled([3, 1, 20], [0.5, 0.2, 0.9], 1.0),
        _spelled([3, 1, 20], [0.9, 0.05, 0.5], 0.1),
        _spelled([8, 5, 12, 12, 15], [0.1, 0.7, 0.2, 0.4, 0.3], 0.3),
        _spelled_at_random(0, 12, 0.5),
        _spelled_at_random(1, 20, 0.25),
    ],
    mistakes=[
        (
            "Its own token must follow from what it was *told*, its earlier mistakes included; you "
            "asked after the right tokens, which is what training in parallel would give.",
            lambda *a: _told(*a, after="right"),
        ),
        (
            "predict wants everything that it was told so far, START included, not the last token "
            "alone.",
            lambda *a: _told(*a, after="last"),
        ),
        (
            "The coin is the other way round: its own token where coin < sampling.",
            lambda *a: _told(*a, own=lambda coin, sampling: coin >= sampling),
        ),
        (
            "With sampling 0, never: coin < sampling, not <=.",
            lambda *a: _told(*a, own=lambda coin, sampling: coin <= sampling),
        ),
        (
            "Each step has a coin of its own; you threw one for the whole sentence.",
            lambda *a: _told(*a, one_coin=True),
        ),
        (
            "Only what it is told changes. What it is judged by stays the right text, or it would "
            "be taught its own mistakes.",
            lambda *a: _told(*a, judged="told"),
        ),
        (
            "After the last token it is to write END, 0: one more step to be judged.",
            lambda *a: _told(*a, judged="short"),
        ),
        (
            "You tell it in each step the very token that it is to write. It must be the one "
            "before; the first is START.",
            lambda target, *a: (_told(target, *a)[0][1:], [*target, 0]),
        ),
    ],
    hints=[
        "A loop that builds the list told, from [start] on. In step u it is either target[u], or "
        "what the speller says after the list as it is by then. And by what is each step judged?",
        "told = [start]; for each pair of a token and a coin, append predict(told) or the token. "
        "Judged by: the tokens, and END behind them.",
        "told = [start]; for token, coin in zip(target, coins): told.append(predict(told) if coin "
        "< sampling else token); return told, [*target, 0]",
    ],
)
def told(
    target: Sequence[int],
    coins: Sequence[float],
    sampling: float,
    predict: Predict,
    start: int,
) -> tuple[list[int], list[int]]:
    """Its own words."""
    return _told(target, coins, sampling, predict, start)


Texts = list[tuple[list[int], float]]


def _beam_step(
    beam: Texts,
    ended: Texts,
    log_probs: np.ndarray,
    width: int,
    power: float,
    ends: str = "taken",
    divide: str = "power",
    counted: int = 1,
    running: bool = False,
    each: bool = False,
    append: bool = True,
) -> tuple[Texts, Texts]:
    """One step, or one of the ways to get it wrong."""
    found = [
        (tokens, token, log_p + log_probs[i, token])
        for i, (tokens, log_p) in enumerate(beam)
        for token in range(log_probs.shape[1])
    ]
    found.sort(key=lambda one: one[2], reverse=True)
    if each:
        best = {tuple(tokens): (tokens, token, p) for tokens, token, p in reversed(found)}
        kept = sorted(best.values(), key=lambda one: one[2], reverse=True)[:width]
    elif ends == "extra":
        others = [one for one in found if one[1] != 0][:width]
        kept = [one for one in found if one[1] == 0] + others
    else:
        kept = found[:width]

    def score(tokens: list[int], p: float) -> float:
        size = max(len(tokens) + counted, 1)
        return {"power": p / size**power, "none": p, "product": p / max(size * power, 1)}[divide]

    over = [(tokens, score(tokens, p)) for tokens, token, p in kept if token == 0]
    live = [
        ([*tokens, token], score(tokens, p) if running else p)
        for tokens, token, p in kept
        if token != 0 or ends == "live"
    ]
    over = [*ended, *over] if append else over
    return live, sorted(over, key=lambda one: one[1], reverse=True)


def _beams(seed: int, texts: int, tokens: int, width: int, power: float, length: int) -> Case:
    """A step in the middle of a search, with END about as probable as the other tokens."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(tokens), size=texts)
    beam = [
        (rng.integers(1, tokens, length).tolist(), round(float(x), 2))
        for x in -np.sort(rng.uniform(0.5, 2.0, texts))
    ]
    ended = [([1] * (length - 1), -0.7)] if length > 1 else []
    description = f"{texts} texts of {length} tokens, width {width}, power {power}"
    return Case((beam, ended, np.log(p).round(2), width, power), description)


@notebook.function(
    cases=[
        Case(
            ([([], 0.0)], [], np.log([[0.1, 0.6, 0.3]]).round(2), 2, 1.0),
            "the empty text, P(END) 0.1, P(1) 0.6, P(2) 0.3, width 2, power 1",
        ),
        Case(
            (
                [([1], -0.51), ([2], -1.2)],
                [],
                np.log([[0.7, 0.1, 0.2], [0.2, 0.3, 0.5]]).round(2),
                2,
                1.0,
            ),
            "two texts, [1] and [2], P(END) 0.7 and 0.2, width 2, power 1",
        ),
        _beams(0, 3, 4, 3, 1.0, 2),
        _beams(1, 4, 5, 4, 0.6, 3),
        _beams(2, 4, 4, 4, 0.0, 5),
        _beams(3, 5, 6, 5, 1.0, 7),
        _beams(4, 2, 4, 5, 0.8, 4),
    ],
    mistakes=[
        (
            "A text that has ended must not be continued: END takes it out of the beam.",
            lambda *a: _beam_step(*a, ends="live"),
        ),
        (
            "Texts with END compete for the same places as all others: only those among the width "
            "best of all end here.",
            lambda *a: _beam_step(*a, ends="extra"),
        ),
        (
            "END was written as well and had to be paid for: the length is that of the tokens and "
            "1.",
            lambda *a: _beam_step(*a, counted=0),
        ),
        (
            "The score of a text that has ended is its log-probability divided by its length to "
            "the power.",
            lambda *a: _beam_step(*a, divide="none"),
        ),
        (
            "length ** power, not length * power: with a power of 0 nothing is divided.",
            lambda *a: _beam_step(*a, divide="product"),
        ),
        (
            "What goes on in the beam is the plain log-probability. Divided now, it would be "
            "divided again in the next step.",
            lambda *a: _beam_step(*a, running=True),
        ),
        (
            "You take the best continuation of each text. The width best of *all* continuations "
            "are kept: two of them may come from the same text.",
            lambda *a: _beam_step(*a, each=True),
        ),
        (
            "Those that had ended before are lost: the new ones are added to them.",
            lambda *a: _beam_step(*a, append=False),
        ),
    ],
    hints=[
        "First a list of all continuations: for each text and each token, what it would then be "
        "worth. Sort, cut to the width. Only then ask which of them ended.",
        "found = [(log_p + log_probs[i, token], tokens, token) for ...]; the width best; where the "
        "token is 0, (tokens, log_p / (len(tokens) + 1) ** power) goes to ended; the others go on "
        "with the plain log_p.",
        "found = sorted(((p + log_probs[i, c], t, c) for i, (t, p) in enumerate(beam) for c in "
        "range(log_probs.shape[1])), reverse=True)[:width]; beam = [([*t, c], p) for p, t, c in "
        "found if c]; ended = ended + [(t, p / (len(t) + 1) ** power) for p, t, c in found if c == "
        "0]; return beam, sorted(ended, key=lambda one: -one[1])",
    ],
)
def beam_step(
    beam: Texts, ended: Texts, log_probs: np.ndarray, width: int, power: float
) -> tuple[Texts, Texts]:
    """A step of the beam."""
    return _beam_step(beam, ended, log_probs, width, power)


def _diagnose(
    weights: np.ndarray,
    back: int,
    ahead: int,
    place: str = "largest",
    since: str = "furthest",
    first: bool = True,
    loops_first: bool = False,
    strict: bool = True,
    gives: str = "step",
) -> tuple[str, int | None]:
    """The failure, or one of the ways to get it wrong."""
    frames = np.arange(weights.shape[1])
    places = weights.argmax(axis=1) if place == "largest" else weights @ frames
    found: list[tuple[str, int]] = []
    front = float(places[0]) if first else 0.0
    for step, now in enumerate(places):
        if front - now > back or (not strict and front - now == back):
            found.append(("loop", step))
        elif now - front > ahead or (not strict and now - front == ahead):
            found.append(("skip", step))
        front = max(front, float(now)) if since == "furthest" else float(now)
    if loops_first:
        found.sort(key=lambda one: one[0])
    if not found:
        return "good", None
    name, step = found[0] if gives != "last" else found[-1]
    return name, {"frame": int(places[step]), "one": step + 1}.get(gives, step)


def _picture(places: Sequence[float], frames: int, seed: int, second: float = 0.0) -> np.ndarray:
    """Attention that looks at these places, a frame or two to each side, and elsewhere a little."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames)
    near = np.exp(-((t - np.array(places)[:, None]) ** 2) / 1.5)
    far = np.exp(-((t - rng.integers(0, frames, (len(places), 1))) ** 2) / 1.5)
    weights = near + second * far + 0.02 * rng.random(near.shape)
    return (weights / weights.sum(axis=1, keepdims=True)).round(4)


def _seen(places: Sequence[int], frames: int, seed: int, description: str, **options: Any) -> Case:
    return Case(
        (_picture(places, frames, seed, **options), 3, 8), description + ", back 3, ahead 8"
    )


@notebook.function(
    cases=[
        _seen([1, 3, 5, 7, 9, 11], 13, 0, "a staircase, places 1 3 5 7 9 11"),
        _seen([2, 5, 8, 11, 3, 6, 9], 14, 1, "places 2 5 8 11 3 6 9"),
        _seen([2, 4, 7, 18, 20, 23], 26, 2, "places 2 4 7 18 20 23"),
        _seen([12, 15, 15, 17, 14, 19], 24, 3, "places 12 15 15 17 14 19"),
        _seen([3, 6, 9, 12, 11, 9, 7, 10], 16, 4, "places 3 6 9 12 11 9 7 10"),
        _seen([2, 6, 4, 12, 14], 18, 5, "places 2 6 4 12 14"),
        _seen([1, 4, 14, 16, 8, 11, 13], 20, 6, "places 1 4 14 16 8 11 13"),
        _seen([5, 8, 16, 13, 21], 24, 7, "places 5 8 16 13 21"),
        _seen(
            [3, 6, 8, 11, 14, 17, 20],
            40,
            8,
            "places 3 6 8 11 14 17 20, and a second, weaker one in each step",
            second=0.6,
        ),
    ],
    mistakes=[
        (
            "Compare with the furthest place so far, not with the step before: a slow way back is "
            "a loop, too, and who has gone back a little jumps over nothing on the way forward.",
            lambda *a: _diagnose(*a, since="before"),
        ),
        (
            "The place is where the largest weight is. The mean of all places is pulled away by a "
            "second, weaker look.",
            lambda *a: _diagnose(*a, place="mean"),
        ),
        (
            "The first step may begin anywhere: in front of the speech there may be silence.",
            lambda *a: _diagnose(*a, first=False),
        ),
        (
            "The first failure counts, loop or skip, whichever comes first.",
            lambda *a: _diagnose(*a, loops_first=True),
        ),
        (
            "*More* than back or ahead frames: exactly so many are allowed.",
            lambda *a: _diagnose(*a, strict=False),
        ),
        (
            "The step is asked for (which letter), not the frame.",
            lambda *a: _diagnose(*a, gives="frame"),
        ),
        ("Steps are counted from 0.", lambda *a: _diagnose(*a, gives="one")),
        (
            "The first step at which it goes wrong is asked for, not the last.",
            lambda *a: _diagnose(*a, gives="last"),
        ),
    ],
    hints=[
        "Reduce the picture to one number a step: where it looks. Then walk through the steps, and "
        "remember the furthest place so far. When is a step too far behind it, when too far ahead?",
        "places = weights.argmax(axis=1); front = places[0]; in each step: front - now > back is a "
        "loop, now - front > ahead a skip; else front = max(front, now).",
        "front = weights[0].argmax(); for step, now in enumerate(weights.argmax(axis=1)): if front "
        '- now > back: return "loop", step; if now - front > ahead: return "skip", step; front = '
        'max(front, now); and behind the loop return "good", None',
    ],
)
def diagnose(weights: np.ndarray, back: int, ahead: int) -> tuple[str, int | None]:
    """Where does it get lost?"""
    return _diagnose(weights, back, ahead)


_MODELS = {
    "ds2": "reads the utterance from both ends",
    "ds2-streaming": "reads forwards with a lookahead",
    "las": "attends to the whole utterance",
}
_A_FIGURE = {"a figure from the table": r"\d"}
_PRODUCTS = {
    "captions": {
        "how long a reader waits": r"latenc|delay|wait|\blate|stream|\bms\b|second|lookahead",
    },
    "archive": {
        "speed, price, or how a place in the sound is found": (
            r"fast|slow|speed|real.?time|hour|cheap|price|cost|throughput|when|where|position|"
            r"\btimes?\b|align|frame"
        ),
    },
    "dictation": {
        "wrong words or letters": r"\bwer\b|\bcer\b|error|wrong|accura|right|correct|mistake",
    },
}


@notebook.open(
    hints=[
        "Begin with what can't be had: which of the three models can write before the speaker has "
        "finished? Then ask of each product: what does a user notice first, waiting, or a wrong "
        "word, or a hit that is missing?",
        "The table of section 11 has a figure for each of these. A reason that names it can be "
        "wrong, and so can be right; and every choice loses something, say what.",
        'choice = {"captions": {"model": "ds2-streaming", "because": "It waits for 0.3 s only, the '
        'others for the end of the sentence.", "gives_up": "..."}, "archive": {...}, "dictation": '
        "{...}}",
    ],
)
def choice(answer: Any) -> str:
    """Three products."""
    read_finding(answer, {}, others=list(_PRODUCTS), what="choice")
    for product, names in _PRODUCTS.items():
        one = answer[product]
        forms = {"because": {**names, **_A_FIGURE}, "gives_up": {}}
        try:
            read_finding(one, forms, others=["model"], what="entry")
        except WrongAnswer as error:
            raise WrongAnswer(f"{product}: {error}") from error
        if one["model"] not in _MODELS:
            raise WrongAnswer(
                f"{product}: 'model' is one of {', '.join(_MODELS)}, got {one['model']!r:.40}."
            )
    shown = answer["captions"]["model"]
    if shown != "ds2-streaming":
        raise WrongAnswer(
            f"captions: {shown!r} {_MODELS[shown]}, and writes nothing before its end. A caption "
            "would come a whole sentence late."
        )
    reasons = {answer[product]["because"].strip().lower() for product in _PRODUCTS}
    if len(reasons) < len(_PRODUCTS):
        raise WrongAnswer("Two products have the same reason: what is different about them?")
    chosen = ", ".join(f"{answer[product]['model']} for {product}" for product in _PRODUCTS)
    return (
        f"{chosen}. The form is right; now be your own reviewer. Would each choice turn if its "
        "figure were twice as bad? If not, it is not the figure that decides."
    )


notebook.set_quiz(
    Question(
        "A speller needs no blank. Why?",
        [
            Option(
                "Because attention skips the silent frames.",
                "It may look at any frame, silent ones too. What matters is how often it writes, "
                "not where it looks.",
            ),
            Option(
                "Because it writes one token a step, and takes as many steps as there are tokens.",
                "CTC must say something in each frame, so it needs a way to say nothing. The "
                "speller's steps are its letters, and END says that they are over.",
                correct=True,
            ),
            Option(
                "Because END takes the blank's place, at the same frames.",
                "They share the number 0 in this course and nothing else: END is written once, "
                "the blank at most frames.",
            ),
            Option(
                "Because double letters do not occur in its training texts.",
                "They do, and need no blank between them: l, then l again, are two steps.",
            ),
        ],
    ),
    Question(
        "What does a pyramid with 8 times fewer frames buy?",
        [
            Option(
                "A smaller loss on any task: fewer frames are easier to attend to.",
                "On short utterances it can even hurt: a letter may get less than one frame. It "
                "has to be measured.",
            ),
            Option(
                "No sound is lost, since frames are joined, so it costs nothing.",
                "No number is dropped, but the upper layers are told only once in 80 ms, and "
                "fine timing must fit into those states.",
            ),
            Option(
                "The speller compares each letter with 8 times fewer places, and upper layers "
                "take fewer steps.",
                "Its work for a letter is proportional to the frames, and a thousand places are "
                "harder to tell apart than a hundred.",
                correct=True,
            ),
            Option(
                "Streaming: with fewer frames there is no need to wait.",
                "The listener still reads from both ends and the softmax still looks at all "
                "frames. Fewer of them are not sooner.",
            ),
        ],
    ),
    Question(
        "On test data, the teacher-forced loss is close to zero. What do you know about what the "
        "model writes by itself?",
        [
            Option(
                "It is nearly right: test data don't lie.",
                "The data are honest, the question is another one: in each place the model was "
                "told the right letters before.",
            ),
            Option(
                "Nothing for certain: after a mistake it stands where it was never trained to "
                "stand.",
                "Let it run freely and count edits. The loss says how good it is at one step from "
                "a right place.",
                correct=True,
            ),
            Option(
                "It is right, if a beam search is used.",
                "A beam keeps alternatives, each of which is a text of its own making as well.",
            ),
            Option(
                "It is wrong: exposure bias ruins every model that was teacher-forced.",
                "Many of them write well. How much is lost after a mistake is to be measured, as "
                "in section 5.",
            ),
        ],
    ),
    Question(
        "A beam search with a width of 100 and no length normalisation gives shorter texts than "
        "greedy search. Is that a bug?",
        [
            Option(
                "Yes: a wider beam must find texts at least as long.",
                "It finds texts at least as probable, of those that it ranks. Shorter ones have "
                "fewer factors below 1.",
            ),
            Option(
                "Yes: END is forbidden while there is sound left.",
                "Nothing forbids it. That is what an end threshold is for, and coverage pays for "
                "sound that was read.",
            ),
            Option(
                "No: wide beams cut the text off at their limit.",
                "The limit is far beyond these texts, and the same for both searches.",
            ),
            Option(
                "No: each token costs, and a wide beam finds that stopping early is cheap.",
                "The search is right and the ranking is not: divide by the length, or pay for "
                "what is covered.",
                correct=True,
            ),
        ],
    ),
    Question(
        "A speller reads a part of the sound twice and writes it twice. Which remedy is about "
        "that?",
        [
            Option(
                "A beam search: it never loops.",
                "It can: where each step of the loop is probable, so is the whole loop. A limit "
                "ends it, which is not the same as not looping.",
            ),
            Option(
                "Location-aware attention: the scores know where it looked a step ago.",
                "Two places that sound alike have the same content; only the place tells them "
                "apart. It makes loops rarer, not impossible.",
                correct=True,
            ),
            Option(
                "Length normalisation: it prefers shorter texts.",
                "It makes longer texts cheaper than they were, and a loop is longer.",
            ),
            Option(
                "Label smoothing: probabilities are less extreme.",
                "It helps the search to keep alternatives; where to look is not its business.",
            ),
        ],
    ),
    Question(
        "Why can't this model write captions while someone speaks, whatever the computer?",
        [
            Option(
                "Its real-time factor is too high.",
                "It is far below 1. A model that waits for the end is late however fast it is.",
            ),
            Option(
                "It needs a language model, which can't stream.",
                "It has one inside, and language models read from left to right.",
            ),
            Option(
                "Its listener reads backwards from the end, and each look is a softmax over the "
                "whole utterance.",
                "Both need the last frame before the first letter. There are streaming relatives, "
                "with other listeners and with attention that only moves on.",
                correct=True,
            ),
            Option(
                "Its lookahead is too long.",
                "It has none: a lookahead is what makes a forward-reading model wait a little. "
                "This one waits for everything.",
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
