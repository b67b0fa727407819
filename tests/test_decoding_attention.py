import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.decoding import attention_beam_search, attention_greedy
from course_utils.decoding.attention import COVERED
from course_utils.models.las import END, ListenAttendSpell

DIMS, TOKENS = 5, 4
SEPARATOR = 2


def make(seed=0, tokens=TOKENS, spread=1.0, end=0.0, **options):
    torch.manual_seed(seed)
    options = {"hidden": 4, "speller": 7, "front": (), "pyramid": 1} | options
    model = ListenAttendSpell(DIMS, tokens, **options).double()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=spread)
    with torch.no_grad():
        model.output.bias[END] += end
    return model.eval()


def sounds(lengths, seed=0):
    torch.manual_seed(seed)
    return torch.randn(len(lengths), max(lengths), DIMS).double(), torch.tensor(lengths)


def judged(model, features, tokens):
    """By teacher forcing: ln P(tokens, END | sound), how much each frame was looked at."""
    with torch.no_grad():
        out = model(features, None, torch.tensor([tokens], dtype=torch.int64).view(1, -1))
    log_probs = out.logits[0].log_softmax(-1)
    return sum(float(log_probs[u, t]) for u, t in enumerate([*tokens, END])), out.attention[0].sum(
        0
    )


class Pairs:
    """Random probabilities of each token after each other; some pairs may be forbidden."""

    separator = None

    def __init__(self, size, seed=0, forbidden=()):
        table = np.random.default_rng(seed).dirichlet(np.ones(size), size=size)
        self.table = {(a, b): math.log(table[a, b]) for a in range(size) for b in range(size)}
        self.table |= dict.fromkeys(forbidden, -math.inf)

    def start(self):
        return 0

    def score(self, state, token):
        return self.table[state, token], token

    def end(self, state):
        return self.table[state, 0]

    def log_prob(self, tokens):
        return sum(self.table[pair] for pair in itertools.pairwise([0, *tokens, 0]))


class Words(Pairs):
    separator = SEPARATOR


def everything(model, features, limit, **options):
    """All texts up to the limit and their scores, by asking for each one."""
    lm, alpha, beta = options.get("lm"), options.get("alpha", 0.0), options.get("beta", 0.0)
    found = {}
    for length in range(limit + 1):
        for tokens in itertools.product(range(1, model.tokens), repeat=length):
            log_p, read = judged(model, features, list(tokens))
            score = log_p / (length + 1) ** options.get("length_normalisation", 0.0)
            score += options.get("coverage", 0.0) * int((read > COVERED).sum())
            units = length
            if lm is not None:
                score += alpha * lm.log_prob(tokens)
                if lm.separator is not None:
                    units = tokens.count(SEPARATOR)
                    units += bool(tokens) and tokens[-1] != SEPARATOR
            found[tokens] = score + beta * units
    return sorted(found.items(), key=lambda pair: pair[1], reverse=True)


OPTIONS = [
    {},
    {"length_normalisation": 1.0},
    {"length_normalisation": 0.6, "coverage": 0.4},
    {"coverage": 1.0},
    {"beta": 0.7},
    {"beta": -0.7, "length_normalisation": 1.0},
    {"lm": Pairs(3), "alpha": 0.8, "beta": 0.3},
    {"lm": Words(3), "alpha": 0.5, "beta": 1.3, "length_normalisation": 1.0, "coverage": 0.2},
]


def named(options):
    """A name that is the same in every process."""
    return ",".join(f"{k}={getattr(v, 'separator', v)}" for k, v in options.items()) or "plain"


@pytest.mark.parametrize("options", OPTIONS, ids=named)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("top", [1, 5, 1000])
def test_an_unbounded_beam_is_an_exhaustive_search(options, seed, top):
    limit, model = 4, make(seed, tokens=3)
    features, _ = sounds([6], seed)
    expected = everything(model, features, limit, **options)
    (found,) = attention_beam_search(model, features, None, 64, limit=limit, top=top, **options)
    assert len(found) == min(top, len(expected))
    for one, (tokens, score) in zip(found, expected, strict=False):
        assert tuple(one.tokens) == tokens
        assert one.score == pytest.approx(score, abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["location", "dot"])
