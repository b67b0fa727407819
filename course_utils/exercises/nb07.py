"""Exercises and quiz of notebook 07, Attention."""

import math
from typing import Any

import numpy as np

from course_utils import metrics
from course_utils.exercises.framework import Case, Notebook, WrongAnswer, read_finding
from course_utils.exercises.quiz import Option, Question

notebook = Notebook(7, "Attention")


def _softmax(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    e = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _random(seed: int, *shapes: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return tuple(np.round(2 * rng.standard_normal(shape), 2) for shape in shapes)


_KEYS = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


@notebook.function(
    cases=[
        Case(
            (np.array([0.0, 3.0]), _KEYS, np.array([[10.0], [20.0], [30.0]])),
            "the query [0, 3], the keys and values of section 4",
        ),
        Case(
            (np.zeros(2), _KEYS, np.array([[10.0, 1.0], [20.0, 2.0], [60.0, 3.0]])),
            "a query of zeros, three keys",
        ),
        Case(_random(1, (4,), (5, 4), (5, 3)), "random numbers, d = 4, n = 5, m = 3"),
        Case(_random(2, (9,), (1, 9), (1, 2)), "random numbers, d = 9, one key only"),
    ],
    mistakes=[
        (
            "The scaling is missing: divide the scores by the root of d, the length of the query.",
            lambda q, k, v: _softmax(k @ q) @ v,
        ),
        (
            "Divide by the root of d, not by d.",
            lambda q, k, v: _softmax(k @ q / len(q)) @ v,
        ),
        (
            "d is the length of the query, keys.shape[1], not the number of keys.",
            lambda q, k, v: _softmax(k @ q / math.sqrt(len(k))) @ v,
        ),
        (
            "The softmax is missing: the weights must be positive and sum to 1.",
            lambda q, k, v: k @ q / math.sqrt(len(q)) @ v,
        ),
        (
            "The weights are not divided by their sum.",
            lambda q, k, v: np.exp(k @ q / math.sqrt(len(q))) @ v,
        ),
        (
            "That is the value of the best key alone, a hard look-up; a soft one takes the mean.",
            lambda q, k, v: v[np.argmax(k @ q)],
        ),
        (
            "Those are the weights; the answer is the mean of the values with them.",
            lambda q, k, v: _softmax(k @ q / math.sqrt(len(q))),
        ),
        (
            "The mean is to be taken of the values, not of the keys.",
            lambda q, k, v: _softmax(k @ q / math.sqrt(len(q))) @ k,
        ),
    ],
    hints=[
        "Three lines: a score for each key, weights that sum to 1, a mean of the values. Which "
        "matrix product gives a dot product with each row of keys?",
        "keys @ query has one score a key; divide it by the root of len(query). The softmax of "
        "them are n weights, and weights @ values is the mean.",
        "scores = keys @ query / np.sqrt(len(query)); weights = np.exp(scores - scores.max()); "
        "return weights / weights.sum() @ values",
    ],
)
def soft_lookup(query: np.ndarray, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A soft look-up."""
    return _softmax(keys @ query / math.sqrt(len(query))) @ values


@notebook.function(
    cases=[
        (np.array([1.0, 2.0, 3.0]), np.array([True, True, True])),
        (np.array([1.0, 2.0, 3.0]), np.array([True, True, False])),
        (np.array([0.0, 5.0]), np.array([True, False])),
        (np.array([-3.0, -2.0]), np.array([False, False])),
        (np.array([1000.0, 1001.0, 2000.0]), np.array([True, True, False])),
        (np.array([-1000.0, -1001.0, 0.0]), np.array([True, True, False])),
    ],
    mistakes=[
        (
            "The mask is not used.",
            lambda s, m: _softmax(s),
        ),
        (
            "Masked after the softmax: what is left no longer sums to 1. Hide the scores before "
            "it.",
            lambda s, m: _softmax(s) * m,
        ),
        (
            "A score of 0 is a good score: hidden places need the score -inf.",
            lambda s, m: _softmax(np.where(m, s, 0.0)),
        ),
        (
            "The mask is the wrong way round: True means that it is allowed to look.",
            lambda s, m: _softmax(np.where(m, -np.inf, s)) if not m.all() else np.zeros(len(s)),
        ),
        (
            "Where no place is allowed, all weights are 0; you spread them over places that are "
            "not allowed.",
            lambda s, m: _softmax(np.where(m, s, -1e9)),
        ),
        (
            "Where no place is allowed, 0 is divided by 0. Treat that case apart: all zeros.",
            lambda s, m: _softmax(np.where(m, s, -np.inf)) if m.any() else np.full(len(s), np.nan),
        ),
        (
            "exp(1000) is too large for a number, exp(-1000) too small: subtract the largest "
            "*allowed* score first, which changes no weight.",
            lambda s, m: np.exp(s) * m / (np.exp(s) * m).sum() if m.any() else np.zeros(len(s)),
        ),
        (
            "exp(1000) is too large for a number, exp(-1000) too small: subtract the largest "
            "*allowed* score first, which changes no weight.",
            lambda s, m: (
                np.exp(np.where(m, s, -np.inf)) / np.exp(np.where(m, s, -np.inf)).sum()
                if m.any()
                else np.zeros(len(s))
            ),
        ),
        (
            "exp(1000) is too large for a number, exp(-1000) too small: subtract the largest "
            "*allowed* score first, which changes no weight.",
            lambda s, m: (
                np.exp(s - s.max()) * m / (np.exp(s - s.max()) * m).sum()
                if m.any()
                else np.zeros(len(s))
            ),
        ),
    ],
    hints=[
        "Hide before the softmax: which score makes exp(score) exactly 0? And what if all are "
        "hidden?",
        "np.where(mask, scores, -np.inf) hides. If not mask.any(), the answer is np.zeros(n). "
        "Otherwise subtract the largest score that is left, take exp, divide by the sum.",
        "if not mask.any(): return np.zeros(len(scores)); s = np.where(mask, scores, -np.inf); "
        "e = np.exp(s - s.max()); return e / e.sum()",
    ],
)
def masked_softmax(scores: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A masked softmax."""
    return _softmax(np.where(mask, scores, -np.inf)) if mask.any() else np.zeros(len(scores))


def _walk(
    D: np.ndarray, right: str, written: str, order: str = "dui", corner: bool = True
) -> tuple[int, int, int]:
    """Edits on the way back; `order` of preference: diagonal, up, insertion (left)."""
    i, j = len(right), len(written)
    counts = {"s": 0, "u": 0, "i": 0}
    while (i or j) if corner else (i and j):
        for move in order:
            if move == "d" and i and j:
                differs = int(right[i - 1] != written[j - 1])
                if D[i, j] == D[i - 1, j - 1] + differs:
                    counts["s"] += differs
                    i, j = i - 1, j - 1
                    break
            elif move == "u" and i and D[i, j] == D[i - 1, j] + 1:
                counts["u"] += 1
                i -= 1
                break
            elif move == "i" and j and D[i, j] == D[i, j - 1] + 1:
                counts["i"] += 1
                j -= 1
                break
    return counts["s"], counts["u"], counts["i"]


def _table_case(right: str, written: str) -> Case:
    table = metrics.edit_table(right, written)
    return Case((table, right, written), f"the table of {right!r} and {written!r}")


def _swapped(D: np.ndarray, right: str, written: str) -> tuple[int, int, int]:
    s, d, i = _walk(D, right, written)
    return s, i, d


def _by_place(D: np.ndarray, right: str, written: str) -> tuple[int, int, int]:
    wrong = sum(a != b for a, b in zip(right, written, strict=False))
    return wrong, max(0, len(right) - len(written)), max(0, len(written) - len(right))


def _every_diagonal(D: np.ndarray, right: str, written: str) -> tuple[int, int, int]:
    """Counts each diagonal step, also where the notes are the same."""
    _, d, i = _walk(D, right, written)
    return len(right) - d, d, i


@notebook.function(
    cases=[
        _table_case("C", "C"),
        _table_case("C", "D"),
        _table_case("CE", "C"),
        _table_case("C", "CE"),
        _table_case("CEG", "EG"),
        _table_case("CEGAG", "CCEGG"),
        _table_case("", "AB"),
        _table_case("GAB", ""),
        _table_case("CDEC", "DECA"),
        _table_case("ABCABC", "CBAC"),
        _table_case("FFAC", "FACC"),
        _table_case("CCCBAC", "BACA"),
    ],
    mistakes=[
        (
            "Deletions and insertions have changed places: up in the table, a right note is "
            "missing, which is a deletion.",
            _swapped,
        ),
        (
            "A diagonal step between notes that are the same costs nothing and is no substitution.",
            _every_diagonal,
        ),
        (
            "At an edge of the table the way is not over: what is left of one sequence are "
            "deletions or insertions. Walk while i or j is above 0.",
            lambda D, right, written: _walk(D, right, written, corner=False),
        ),
        (
            "That compares place by place; walk back through the table instead.",
            _by_place,
        ),
        (
            "Where there is a choice, the diagonal comes first; then up, then left.",
            lambda D, right, written: _walk(D, right, written, "uid"),
        ),
        (
            "Where there is a choice, the diagonal comes first; then up, then left.",
            lambda D, right, written: _walk(D, right, written, "iud"),
        ),
        (
            "Where there is a choice, the diagonal comes first; then up, then left.",
            lambda D, right, written: _walk(D, right, written, "diu"),
        ),
        (
            "Only the corner was used: it is the sum of the three.",
            lambda D, right, written: int(D[-1, -1]),
        ),
    ],
    hints=[
        "Begin with i, j = len(right), len(written). At each step, three neighbours may explain "
        "D[i, j]; which condition says that the diagonal one does?",
        "Diagonal: i and j above 0 and D[i, j] == D[i - 1, j - 1] + (right[i - 1] != "
        "written[j - 1]). Up: i above 0 and D[i, j] == D[i - 1, j] + 1. Else left. Until both "
        "are 0.",
        "while i or j: differs = i and j and right[i - 1] != written[j - 1]; if i and j and "
        "D[i, j] == D[i - 1, j - 1] + differs: s += differs; i -= 1; j -= 1; elif i and D[i, j] == "
        "D[i - 1, j] + 1: d += 1; i -= 1; else: n += 1; j -= 1; and return s, d, n at the end",
    ],
)
def count_edits(D: np.ndarray, right: str, written: str) -> tuple[int, int, int]:
    """The way back."""
    return _walk(D, right, written)


def _distance(size: int) -> np.ndarray:
    """Key's place less the query's, (queries, keys)."""
    return np.arange(size)[None, :] - np.arange(size)[:, None]


@notebook.function(
    cases=[(3, 0, 0), (3, 2, 0), (4, 1, 0), (4, 0, 1), (5, 2, 1), (2, 9, 9), (1, 0, 0)],
    mistakes=[
        (
            "Rows and columns have changed places, or back and ahead: row i is the query, and "
            "keys before it have smaller numbers j.",
            lambda n, back, ahead: (_distance(n) >= -ahead) & (_distance(n) <= back),
        ),
        (
            "Each query may see its own place too.",
            lambda n, back, ahead: (
                (_distance(n) >= -back) & (_distance(n) <= ahead) & (_distance(n) != 0)
            ),
        ),
        (
            "`back` places before it are allowed, the farthest included: >=, not >.",
            lambda n, back, ahead: (_distance(n) > -back) & (_distance(n) <= ahead),
        ),
        (
            "`ahead` places after it are allowed, the farthest included: <=, not <.",
            lambda n, back, ahead: (_distance(n) >= -back) & (_distance(n) < ahead),
        ),
        (
            "`back` is not used: the far past is hidden.",
            lambda n, back, ahead: _distance(n) <= ahead,
        ),
        (
            "`ahead` is not used: the future is hidden, but for `ahead` places.",
            lambda n, back, ahead: _distance(n) >= -back,
        ),
        (
            "The wrong way round: True where it may be seen.",
            lambda n, back, ahead: ~((_distance(n) >= -back) & (_distance(n) <= ahead)),
        ),
    ],
    hints=[
        "For one query i, which keys j are allowed? Write it as two inequalities.",
        "i - back <= j <= i + ahead. With i as a column, np.arange(size)[:, None], and j as a row, "
        "np.arange(size), comparisons give the whole square at once.",
        "i, j = np.arange(size)[:, None], np.arange(size); "
        "return (j >= i - back) & (j <= i + ahead)",
    ],
)
def window_mask(size: int, back: int, ahead: int) -> np.ndarray:
    """A window on the past."""
    return (_distance(size) >= -back) & (_distance(size) <= ahead)


def _attention(scale: bool, axis: int, before: bool) -> Any:
    """The attention of the bug hunt, each of its three places right or wrong."""

    def look(query: Any, key: Any, value: Any, mask: Any) -> Any:
        scores = query @ key.T
        if scale:
            scores = scores / math.sqrt(query.shape[-1])
        if before:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=axis)
        if not before:
            weights = weights * mask
        return (weights.nan_to_num() if axis == 0 else weights) @ value

    return look


_PLACES = {
    "scale": "the scores are not divided by the root of d",
    "axis": "the softmax goes over the queries (dim 0) instead of the keys, so the rows do not "
    "sum to 1",
    "mask": "the mask comes after the softmax, so that what is left no longer sums to 1",
}


def _still_wrong() -> list[tuple[str, Any]]:
    """Every attention in which one, two or three of the bugs are left, and what to say."""
    found = []
    for scale in (True, False):
        for axis in (-1, 0):
            for before in (True, False):
                left = [
                    _PLACES[name]
                    for name, right in (("scale", scale), ("axis", axis == -1), ("mask", before))
                    if not right
                ]
                if not left:
                    continue
                how_many = {1: "One bug is", 2: "Two bugs are", 3: "All three bugs are"}[len(left)]
                found.append(
                    (
                        f"{how_many} left. One of them: {left[-1]}."
                        if len(left) > 1
                        else f"{how_many} left: {left[0]}.",
                        _attention(scale, axis, before),
                    )
                )
    return found


def _hunt_case(seed: int, n: int, m: int, d: int, description: str, masked: bool = True) -> Case:
    import torch  # only here: the other exercises need no torch, and start quicker without

    q, k, v = (torch.from_numpy(a) for a in _random(seed, (n, d), (m, d), (m, 2)))
    mask = torch.ones(n, m, dtype=torch.bool)
    if masked:
        mask = torch.from_numpy(np.random.default_rng(seed).random((n, m)) < 0.6)
        mask[:, 0] = True
    return Case((q, k, v, mask), description)


@notebook.function(
    cases=[
        _hunt_case(1, 1, 3, 4, "1 query, 3 keys, d = 4, all allowed", masked=False),
        _hunt_case(2, 2, 3, 4, "2 queries, 3 keys, d = 4, all allowed", masked=False),
        _hunt_case(3, 4, 6, 9, "4 queries, 6 keys, d = 9, some hidden"),
        _hunt_case(4, 5, 2, 16, "5 queries, 2 keys, d = 16, some hidden"),
    ],
    mistakes=_still_wrong(),
    hints=[
        "Look at the weights: print(weights.sum(dim=1)). What should each row sum to? And compare "
        "with the formula of section 4, symbol by symbol.",
        "Three questions: over which dimension does the softmax go, that of the queries or that of "
        "the keys? Is a mask of use after the softmax? What is missing in the scores for large d?",
        "scores = query @ key.T / query.shape[-1] ** 0.5; scores = scores.masked_fill(~mask, "
        "float('-inf')); return scores.softmax(dim=-1) @ value",
    ],
)
def mended_attention(query: Any, key: Any, value: Any, mask: Any) -> Any:
    """Bug hunt."""
    return _attention(scale=True, axis=-1, before=True)(query, key, value, mask)


_TEXTS = ("question", "expected", "found")


@notebook.open(
    hints=[
        "Choose something that takes one line to change. attention.Attention.KINDS lists the kinds "
        "of scores; third(rates) is a number to compare.",
        "Train twice with everything alike but for one thing: torch.manual_seed(0), model = "
        "attention.Seq2Seq(40, len(vocabulary), 48, 'scaled'), train(model, train_melodies, 4). "
        "Then metrics.error_rate(*write(model, tests[12], vocabulary)[:2]). (Not with the rates "
        "above: those had 7 epochs.)",
        'finding = {"question": "Does the kind of score matter at 12 notes?", "expected": "Hardly, '
        'I think they are alike.", "found": "...", "rates": {"additive": ..., "scaled": ...}, '
        '"seeds": 1}',
    ],
)
def finding(answer: Any) -> str:
    """A question of your own."""
    rates = read_finding(answer, {key: {} for key in _TEXTS}, rates="rates", others=["seeds"])
    seeds = answer["seeds"]
    if not isinstance(seeds, int) or isinstance(seeds, bool) or seeds < 1:
        raise WrongAnswer('"seeds" is how often each was trained: a whole number from 1 on.')
    low, high = min(rates, key=rates.get), max(rates, key=rates.get)
    if seeds == 1:
        caution = (
            "From one training each this is one throw of dice: train both again with other seeds "
            "before you believe a small difference."
        )
    else:
        caution = f"With {seeds} trainings each: is the difference larger than their spread?"
    return f"Least for {low!r}, {rates[low]:.3g}, most for {high!r}, {rates[high]:.3g}. {caution}"


notebook.set_quiz(
    Question(
        "A sequence-to-sequence model has a teacher-forced loss close to zero on test data. What "
        "do you know about the texts that it writes by itself?",
        [
            Option(
                "They are nearly right as well: the loss is on test data, not training data.",
                "The test data keep it from learning by heart, not from being led: at each place "
                "it was told the right tokens before. By itself it has only what it wrote.",
            ),
            Option(
                "Nothing for certain: one wrong token, and it goes on in a context it never met.",
                "Section 6: told the truth, most notes right; free, it jumps back and writes a "
                "part again until the limit. Let it run freely and count edits.",
                correct=True,
            ),
            Option(
                "They are right, but may lack the end token.",
                "The end token is one of the tokens, and in the loss like all others.",
            ),
            Option(
                "They are worse than chance, since it never learned from its own mistakes.",
                "It never did, true, and still most models write far better than chance.",
            ),
        ],
    ),
    Question(
        "Why does attention help most with long melodies?",
        [
            Option(
                "Because it looks at each note as it writes it, and need not hold all in one "
                "vector.",
                "A summary has the same size for two notes and for twelve. With attention what "
                "must be held is only where one is.",
                correct=True,
            ),
            Option(
                "Because it has more parameters, and long melodies need more.",
                "The model from memory has more parameters in this notebook, on purpose.",
            ),
            Option(
                "Because it was shown where the notes lie.",
                "It was never told. The alignment was learned from the names alone, and only then "
                "compared with the true places.",
            ),
            Option(
                "Because the decoder then sees the right notes.",
                "It sees the right notes in training, with or without attention. Attention is "
                "about the sound.",
            ),
        ],
    ),
    Question(
        "Queries and keys of 400 dimensions, and someone forgets to divide by the root of d. What "
        "happens?",
        [
            Option(
                "Nothing: a softmax does not change when all scores are multiplied by 20.",
                "It does not change when a number is *added* to all. Multiplied, differences grow.",
            ),
            Option(
                "The weights come out 20 times as large.",
                "They still sum to 1. It is the scores that are 20 times as large.",
            ),
            Option(
                "It looks at all keys alike, so the answer is their mean.",
                "The other way round: large differences make one key win.",
            ),
            Option(
                "At the start nearly all weight lies on one key, and almost no gradient flows.",
                "The scores then have a standard deviation of 20. The softmax is saturated: its "
                "slope is almost 0, and learning where to look begins very slowly.",
                correct=True,
            ),
        ],
    ),
    Question(
        "In a self-attention that predicts the next token, someone forgets the causal mask. How do "
        "you notice?",
        [
            Option(
                "The loss becomes infinite.",
                "Nothing is divided by zero. It runs without a complaint.",
            ),
            Option(
                "The training loss stays at the loss of guessing.",
                "That is what the honest one does on random notes. The other one can do better.",
            ),
            Option(
                "The loss is better than it can be, and by itself the model writes nonsense.",
                "It reads its answer one place to the right. When it writes by itself there is "
                "nothing to the right yet.",
                correct=True,
            ),
            Option(
                "The weights no longer sum to 1.",
                "They do: they are spread over all places, the future ones too.",
            ),
        ],
    ),
    Question(
        "Self-attention without positions hears E G C, and then C G E. What can it tell apart?",
        [
            Option(
                "The order, because each place has its own weights.",
                "The projections are the same for all places. Shuffle the input, and the output is "
                "shuffled alike.",
            ),
            Option(
                "Nothing about the order: both are the same bag of notes to it.",
                "A weighted mean does not depend on the order of what it is taken of. Positions, "
                "added to the vectors, bring the order in.",
                correct=True,
            ),
            Option(
                "Which note is next to which.",
                "Neighbours are nothing special to it: every place is equally near.",
            ),
            Option(
                "Only that the first and the last note have changed places.",
                "It does not know which is the first.",
            ),
        ],
    ),
    Question(
        "The weights for the note G lie mostly on 0.4 to 0.5 s. What follows?",
        [
            Option(
                "The model is sure that it hears a G there.",
                "How sure it is, is another softmax, over the vocabulary. It may look very sharply "
                "and not know what it sees.",
            ),
            Option(
                "The sound from 0.4 to 0.5 s, and nothing else, made it write G.",
                "The states that it read there come from a GRU in both directions: they know what "
                "was before and after.",
            ),
            Option(
                "The G must lie from 0.4 to 0.5 s, else the training would have failed.",
                "Nobody told it where to look. Some of the peaks in this notebook lie beside the "
                "note, and the note is right.",
            ),
            Option(
                "It read most from the states of that time; whether that made the difference needs "
                "an experiment.",
                "Such as section 5's: turn the eyes elsewhere, and see whether the answer follows.",
                correct=True,
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
