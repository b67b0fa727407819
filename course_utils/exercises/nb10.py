"""Exercises and quiz of notebook 10, Connectionist temporal classification."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.exercises.framework import Case, Notebook, WrongAnswer
from course_utils.exercises.quiz import Option, Question

notebook = Notebook(10, "Connectionist temporal classification")


def _repeats(target: list[int]) -> int:
    return sum(a == b for a, b in itertools.pairwise(target))


def _count(target: list[int], frames: int, tokens: int, reading: Callable) -> int:
    """Paths that `reading` turns into the target."""
    paths = itertools.product(range(tokens), repeat=frames)
    return sum(reading(path) == list(target) for path in paths)


def _merge(path: Any) -> list[int]:
    return [token for token, _ in itertools.groupby(path)]


def _drop(path: Any) -> list[int]:
    return [token for token in path if token]


@notebook.function(
    cases=[
        ([1], 1, 2),
        ([1], 2, 2),
        ([1, 1], 2, 2),
        ([1, 1], 3, 2),
        ([1, 2], 4, 3),
        ([], 3, 2),
        ([1, 1, 2], 5, 3),
        ([3], 3, 4),
        ([1, 2, 2, 1], 7, 3),
    ],
    mistakes=[
        (
            "First merge, then drop the blanks: you drop them first, and then nothing is left that "
            "parts two equal labels.",
            lambda goal, T, C: _count(goal, T, C, lambda path: _merge(_drop(path))),
        ),
        (
            "The blanks are never dropped.",
            lambda goal, T, C: _count(goal, T, C, _merge),
        ),
        (
            "Nothing is merged: a label that is held for two frames is still one label.",
            lambda goal, T, C: _count(goal, T, C, _drop),
        ),
        (
            "That is right as long as no label equals the one before; each such pair takes a frame "
            "for the blank between them.",
            lambda goal, T, C: math.comb(T + len(goal), 2 * len(goal)),
        ),
        (
            "A path may begin and end with a label: the blanks around are allowed, not required. "
            "2U + 1 frames are not needed.",
            lambda goal, T, C: math.comb(T - 1 - _repeats(goal), 2 * len(goal)) if goal else 1,
        ),
        (
            "That is how many paths there are in all; count those that say the target.",
            lambda goal, T, C: C**T,
        ),
    ],
    hints=[
        "itertools.product(range(tokens), repeat=frames) gives every path. Of each: merge what "
        "repeats, then drop the blanks, and compare with the target.",
        "itertools.groupby merges: [token for token, _ in groupby(path)]. Then leave out the 0. "
        "Compare lists with lists.",
        "return sum([t for t, _ in groupby(path) if t != 0] == list(target) for path in "
        "product(range(tokens), repeat=frames))",
    ],
)
def count_ways(target: list[int], frames: int, tokens: int) -> int:
    """Count the ways."""
    return _count(target, frames, tokens, lambda path: _drop(_merge(path)))


notebook.value(
    "column",
    "One column by hand",
    expected=[0.05, 0.12, 0.15, 0.12, 0.15, 0.03, 0.0],
    mistakes=[
        (
            "You jump between the two a: they are equal, and a path that jumps would say only one.",
            [0.05, 0.12, 0.15, 0.20, 0.15, 0.03, 0.0],
        ),
        (
            "You jump onto blanks: that would skip a label.",
            [0.05, 0.12, 0.20, 0.12, 0.20, 0.03, 0.05],
        ),
        (
            "You jump everywhere: never onto a blank, and never between equal labels.",
            [0.05, 0.12, 0.20, 0.20, 0.20, 0.03, 0.05],
        ),
        (
            "The jump over the blank from a to b is missing.",
            [0.05, 0.12, 0.15, 0.12, 0.15, 0.01, 0.0],
        ),
        (
            "These are the sums; each is still to be multiplied by the probability of its token.",
            [0.1, 0.3, 0.3, 0.3, 0.3, 0.3, 0.0],
        ),
        (
            "You take the largest way into each cell; that is forced alignment. α is the sum.",
            [0.05, 0.08, 0.10, 0.08, 0.10, 0.02, 0.0],
        ),
        (
            "Staying at the same place is a way too.",
            [0.0, 0.04, 0.10, 0.04, 0.10, 0.03, 0.0],
        ),
    ],
    hints=[
        "Each cell sums two or three cells of the column before (stay, step, and perhaps jump), "
        "then takes the probability of its own token.",
        "Places 1 to 7 are - a - a - b -. Jumping is allowed into the first a (from nothing) and "
        "into b, not into the second a and not onto a blank. Place 2: (0.2 + 0.1) · 0.4.",
        "[0.1 * 0.5, (0.2 + 0.1) * 0.4, (0.1 + 0.2) * 0.5, (0.2 + 0.1) * 0.4, (0.1 + 0.2) * 0.5, "
        "(0 + 0.1 + 0.2) * 0.1, 0]",
    ],
)


def _alpha_sum(
    y: np.ndarray,
    target: list[int],
    jump: str = "right",
    end: str = "both",
    begin: str = "both",
    wraps: bool = False,
    combine: Callable = sum,
) -> float:
    """The forward recursion, with room for each of its mistakes."""
    labels = [0]
    for label in target:
        labels += [label, 0]
    S = len(labels)
    alpha = np.zeros((len(y), S))
    first = {"both": 2, "blank": 1, "anywhere": S}[begin]
    alpha[0, :first] = [y[0, label] for label in labels[:first]]
    for t in range(1, len(y)):
        for s in range(S):
            ways = [alpha[t - 1, s]]
            if s > 0 or wraps:
                ways.append(alpha[t - 1, s - 1])
            allowed = {
                "right": labels[s] != 0 and labels[s] != labels[s - 2],
                "always": True,
                "never": False,
                "equal": labels[s] != 0,
            }[jump]
            if s > 1 and allowed:
                ways.append(alpha[t - 1, s - 2])
            alpha[t, s] = combine(ways) * y[t, labels[s]]
    return float(alpha[-1, -1] if end == "blank" else alpha[-1, -2:].sum())


def _rows(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows)


def _dice(seed: int, T: int, C: int) -> np.ndarray:
    y = np.random.default_rng(seed).uniform(0.2, 1, (T, C))
    return np.round(y / y.sum(axis=1, keepdims=True), 2)


_FOUR = _rows((0.2, 0.7, 0.1), (0.3, 0.5, 0.2), (0.4, 0.1, 0.5), (0.5, 0.1, 0.4))


@notebook.function(
    cases=[
        (_rows((0.4, 0.6)), [1]),
        (_rows((0.4, 0.6), (0.7, 0.3)), [1]),
        (_rows((0.2, 0.5, 0.3), (0.1, 0.2, 0.7)), [1, 2]),
        (_rows((0.4, 0.6), (0.7, 0.3)), [1, 1]),
        Case((_FOUR, [1, 2]), "the four frames of section 4, [1, 2]"),
        Case((_FOUR, [1, 1]), "the four frames of section 4, [1, 1]"),
        (_rows((0.4, 0.6), (0.7, 0.3)), []),
        Case((_dice(1, 9, 4), [3, 3, 1]), "nine frames, four tokens, [3, 3, 1]"),
        Case((_dice(2, 12, 3), [1, 2, 1, 2]), "twelve frames, three tokens, [1, 2, 1, 2]"),
    ],
    mistakes=[
        (
            "A path may end on the last blank or on the last label: two cells, not one.",
            lambda y, goal: _alpha_sum(y, goal, end="blank"),
        ),
        (
            "A path may begin with the blank or with the first label: two cells, not one.",
            lambda y, goal: _alpha_sum(y, goal, begin="blank"),
        ),
        (
            "A path begins with the blank or with the first label, not anywhere.",
            lambda y, goal: _alpha_sum(y, goal, begin="anywhere"),
        ),
        (
            "The jump over a blank between two different labels is missing.",
            lambda y, goal: _alpha_sum(y, goal, jump="never"),
        ),
        (
            "No jump between two equal labels: their path would say only one of them.",
            lambda y, goal: _alpha_sum(y, goal, jump="equal"),
        ),
        (
            "Jumping is not allowed everywhere: never onto a blank, never between equal labels.",
            lambda y, goal: _alpha_sum(y, goal, jump="always"),
        ),
        (
            "In place 0, alpha[t - 1, s - 1] is alpha[t - 1, -1], the *last* place. Ask for s > 0.",
            lambda y, goal: _alpha_sum(y, goal, wraps=True),
        ),
        (
            "That is the probability of the best path alone (max); the sum over all is asked.",
            lambda y, goal: _alpha_sum(y, goal, combine=max),
        ),
        (
            "That is the loss; the probability itself is asked.",
            lambda y, goal: -math.log(_alpha_sum(y, goal)) if _alpha_sum(y, goal) else math.inf,
        ),
    ],
    hints=[
        "Section 5 has the loop for one target. What in it depends on the target? labels = [0], "
        "and for each label of the target, it and a 0 behind.",
        "Frame 0: alpha[0, 0] = y[0, 0], and if there is a first label, alpha[0, 1] = "
        "y[0, target[0]]. At the end: the last two places (only one, if the target is empty).",
        "for s in range(S): before = alpha[t-1, s] + (alpha[t-1, s-1] if s else 0); if s > 1 and "
        "labels[s] != 0 and labels[s] != labels[s-2]: before += alpha[t-1, s-2]; alpha[t, s] = "
        "before * y[t, labels[s]]; and return alpha[-1, -2:].sum()",
    ],
)
def sum_of_paths(y: np.ndarray, target: list[int]) -> float:
    """The loop over time."""
    return _alpha_sum(y, target)


def _by_token(places: np.ndarray, labels: list[int], C: int) -> np.ndarray:
    out = np.zeros((len(places), C))
    for s, label in enumerate(labels):
        out[:, label] += places[:, s]
    return out


def _last_wins(places: np.ndarray, labels: list[int], C: int) -> np.ndarray:
    out = np.zeros((len(places), C))
    out[:, labels] = places
    return out


def _gamma(alpha: np.ndarray, beta: np.ndarray, y: np.ndarray, labels: list[int]) -> np.ndarray:
    through = alpha * beta / y[:, labels]
    return through / through.sum(axis=1, keepdims=True)


def _trellis_case(y: np.ndarray, target: list[int], description: str) -> Case:
    """Alpha, beta, y and l' of a target."""
    labels = [0]
    for label in target:
        labels += [label, 0]

    def alphas(y: np.ndarray, labels: list[int]) -> np.ndarray:
        alpha = np.zeros((len(y), len(labels)))
        alpha[0, :2] = y[0, labels[:2]]
        for t, s in itertools.product(range(1, len(y)), range(len(labels))):
            before = alpha[t - 1, max(0, s - 1) : s + 1].sum()
            if s > 1 and labels[s] != 0 and labels[s] != labels[s - 2]:
                before += alpha[t - 1, s - 2]
            alpha[t, s] = before * y[t, labels[s]]
        return alpha

    beta = alphas(y[::-1], labels[::-1])[::-1, ::-1].copy()
    return Case((alphas(y, labels), beta, y, labels), description)


