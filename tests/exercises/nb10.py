import itertools
import math
import unicodedata

import numpy as np
import torch
from torch.nn import functional as F

from course_utils import ctc
from course_utils.exercises.nb10 import SENTENCES
from tests.exercises import Answers


def count_ways(target, frames, tokens):
    """How many paths of so many frames say the target."""
    ...


def count_ways_solution(target, frames, tokens):
    ways = 0
    for path in itertools.product(range(tokens), repeat=frames):
        merged = [token for token, _ in itertools.groupby(path)]
        ways += [token for token in merged if token != 0] == list(target)
    return ways


def count_by_the_formula(target, frames, tokens):
    r = sum(a == b for a, b in itertools.pairwise(target))
    return math.comb(frames + len(target) - r, 2 * len(target))


def count_with(reading):
    def count(target, frames, tokens):
        paths = itertools.product(range(tokens), repeat=frames)
        return sum(reading(path) == list(target) for path in paths)

    return count


def merged(path):
    return [token for token, _ in itertools.groupby(path)]


def sum_of_paths(y, target):
    """The probability of the target."""
    ...


def recursion(y, target, may_jump=None, ends=2, starts=2, wraps=False):
    """As a learner writes it; the arguments make the mistakes."""
    labels = [0]
    for label in target:
        labels += [label, 0]
    alpha = np.zeros((len(y), len(labels)))
    for s in range(min(starts, len(labels))):
        alpha[0, s] = y[0, labels[s]]
    for t in range(1, len(y)):
        for s, label in enumerate(labels):
            before = alpha[t - 1, s]
            if s >= 1 or wraps:
                before += alpha[t - 1, s - 1]
            different = label != 0 and label != labels[s - 2]
            if s >= 2 and (different if may_jump is None else may_jump(label)):
                before += alpha[t - 1, s - 2]
            alpha[t, s] = before * y[t, label]
    return alpha[-1, -ends:].sum()


def sum_by_brute_force(y, target):
    total = 0.0
    for path in itertools.product(range(y.shape[1]), repeat=min(len(y), 9)):
        if ctc.collapse(path) == list(target):
            total += math.prod(y[t, k] for t, k in enumerate(path))
    return total if len(y) <= 9 else recursion(y, target)


def sum_by_the_course(y, target):
    return math.exp(
        ctc.trellis(torch.from_numpy(y / y.sum(1, keepdims=True)).log(), target).log_prob
    )


def best_path_alone(y, target):
    best = np.zeros(2 * len(target) + 1)
    labels = [0, *[x for label in target for x in (label, 0)]]
    best[:2] = y[0, labels[:2]]
    for t in range(1, len(y)):
        before = best.copy()
        for s, label in enumerate(labels):
            ways = [before[s]] + ([before[s - 1]] if s else [])
            if s > 1 and label and label != labels[s - 2]:
                ways.append(before[s - 2])
            best[s] = max(ways) * y[t, label]
    return best[-2:].sum()


def occupancy(alpha, beta, y, labels):
    """How probable each token is at each frame, given the target."""
    ...


def occupancy_solution(alpha, beta, y, labels):
    through = alpha * beta / y[:, labels]
    through = through / through.sum(axis=1, keepdims=True)
    wanted = np.zeros_like(y)
    for s, token in enumerate(labels):
        wanted[:, token] += through[:, s]
    return wanted


def occupancy_by_matrix(alpha, beta, y, labels):
    p = alpha[-1, -2:].sum()
    return alpha * beta / y[:, labels] / p @ np.eye(y.shape[1])[labels]


def occupancy_overwritten(alpha, beta, y, labels):
    through = alpha * beta / y[:, labels]
    wanted = np.zeros_like(y)
    for s, token in enumerate(labels):
        wanted[:, token] = through[:, s] / through.sum(axis=1)
    return wanted


def occupancy_without_y(alpha, beta, y, labels):
    both = alpha * beta
    return both / both.sum(axis=1, keepdims=True) @ np.eye(y.shape[1])[labels]


def mended_loss(logits, lengths, targets, target_lengths): ...


def mended_solution(logits, lengths, targets, target_lengths):
    log_probs = logits.log_softmax(dim=-1).transpose(0, 1)
    return F.ctc_loss(log_probs, targets, lengths, target_lengths, reduction="sum")


def mended_one_by_one(logits, lengths, targets, target_lengths):
    total = 0.0
    for x, n, row, u in zip(logits, lengths, targets, target_lengths, strict=True):
        log_probs = torch.log_softmax(x, -1)[:n, None]
        total += ctc.ctc_loss(log_probs, row[None], n[None], u[None], reduction="sum")
    return total


def wrong_loss(logits, lengths, targets, target_lengths):
    N, T, C = logits.shape
    probabilities = logits.softmax(dim=-1).reshape(T, N, C)
    lengths = torch.full((N,), T)
    return F.ctc_loss(probabilities, targets, lengths, target_lengths, reduction="sum")


def lengths_left(logits, lengths, targets, target_lengths):
    log_probs = logits.log_softmax(dim=-1).permute(1, 0, 2)
    full = torch.full_like(lengths, len(log_probs))
    return F.ctc_loss(log_probs, targets, full, target_lengths, reduction="sum")


