"""Every layer against torch.nn: the same numbers and gradients; and padding changes nothing."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_utils.models import mlp

TIGHT = {"rtol": 1e-10, "atol": 1e-12}


def like(theirs: nn.Module, ours: nn.Module, x: torch.Tensor, call=None) -> None:
    """Equal outputs, gradients of the input and of every parameter, for random weights."""
    ours.load_state_dict({k: v for k, v in theirs.state_dict().items() if k in ours.state_dict()})
    one, two = x.clone().requires_grad_(), x.clone().requires_grad_()
    a, b = (call or theirs)(one), ours(two)
    torch.testing.assert_close(b, a, **TIGHT)
    weights = torch.randn_like(a)
    (a * weights).sum().backward()
    (b * weights).sum().backward()
    torch.testing.assert_close(two.grad, one.grad, **TIGHT)
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, theirs.get_parameter(name).grad, **TIGHT)
        assert parameter.grad.abs().max() > 0


def random_weights(module: nn.Module) -> nn.Module:
    module.double()
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    return module


@pytest.mark.parametrize("shape", [(1, 5), (7, 5), (2, 3, 5), (2, 3, 4, 5)])
def test_linear_is_torchs(shape):
    torch.manual_seed(0)
    theirs = random_weights(nn.Linear(5, 3))
    like(theirs, mlp.Linear(5, 3).double(), torch.randn(shape, dtype=torch.float64))


@pytest.mark.parametrize("shape", [(1, 6), (4, 6), (3, 5, 6)])
def test_layer_norm_is_torchs(shape):
    torch.manual_seed(1)
    theirs = random_weights(nn.LayerNorm(6))
    x = 3 + 2 * torch.randn(shape, dtype=torch.float64)
    like(theirs, mlp.LayerNorm(6).double(), x)


@pytest.mark.parametrize("shape", [(2, 4), (9, 4), (3, 5, 4)])
def test_batch_norm_is_torchs_in_training_and_evaluation(shape):
    torch.manual_seed(2)
    theirs, ours = random_weights(nn.BatchNorm1d(4)), mlp.BatchNorm(4).double()
    x = 3 + 2 * torch.randn(shape, dtype=torch.float64)

    def theirs_on(x):  # torch has the frames last
        return theirs(x.transpose(1, -1)).transpose(1, -1)

    like(theirs, ours, x, theirs_on)
    for name in ("running_mean", "running_var"):
        torch.testing.assert_close(ours.get_buffer(name), theirs.get_buffer(name), **TIGHT)
    theirs.eval()
    ours.eval()
    theirs.zero_grad()
    ours.zero_grad()
    like(theirs, ours, x, theirs_on)


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 6), min_size=2, max_size=5),
    extra=st.integers(0, 3),
    seed=st.integers(0, 99),
)
def test_padding_does_not_count_in_batch_norm(lengths, extra, seed):
    generator = torch.Generator().manual_seed(seed)
    frames = max(lengths) + extra
    x = torch.randn(len(lengths), frames, 3, dtype=torch.float64, generator=generator)
    real = torch.arange(frames) < torch.tensor(lengths)[:, None]
    x[~real] = 1e3
    padded, flat = mlp.BatchNorm(3).double(), mlp.BatchNorm(3).double()
    out = padded(x, torch.tensor(lengths))
    torch.testing.assert_close(out[real], flat(x[real]), **TIGHT)
    torch.testing.assert_close(padded.running_var, flat.running_var, **TIGHT)


def test_batch_norm_needs_two_rows_to_train_and_one_to_run():
    norm = mlp.BatchNorm(3)
    with pytest.raises(ValueError, match="2 rows or more"):
        norm(torch.randn(1, 3))
    assert norm.eval()(torch.randn(1, 3)).shape == (1, 3)


def test_a_batch_norm_in_evaluation_takes_items_one_by_one():
    torch.manual_seed(3)
    norm = mlp.BatchNorm(3)
    for _ in range(5):
        norm(torch.randn(8, 3))
    norm.eval()
    x = torch.randn(6, 3)
    torch.testing.assert_close(norm(x), torch.cat([norm(row[None]) for row in x]))


def test_dropout_keeps_the_mean_in_training_and_everything_in_evaluation():
    torch.manual_seed(4)
    dropout = mlp.Dropout(0.3)
    x = torch.ones(100_000)
    y = dropout(x)
    assert sorted(set(y.tolist())) == pytest.approx([0.0, 1 / 0.7])
    assert float((y == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert float(y.mean()) == pytest.approx(1, abs=0.01)
    assert torch.equal(dropout.eval()(x), x)
    for p in (-0.1, 1.0, 2):
        with pytest.raises(ValueError, match="at least 0 and less than 1"):
            mlp.Dropout(p)


@pytest.mark.parametrize("sizes", [(5, 3), (5, 8, 3), (5, 8, 6, 3)])
def test_a_network_is_torchs_stack_of_layers(sizes):
    torch.manual_seed(5)
    ours = mlp.MLP(sizes).double()
    stack = []
    for layer in ours.layers:
        theirs = nn.Linear(layer.weight.shape[1], layer.weight.shape[0]).double()
        theirs.load_state_dict(layer.state_dict())
        stack += [theirs, nn.ReLU()]
    x = torch.randn(7, 5, dtype=torch.float64)
    torch.testing.assert_close(ours(x), nn.Sequential(*stack[:-1])(x), **TIGHT)
    assert sum(p.numel() for p in ours.parameters()) == sum((a + 1) * b for a, b in pairwise(sizes))


def test_weights_begin_so_that_the_mean_square_stays():
    torch.manual_seed(6)
    x = torch.randn(500, 200)
    for _ in range(10):
        x = torch.relu(mlp.Linear(200, 200)(x))
    assert 0.5 < (x**2).mean().item() < 2


@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_padding_never_changes_a_result(lengths, seed):
    torch.manual_seed(seed)
    network = mlp.MLP((4, 6, 3)).double().eval()
    items = [torch.randn(n, 4, dtype=torch.float64) for n in lengths]
    batch = torch.full((len(items), max(lengths) + 2, 4), float("nan"), dtype=torch.float64)
    for row, item in zip(batch, items, strict=True):
        row[: len(item)] = item
    together = network(batch, torch.tensor(lengths))
    alone = torch.cat([network(item[None]) for item in items])
    torch.testing.assert_close(together, alone, **TIGHT)
    gradients = torch.autograd.grad(together.sum(), list(network.parameters()))
    assert all(torch.isfinite(g).all() for g in gradients)


def test_lengths_that_cannot_be_are_named():
    network = mlp.MLP((4, 3))
    with pytest.raises(ValueError, match="item 1 has no frames"):
        network(torch.zeros(2, 5, 4), torch.tensor([5, 0]))
    with pytest.raises(ValueError, match="got 6 for item 0"):
        network(torch.zeros(2, 5, 4), torch.tensor([6, 1]))
    with pytest.raises(ValueError, match="input and output"):
        mlp.MLP([4])
