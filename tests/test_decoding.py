import itertools
import math
import random

import numpy as np
import pytest
import torch

from course_utils import decoding
from course_utils.decoding.frames import log_add

SEPARATOR = 2  # of the models of words below


def random_log_probs(frames, tokens, seed, sharpness=2.0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(frames, tokens, generator=generator, dtype=torch.float64)
    return (sharpness * logits).log_softmax(-1)


def collapse(path, blank=0):
    return tuple(token for token, _ in itertools.groupby(path) if token != blank)


def all_labellings(log_probs, blank=0):
    """Log-probability of every labelling, by going through every path."""
    rows, sums = log_probs.tolist(), {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(rows)):
        p = math.exp(sum(row[c] for row, c in zip(rows, path, strict=True)))
        labelling = collapse(path, blank)
        sums[labelling] = sums.get(labelling, 0.0) + p
    return {labelling: math.log(p) for labelling, p in sums.items()}


class Pairs:
    """A model of tokens with a table of random probabilities: of each token after each other."""

    separator = None

    def __init__(self, size, seed=0, forbidden=()):
        table = np.random.default_rng(seed).dirichlet(np.ones(size), size=size)
        self.table = {(a, b): math.log(table[a, b]) for a in range(size) for b in range(size)}
        self.table |= dict.fromkeys(forbidden, -math.inf)
        self.asked = 0

    def start(self):
        return 0

    def score(self, state, token):
        self.asked += 1
        return self.table[state, token], token

    def end(self, state):
        return self.table[state, 0]

    def share(self, tokens, alpha, beta):
        pairs = itertools.pairwise([0, *tokens, 0])
        return alpha * sum(self.table[pair] for pair in pairs) + beta * len(tokens)


class Words:
    """Counts as words what stands between separators, and charges for them when they end."""

    separator = SEPARATOR

    def start(self):
        return 0

    def score(self, state, token):
        return (-1.0, 0) if token == SEPARATOR else (0.0, state + 1)

    def end(self, state):
        return -0.25


def everything(log_probs, **options):
    return decoding.prefix_beam_search(log_probs, beam_size=10**6, top=10**6, **options)


@pytest.mark.parametrize(
    "frames, size, blank", [(1, 2, 0), (2, 2, 0), (4, 3, 2), (6, 3, 0), (5, 4, 1), (7, 3, 0)]
)
@pytest.mark.parametrize("seed", range(5))
def test_an_unbounded_beam_is_brute_force_over_all_labellings(frames, size, blank, seed):
    log_probs = random_log_probs(frames, size, seed)
    expected = all_labellings(log_probs, blank)
    found = everything(log_probs, blank=blank)
    assert {tuple(one.tokens) for one in found} == set(expected)
    assert all(abs(one.score - expected[tuple(one.tokens)]) < 1e-10 for one in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert log_sum(one.score for one in found) == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_prefixes_hold_the_probability_of_their_paths_so_far(seed):
    log_probs = random_log_probs(5, 3, seed)
    beams = list(decoding.prefix_beams(log_probs, beam_size=10**6))
    assert list(beams[0]) == [()] and len(beams) == 6
    for frames, beam in enumerate(beams[1:], start=1):
        expected = all_labellings(log_probs[:frames])
        assert set(beam) == set(expected)
        assert all(abs(prefix.total - expected[p]) < 1e-10 for p, prefix in beam.items())
    paths = itertools.product(range(3), repeat=5)
    ends = [path for path in paths if collapse(path) == (1, 2) and path[-1] == 0]
    assert beams[-1][1, 2].blank == pytest.approx(
        log_sum(sum(float(log_probs[t, c]) for t, c in enumerate(path)) for path in ends)
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("alpha, beta", [(0.0, 0.0), (0.7, 0.0), (0.7, 0.4), (1.5, -0.3), (0, 2.0)])
def test_a_model_of_tokens_adds_its_share_also_for_the_end(seed, alpha, beta):
    log_probs, lm = random_log_probs(5, 3, seed), Pairs(3, seed)
    expected = {
        labelling: p + lm.share(labelling, alpha, beta)
        for labelling, p in all_labellings(log_probs).items()
    }
    found = everything(log_probs, lm=lm, alpha=alpha, beta=beta)
    assert {tuple(one.tokens) for one in found} == set(expected)
    assert all(abs(one.score - expected[tuple(one.tokens)]) < 1e-10 for one in found)


def test_a_model_of_words_gives_the_bonus_once_a_word_the_last_one_too():
    log_probs = random_log_probs(5, 4, 1)
    paths = all_labellings(log_probs)
    found = everything(log_probs, lm=Words(), alpha=2.0, beta=10.0)
    for tokens, score in found:
        spaces = tokens.count(SEPARATOR)
        words = spaces + (bool(tokens) and tokens[-1] != SEPARATOR)
        assert score == pytest.approx(paths[tuple(tokens)] - 2 * spaces - 0.5 + 10 * words)
    assert len(found) == len(paths)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_what_the_model_forbids_is_not_written_whatever_its_weight(alpha):
    log_probs = random_log_probs(5, 3, 3)
    lm = Pairs(3, forbidden=[(1, 2), (2, 0)])
    found = [tuple(one.tokens) for one in everything(log_probs, lm=lm, alpha=alpha)]
    assert found
    assert not any((1, 2) in itertools.pairwise(tokens) or tokens[-1:] == (2,) for tokens in found)


def test_nothing_is_found_when_a_lexicon_allows_nothing():
    lm = Pairs(2, forbidden=[(0, 0), (0, 1)])
    assert decoding.prefix_beam_search(random_log_probs(3, 2, 0), lm=lm) == []


def naive_search(log_probs, beam_size, lm, alpha, beta):
    """The same search, pushing mass from each prefix to all others, with no bound on anything."""
    beam = {(): (0.0, -math.inf)}
    for frame in log_probs.tolist():
        after = {}

        def add(tokens, blank, label, after=after):
            old = after.get(tokens, (-math.inf, -math.inf))
            after[tokens] = log_add(old[0], blank), log_add(old[1], label)

        for tokens, (blank, label) in beam.items():
            for token, p in enumerate(frame):
                if token == 0:
                    add(tokens, log_add(blank, label) + p, -math.inf)
                elif tokens and token == tokens[-1]:
                    add(tokens, -math.inf, label + p)
                    add((*tokens, token), -math.inf, blank + p)
                else:
                    add((*tokens, token), -math.inf, log_add(blank, label) + p)
        share = {t: lm.share(t, alpha, beta) - alpha * lm.end(t[-1] if t else 0) for t in after}
        best = sorted(after, key=lambda t: log_add(*after[t]) + share[t], reverse=True)[:beam_size]
        beam = {tokens: after[tokens] for tokens in best}
    return beam


@pytest.mark.parametrize("beam_size", [1, 2, 3, 8])
@pytest.mark.parametrize("seed", range(6))
def test_the_bounds_that_save_time_change_nothing(seed, beam_size):
    log_probs, lm = random_log_probs(12, 5, seed, sharpness=1.0 + seed % 3), Pairs(5, seed)
    alpha, beta = (0.0, 0.0) if seed < 2 else (0.8, 1.0 - 0.5 * seed)
    expected = naive_search(log_probs, beam_size, lm, alpha, beta)
    *_, beam = decoding.prefix_beams(log_probs, beam_size, lm=lm, alpha=alpha, beta=beta)
    assert list(beam) == list(expected)
    for tokens, (blank, label) in expected.items():
        assert beam[tokens].blank == pytest.approx(blank)
        assert beam[tokens].label == pytest.approx(label)


@pytest.mark.parametrize("beam_size", [1, 2, 4])
def test_with_a_small_beam_the_scores_are_exact_all_the_same(beam_size):
    lost = 0
    for seed in range(20):
        log_probs = random_log_probs(7, 3, seed, sharpness=1.0)
        expected = all_labellings(log_probs)
        *_, beam = decoding.prefix_beams(log_probs, beam_size)
        found = decoding.prefix_beam_search(log_probs, beam_size, top=beam_size)
        assert len(found) == beam_size
        for tokens, score in found:
            assert score == pytest.approx(expected[tuple(tokens)], abs=1e-10)
            assert beam[tuple(tokens)].total <= score + 1e-10
            lost += beam[tuple(tokens)].total < score - 1e-3
    assert lost  # a search alone would give lower bounds


def test_the_best_path_is_not_the_best_labelling():
    log_probs = torch.tensor([[0.6, 0.4], [0.6, 0.4]]).log()
    assert decoding.greedy(log_probs[None]) == [[]]  # 0.36
    best, second = decoding.prefix_beam_search(log_probs, top=2)
    assert best.tokens == [1] and math.exp(best.score) == pytest.approx(0.64)
    assert second.tokens == [] and math.exp(second.score) == pytest.approx(0.36)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_impossible_tokens_and_both_precisions(dtype):
    log_probs = torch.tensor([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.0, 0.5]], dtype=dtype).log()
    found = everything(log_probs)
    assert [one.tokens for one in found] in ([[1], [1, 2]], [[1, 2], [1]])
    assert all(one.score == pytest.approx(math.log(0.5)) for one in found)


def test_a_wide_beam_finds_what_a_narrow_one_loses():
    """1 wins after the first frame, though everything that starts with 2 or 3 is worth more."""
    log_probs = torch.tensor([[0.0, 0.4, 0.3, 0.3], [0.5, 0.0, 0.25, 0.25]]).log()
    narrow, wide = (decoding.prefix_beam_search(log_probs, width)[0] for width in (1, 50))
    assert narrow.score < wide.score or narrow.tokens == wide.tokens


def test_greedy_is_the_best_path_collapsed_within_each_length():
    rng = random.Random(0)
    log_probs = torch.stack([random_log_probs(9, 4, seed) for seed in range(20)])
    lengths = torch.tensor([rng.randint(0, 9) for _ in range(20)])
    expected = [
        list(collapse(item[:n].argmax(-1).tolist(), blank=3))
        for item, n in zip(log_probs, lengths, strict=True)
    ]
    assert decoding.greedy(log_probs, lengths, blank=3) == expected
    log_probs[lengths < 9, -1] = torch.nan  # what is in the padding does not matter
    assert decoding.greedy(log_probs, lengths, blank=3) == expected
    assert decoding.greedy(log_probs[:1, :5]) == [
        list(collapse(log_probs[0, :5].argmax(-1).tolist()))
    ]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((torch.zeros(3, 4),), "(batch, frames, tokens), got (3, 4)"),
        ((torch.zeros(1, 3, 4), torch.tensor([4])), "from 0 to 3, got [4]"),
        ((torch.zeros(1, 3, 4), None, 4), "one of the 4 tokens, got 4"),
        ((torch.full((1, 3, 4), torch.nan),), "item 0 hold NaN"),
    ],
)
def test_greedy_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        decoding.greedy(*arguments)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"log_probs": torch.zeros(1, 3, 4)}, "(frames, tokens) of one utterance, got (1, 3, 4)"),
        ({"log_probs": torch.zeros(0, 4)}, "got (0, 4)"),
        ({"log_probs": torch.randn(3, 4)}, "not logits"),
        ({"log_probs": torch.full((3, 4), 0.25)}, "frame 0 sum to 5.136, not 1"),
        ({"log_probs": torch.full((3, 4), torch.nan)}, "frame 0 sum to nan"),
        ({"beam_size": 0}, "beam_size must be a whole number of at least 1, got 0"),
        ({"blank": 3}, "one of the 3 tokens, got 3"),
        ({"top": 0}, "top must be a whole number of at least 1, got 0"),
        ({"alpha": -1.0, "lm": Pairs(3)}, "alpha must be a number from 0 on, got -1.0"),
        ({"alpha": 0.5}, "give lm as well"),
    ],
)
def test_prefix_beam_search_refuses(change, message):
    with pytest.raises(ValueError) as error:
        decoding.prefix_beam_search(**({"log_probs": random_log_probs(4, 3, 0)} | change))
    assert message in str(error.value)


def log_sum(logs):
    return math.log(sum(map(math.exp, logs)))


def test_log_add():
    assert log_add(-math.inf, -math.inf) == -math.inf
    assert log_add(-3.0, -math.inf) == log_add(-math.inf, -3.0) == -3.0
    assert log_add(-1000.0, -1000.0) == pytest.approx(-1000 + math.log(2))
    assert log_add(math.log(0.2), math.log(0.5)) == pytest.approx(math.log(0.7))
