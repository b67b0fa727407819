"""CTC: against torch and torchaudio, against all paths of small cases, against itself."""

import itertools
import math
import random
import time

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import ctc


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def some_log_probs(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return (2 * torch.randn(*shape, dtype=dtype)).log_softmax(-1)


def random_case(dice: random.Random):
    """Logits, targets as (N, U), their lengths, the input lengths and a blank, anything allowed."""
    T, N, C = dice.randint(1, 12), dice.randint(1, 5), dice.randint(2, 6)
    blank = dice.randrange(C)
    labels = [c for c in range(C) if c != blank]
    U = dice.randint(0, 7)
    rows = [[dice.choice(labels) for _ in range(U)] for _ in range(N)]
    targets = torch.tensor(rows, dtype=torch.long).reshape(N, U)
    sizes = torch.tensor([dice.randint(0, U) for _ in range(N)])
    inputs = torch.tensor([dice.randint(1, T) for _ in range(N)])
    if dice.random() < 0.3:  # as tight as it can be: no frame to spare
        for n in range(N):
            needed = ctc.frames_needed(rows[n][: sizes[n]])
            inputs[n] = min(max(needed, 1), T)
    logits = 2 * torch.randn(T, N, C, dtype=torch.float64)
    return logits.requires_grad_(), targets, inputs, sizes, blank


def value_and_gradient(loss, logits, *arguments, **options):
    value = loss(logits.log_softmax(-1), *arguments, **options)
    weights = torch.linspace(1, 2, value.numel(), dtype=value.dtype).view(value.shape)
    return value, torch.autograd.grad((weights * value).sum(), logits)[0]


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_equals_torch_in_value_and_gradient(reduction):
    dice = random.Random(reduction)
    seen = {"repeat": 0, "empty": 0, "tight": 0, "one frame": 0, "infinite": 0}
    for _ in range(250):
        logits, targets, inputs, sizes, blank = random_case(dice)
        arguments = (targets, inputs, sizes, blank, reduction, True)
        ours = value_and_gradient(ctc.ctc_loss, logits, *arguments)
        theirs = value_and_gradient(F.ctc_loss, logits, *arguments)
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
        for row, T, U in zip(targets.tolist(), inputs.tolist(), sizes.tolist(), strict=True):
            needed = ctc.frames_needed(row[:U])
            seen["repeat"] += needed > U
            seen["empty"] += U == 0
            seen["tight"] += needed == T
            seen["one frame"] += T == 1
            seen["infinite"] += needed > T
    assert min(seen.values()) > 30, seen


def test_infinite_where_torch_is_and_nowhere_else():
    dice = random.Random(1)
    for _ in range(100):
        logits, *arguments = random_case(dice)
        ours = ctc.ctc_loss(logits.log_softmax(-1), *arguments, reduction="none")
        theirs = F.ctc_loss(logits.log_softmax(-1), *arguments, reduction="none")
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)  # equal infinities are close


def test_float32_equals_torch_to_1e_5():
    logits = (3 * torch.randn(150, 16, 28)).requires_grad_()
    targets = torch.randint(1, 28, (16, 40))
    inputs, sizes = torch.randint(100, 151, (16,)), torch.randint(0, 41, (16,))
    ours = value_and_gradient(ctc.ctc_loss, logits, targets, inputs, sizes)
    theirs = value_and_gradient(F.ctc_loss, logits, targets, inputs, sizes)
    assert ours[0].dtype == ours[1].dtype == torch.float32
    torch.testing.assert_close(ours[0], theirs[0], rtol=1e-5, atol=0)
    torch.testing.assert_close(ours[1], theirs[1], rtol=0, atol=1e-5)


def test_targets_one_behind_the_other_and_lengths_of_any_kind():
    log_probs = some_log_probs(9, 3, 5)
    padded = torch.tensor([[1, 2, 2], [0, 0, 0], [4, 3, 99]])  # what stands behind does not matter
    joined = torch.tensor([1, 2, 2, 4, 3])
    expected = ctc.ctc_loss(log_probs, padded, (9, 7, 8), (3, 0, 2))
    for targets, inputs, sizes in (
        (joined, (9, 7, 8), (3, 0, 2)),
        (joined, [9, 7, 8], torch.tensor([3, 0, 2], dtype=torch.int32)),
        (padded.int(), torch.tensor([9, 7, 8]), [3, 0, 2]),
    ):
        assert ctc.ctc_loss(log_probs, targets, inputs, sizes) == expected
    assert abs(F.ctc_loss(log_probs, joined, (9, 7, 8), (3, 0, 2)) - expected) < 1e-12