@notebook.function(
    cases=[
        _trellis_case(_rows((0.4, 0.6)), [1], "one frame, y = [[0.4, 0.6]], the target [1]"),
        _trellis_case(_rows((0.4, 0.6), (0.7, 0.3)), [1], "two frames, two tokens, target [1]"),
        _trellis_case(_FOUR, [1, 2], "the four frames of section 4, target [1, 2]"),
        _trellis_case(_FOUR, [1, 1], "the four frames of section 4, target [1, 1]"),
        _trellis_case(_dice(3, 8, 5), [2, 4, 2], "eight frames, five tokens, target [2, 4, 2]"),
    ],
    mistakes=[
        (
            "α and β both hold the frame's own y: divide by it, or it is counted twice.",
            lambda a, b, y, goal: _by_token(
                a * b / (a * b).sum(axis=1, keepdims=True), goal, y.shape[1]
            ),
        ),
        (
            "Divide by p(l|x) as well: given the text, the rows sum to 1.",
            lambda a, b, y, goal: _by_token(a * b / y[:, goal], goal, y.shape[1]),
        ),
        (
            "A token that stands at several places has the *sum* of them; yours has the last one: "
            "out[:, labels] = ... keeps only one. Add in a loop.",
            lambda a, b, y, goal: _last_wins(_gamma(a, b, y, goal), goal, y.shape[1]),
        ),
        (
            "These are the places of l'; add up those that have the same token: (frames, tokens).",
            lambda a, b, y, goal: _gamma(a, b, y, goal),
        ),
        (
            "That is the gradient with respect to the log-probabilities; the occupancy is asked, "
            "without the minus.",
            lambda a, b, y, goal: -_by_token(_gamma(a, b, y, goal), goal, y.shape[1]),
        ),
        (
            "That is the gradient with respect to the logits, y - γ; γ itself is asked.",
            lambda a, b, y, goal: y - _by_token(_gamma(a, b, y, goal), goal, y.shape[1]),
        ),
    ],
    hints=[
        "y[:, labels] is the probability of each place's own token, (frames, places). What is "
        "alpha * beta divided by it, and what does each row of that sum to?",
        "through = alpha * beta / y[:, labels]; its rows all sum to p. Divide by it, then add the "
        "columns with the same token into an array of zeros with y's shape.",
        "through = alpha * beta / y[:, labels]; through /= through.sum(axis=1, keepdims=True); "
        "out = np.zeros_like(y); for s, k in enumerate(labels): out[:, k] += through[:, s]; "
        "return out",
    ],
)
def occupancy(alpha: np.ndarray, beta: np.ndarray, y: np.ndarray, labels: list[int]) -> np.ndarray:
    """What is wanted."""
    return _by_token(_gamma(alpha, beta, y, labels), labels, y.shape[1])