@pytest.mark.parametrize("limit", [None, 3])
def test_one_text_in_the_beam_is_the_greedy_search(seed, kind, limit):
    model = make(seed, attention=kind, end=1.0)
    features, lengths = sounds([9, 4, 12, 1, 7], seed)
    greedy = attention_greedy(model, features, lengths, limit)
    beam = attention_beam_search(model, features, lengths, 1, limit=limit)
    assert all(len(found) == 1 for found in beam)
    for one, (other,) in zip(greedy, beam, strict=True):
        assert one.tokens == other.tokens
        assert one.score == pytest.approx(other.score, abs=1e-9)
    normalised = attention_beam_search(model, features, lengths, 1, length_normalisation=1.0)
    for one, (other,) in zip(attention_greedy(model, features, lengths), normalised, strict=True):
        assert one.tokens == other.tokens
        assert one.score / (len(one.tokens) + 1) == pytest.approx(other.score, abs=1e-9)


@pytest.mark.parametrize("options", [*OPTIONS[:6], {"end_threshold": 1.5}], ids=named)
@pytest.mark.parametrize("beam_size", [1, 2, 5, 16])
def test_a_batch_gives_what_each_item_gives_alone(options, beam_size):
    model = make(3, end=0.5)
    features, lengths = sounds([9, 4, 12, 1, 7])
    for search in (attention_beam_search, attention_greedy):
        if search is attention_greedy:
            together, arguments = [[one] for one in attention_greedy(model, features, lengths)], {}
        else:
            arguments = {"beam_size": beam_size, "top": 3} | options
            together = search(model, features, lengths, **arguments)
        for item, length, found in zip(features, lengths, together, strict=True):
            alone = search(model, item[None, :length], None, **arguments)
            alone = alone[0] if search is attention_beam_search else alone
            assert [one.tokens for one in alone] == [one.tokens for one in found]
            scores = [one.score for one in alone]
            assert [one.score for one in found] == pytest.approx(scores, abs=1e-9)


@pytest.mark.parametrize("beam_size", [1, 3, 8])
def test_scores_are_what_teacher_forcing_says_of_the_texts(beam_size):
    model = make(1, end=1.0)
    features, _ = sounds([10])
    for tokens, score in [
        *attention_greedy(model, features),
        *attention_beam_search(model, features, None, beam_size, top=8)[0],
    ]:
        assert score == pytest.approx(judged(model, features, tokens)[0], abs=1e-9)


def test_a_wider_beam_finds_what_greedy_misses():
    better = 0
    for seed in range(12):
        model = make(seed, end=1.0)
        features, _ = sounds([8], seed)
        (one,) = attention_greedy(model, features, limit=8)
        ((other, *_),) = attention_beam_search(model, features, None, 16, limit=8)
        better += other.score > one.score + 1e-6
    assert better >= 3


@pytest.mark.parametrize("limit, expected", [(None, [10, 4]), (7, [7, 7]), (0, [0, 0])])
def test_a_model_that_never_ends_is_stopped(limit, expected):
    model = make(end=-1e6)
    features, lengths = sounds([9, 3])
    greedy = attention_greedy(model, features, lengths, limit=limit)
    assert [len(one.tokens) for one in greedy] == expected
    assert all(one.score < -1e5 for one in greedy)  # the end had its price
    for beam_size in (1, 4):
        options = {"length_normalisation": 1.0, "limit": limit}
        found = attention_beam_search(model, features, lengths, beam_size, **options)
        assert [len(one[0].tokens) for one in found] == expected
    # Where every end costs as much, the first one is the best.
    short = attention_beam_search(model, features, lengths, 4, limit=limit)
    assert [one[0].tokens for one in short] == [[], []]