def every_path(T: int, C: int):
    return itertools.product(range(C), repeat=T)


def sum_of_paths(log_probs, target, blank) -> float:
    """The probability of a labelling by its definition."""
    y = log_probs.exp()
    return sum(
        math.prod(y[t, k].item() for t, k in enumerate(path))
        for path in every_path(*y.shape)
        if ctc.collapse(path, blank) == list(target)
    )


@pytest.mark.parametrize("blank", [0, 1, 2])
def test_equals_the_sum_over_all_paths(blank):
    labels = [c for c in range(3) if c != blank]
    for T in (1, 2, 5):
        log_probs = some_log_probs(T, 3)
        total = 0.0
        for U in range(T + 1):
            for target in itertools.product(labels, repeat=U):
                p = sum_of_paths(log_probs, target, blank)
                loss = ctc.ctc_loss(
                    log_probs[:, None], torch.tensor([target]).long(), [T], [U], blank, "sum"
                )
                assert loss.exp().reciprocal() == pytest.approx(p, abs=1e-12)
                total += p
        assert total == pytest.approx(1)  # each path belongs to exactly one labelling


def test_gradient_by_finite_differences_and_by_gradcheck():
    log_probs = some_log_probs(7, 2, 4).requires_grad_()
    targets, inputs, sizes = torch.tensor([[1, 1, 3], [2, 0, 0]]), (7, 5), (3, 1)

    def loss(x):
        return ctc.ctc_loss(x, targets, inputs, sizes, reduction="none")

    (found,) = torch.autograd.grad(loss(log_probs).sum(), log_probs)
    h = 1e-6
    for place in ((0, 0, 0), (3, 0, 1), (6, 0, 3), (2, 1, 2), (6, 1, 0)):
        step = torch.zeros_like(log_probs)
        step[place] = h
        difference = (loss(log_probs + step) - loss(log_probs - step)).sum() / (2 * h)
        assert found[place] == pytest.approx(difference.item(), abs=1e-8)
    # The derivative of the function as it is: no log-softmax has to stand before it.
    assert torch.autograd.gradcheck(loss, (log_probs.detach().requires_grad_(),))
    logits = torch.randn(7, 2, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: loss(x.log_softmax(-1)), (logits,))


def test_gradient_is_minus_occupancy_and_torchs_is_not():
    log_probs = some_log_probs(8, 1, 5)
    target = [2, 2, 4]
    trellis = ctc.trellis(log_probs[:, 0], target)
    tokens = torch.zeros(8, 5, dtype=torch.float64)
    tokens.index_add_(1, trellis.labels, trellis.occupancy)
    gradients = {}
    for loss in (ctc.ctc_loss, F.ctc_loss):
        x = log_probs.clone().requires_grad_()
        loss(x, torch.tensor([target]), [8], [3], reduction="sum").backward()
        gradients[loss] = x.grad[:, 0]
    torch.testing.assert_close(gradients[ctc.ctc_loss], -tokens)
    torch.testing.assert_close(gradients[F.ctc_loss], log_probs[:, 0].exp() - tokens)


def test_gradient_of_the_logits_sums_to_zero_in_each_frame():
    dice = random.Random(2)
    for _ in range(50):
        logits, *arguments = random_case(dice)
        options = {"reduction": "sum", "zero_infinity": True}
        _, gradient = value_and_gradient(ctc.ctc_loss, logits, *arguments, **options)
        assert gradient.sum(dim=2).abs().max() < 1e-12
        for n, T in enumerate(arguments[1].tolist()):
            assert not gradient[T:, n].any()  # nothing behind the length


@pytest.mark.parametrize("zero_infinity", [False, True])
def test_impossible_targets(zero_infinity):
    """1 1 needs three frames; its neighbour in the batch is not hurt by it."""
    logits = torch.randn(2, 2, 3, dtype=torch.float64, requires_grad=True)
    arguments = (torch.tensor([[1, 1], [1, 2]]), (2, 2), (2, 2))
    loss, gradient = value_and_gradient(
        ctc.ctc_loss, logits, *arguments, reduction="none", zero_infinity=zero_infinity
    )
    assert loss[0] == (0 if zero_infinity else math.inf)
    assert not gradient[:, 0].any()
    assert gradient[:, 1].abs().min() > 0 and gradient.isfinite().all()
    mean = ctc.ctc_loss(logits.log_softmax(-1), *arguments, zero_infinity=zero_infinity)
    assert mean == (loss[1] / 2 / 2 if zero_infinity else math.inf)  # the item is still counted