def reshape_left(logits, lengths, targets, target_lengths):
    N, T, C = logits.shape
    log_probs = logits.log_softmax(dim=-1).view(T, N, C)
    return F.ctc_loss(log_probs, targets, lengths, target_lengths, reduction="sum")


def softmax_left(logits, lengths, targets, target_lengths):
    probabilities = logits.softmax(dim=-1).transpose(0, 1)
    return F.ctc_loss(probabilities, targets, lengths, target_lengths, reduction="sum")


def only_the_softmax_mended(logits, lengths, targets, target_lengths):
    N, T, C = logits.shape
    log_probs = logits.log_softmax(dim=-1).reshape(T, N, C)
    return F.ctc_loss(
        log_probs, targets, tuple([T] * N), tuple(target_lengths.tolist()), reduction="sum"
    )


def spell(texts):
    """The units of each text."""
    ...


def spell_solution(texts):
    return [list(unicodedata.normalize("NFD", text)) for text in texts]


ANSWERS = {
    "count_ways": Answers(
        solution=count_ways_solution,
        stub=count_ways,
        also_right=[count_by_the_formula, lambda t, T, C: ctc.count_alignments(t, T)],
        wrong=[
            (count_with(lambda path: merged([k for k in path if k])), "you drop them first"),
            (count_with(merged), "never dropped"),
            (count_with(lambda path: [k for k in path if k]), "Nothing is merged"),
            (lambda t, T, C: math.comb(T + len(t), 2 * len(t)), "equals the one before"),
            (lambda t, T, C: C**T, "how many paths there are in all"),
            (lambda t, T, C: math.comb(T, len(t)), "got"),
        ],
    ),
    "column": Answers(
        solution=[0.05, 0.12, 0.15, 0.12, 0.15, 0.03, 0],
        stub=None,
        also_right=[np.array([0.05, 0.12, 0.15, 0.12, 0.15, 0.03, 0.0])],
        wrong=[
            ([0.05, 0.12, 0.15, 0.20, 0.15, 0.03, 0], "between the two a"),
            ([0.05, 0.12, 0.20, 0.12, 0.20, 0.03, 0.05], "onto blanks"),
            ([0.05, 0.12, 0.20, 0.20, 0.20, 0.03, 0.05], "everywhere"),
            ([0.05, 0.12, 0.15, 0.12, 0.15, 0.01, 0], "from a to b is missing"),
            ([0.1, 0.3, 0.3, 0.3, 0.3, 0.3, 0], "still to be multiplied"),
            ([0.05, 0.08, 0.10, 0.08, 0.10, 0.02, 0], "forced alignment"),
        ],
    ),
    "sum_of_paths": Answers(
        solution=recursion,
        stub=sum_of_paths,
        also_right=[sum_by_brute_force],
        wrong=[
            (lambda y, t: recursion(y, t, ends=1), "on the last label"),
            (lambda y, t: recursion(y, t, starts=1), "A path may begin with the blank"),
            (lambda y, t: recursion(y, t, starts=99), "not anywhere"),
            (lambda y, t: recursion(y, t, may_jump=lambda label: False), "two different labels"),
            (lambda y, t: recursion(y, t, may_jump=lambda label: label != 0), "two equal labels"),
            (lambda y, t: recursion(y, t, may_jump=lambda label: True), "never onto a blank"),
            (lambda y, t: recursion(y, t, wraps=True), "the *last* place"),
            (best_path_alone, "best path alone"),
        ],
    ),
    "occupancy": Answers(
        solution=occupancy_solution,
        stub=occupancy,
        also_right=[occupancy_by_matrix],
        wrong=[
            (occupancy_without_y, "counted twice"),
            (
                lambda a, b, y, k: a * b / y[:, k] @ np.eye(y.shape[1])[k],
                "Divide by p(l|x) as well",
            ),
            (occupancy_overwritten, "has the last one"),
            (lambda a, b, y, k: a * b / y[:, k] / a[-1, -2:].sum(), "places of l'"),
            (lambda *args: -occupancy_solution(*args), "without the minus"),
            (lambda a, b, y, k: y - occupancy_solution(a, b, y, k), "y - γ"),
        ],
    ),
    "mended_loss": Answers(
        solution=mended_solution,
        stub=mended_loss,
        also_right=[mended_one_by_one],
        wrong=[
            (wrong_loss, "All three bugs are left"),
            (only_the_softmax_mended, "Two bugs are left. One of them: every item"),
            (lengths_left, "One bug is left: every item gets the length of the longest"),
            (reshape_left, "One bug is left: reshape"),
            (softmax_left, "One bug is left: the softmax has no logarithm"),
        ],
    ),
    "spell": Answers(
        solution=spell_solution,
        stub=spell,
        also_right=[
            lambda texts: [list(text) for text in texts],
            lambda texts: [text.split() for text in texts],
            lambda texts: [list(text.replace(" ", "")) for text in texts],
        ],
        wrong=[
            (lambda texts: spell_solution(texts)[:3], "one list of units for each of 8"),
            (lambda texts: ["".join(text) for text in texts], "expected a list of texts"),
            (lambda texts: [[text] for text in texts], "One unit a sentence"),
            (lambda texts: [["가"] * len(text) for text in texts], "the same units"),
            (lambda texts: [[1, 2] for _ in texts], "not a text"),
        ],
    ),
}
assert len(SENTENCES) == 8
