import math

import numpy as np
import torch

from course_utils.models import attention
from tests.exercises import Answers


def soft_lookup(query, keys, values):
    """The mean of the values, weighted by how well their keys fit."""
    ...


def soft_lookup_solution(query, keys, values):
    scores = keys @ query / np.sqrt(len(query))
    weights = np.exp(scores) / np.exp(scores).sum()
    return weights @ values


def soft_lookup_in_a_loop(query, keys, values):
    scores = [sum(q * k for q, k in zip(query, key, strict=True)) for key in keys]
    parts = [math.exp(s / math.sqrt(len(query))) for s in scores]
    total = np.zeros(values.shape[1])
    for part, value in zip(parts, values, strict=True):
        total += part / sum(parts) * value
    return total


def soft_lookup_by_torch(query, keys, values):
    q, k, v = (torch.from_numpy(x) for x in (query[None], keys, values))
    return torch.nn.functional.scaled_dot_product_attention(q, k, v)[0]


def weights_of(scores):
    return np.exp(scores) / np.exp(scores).sum()


def masked_softmax(scores, mask):
    """Softmax among the allowed places."""
    ...


def masked_softmax_solution(scores, mask):
    if not mask.any():
        return np.zeros(len(scores))
    hidden = np.where(mask, scores, -np.inf)
    e = np.exp(hidden - hidden.max())
    return e / e.sum()


def masked_softmax_of_the_rest(scores, mask):
    weights = np.zeros(len(scores))
    if mask.any():
        left = scores[mask]
        e = np.exp(left - left.max())
        weights[mask] = e / e.sum()
    return weights


def masked_with_a_large_number(scores, mask):
    hidden = np.where(mask, scores, -1e9)
    e = np.exp(hidden - hidden.max())
    return e / e.sum()


def masked_without_the_case_of_none(scores, mask):
    hidden = np.where(mask, scores, -np.inf)
    e = np.exp(hidden - hidden.max())
    return e / e.sum()


def masked_overflowing(scores, mask):
    if not mask.any():
        return np.zeros(len(scores))
    e = np.exp(np.where(mask, scores, -np.inf))
    return e / e.sum()


def masked_by_the_largest_of_all(scores, mask):
    if not mask.any():
        return np.zeros(len(scores))
    e = np.exp(scores - scores.max()) * mask
    return e / e.sum()


def masked_the_wrong_way_round(scores, mask):
    return masked_softmax_solution(scores, ~mask)


def count_edits(D, right, written):
    """Substitutions, deletions, insertions of one cheapest way."""
    ...


def count_edits_solution(D, right, written):
    i, j = len(right), len(written)
    s = d = n = 0
    while i or j:
        if i and j and D[i, j] == D[i - 1, j - 1] + (right[i - 1] != written[j - 1]):
            s += right[i - 1] != written[j - 1]
            i, j = i - 1, j - 1
        elif i and D[i, j] == D[i - 1, j] + 1:
            d += 1
            i -= 1
        else:
            n += 1
            j -= 1
    return s, d, n


def count_edits_recursively(D, right, written):
    if not right and not written:
        return [0, 0, 0]
    i, j = len(right), len(written)
    differs = bool(right) and bool(written) and right[-1] != written[-1]
    if right and written and D[i, j] == D[i - 1, j - 1] + differs:
        s, d, n = count_edits_recursively(D, right[:-1], written[:-1])
        return [s + differs, d, n]
    if right and D[i, j] == D[i - 1, j] + 1:
        s, d, n = count_edits_recursively(D, right[:-1], written)
        return [s, d + 1, n]
    s, d, n = count_edits_recursively(D, right, written[:-1])
    return [s, d, n + 1]


def edits_until_an_edge(D, right, written):
    i, j = len(right), len(written)
    s = d = n = 0
    while i and j:
        if D[i, j] == D[i - 1, j - 1] + (right[i - 1] != written[j - 1]):
            s += right[i - 1] != written[j - 1]
            i, j = i - 1, j - 1
        elif D[i, j] == D[i - 1, j] + 1:
            d, i = d + 1, i - 1
        else:
            n, j = n + 1, j - 1
    return s, d, n