def _program(log: bool, transpose: bool, real: bool) -> Callable:
    """The loss of the bug hunt, each of its three places right or wrong."""

    def loss(logits: Any, lengths: Any, targets: Any, target_lengths: Any) -> Any:
        import torch
        from torch.nn.functional import ctc_loss

        N, T, C = logits.shape
        p = logits.log_softmax(dim=-1) if log else logits.softmax(dim=-1)
        p = p.transpose(0, 1) if transpose else p.reshape(T, N, C)
        lengths = lengths if real else torch.full((N,), T)
        return ctc_loss(p, targets, lengths, target_lengths, reduction="sum")

    return loss


_PLACES = {
    "log": "the softmax has no logarithm: exp of what the loss gets does not sum to 1",
    "transpose": "reshape does not exchange time and batch, it mixes frames of different items",
    "real": "every item gets the length of the longest, so that padding takes part",
}


def _still_wrong() -> list[tuple[str, Callable]]:
    found = []
    for right in itertools.product((True, False), repeat=3):
        left = [_PLACES[name] for name, fine in zip(_PLACES, right, strict=True) if not fine]
        if left:
            how_many = {1: "One bug is", 2: "Two bugs are", 3: "All three bugs are"}[len(left)]
            text = (
                f"{how_many} left: {left[0]}."
                if len(left) == 1
                else (f"{how_many} left. One of them: {left[-1]}.")
            )
            found.append((text, _program(*right)))
    return found


