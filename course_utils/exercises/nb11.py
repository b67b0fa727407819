"""Exercises and quiz of notebook 11, Decoding and language models."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_utils.exercises.framework import Case, Notebook, WrongAnswer, read_finding
from course_utils.exercises.quiz import Option, Question

notebook = Notebook(11, "Decoding and language models")

notebook.value(
    "tipping_point",
    "The tipping point",
    expected=math.sqrt(0.5),
    relative=2e-4,
    hints=[
        "What is the probability of nothing, and what that of a, as formulas in p? Remember that "
        "the two texts share everything that there is.",
        "Nothing has one path, p · p. All other paths collapse to a, so a has 1 - p². When are "
        "they the same?",
        "p² = 1 - p², so p² = 1/2: tipping_point = 0.5**0.5",
    ],
    mistakes=[
        ("That is where the best path changes. The text a has three paths.", 0.5),
        (
            "You compared nothing with the two paths in which a is written once; the path aa also "
            "collapses to a.",
            2 / 3,
        ),
        ("At 0.6, as in section 1, a still has 0.64 against 0.36.", 0.6),
    ],
)


def _update(
    prefix: str,
    beam: dict[str, tuple[float, float]],
    frame: dict[str, float],
    double: str = "blank",
    stays: str = "label",
    parent: bool = True,
    blank: str = "both",
) -> tuple[float, float]:
    """The two sums, or one of the ways to get them wrong."""
    b, n = beam.get(prefix, (0.0, 0.0))
    new_blank = {"both": b + n, "blank": b}[blank] * frame["-"]
    if not prefix:
        return new_blank, 0.0
    last = prefix[-1]
    label = {"label": n, "both": b + n, "none": 0.0}[stays] * frame[last]
    if parent:
        pb, pn = beam.get(prefix[:-1], (0.0, 0.0))
        equal = prefix[:-1].endswith(last)
        label += (pb if equal and double == "blank" else pb + pn) * frame[last]
    return new_blank, label


_AB = {"-": 0.5, "a": 0.3, "b": 0.2}
_BEAM = {"": (0.1, 0.0), "a": (0.2, 0.3), "aa": (0.05, 0.02), "ab": (0.04, 0.06)}


@notebook.function(
    cases=[
        Case(("", {"": (1.0, 0.0)}, {"-": 0.6, "a": 0.4}), "'', the beam before the first frame"),
        Case(("a", {"": (1.0, 0.0)}, {"-": 0.6, "a": 0.4}), "'a', the beam before the first frame"),
        Case(("a", {"": (0.6, 0.0), "a": (0.0, 0.4)}, {"-": 0.6, "a": 0.4}), "'a', frame 2"),
        Case(("aa", {"": (0.36, 0.0), "a": (0.24, 0.4)}, {"-": 0.6, "a": 0.4}), "'aa', frame 3"),
        Case(("a", _BEAM, _AB), "'a', a beam with '', 'a', 'aa' and 'ab'"),
        Case(("aa", _BEAM, _AB), "'aa', a beam with '', 'a', 'aa' and 'ab'"),
        Case(("ab", _BEAM, _AB), "'ab', a beam with '', 'a', 'aa' and 'ab'"),
        Case(("ba", _BEAM, _AB), "'ba', of which the beam holds nothing"),
        Case(("aab", _BEAM, _AB), "'aab', which only 'aa' leads to"),
    ],
    mistakes=[
        (
            "After the same letter a new one can only begin behind a blank: take the blank's part "
            "alone of the prefix without its last letter.",
            lambda p, beam, f: _update(p, beam, f, double="both"),
        ),
        (
            "The last letter can only *go on* where the paths end in it: multiply p_label, not the "
            "sum. After a blank the same letter would be a new one.",
            lambda p, beam, f: _update(p, beam, f, stays="both"),
        ),
        (
            "The same letter again adds nothing, but the path lives on: p_label times the frame's "
            "probability of the last letter is missing.",
            lambda p, beam, f: _update(p, beam, f, stays="none"),
        ),
        (
            "The prefix without its last letter can write that letter now: these paths end in the "
            "same prefix, and must be added.",
            lambda p, beam, f: _update(p, beam, f, parent=False),
        ),
        (
            "A blank may follow both a blank and a letter: multiply the sum.",
            lambda p, beam, f: _update(p, beam, f, blank="blank"),
        ),
        (
            "The two have changed places: first those that end in a blank.",
            lambda p, beam, f: _update(p, beam, f)[::-1],
        ),
    ],
    hints=[
        "The two formulas of section 2, in Python. beam.get(prefix, (0, 0)) gives the two numbers "
        "of a prefix that may not be there. What is special about the empty prefix?",
        "p_blank = (b + n) * frame['-']. For p_label: n * frame[last], and from the prefix "
        "without its last letter: its blank's part alone if that ends in the same letter, else "
        "both. The empty prefix has p_label 0.",
        "b, n = beam.get(prefix, (0, 0)); if not prefix: return (b + n) * frame['-'], 0.0; "
        "pb, pn = beam.get(prefix[:-1], (0, 0)); before = pb if prefix[:-1].endswith(prefix[-1]) "
        "else pb + pn; return (b + n) * frame['-'], (n + before) * frame[prefix[-1]]",
    ],
)
def update(
    prefix: str, beam: dict[str, tuple[float, float]], frame: dict[str, float]
) -> tuple[float, float]:
    """One step."""
    return _update(prefix, beam, frame)


Pairs = dict[tuple[str, str], int]


def _lower(pairs: Pairs, w: str, kinds: bool = True) -> float:
    if kinds:
        return sum(v == w for _, v in pairs) / len(pairs)
    return sum(n for (_, v), n in pairs.items() if v == w) / sum(pairs.values())


def _kneser_ney(
    pairs: Pairs,
    h: str,
    w: str,
    D: float,
    kinds: bool = True,
    left: str = "kinds",
    floor: bool = True,
) -> float:
    below = _lower(pairs, w, kinds)
    total = sum(n for (u, _), n in pairs.items() if u == h)
    if total == 0:
        return below
    follow = sum(u == h for u, _ in pairs)
    taken = pairs.get((h, w), 0) - D
    share = {"kinds": D * follow / total, "one": D / total, "none": 0.0}[left]
    return (max(taken, 0.0) if floor else taken) / total + share * below


_CALLS = {
    ("<s>", "call"): 3,
    ("call", "one"): 2,
    ("call", "two"): 1,
    ("one", "two"): 2,
    ("one", "one"): 1,
    ("two", "</s>"): 3,
}
_CITY = {("san", "francisco"): 9, ("the", "cat"): 1, ("a", "cat"): 2, ("san", "jose"): 1}


@notebook.function(
    cases=[
        Case((_CALLS, "call", "one", 0.5), "the three sentences of section 6: P(one | call)"),
        Case((_CALLS, "call", "call", 0.5), "the same: P(call | call), a pair never seen"),
        Case((_CALLS, "zebra", "two", 0.5), "the same: P(two | zebra), a history never seen"),
        Case((_CITY, "the", "francisco", 0.75), "P(francisco | the), where San Francisco is usual"),
        Case((_CITY, "san", "francisco", 0.75), "P(francisco | san)"),
        Case((_CITY, "san", "zebra", 0.75), "P(zebra | san), a word never seen"),
        Case((_CALLS, "one", "two", 0.0), "D = 0"),
    ],
    mistakes=[
        (
            "P(w) must count after how many different words w was seen, not how often.",
            lambda p, h, w, D: _kneser_ney(p, h, w, D, kinds=False),
        ),
        (
            "What was taken off is lost: add D · n(h) / c(h) · P(w).",
            lambda p, h, w, D: _kneser_ney(p, h, w, D, left="none"),
        ),
        (
            "D is taken off each of the n(h) words that follow h, so D · n(h) is left over, not D.",
            lambda p, h, w, D: _kneser_ney(p, h, w, D, left="one"),
        ),
        (
            "Nothing can be taken from a pair that was never seen: max(c - D, 0).",
            lambda p, h, w, D: _kneser_ney(p, h, w, D, floor=False),
        ),
        (
            "P(w) is used only where the pair was never seen (that is backing off); interpolated, "
            "it is always added.",
            lambda p, h, w, D: (
                (p[h, w] - D) / sum(n for (u, _), n in p.items() if u == h)
                if (h, w) in p
                else _kneser_ney(p, h, w, D)
            ),
        ),
        (
            "That is the plain share of the counts, without smoothing.",
            lambda p, h, w, D: (
                p.get((h, w), 0) / max(sum(n for (u, _), n in p.items() if u == h), 1)
            ),
        ),
    ],
    hints=[
        "Three numbers about h: c(h), how often it was followed by anything; n(h), by how many "
        "different words; and about w: after how many different words it stands, of how many pairs "
        "in all.",
        "below = sum(v == w for _, v in pairs) / len(pairs). If c(h) is 0, that is the answer. "
        "Otherwise max(c(hw) - D, 0) / c(h) + D * n(h) / c(h) * below.",
        "total = sum(n for (u, _), n in pairs.items() if u == h); kinds = sum(u == h for u, _ in "
        "pairs); return below if total == 0 else max(pairs.get((h, w), 0) - D, 0) / total + D * "
        "kinds / total * below",
    ],
)
def probability(pairs: Pairs, h: str, w: str, D: float) -> float:
    """Kneser and Ney."""
    return _kneser_ney(pairs, h, w, D)


_DEV = np.array([[0.28, 0.25, 0.29], [0.12, 0.06, 0.15], [0.09, 0.09, 0.10]])
_TEST = np.array([[0.27, 0.26, 0.30], [0.10, 0.095, 0.07], [0.12, 0.11, 0.14]])


@notebook.function(
    cases=[
        Case((_DEV[:1, :2], _TEST[:1, :2]), "dev [[0.28, 0.25]], test [[0.27, 0.26]]"),
        Case((_DEV, _TEST), "tables of 3 alphas and 3 betas"),
        Case((_DEV.T.copy(), _TEST.T.copy()), "the same with alphas and betas exchanged"),
        Case(
            (np.array([[0.2, 0.1, 0.1]]), np.array([[0.3, 0.4, 0.1]])),
            "dev [[0.2, 0.1, 0.1]], test [[0.3, 0.4, 0.1]]",
        ),
        Case((_DEV[:2], _TEST[:2]), "tables of 2 alphas and 3 betas"),
    ],
    mistakes=[
        (
            "That is the least of the test table: whoever tries nine settings on the test set and "
            "reports the best has chosen on it.",
            lambda dev, test: test.min(),
        ),
        (
            "That is the error rate on the development set: it was chosen there, so it is too "
            "good. The paper wants the test set's.",
            lambda dev, test: dev.min(),
        ),
        ("The mean over all settings is no system's error rate.", lambda dev, test: test.mean()),
        (
            "You chose on the test set, and read off the development set.",
            lambda dev, test: dev.ravel()[test.argmin()],
        ),
        (
            "That is the development set's worst setting: argmin, not argmax.",
            lambda dev, test: test.ravel()[dev.argmax()],
        ),
        (
            "alpha and beta were chosen one after the other, from means over the other one; the "
            "best pair is what is wanted.",
            lambda dev, test: test[dev.mean(axis=1).argmin(), dev.mean(axis=0).argmin()],
        ),
        (
            "Where two are equally good on the development set, take the first. (Taking the one "
            "with the better test figure is choosing on the test set.)",
            lambda dev, test: test[dev == dev.min()].min(),
        ),
    ],
    hints=[
        "Which table may be used to choose, and from which one is the figure to be read?",
        "dev.argmin() gives the place of the smallest number, counted row by row; test.ravel() is "
        "the test table in the same order.",
        "return test.ravel()[dev.argmin()]",
    ],
)
def report(dev: np.ndarray, test: np.ndarray) -> float:
    """What may be reported?"""
    return float(test.ravel()[dev.argmin()])


def _search(double: str = "right", merge: bool = True, rank: str = "sum") -> Callable[..., Any]:
    """The search of the bug hunt, each of its three places right or wrong.

    double: "right"; "joined", where a letter after the same letter is never a second one; "stays",
    where it may be, but the first goes on behind a blank as well; "lost", where it never goes on.
    """

    def search(rows: Any, names: Sequence[str], width: int) -> dict[str, float]:
        beam = {"": (1.0, 0.0)}
        for row in rows:
            after: dict[str, tuple[float, float]] = {}

            def add(text: str, blank: float, label: float, after: Any = after) -> None:
                b, n = after.get(text, (0.0, 0.0))
                if merge:
                    after[text] = b + blank, n + label
                else:
                    after[text] = (blank, n) if blank else (b, label)

            for text, (blank, label) in beam.items():
                for name, p in zip(names, row, strict=True):
                    if name == "-":
                        add(text, (blank + label) * p, 0.0)
                    elif name == text[-1:]:
                        if double == "joined" or double == "stays":
                            add(text, 0.0, (blank + label) * p)
                        elif double == "right":
                            add(text, 0.0, label * p)
                        if double != "joined":
                            add(text + name, 0.0, blank * p)
                    elif merge:
                        add(text + name, 0.0, (blank + label) * p)
                    else:
                        after[text + name] = (0.0, (blank + label) * p)
            key = sum if rank == "sum" else max
            best = sorted(after, key=lambda text: key(after[text]), reverse=True)
            beam = {text: after[text] for text in best[:width]}
        return {text: sum(pair) for text, pair in beam.items() if sum(pair)}

    return search


_LEFT = {
    "merge": "where two prefixes lead to the same one, the later overwrites the earlier; their "
    "probabilities must be added",
    "double": "a letter after the same letter: where the path ends in the letter it goes on (from "
    "p_label), where it ends in a blank a second one begins (text + name, from p_blank)",
    "rank": "the beam keeps those with the largest of the two numbers; what counts is their sum",
}


def _still_wrong() -> list[tuple[str, Callable[..., Any]]]:
    """Every search in which one, two or three of the bugs are left, and what to say."""
    found = []
    for double in ("right", "joined", "stays", "lost"):
        for merge in (True, False):
            for rank in ("sum", "max"):
                left = [
                    _LEFT[name]
                    for name, right in (
                        ("rank", rank == "sum"),
                        ("double", double == "right"),
                        ("merge", merge),
                    )
                    if not right
                ]
                if not left:
                    continue
                how_many = {1: "One bug is", 2: "Two bugs are", 3: "All three bugs are"}[len(left)]
                message = (
                    f"{how_many} left. One of them: {left[-1]}."
                    if len(left) > 1
                    else f"{how_many} left: {left[0]}."
                )
                found.append((message, _search(double, merge, rank)))
    return found


def _hunt(seed: int, frames: int, names: str, width: int, description: str) -> Case:
    rows = np.random.default_rng(seed).dirichlet(np.ones(len(names)), size=frames).round(3)
    return Case((rows, list(names), width), description)


@notebook.function(
    cases=[
        Case(
            (np.array([[0.6, 0.4], [0.6, 0.4]]), ["-", "a"], 10),
            "the two frames of section 1, width 10",
        ),
        Case(
            (np.array([[0.6, 0.4]] * 3), ["-", "a"], 10),
            "three such frames, width 10",
        ),
        _hunt(5, 5, "-ab", 100, "5 frames, tokens - a b, width 100"),
        _hunt(6, 6, "-ab", 2, "6 frames, tokens - a b, width 2"),
        _hunt(8, 7, "-abc", 3, "7 frames, tokens - a b c, width 3"),
        _hunt(12, 8, "-ab", 3, "8 frames, tokens - a b, width 3"),
        _hunt(14, 8, "-abc", 2, "8 frames, tokens - a b c, width 2"),
    ],
    mistakes=_still_wrong(),
    hints=[
        "Try the two frames of section 1 with a wide beam: the probabilities must sum to 1. Which "
        "text is too small? How many ways lead to it, and how many were counted?",
        "Three questions. What happens to after[text] when a second prefix leads there? What does "
        "a letter after the same letter do, once behind a blank, once not? What should the beam be "
        "sorted by?",
        "Begin each frame with a helper: def add(text, b, n): old = after.get(text, (0, 0)); "
        "after[text] = (old[0] + b, old[1] + n). Then: blank: add(text, (blank + label) * p, 0); "
        "same letter: add(text, 0, label * p) and add(text + name, 0, blank * p); another: "
        "add(text + name, 0, (blank + label) * p). Sort by sum(after[text]).",
    ],
)
def mended_search(rows: Any, names: Sequence[str], width: int) -> dict[str, float]:
    """Bug hunt."""
    return _search()(rows, names, width)


_TEXTS = ("question", "expected", "found")


@notebook.open(
    hints=[
        "Choose something that takes one line to change: language.kneser_ney(train_letters[:300], "
        "6), or beam_size=4 in texts_of(...).",
        "model = language.TokenModel(letters[3], alphabet), then metrics.wer(right, "
        "texts_of(dev_log_probs, lm=model, alpha=1.0, beta=1.0)), beside the same with letters[6].",
        'finding = {"question": "Does a longer history help the beam?", "expected": "A little, up '
        'to five letters.", "found": "...", "rates": {"order 3": ..., "order 6": ...}, '
        '"chosen_on": "dev"}',
    ],
)
def finding(answer: Any) -> str:
    """A question of your own."""
    texts = {key: {} for key in _TEXTS}
    rates = read_finding(answer, texts, rates="rates", others=["chosen_on"])
    chosen_on = answer["chosen_on"]
    if chosen_on not in ("dev", "test", "nothing"):
        raise WrongAnswer('"chosen_on" is "dev", "test" or, if nothing was chosen, "nothing".')
    if chosen_on == "test":
        raise WrongAnswer(
            "Chosen on the test set, the figure is no test figure any more. Choose again on the "
            "development set."
        )
    low, high = min(rates, key=rates.get), max(rates, key=rates.get)
    caution = "Is the difference larger than what other speakers would have made (section 4)?"
    return f"Least for {low!r}, {rates[low]:.3g}, most for {high!r}, {rates[high]:.3g}. {caution}"


notebook.set_quiz(
    Question(
        "The best path through the frames collapses to *for*. What do you know about the most "
        "probable text?",
        [
            Option(
                "It is *for*: the best path is more probable than any other.",
                "Than any other path. A text is worth the sum of its paths, and another text may "
                "have many good ones.",
            ),
            Option(
                "Nothing for certain: another text may have more, though weaker, paths.",
                "As in section 1: 0.36 for the best path, 0.64 for three weaker ones together.",
                correct=True,
            ),
            Option(
                "It is *for*, if the beam is wide enough.",
                "The other way round: the wider the beam, the surer it finds another text, if "
                "there is a better one.",
            ),
            Option(
                "It is longer than *for*.",
                "It may be longer, shorter, or the same.",
            ),
        ],
    ),
    Question(
        "Why does each prefix carry two probabilities?",
        [
            Option(
                "One for the sound, one for the language model.",
                "The language model's share is a third number; the two are needed without it, too.",
            ),
            Option(
                "So that the search can go on in log space.",
                "Each could be kept as a logarithm, one or two of them.",
            ),
            Option(
                "Because the same letter next is a second one behind a blank, and else is not.",
                "From a path that ends in a blank, a leads from a to aa; from one that ends in a, "
                "it stays a. The sum of both would not tell.",
                correct=True,
            ),
            Option(
                "To know which prefixes to drop.",
                "They are ranked by the sum of the two.",
            ),
        ],
    ),
    Question(
        "With beam 64 instead of 8 the scores rise and the word error rate as well. What is wrong?",
        [
            Option(
                "There must be a bug: a better search can't give worse results.",
                "It gave better results at what it does: more probable texts. Which text is "
                "probable is for the models to say.",
            ),
            Option(
                "The beam is too wide and picks up noise from bad prefixes.",
                "Then the scores would fall. They rose: on the whole, what the wider beam adds is "
                "more probable.",
            ),
            Option(
                "Nothing in the search: the models' most probable texts are not the best ones.",
                "So look at the models, and at the weights. A narrow beam may have hidden what is "
                "wrong with them.",
                correct=True,
            ),
            Option(
                "The development set is too small.",
                "It may be; but a larger one would not make the most probable text the best.",
            ),
        ],
    ),
    Question(
        "Model A has a perplexity of 90 on words, model B of 3 on characters, on the same text. "
        "Which one is better?",
        [
            Option(
                "B: it wavers among 3 instead of 90.",
                "Among 3 characters, for each character. A word has several.",
            ),
            Option(
                "That can be told after dividing both by the same number of characters.",
                "Take the logarithm of the text's probability, by both, for the same text, with "
                "spaces and ends. With six characters a word, 3⁶ is 729.",
                correct=True,
            ),
            Option(
                "A: words are harder.",
                "They are, and that is why the two numbers can't be compared as they stand.",
            ),
            Option(
                "The one with more n-grams.",
                "What it has learned by heart is no measure of what it says about new text.",
            ),
        ],
    ),
    Question(
        "Without the bonus β, a strong language model makes the texts too short. Why?",
        [
            Option(
                "Each further token multiplies the text's probability by something below 1.",
                "A longer text is never more probable than its beginning. The bonus pays some of "
                "it back.",
                correct=True,
            ),
            Option(
                "It has learned from short sentences.",
                "Even with long ones, and even if it knows when sentences end, each token costs.",
            ),
            Option(
                "The beam is too narrow for long texts.",
                "A wider beam finds the too short texts even more surely.",
            ),
            Option(
                "CTC needs a frame for each token.",
                "That limits the length from above, with or without a language model.",
            ),
        ],
    ),
    Question(
        "System A has 8 % WER (interval 6 to 10 %), system B 7 % (5 to 9 %), on the same 12 "
        "speakers. Is B better?",
        [
            Option(
                "No: the intervals overlap.",
                "Overlapping intervals decide nothing: both systems were judged by the same "
                "speakers, hard and easy ones alike.",
            ),
            Option(
                "Yes: 7 is less than 8.",
                "Other speakers might have turned it round. How likely is that?",
            ),
            Option(
                "Yes, if utterances are drawn instead of speakers, so that the intervals shrink.",
                "They shrink because they promise less: the same twelve people, other sentences.",
            ),
            Option(
                "Look at the difference speaker by speaker, and draw speakers: its interval tells.",
                "If A is worse for nearly every speaker, the paired interval excludes zero, though "
                "the two single ones overlap.",
                correct=True,
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