def edits_that_go_up_first(D, right, written):
    i, j = len(right), len(written)
    s = d = n = 0
    while i or j:
        if i and D[i, j] == D[i - 1, j] + 1:
            d, i = d + 1, i - 1
        elif j and D[i, j] == D[i, j - 1] + 1:
            n, j = n + 1, j - 1
        else:
            s += right[i - 1] != written[j - 1]
            i, j = i - 1, j - 1
    return s, d, n


def edits_that_prefer_left(D, right, written):
    i, j = len(right), len(written)
    s = d = n = 0
    while i or j:
        if i and j and D[i, j] == D[i - 1, j - 1] + (right[i - 1] != written[j - 1]):
            s += right[i - 1] != written[j - 1]
            i, j = i - 1, j - 1
        elif j and D[i, j] == D[i, j - 1] + 1:
            n, j = n + 1, j - 1
        else:
            d, i = d + 1, i - 1
    return s, d, n


def edits_swapped(D, right, written):
    s, d, n = count_edits_solution(D, right, written)
    return s, n, d


def edits_with_every_diagonal(D, right, written):
    _, d, n = count_edits_solution(D, right, written)
    return len(right) - d, d, n


def edits_without_limits(D, right, written):
    i, j = len(right), len(written)
    while i or j:
        if D[i, j] == D[i - 1, j] + 1:
            i -= 1
    return 0, 0, 0


def window_mask(size, back, ahead):
    """True where query i may see key j."""
    ...


def window_mask_solution(size, back, ahead):
    i, j = np.arange(size)[:, None], np.arange(size)
    return (j >= i - back) & (j <= i + ahead)


def window_mask_in_a_loop(size, back, ahead):
    return [[i - back <= j <= i + ahead for j in range(size)] for i in range(size)]


def window_mask_by_triangles(size, back, ahead):
    ones = torch.ones(size, size, dtype=torch.bool)
    return ones.tril(ahead) & ones.triu(-back)


def mended_attention(query, key, value, mask): ...


def mended_solution(query, key, value, mask):
    scores = query @ key.T / query.shape[-1] ** 0.5
    scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(dim=-1) @ value


def wrong_attention(query, key, value, mask):
    scores = query @ key.T
    weights = scores.softmax(dim=0)
    weights = weights * mask
    return weights @ value


def only_the_axis_mended(query, key, value, mask):
    return (query @ key.T).softmax(dim=1) * mask @ value


def mask_left(query, key, value, mask):
    return (query @ key.T / key.shape[1] ** 0.5).softmax(dim=1) * mask @ value


def axis_left(query, key, value, mask):
    scores = (query @ key.T / key.shape[1] ** 0.5).masked_fill(~mask, -torch.inf)
    return scores.softmax(dim=0).nan_to_num() @ value


def scale_left(query, key, value, mask):
    return (query @ key.T).masked_fill(~mask, -torch.inf).softmax(dim=-1) @ value


FINDING = {
    "question": "Does the kind of score matter at twelve notes?",
    "expected": "Hardly, since both can learn the same.",
    "found": "With one seed the two were close to each other.",
    "rates": {"additive": 0.02, "scaled": 0.03},
    "seeds": 1,
}