def _batch_case(seed: int, lengths: list[int], sizes: list[int], description: str) -> Case:
    import torch  # only here: the other exercises need no torch, and start quicker without

    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(np.round(rng.normal(0, 2, (len(lengths), max(lengths), 4)), 2))
    rows = [[*rng.integers(1, 4, size).tolist(), *[0] * (max(sizes) - size)] for size in sizes]
    return Case(
        (logits, torch.tensor(lengths), torch.tensor(rows), torch.tensor(sizes)), description
    )


@notebook.function(
    cases=[
        _batch_case(1, [5], [2], "one item of five frames"),
        _batch_case(2, [6, 6], [2, 2], "two items of six frames each"),
        _batch_case(3, [7, 4, 5], [2, 1, 2], "three items of seven, four and five frames"),
        _batch_case(4, [9, 9, 6, 8], [3, 0, 2, 2], "four items, one of them without a label"),
    ],
    mistakes=_still_wrong(),
    hints=[
        "Print exp of what the loss gets, summed over tokens; then the loss of the first item "
        "alone, and in the batch. Section 10 has both tests.",
        "Three questions: is it the logarithm of a probability? Are the first two dimensions "
        "exchanged, or only renamed? What does the argument `lengths` do?",
        "log_probs = logits.log_softmax(dim=-1).transpose(0, 1); return F.ctc_loss(log_probs, "
        'targets, lengths, target_lengths, reduction="sum")',
    ],
)
def mended_loss(logits: Any, lengths: Any, targets: Any, target_lengths: Any) -> Any:
    """Bug hunt."""
    return _program(log=True, transpose=True, real=True)(logits, lengths, targets, target_lengths)