def test_probabilities_of_exactly_zero():
    log_probs = torch.tensor([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]).log()[:, None]
    log_probs.requires_grad_()
    loss = ctc.ctc_loss(log_probs, torch.tensor([[1]]), [3], [1], reduction="sum")
    loss.backward()
    assert loss.abs() < 1e-7
    expected = -torch.tensor([[0.5, 0.5, 0], [0, 1, 0], [1, 0, 0]])
    torch.testing.assert_close(log_probs.grad[:, 0], expected)
    impossible = ctc.ctc_loss(log_probs, torch.tensor([[2]]), [3], [1], reduction="sum")
    assert impossible == math.inf
    (gradient,) = torch.autograd.grad(impossible, log_probs)
    assert not gradient.any()


def test_no_frame_and_no_label():
    log_probs = some_log_probs(3, 3, 4)
    arguments = (torch.tensor([[1], [1], [1]]), (0, 0, 3), (0, 1, 0))
    ours = ctc.ctc_loss(log_probs, *arguments, reduction="none")
    assert ours.tolist() == F.ctc_loss(log_probs, *arguments, reduction="none").tolist()
    assert ours[0] == 0 and ours[1] == math.inf
    assert ours[2] == pytest.approx(-log_probs[:, 2, 0].sum().item())
    nothing = torch.zeros(3, 0, dtype=torch.long)
    assert ctc.ctc_loss(log_probs, nothing, (3, 3, 3), (0, 0, 0)).isfinite()


def test_padding_changes_nothing_whatever_it_holds():
    alone = some_log_probs(6, 1, 4).requires_grad_()
    one = ctc.ctc_loss(alone, torch.tensor([[3, 3]]), [6], [2], reduction="sum")
    padded = torch.full((10, 2, 4), math.nan, dtype=torch.float64)
    padded[:6, 0], padded[:, 1] = alone[:, 0].detach(), some_log_probs(10, 4)
    padded.requires_grad_()
    targets = torch.tensor([[3, 3, -1, 0], [1, 2, 3, 1]])
    both = ctc.ctc_loss(padded, targets, [6, 10], [2, 4], reduction="none")
    assert both[0].item() == pytest.approx(one.item(), abs=1e-12)
    both.sum().backward()
    one.backward()
    torch.testing.assert_close(padded.grad[:6, 0], alone.grad[:, 0])
    assert not padded.grad[6:, 0].any()


def test_long_utterances_do_not_underflow():
    log_probs = some_log_probs(3000, 1, 30)
    target = torch.randint(1, 30, (1, 400))
    ours = ctc.ctc_loss(log_probs, target, [3000], [400])
    assert ours > 10
    assert ours == pytest.approx(F.ctc_loss(log_probs, target, [3000], [400]).item(), rel=1e-10)


WRONG = [
    ({"log_probs": torch.randn(4, 3)}, "log_probs[:, None]"),
    ({"log_probs": torch.zeros(0, 2, 3)}, "none of them 0"),
    ({"targets": torch.tensor([[1, 0], [2, 1]])}, "label 1 of item 0 is the blank, 0"),
    ({"targets": torch.tensor([[1, 2], [2, 3]])}, "label 1 of item 1 is 3, but the 3 tokens"),
    ({"targets": torch.tensor([[1, -1], [2, 1]])}, "label 1 of item 0 is -1"),
    ({"targets": torch.tensor([[1.0, 2.0], [2.0, 1.0]])}, "targets must be whole numbers"),
    ({"targets": torch.tensor([[1, 2]])}, "log_probs holds 2 items, targets 1"),
    ({"targets": torch.tensor([1, 2, 1])}, "target_lengths must be 0 to 3|sum to 4, but 3"),
    ({"input_lengths": (4, 5)}, "input_lengths must be 0 to 4, the frames of log_probs, got 5"),
    ({"input_lengths": (-1, 4)}, "got -1 for item 0"),
    ({"input_lengths": (4,)}, "input_lengths must be 2 whole numbers"),
    ({"input_lengths": torch.tensor([4.0, 4.0])}, "whole numbers"),
    ({"target_lengths": (3, 2)}, "target_lengths must be 0 to 2, the padded labels, got 3"),
    ({"blank": 3}, "blank must be one of the 3 tokens, 0 to 2, got 3"),
    ({"blank": -1}, "got -1"),
    ({"reduction": "average"}, "reduction must be"),
    ({"log_probs": torch.randn(4, 2, 3)}, "are these raw logits?"),
    ({"log_probs": torch.randn(4, 2, 3).softmax(-1)}, "these are probabilities: use log_softmax"),
    ({"log_probs": torch.zeros(4, 2, 3).log_softmax(-1) + 2e-4}, "sums to 1"),
    ({"log_probs": torch.full((4, 2, 3), math.nan)}, "frame 0 of item 0 holds NaN"),
    ({"log_probs": torch.zeros(4, 2, 3).log_softmax(-1).half()}, "float32 or float64"),
]