@pytest.mark.parametrize("search", [attention_greedy, attention_beam_search])
def test_a_model_that_ends_at_once_writes_nothing(search):
    found = search(make(end=1e6), *sounds([9, 3]))
    found = [one[0] if search is attention_beam_search else one for one in found]
    assert [one.tokens for one in found] == [[], []]
    assert [one.score for one in found] == pytest.approx([0, 0])


def test_normalisation_by_length_finds_longer_texts():
    lengths = {0.0: 0, 1.0: 0}
    for seed, normalisation in itertools.product(range(8), lengths):
        options = {"length_normalisation": normalisation, "limit": 12}
        found = attention_beam_search(make(seed), *sounds([8, 8, 8], seed), 8, **options)
        lengths[normalisation] += sum(len(one[0].tokens) for one in found)
    assert lengths[1.0] > 1.5 * lengths[0.0]


def test_coverage_finds_texts_that_read_more():
    frames = {0.0: 0, 0.5: 0}
    for seed, coverage in itertools.product(range(8), frames):
        model = make(seed, end=1.0)
        features, _ = sounds([12], seed)
        ((one, *_),) = attention_beam_search(model, features, None, 8, coverage=coverage)
        frames[coverage] += int((judged(model, features, one.tokens)[1] > COVERED).sum())
    assert frames[0.5] > frames[0.0]


def test_the_end_waits_for_its_threshold():
    seen = 0
    for seed in range(8):
        model = make(seed)
        features, _ = sounds([8], seed)
        (found,) = attention_beam_search(
            model, features, None, 16, end_threshold=1.2, limit=5, top=16
        )
        for tokens, score in found:
            assert score == pytest.approx(judged(model, features, tokens)[0], abs=1e-9)
            if len(tokens) == 5:
                continue  # the limit ends a text in any case
            out = model(features, None, torch.tensor([tokens]).long().view(1, -1))
            last = out.logits[0, -1].log_softmax(-1)
            assert last[END] > 1.2 * last[END + 1 :].max()
        (free,) = attention_beam_search(model, features, None, 16, limit=5, top=16)
        seen += [one.tokens for one in free] != [one.tokens for one in found]
    assert seen


def test_the_end_that_is_the_best_token_passes_any_threshold():
    model = make(1, end=1.0)
    features, lengths = sounds([9, 4, 12])
    one = attention_beam_search(model, features, lengths, 1, end_threshold=10.0)
    assert one == attention_beam_search(model, features, lengths, 1)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_what_the_language_model_forbids_is_not_written(alpha):
    lm = Pairs(3, forbidden=[(1, 2), (2, 0)])
    model = make(tokens=3)
    (found,) = attention_beam_search(model, *sounds([6]), 64, lm=lm, alpha=alpha, limit=4, top=64)
    texts = {tuple(one.tokens) for one in found}
    allowed = {
        tokens
        for n in range(5)
        for tokens in itertools.product((1, 2), repeat=n)
        if lm.log_prob(tokens) > -math.inf
    }
    assert texts == allowed
    everything_is = Pairs(3, forbidden=list(itertools.product(range(3), repeat=2)))
    assert attention_beam_search(model, *sounds([6, 4]), lm=everything_is) == [[], []]


def test_training_mode_comes_back_and_its_statistics_stay():
    model = make().train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    one = attention_beam_search(model, *sounds([6, 4]))
    assert model.training
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert one == attention_beam_search(model.eval(), *sounds([6, 4]))
    assert not model.training


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"beam_size": 0}, "beam_size"),
        ({"beam_size": 2.5}, "beam_size"),
        ({"top": 0}, "top"),
        ({"alpha": 1.0}, "give lm as well"),
        ({"alpha": -1.0}, "alpha"),
        ({"coverage": -0.1}, "coverage"),
        ({"length_normalisation": math.inf}, "length_normalisation"),
        ({"end_threshold": 0.5}, "end_threshold"),
        ({"limit": -1}, "limit"),
        ({"limit": 2.5}, "limit"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        attention_beam_search(make(), *sounds([5]), **arguments)