ANSWERS = {
    "soft_lookup": Answers(
        solution=soft_lookup_solution,
        stub=soft_lookup,
        also_right=[soft_lookup_in_a_loop, soft_lookup_by_torch],
        wrong=[
            (lambda q, k, v: weights_of(k @ q) @ v, "The scaling is missing"),
            (lambda q, k, v: weights_of(k @ q / len(q)) @ v, "not by d"),
            (lambda q, k, v: weights_of(k @ q / len(k) ** 0.5) @ v, "not the number of keys"),
            (lambda q, k, v: k @ q / len(q) ** 0.5 @ v, "The softmax is missing"),
            (lambda q, k, v: np.exp(k @ q / len(q) ** 0.5) @ v, "divided by their sum"),
            (lambda q, k, v: v[np.argmax(k @ q)], "a hard look-up"),
            (lambda q, k, v: weights_of(k @ q / len(q) ** 0.5), "Those are the weights"),
            (lambda q, k, v: weights_of(k @ q / len(q) ** 0.5) @ k, "not of the keys"),
            (lambda q, k, v: q @ k, "raised ValueError"),
        ],
    ),
    "masked_softmax": Answers(
        solution=masked_softmax_solution,
        stub=masked_softmax,
        also_right=[
            masked_softmax_of_the_rest,
            lambda s, m: attention.masked_softmax(torch.from_numpy(s), torch.from_numpy(m)),
        ],
        wrong=[
            (lambda s, m: np.exp(s - s.max()) / np.exp(s - s.max()).sum(), "mask is not used"),
            (lambda s, m: np.exp(s - s.max()) / np.exp(s - s.max()).sum() * m, "before it"),
            (
                lambda s, m: masked_softmax_solution(np.where(m, s, 0), m | True),
                "A score of 0 is a good score",
            ),
            (masked_the_wrong_way_round, "wrong way round"),
            (masked_with_a_large_number, "you spread them over places"),
            (masked_without_the_case_of_none, "0 is divided by 0"),
            (masked_overflowing, "exp(1000) is too large"),
            (masked_by_the_largest_of_all, "*allowed* score"),
        ],
    ),
    "count_edits": Answers(
        solution=count_edits_solution,
        stub=count_edits,
        also_right=[count_edits_recursively],
        wrong=[
            (edits_swapped, "have changed places"),
            (edits_with_every_diagonal, "is no substitution"),
            (edits_until_an_edge, "the way is not over"),
            (edits_that_go_up_first, "the diagonal comes first"),
            (edits_that_prefer_left, "then up, then left"),
            (lambda D, right, written: D[-1, -1], "got 0"),
            (edits_without_limits, "A loop without an end"),
            (
                lambda D, right, written: (
                    sum(a != b for a, b in zip(right, written, strict=False)),
                    max(0, len(right) - len(written)),
                    max(0, len(written) - len(right)),
                ),
                "place by place",
            ),
        ],
    ),
    "window_mask": Answers(
        solution=window_mask_solution,
        stub=window_mask,
        also_right=[window_mask_in_a_loop, window_mask_by_triangles],
        wrong=[
            (lambda n, back, ahead: window_mask_solution(n, back, ahead).T, "Rows and columns"),
            (
                lambda n, back, ahead: (
                    window_mask_solution(n, back, ahead) & ~np.eye(n, dtype=bool)
                ),
                "its own place",
            ),
            (lambda n, back, ahead: window_mask_solution(n, back - 1, ahead), ">=, not >"),
            (lambda n, back, ahead: window_mask_solution(n, back, ahead - 1), "<=, not <"),
            (lambda n, back, ahead: window_mask_solution(n, n, ahead), "the far past is hidden"),
            (lambda n, back, ahead: window_mask_solution(n, back, n), "the future is hidden"),
            (lambda n, back, ahead: ~window_mask_solution(n, back, ahead), "True where it may"),
            (lambda n, back, ahead: window_mask_solution(n, ahead, back), "or back and ahead"),
        ],
    ),
    "mended_attention": Answers(
        solution=mended_solution,
        stub=mended_attention,
        also_right=[
            lambda q, k, v, m: torch.nn.functional.scaled_dot_product_attention(q, k, v, m),
            lambda q, k, v, m: attention.scaled_dot_product_attention(q, k, v, m)[0],
        ],
        wrong=[
            (wrong_attention, "All three bugs are left"),
            (only_the_axis_mended, "Two bugs are left. One of them: the mask"),
            (mask_left, "One bug is left: the mask comes after"),
            (axis_left, "One bug is left: the softmax goes over the queries"),
            (scale_left, "One bug is left: the scores are not divided"),
        ],
    ),
    "finding": Answers(
        solution=FINDING,
        stub=None,
        also_right=[{**FINDING, "seeds": 5}, {**FINDING, "rates": {"a": 0, "b": np.float64(1.2)}}],
        wrong=[
            ("it is better", "it must be a dictionary"),
            ({"question": "Is it so?"}, "It has no expected, found, rates, seeds."),
            ({**FINDING, "found": "yes"}, "'found' must be a sentence of five words"),
            ({**FINDING, "rates": {"additive": 0.02}}, "at least two error rates"),
            ({**FINDING, "rates": {"a": 0.1, "b": float("nan")}}, "The rate of 'b' is nan"),
            ({**FINDING, "rates": {"a": 0.1, "b": "less"}}, "The rate of 'b' is 'less'"),
            ({**FINDING, "seeds": 0}, "a whole number from 1 on"),
        ],
    ),
}
