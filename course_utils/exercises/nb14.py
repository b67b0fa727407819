"""Exercises and quiz of notebook 14, Your own recogniser."""

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from course_utils.exercises.framework import Case, Notebook, WrongAnswer, read_finding
from course_utils.exercises.quiz import Option, Question

notebook = Notebook(14, "Your own recogniser")


def _runs(loud: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.pad(loud.astype(int), 1)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _ends(
    power: np.ndarray,
    below_db: float,
    least: int,
    tens: float = 10.0,
    strict: bool = False,
    clicks: bool = False,
    behind: int = 0,
    first_only: bool = False,
    longer: int = 0,
    empty: tuple[int, int] | None = None,
) -> tuple[int, int]:
    """The ends, or one of the ways to get them wrong."""
    power = np.asarray(power, dtype=float)
    limit = power.max() * 10 ** (-below_db / tens)
    loud = power > limit if strict else power >= limit * (1 - 1e-12)
    found = [(a, b) for a, b in _runs(loud) if clicks or b - a >= least + longer]
    if not found:
        return (0, len(power)) if empty is None else empty
    return found[0][0], (found[0] if first_only else found[-1])[1] - behind


def _levels(values: Sequence[float], below_db: float, least: int, text: str = "") -> Case:
    power = np.array(values, dtype=float)
    return Case((power, below_db, least), text or f"power {list(values)}, {below_db}, {least}")


def _recording(seed: int, clicks: Sequence[int], below_db: float, least: int, text: str) -> Case:
    rng = np.random.default_rng(seed)
    power = rng.uniform(1e-6, 2e-5, 60)
    power[20:32] = rng.uniform(0.05, 1.0, 12)
    power[36:45] = rng.uniform(0.05, 1.0, 9)
    power[list(clicks)] = 0.9
    return Case((power, below_db, least), text)


@notebook.function(
    cases=[
        _levels([0.0, 1.0, 1.0, 0.0], 30, 1),
        _levels([0.001, 0.5, 1.0, 0.01, 0.001], 20, 2),
        _levels([0.0, 1.0, 0.0, 0.0, 0.5, 0.6, 0.7, 0.0], 20, 3),
        _recording(0, [], 20, 3, "two words with a pause between them"),
        _recording(1, [4, 55], 20, 3, "two words, a click before and one after them"),
        _recording(2, [4, 55], 20, 1, "the same where a single piece counts"),
        _levels([1.0, 0.0, 1.0, 0.0, 1.0], 20, 2, "nothing but clicks"),
        _levels([1.0] * 4, 20, 2, "loud all the way"),
    ],
    mistakes=[
        (
            "Power is a square already: a decibel is 10 log10 of a ratio of powers, so the limit "
            "is the largest power times 10 ** (-below_db / 10).",
            lambda *a: _ends(*a, tens=20.0),
        ),
        (
            "A run of fewer than `least` loud pieces is a click: it must not begin or end the "
            "speech.",
            lambda *a: _ends(*a, clicks=True),
        ),
        (
            "The second number is that of the piece *behind* the last loud one.",
            lambda *a: _ends(*a, behind=1),
        ),
        (
            "People pause between words: the speech ends with the *last* run that counts.",
            lambda *a: _ends(*a, first_only=True),
        ),
        (
            "A piece exactly at the limit is loud: at least, not more than.",
            lambda *a: _ends(*a, strict=True),
        ),
        (
            "A run of exactly `least` pieces counts: only fewer are a click.",
            lambda *a: _ends(*a, longer=1),
        ),
        (
            "Where nothing counts, keep all of it: (0, len(power)).",
            lambda *a: _ends(*a, empty=(0, 0)),
        ),
    ],
    hints=[
        "Three steps: which pieces are loud, which of them stand in runs that are long enough, and "
        "where the first of these runs begins and the last one ends.",
        "loud = power >= power.max() * 10 ** (-below_db / 10). Walk through it and keep (start, "
        "end) of each run; drop those with end - start < least.",
        "runs, start = [], None; for i, one in enumerate([*loud, False]): if one and start is "
        "None: start = i; if not one and start is not None: runs.append((start, i)); start = None. "
        "Keep those with b - a >= least; return runs[0][0], runs[-1][1], or (0, len(power)).",
    ],
)
def ends(power: np.ndarray, below_db: float, least: int) -> tuple[int, int]:
    """Where the speech is."""
    return _ends(power, below_db, least)


Texts = Sequence[tuple[Sequence[str], float]]


def _shares(scores: Sequence[float], stable: bool = True) -> np.ndarray:
    s = np.asarray(scores, dtype=float)
    p = np.exp(s - s.max()) if stable else np.exp(s)
    return p / p.sum()


def _sure(
    texts: Texts,
    anywhere: bool = False,
    weights: str = "shares",
    whole: bool = False,
    normalised: bool = True,
    stable: bool = True,
) -> np.ndarray:
    """The confidences, or one of the ways to get them wrong."""
    best = list(texts[0][0])
    p = _shares([score for _, score in texts], stable)
    if not normalised:
        p = np.exp([score for _, score in texts])
    if weights == "count":
        p = np.full(len(texts), 1 / len(texts))
    found = np.zeros(len(best))
    for (words, _), share in zip(texts, p, strict=True):
        for place, word in enumerate(best):
            same = word in words if anywhere else list(words[place : place + 1]) == [word]
            found[place] += share * (list(words) == best if whole else same)
    return found


def _list(*texts: tuple[str, float]) -> Case:
    return Case(([(text.split(), score) for text, score in texts],), ", ".join(map(repr, texts)))


@notebook.function(
    cases=[
        _list(("stop", -0.1)),
        _list(("stop the music", math.log(0.6)), ("stop the radio", math.log(0.4))),
        _list(("call two one", -1.0), ("call two", -1.5), ("all two one", -2.0)),
        _list(("call one two", -3.0), ("call two one", -3.2), ("call one one two", -4.0)),
        _list(("six seven", -40.0), ("six", -41.0), ("fix seven", -41.5)),
        _list(("dim all the lights", -1999.0), ("dim the lights", -2000.0), ("dim", -2003.0)),
    ],
    mistakes=[
        (
            "exp of -2000 is 0, and 0 / 0 is no number. Subtract the largest score first: it "
            "cancels in the shares.",
            lambda texts: _sure(texts, stable=False),
        ),
        (
            "A share is a probability divided by the sum of all in the list.",
            lambda texts: _sure(texts, normalised=False),
        ),
        (
            "The texts are not equally probable: weigh each by its share.",
            lambda texts: _sure(texts, weights="count"),
        ),
        (
            "The word must stand at the same *place*; you look for it anywhere in the text.",
            lambda texts: _sure(texts, anywhere=True),
        ),
        (
            "That is the share of the whole text. Another text may agree with the best one in this "
            "word, and its share counts for the word then.",
            lambda texts: _sure(texts, whole=True),
        ),
    ],
    hints=[
        "First one share for each text, then one sum for each place of the best text: over all "
        "texts that are long enough and have the same word there.",
        "s = scores - max(scores); p = exp(s) / sum(exp(s)). For place, word in enumerate(best): "
        "add p of each text whose words[place:place + 1] == [word].",
        "s = np.array([x for _, x in texts]); p = np.exp(s - s.max()); p = p / p.sum(); return "
        "np.array([sum(q for (w, _), q in zip(texts, p) if w[i:i + 1] == [word]) for i, word in "
        "enumerate(texts[0][0])])",
    ],
)
def sure(texts: Texts) -> np.ndarray:
    """How sure of each word."""
    return _sure(texts)


def _paired(
    before: np.ndarray,
    after: np.ndarray,
    words: np.ndarray,
    draws: np.ndarray,
    own_words: bool = True,
    mean: bool = False,
    sign: float = 1.0,
    together: bool = True,
    level: tuple[float, float] = (0.025, 0.975),
    rate: bool = True,
) -> tuple[float, float]:
    """The interval, or one of the ways to get it wrong."""
    before, after, words = (np.asarray(x, dtype=float) for x in (before, after, words))
    draws = np.asarray(draws)
    size = words[draws].sum(axis=1) if own_words else words.sum()
    if mean:
        less = ((before - after) / words)[draws].mean(axis=1)
    elif not together:
        a = np.quantile(before[draws].sum(axis=1) / size, level)
        b = np.quantile(after[draws].sum(axis=1) / size, level)
        return float(a[0] - b[1]), float(a[1] - b[0])
    else:
        less = (before - after)[draws].sum(axis=1) / (size if rate else 1)
    low, high = np.quantile(sign * less, level)
    return float(low), float(high)


def _two_systems(seed: int, recordings: int, times: int, description: str) -> Case:
    rng = np.random.default_rng(seed)
    words = rng.integers(2, 10, recordings)
    before = rng.integers(0, words + 1)
    after = np.maximum(before - rng.integers(0, 3, recordings), 0)
    draws = rng.integers(0, recordings, (times, recordings))
    return Case((before, after, words, draws), description)


@notebook.function(
    cases=[
        Case(
            (
                np.array([2, 1]),
                np.array([1, 1]),
                np.array([4, 2]),
                np.array([[0, 1], [0, 0], [1, 1]]),
            ),
            "before [2, 1], after [1, 1], words [4, 2], draws [[0, 1], [0, 0], [1, 1]]",
        ),
        _two_systems(0, 5, 8, "5 recordings, 8 draws"),
        _two_systems(1, 20, 200, "20 recordings, 200 draws"),
        _two_systems(2, 12, 1000, "12 recordings, 1000 draws"),
    ],
    mistakes=[
        (
            "Those are the ends of two separate intervals, subtracted. Take the difference within "
            "each draw, then the quantiles: that is what *paired* means.",
            lambda *a: _paired(*a, together=False),
        ),
        (
            "A draw has words of its own: divide by the words of the recordings that were drawn, "
            "not by those of all.",
            lambda *a: _paired(*a, own_words=False),
        ),
        (
            "An error rate is all errors by all words of the draw, not the mean of the recordings' "
            "rates.",
            lambda *a: _paired(*a, mean=True),
        ),
        (
            "How much *lower* is asked for: before minus after, positive where it got better.",
            lambda *a: _paired(*a, sign=-1.0),
        ),
        (
            "The middle 95 % lies between the 2.5 % and the 97.5 % quantile.",
            lambda *a: _paired(*a, level=(0.05, 0.95)),
        ),
        (
            "That counts errors; a rate is asked for: divide by the words of the draw.",
            lambda *a: _paired(*a, rate=False),
        ),
    ],
    hints=[
        "One number for each draw, then two quantiles of these numbers. Both systems are looked at "
        "with the same recordings in each draw.",
        "(before - after)[draws] has a row for each draw: sum it along axis 1. The words of each "
        "draw are words[draws].sum(axis=1).",
        "less = (before - after)[draws].sum(axis=1) / words[draws].sum(axis=1); return "
        "tuple(np.quantile(less, [0.025, 0.975]))",
    ],
)
def paired(
    before: np.ndarray, after: np.ndarray, words: np.ndarray, draws: np.ndarray
) -> tuple[float, float]:
    """Paired."""
    return _paired(before, after, words, draws)


Tried = Mapping[float, tuple[float, float]]


def _best_mix(
    tried: Tried,
    old_before: float,
    allowed: float,
    which: int = 0,
    ties: int = -1,
    relative: bool = False,
    limit: bool = True,
    strict: bool = False,
    fallback: bool = False,
    total: bool = False,
) -> float | None:
    """The share, or one of the ways to get it wrong."""
    most = old_before * (1 + allowed) if relative else old_before + allowed
    fits = {
        share: pair
        for share, pair in tried.items()
        if not limit or (pair[1] < most - 1e-9 if strict else pair[1] <= most + 1e-9)
    }
    if not fits:
        return max(tried) if fallback and tried else None
    return min(
        fits, key=lambda share: (sum(fits[share]) if total else fits[share][which], ties * share)
    )


_TRIED = {0.0: (0.10, 0.13), 0.25: (0.11, 0.06), 0.5: (0.12, 0.05), 0.75: (0.20, 0.04)}


@notebook.function(
    cases=[
        Case(({0.5: (0.1, 0.05)}, 0.04, 0.02), "{0.5: (0.1, 0.05)}, 0.04, 0.02"),
        Case((_TRIED, 0.04, 0.03), f"{_TRIED}, 0.04, 0.03"),
        Case((_TRIED, 0.04, 0.02), f"{_TRIED}, 0.04, 0.02"),
        Case((_TRIED, 0.04, 0.2), f"{_TRIED}, 0.04, 0.2"),
        Case((_TRIED, 0.03, 0.001), f"{_TRIED}, 0.03, 0.001"),
        Case(
            ({0.25: (0.1, 0.05), 0.5: (0.1, 0.045), 0.75: (0.3, 0.04)}, 0.04, 0.02),
            "two shares with equal error rates of the new voice",
        ),
        Case(
            ({0.75: (0.25, 0.16), 0.5: (0.15, 0.2), 0.0: (0.05, 0.4)}, 0.15, 0.1),
            "shares in another order",
        ),
    ],
    mistakes=[
        (
            "`allowed` is absolute: the old voices' WER may be at most old_before + allowed.",
            lambda *a: _best_mix(*a, relative=True),
        ),
        (
            "That is the lowest error rate of the new voice, whatever it did to the old ones. "
            "First leave out the shares that forget more than is allowed.",
            lambda *a: _best_mix(*a, limit=False),
        ),
        (
            "Among those that are allowed, the *new* voice decides; you take the best one for the "
            "old voices.",
            lambda *a: _best_mix(*a, which=1),
        ),
        (
            "Of shares that are equally good, the larger one is asked for: it forgets less.",
            lambda *a: _best_mix(*a, ties=1),
        ),
        (
            "0 is a share too: nothing mixed in, and allowed here. `if share` and `or` take "
            "it for None.",
            lambda *a: _best_mix(*a) or None,
        ),
        ("Exactly as much worse as is allowed is allowed.", lambda *a: _best_mix(*a, strict=True)),
        (
            "Where nothing is allowed, the answer is None, not the least bad share.",
            lambda *a: _best_mix(*a, fallback=True),
        ),
        (
            "The sum of both rates is another question. The old voices give a limit, the new one "
            "decides below it.",
            lambda *a: _best_mix(*a, total=True),
        ),
    ],
    hints=[
        "Two steps: which shares forget no more than is allowed, and which of them is best for the "
        "new voice?",
        "Keep the shares with old <= old_before + allowed (plus 1e-9: 0.12 + 0.02 comes out "
        "just below 0.14). If none is left, None. Else min with key (new, -share).",
        "fits = [s for s, (new, old) in tried.items() if old <= old_before + allowed + 1e-9]; "
        "return min(fits, key=lambda s: (tried[s][0], -s)) if fits else None",
    ],
)
def best_mix(tried: Tried, old_before: float, allowed: float) -> float | None:
    """How much to mix in."""
    return _best_mix(tried, old_before, allowed)


_FAULTS = ("sentences in both sets", "chosen on the test", "too few speakers", "nothing")
_REPORT = {"A": "nothing", "B": "sentences in both sets", "C": "chosen on the test"}
_AGAINST = {
    ("A", "sentences in both sets"): "A's 40 sentences were divided, 20 and 20: none is in both.",
    ("A", "chosen on the test"): "A adapted once, and looked at the test once.",
    ("B", "chosen on the test"): "B chose nothing by a figure. But what did B read twice?",
    ("B", "nothing"): "B's last ten recordings are new, but are their sentences?",
    ("C", "sentences in both sets"): "C's 40 sentences are all different.",
    ("C", "nothing"): "The lowest of 30 figures is low partly by luck: who chose it, and by what?",
}


@notebook.open(
    hints=[
        "Ask of each: has anything learned from the test, the network *or the person*? And is what "
        "is claimed what was measured?",
        "The claim is about new sentences of the same speaker, so one speaker is enough for it. B "
        "read some sentences twice. C looked at the test thirty times.",
        'report = {"A": "nothing", "B": "sentences in both sets", "C": ...}',
    ],
)
def report(answer: Any) -> str:
    """Which figure may be reported?"""
    read_finding(answer, {}, others=list(_REPORT), what="report")
    for name in _REPORT:
        if answer[name] not in _FAULTS:
            raise WrongAnswer(
                f"{name}: choose one of {', '.join(map(repr, _FAULTS))}, got {answer[name]!r:.40}."
            )
    for name, right in _REPORT.items():
        if answer[name] != right:
            why = _AGAINST.get(
                (name, answer[name]),
                "The claim is about the same speaker: one is enough for it. Other people are "
                "another claim.",
            )
            raise WrongAnswer(f"{name}: {why}")
    return (
        "A may report 11 %, with an interval. B measured how well sentences were learned by heart. "
        "C needs a third set: choose on one, report on another."
    )


_CARD = {
    "what": {"what it can write": r"word|command|letter|digit|sentence|vocabular"},
    "learned_from": {"how many recordings": r"\d"},
    "not_for": {},
    "old_voices": {"a figure": r"\d"},
    "privacy": {},
}


@notebook.open(
    hints=[
        "Read the card of section 10, and the one in course_utils/models/pretrained/README.md. "
        "What would a stranger do with your model that it can't do?",
        "The figures are in before, after and gains of section 5, as fractions: 0.198, not 19.8. "
        "The low end of the paired interval may be negative; then say in the card that the gain is "
        "not sure.",
        'my_card = {"what": "Writes the 128 words of ...", "learned_from": "20 recordings of ...", '
        '"not_for": "...", "old_voices": "WER 6.9 %, before ...", "privacy": "...", "wer": '
        '{"before": 0.488, "after": 0.198, "low": 0.164, "high": 0.43}}',
    ],
)
def my_card(answer: Any) -> str:
    """A card of your own."""
    read_finding(answer, _CARD, others=["wer"], what="card")
    wer = answer["wer"]
    if not isinstance(wer, Mapping):
        raise WrongAnswer("'wer' must be a dictionary: before, after, low and high.")
    names = ("before", "after", "low", "high")
    if missing := [name for name in names if name not in wer]:
        raise WrongAnswer(f"'wer' has no {', '.join(missing)}.")
    for name in names:
        value = wer[name]
        if isinstance(value, bool) or not isinstance(value, numbers.Real) or value != value:
            raise WrongAnswer(f"'wer': {name} must be a number, got {value!r:.30}.")
        if not -2 <= value <= 2:
            raise WrongAnswer(
                f"'wer': {name} is {float(value):g}; fractions are asked for, 0.13 for 13 %."
            )
    before, after, low, high = (float(wer[name]) for name in names)
    if min(before, after) < 0:
        raise WrongAnswer("'wer': an error rate is not negative.")
    if low > high:
        raise WrongAnswer("'wer': the low end of the interval lies above its high end.")
    if not low - 1e-3 <= before - after <= high + 1e-3:
        raise WrongAnswer(
            f"'wer': before minus after is {before - after:.3f}, outside of the interval from "
            f"{low:g} to {high:g}. Is it the interval of the difference?"
        )
    if low <= 0 and not any("sure" in str(answer[k]) or "chance" in str(answer[k]) for k in _CARD):
        raise WrongAnswer(
            "The interval reaches zero: the gain may be chance. Say in a sentence of the card that "
            "it is not sure."
        )
    return (
        f"WER {before:.1%} before, {after:.1%} after. The form is right; now give the card to "
        "somebody, and ask what they would use your model for. If they are wrong, so is the card."
    )


notebook.set_quiz(
    Question(
        "Your recogniser says 0.97 for a word, and it is wrong. What does that show?",
        [
            Option(
                "A bug: 0.97 means right 97 times in 100.",
                "Only where that was measured. And even there, three in 100 are wrong.",
            ),
            Option(
                "By itself nothing: a confidence is a statement about many words of a kind of "
                "sound.",
                "Collect many words with 0.97 and count. On sound that the model has never heard, "
                "expect fewer than 97 right in 100.",
                correct=True,
            ),
            Option(
                "The beam was too narrow.",
                "A wider beam has more texts that share the probability, and the number moves a "
                "little. A model that is sure stays sure.",
            ),
            Option(
                "The language model has to go.",
                "It makes a reader surer, but a network by itself is too sure of strangers as "
                "well, as section 3 shows.",
            ),
        ],
    ),
    Question(
        "Why is a paired interval of a difference narrower than one from separate draws?",
        [
            Option(
                "It uses more draws.",
                "More draws make the ends of any interval steadier, not nearer to each other.",
            ),
            Option(
                "Because adaptation makes the recogniser steadier.",
                "The width would be the same if the two systems changed places.",
            ),
            Option(
                "In each draw both systems read the same recordings: what makes these hard for "
                "both cancels.",
                "What is left is only where they differ. Drawn separately, the difference would be "
                "blurred by how hard each draw happened to be.",
                correct=True,
            ),
            Option(
                "It is not; it only looks so because the difference is smaller.",
                "The width has nothing to do with where the middle lies.",
            ),
        ],
    ),
    Question(
        "You adapt with your 20 recordings alone, and the loss on those held back is excellent. "
        "What do you not know?",
        [
            Option(
                "What became of all other voices.",
                "Nothing in this loss has heard them. Test the old test set, or mix old data in.",
                correct=True,
            ),
            Option(
                "Whether the training has converged.",
                "The loss on what is held back tells you: it no longer gets better.",
            ),
            Option(
                "Whether the recordings were used.",
                "The loss on held-back recordings of the same voice fell: they were.",
            ),
            Option(
                "Nothing: this is what held-back recordings are for.",
                "They are recordings of *your* voice, and answer for no other.",
            ),
        ],
    ),
    Question(
        "After a poor result you listen to the test recordings, find two that were cut off, record "
        "both again and test anew. Is that allowed?",
        [
            Option(
                "Yes, as often as needed: the test is yours.",
                "If only takes that came out badly are repeated, the figure measures the choice of "
                "takes.",
            ),
            Option(
                "Never: what is recorded is recorded.",
                "A take that is technically broken does not measure the recogniser. What matters "
                "is how it was found.",
            ),
            Option(
                "Only if the words of these two are learned beforehand.",
                "Then the test would be learned from.",
            ),
            Option(
                "Only if broken takes are looked for in all recordings alike, whatever was read in "
                "them.",
                "The rule must not look at the result. Repeat cut takes among the well-read ones "
                "too, and say so in the card.",
                correct=True,
            ),
        ],
    ),
    Question(
        "A hundred million weights, five minutes of your voice. Which is the most careful way to "
        "adapt?",
        [
            Option(
                "Start from random weights, so that no other voice disturbs.",
                "Five minutes teach nobody to recognise speech. What the network knows of it is "
                "the whole point.",
            ),
            Option(
                "All weights, the recipe's full rate, until the loss is 0.",
                "That learns five minutes by heart, and forgets the rest.",
            ),
            Option(
                "Few weights or small steps, old data mixed in where one has them, and recordings "
                "held back that say when to stop.",
                "Each of the three limits how far it can go astray; the held-back recordings "
                "notice when it does.",
                correct=True,
            ),
            Option(
                "Only the output layer, always.",
                "It helps where the states are right and their names are new. A new voice is wrong "
                "at the other end of the network.",
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