SENTENCES = [
    "안녕하세요",
    "만나서 반갑습니다",
    "오늘 날씨가 아주 좋습니다",
    "국가에서 각각 결정합니다",
    "지하철역이 어디에 있어요",
    "물 한 잔 주세요",
    "다시 한번 말해 주세요",
    "여덟 시 삼십 분에 만나요",
]
SYLLABLES_A_SECOND = 6.0


@notebook.open(
    hints=[
        "Syllables are the characters themselves: list(text). Decide about the blanks between "
        "words: a unit of their own, or left out?",
        'unicodedata.normalize("NFD", text) takes a syllable apart into its jamo, in which an '
        "initial ㄱ and a final ㄱ are different characters. (The keyboard's ㄱ, U+3131, is "
        "neither: with it, 국가 has two equal units side by side.)",
        'import unicodedata; return [list(unicodedata.normalize("NFD", text)) for text in texts]',
    ],
    case=Case((SENTENCES,), "eight Korean sentences"),
)
def spell(answer: Any) -> str:
    """Units for Korean."""
    if not isinstance(answer, list | tuple) or len(answer) != len(SENTENCES):
        raise WrongAnswer(f"Return a list with one list of units for each of {len(SENTENCES)}.")
    for text, units in zip(SENTENCES, answer, strict=True):
        if not isinstance(units, list | tuple) or not units:
            raise WrongAnswer(f"The units of {text!r} are {units!r:.60}; expected a list of texts.")
        if not all(isinstance(unit, str) and unit for unit in units):
            raise WrongAnswer(f"Among the units of {text!r} is one that is not a text, or empty.")
    syllables = sum("가" <= character <= "힣" for text in SENTENCES for character in text)
    count = sum(len(units) for units in answer)
    if count < len(SENTENCES) + 3:
        raise WrongAnswer(
            "One unit a sentence: then each new sentence needs a new token, and there is nothing "
            "to learn from. Take units that come back."
        )
    if len({tuple(units) for units in answer}) < len(answer):
        raise WrongAnswer("Two different sentences have the same units: nobody could tell them.")
    repeats = sum(a == b for units in answer for a, b in itertools.pairwise(units))
    seconds = syllables / SYLLABLES_A_SECOND
    different = len({unit for units in answer for unit in units})
    return (
        f"{different} different units in {syllables} syllables (all Korean syllables: 11,172, all "
        f"jamo: 67 by place); {count / syllables:.2f} units a syllable, {repeats} of them equal to "
        f"the one before, so {count + repeats} frames are needed. At {SYLLABLES_A_SECOND:g} "
        f"syllables a second, a frame may last {1000 * seconds / (count + repeats):.0f} ms at most."
    )