@pytest.mark.parametrize(("changed", "message"), WRONG)
def test_says_what_is_wrong(changed, message):
    arguments = {
        "log_probs": torch.zeros(4, 2, 3).log_softmax(-1),
        "targets": torch.tensor([[1, 2], [2, 1]]),
        "input_lengths": (4, 4),
        "target_lengths": (2, 2),
    }
    ctc.ctc_loss(**arguments)
    with pytest.raises(ValueError, match=message.replace("[:", r"\[:").replace("?", r"\?")):
        ctc.ctc_loss(**{**arguments, **changed})


def test_the_rounding_of_float32_is_no_mistake():
    log_probs = (20 * torch.randn(50, 2, 5000)).log_softmax(-1)
    assert ctc.ctc_loss(log_probs, torch.tensor([[1], [2]]), (50, 50), (1, 1)).isfinite()


@pytest.mark.parametrize(
    ("path", "blank", "labelling"),
    [
        ([], 0, []),
        ([0, 0], 0, []),
        ([1, 1, 1], 0, [1]),
        ([1, 0, 1], 0, [1, 1]),
        ([0, 2, 2, 0, 0, 2, 3, 3, 0], 0, [2, 2, 3]),
        ([0, 2, 2, 0, 0, 2, 3, 3, 0], 3, [0, 2, 0, 2, 0]),
        (torch.tensor([1, 1, 0, 2]), 0, [1, 2]),
    ],
)
def test_collapse(path, blank, labelling):
    assert ctc.collapse(path, blank) == labelling


def test_the_number_of_alignments_by_brute_force():
    for T in range(7):
        for C in (2, 3):
            counted = {}
            for path in every_path(T, C):
                labelling = tuple(ctc.collapse(path))
                counted[labelling] = counted.get(labelling, 0) + 1
            for U in range(5):
                for target in itertools.product(range(1, C), repeat=U):
                    assert ctc.count_alignments(target, T) == counted.get(target, 0)
                    assert (ctc.count_alignments(target, T) > 0) == (ctc.frames_needed(target) <= T)
    # Without a repeat: U labels into T frames, Distill's formula.
    assert ctc.count_alignments([1, 2, 3], 100) == math.comb(103, 97)


def test_the_trellis_of_uniform_probabilities_counts_paths():
    trellis = ctc.trellis(torch.zeros(9, 4).log_softmax(-1), [1, 1, 3])
    assert trellis.labels.tolist() == [0, 1, 0, 1, 0, 3, 0]
    paths = math.exp(trellis.log_prob) * 4**9
    assert round(paths) == ctc.count_alignments([1, 1, 3], 9)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.lists(st.integers(1, 3), max_size=5), st.integers(0, 2**31))
def test_every_frame_of_the_trellis_tells_the_same_probability(T, target, seed):
    generator = torch.Generator().manual_seed(seed)
    log_probs = torch.randn(T, 4, dtype=torch.float64, generator=generator).log_softmax(-1)
    trellis = ctc.trellis(log_probs, target)
    loss = ctc.ctc_loss(log_probs[:, None], torch.tensor([target]).long(), [T], [len(target)])
    U = max(len(target), 1)
    assert -trellis.log_prob / U == pytest.approx(loss.item(), abs=1e-12)
    if trellis.log_prob == -math.inf:
        assert not trellis.occupancy.any()
        return
    # Beta holds frame t's emission as well, so it is taken out once.
    log_y = log_probs[:, trellis.labels]
    by_frame = (trellis.alpha + trellis.beta - log_y).logsumexp(dim=1)
    torch.testing.assert_close(by_frame, torch.full((T,), trellis.log_prob, dtype=torch.float64))
    torch.testing.assert_close(trellis.occupancy.sum(dim=1), torch.ones(T, dtype=torch.float64))
    turned = ctc.trellis(log_probs.flip(0), target[::-1])
    torch.testing.assert_close(turned.alpha.flip(0, 1), trellis.beta)