notebook.set_quiz(
    Question(
        "A network gives a frame every 40 ms; its best path is - - 6 6 - 7 7 7 - (nine frames). "
        "What does forced alignment of the text 6 7 say of the 7?",
        [
            Option(
                "Frames 5 to 7, counted from 0, about 0.2 to 0.3 s; where the word really ends, it "
                "does not say.",
                "The path says 7 in frames 5, 6, 7. Spans of CTC lie in the word; they are not its "
                "borders.",
                correct=True,
            ),
            Option(
                "The word lasts exactly 120 ms.",
                "Its span does. Section 12: spans are shorter than words, and begin late.",
            ),
            Option(
                "Frames 4 to 8, since the blanks around belong to it.",
                "Blanks belong to no label: they say that nothing new begins.",
            ),
            Option(
                "Nothing: forced alignment needs the true times.",
                "It needs the text and the probabilities, no times.",
            ),
        ],
    ),
    Question(
        "Your CTC loss falls, passes 0, and goes on to -2. What do you know?",
        [
            Option(
                "Training goes extremely well.",
                "The loss is -ln of a probability, and a probability is at most 1.",
            ),
            Option(
                "What the loss got cannot all be log-probabilities of one path each: raw logits, "
                "or a blank inside the targets, for instance.",
                "Both of these fell below zero in section 10.",
                correct=True,
            ),
            Option(
                "The learning rate is too large.",
                "That makes a loss jump or grow. It cannot make a probability larger than 1.",
            ),
            Option(
                "The targets are longer than the frames allow.",
                "Then p is 0, and the loss is plus infinity.",
            ),
        ],
    ),
    Question(
        "How many frames does CTC need for the letters of 'hello'?",
        [
            Option("11, two a letter and one more.", "The trellis has 11 places; jumps save most."),
            Option(
                "6: one a letter, and a blank between the two l.",
                "T ≥ U + r with U = 5 and r = 1.",
                correct=True,
            ),
            Option("5, one a letter.", "Then the two l would merge, and it reads 'helo'."),
            Option(
                "4, since both l may share a frame.",
                "A frame says one token; equal labels even need a frame between them.",
            ),
        ],
    ),
    Question(
        "At one frame, softmax gives the blank 0.6 and the letter a 0.3; the occupancies are 0.1 "
        "and 0.9. What will a step of gradient descent do?",
        [
            Option(
                "Raise a and lower the blank: the gradient of the logits is y - γ.",
                "-0.6 for a, +0.5 for the blank; descent goes against it.",
                correct=True,
            ),
            Option(
                "Raise the blank, as it is the most probable token.",
                "What is said does not matter alone: what is wanted, given the text, is a.",
            ),
            Option(
                "Nothing until the whole text is decoded wrongly.",
                "The loss never decodes. It sums over all paths, and every frame gets its share.",
            ),
            Option(
                "Raise both, since both lie on paths of the text.",
                "The rows of the gradient sum to zero: what one gains, others lose.",
            ),
        ],
    ),
    Question(
        "After 200 steps your new CTC network writes nothing at all, for any sound. What is the "
        "first thing to suspect?",
        [
            Option(
                "The network is too small.",
                "Perhaps, but every CTC network passes through this, also those that end well.",
            ),
            Option(
                "The blank plateau: it has learned what can be had without hearing. Compare the "
                "loss with that of the best constant output, and wait.",
                "Section 11. If it rests there for very long, look at the learning rate, the "
                "normalisation, and whether targets and sounds belong together.",
                correct=True,
            ),
            Option(
                "The blank has the wrong number.",
                "Then texts are full of one token, rather than empty.",
            ),
            Option(
                "The frames are too few.",
                "Then the loss is infinite, and the training says so.",
            ),
        ],
    ),
    Question(
        "A sound may be written 'ab' or 'ba', both equally right. What can a CTC network not do?",
        [
            Option(
                "Give both texts a positive probability.",
                "It can: a quarter each, at best.",
            ),
            Option(
                "Write either of them.",
                "Its best path is one of the two, or one of the wrong ones.",
            ),
            Option(
                "Give 'ab' and 'ba' one half each, and 'aa', 'bb' nothing.",
                "Frames are independent, given the sound: no frame knows what another has chosen.",
                correct=True,
            ),
            Option(
                "Learn from targets that contradict each other.",
                "It learns to share the probability, only not well enough.",
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