def test_forced_align_equals_torchaudio():
    torchaudio = pytest.importorskip("torchaudio")
    dice = random.Random(3)
    compared = 0
    while compared < 250:
        T, C, U = dice.randint(1, 15), dice.randint(2, 6), dice.randint(1, 6)
        blank = dice.randrange(C)
        target = [dice.choice([c for c in range(C) if c != blank]) for _ in range(U)]
        if ctc.frames_needed(target) > T:
            continue
        log_probs = some_log_probs(T, C, dtype=torch.float32)
        path, scores = torchaudio.functional.forced_align(
            log_probs[None], torch.tensor([target]), blank=blank
        )
        spans = ctc.forced_align(log_probs, target, blank)
        expected = torchaudio.functional.merge_tokens(path[0], scores[0], blank=blank)
        assert [(s.token, s.start, s.end) for s in spans] == [
            (s.token, s.start, s.end) for s in expected
        ]
        assert [s.score for s in spans] == pytest.approx([s.score for s in expected], abs=1e-5)
        compared += 1


def test_forced_align_finds_the_best_of_all_paths():
    for target in ([], [1], [2, 2], [1, 2]):
        log_probs = some_log_probs(5, 3)
        best = max(
            (path for path in every_path(5, 3) if ctc.collapse(path) == target),
            key=lambda path: sum(log_probs[t, k].item() for t, k in enumerate(path)),
        )
        path = [0] * 5
        for span in ctc.forced_align(log_probs, target):
            path[span.start : span.end] = [span.token] * (span.end - span.start)
            assert span.score == pytest.approx(
                log_probs[span.start : span.end, span.token].mean().item()
            )
        assert path == list(best)


def test_forced_align_says_what_is_wrong():
    log_probs = torch.zeros(3, 3).log_softmax(-1)
    message = (
        "3 labels, 1 of them equal to the one before, needs at least 4 frames, but there are 3"
    )
    with pytest.raises(ValueError, match=message):
        ctc.forced_align(log_probs, [1, 1, 2])
    with pytest.raises(ValueError, match="is the blank"):
        ctc.forced_align(log_probs, [1, 0])
    with pytest.raises(ValueError, match=r"must be \(T, C\)"):
        ctc.forced_align(log_probs[None], [1])
    with pytest.raises(ValueError, match="raw logits"):
        ctc.forced_align(torch.randn(3, 3), [1])
    never = torch.tensor([[0.5, 0.5, 0.0]] * 3).log()
    with pytest.raises(ValueError, match=r"every path of the target .* has probability 0"):
        ctc.forced_align(never, [2])


def test_a_gradient_of_the_gradient_is_refused():
    logits = torch.randn(3, 1, 3, requires_grad=True)
    loss = ctc.ctc_loss(logits.log_softmax(-1), torch.tensor([[1]]), [3], [1])
    with pytest.raises(RuntimeError, match="once"):
        torch.autograd.grad(loss, logits, create_graph=True)


@pytest.mark.slow
def test_not_much_slower_than_torchs_kernel():
    """CPU time, which a busy machine stretches less than the clock; about 1.2 times when idle."""
    logits = torch.randn(150, 64, 28, requires_grad=True)
    targets = torch.randint(1, 28, (64, 40))
    inputs, sizes = torch.full((64,), 150), torch.full((64,), 40)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    seconds = {}
    for loss in (F.ctc_loss, ctc.ctc_loss):
        times = []
        for _ in range(7):
            began = time.process_time()
            loss(logits.log_softmax(-1), targets, inputs, sizes).backward()
            times.append(time.process_time() - began)
        seconds[loss] = min(times)
    torch.set_num_threads(threads)
    assert seconds[ctc.ctc_loss] < 5 * seconds[F.ctc_loss], seconds
