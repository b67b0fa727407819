"""Convolution from scratch is torch's; padding never changes what an item gets."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from course_utils.models import convolution
from course_utils.models.convolution import (
    ConvNet,
    Layer,
    MaskedBatchNorm,
    MaskedConv1d,
    MaskedConv2d,
    conv1d,
    conv2d,
    mask_frames,
    masked_max,
    masked_mean,
    output_length,
    receptive_field,
)

F64 = torch.float64
sizes = st.integers(1, 5)


def random(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=generator, dtype=F64)


def gradients(function, *tensors: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    y = function(*leaves)
    weights = torch.linspace(-1, 2, y.numel(), dtype=F64).reshape(y.shape)
    (y * weights).sum().backward()
    return y.detach(), [leaf.grad for leaf in leaves]


@given(
    st.integers(0, 10**6), sizes, sizes, sizes, st.integers(1, 4), st.integers(0, 4), sizes, sizes
)
@settings(max_examples=80, deadline=None)
def test_conv1d_is_torchs_with_its_gradients(seed, B, C, F, S, P, D, extra):
    g = torch.Generator().manual_seed(seed)
    length = max(1, D * (F - 1) + extra - 2 * P)
    x, w, b = random(g, B, C, length), random(g, B + 1, C, F), random(g, B + 1)
    ours = gradients(lambda *t: conv1d(*t, S, P, D), x, w, b)
    theirs = gradients(lambda *t: functional.conv1d(*t, S, P, D), x, w, b)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
    assert ours[0].shape[2] == output_length(length, F, S, P, D)


@given(
    st.integers(0, 10**6),
    st.tuples(sizes, sizes),
    st.tuples(sizes, sizes),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
@settings(max_examples=60, deadline=None)
def test_conv2d_is_torchs_with_its_gradients(seed, BC, F, S, P, D):
    g = torch.Generator().manual_seed(seed)
    shape = [max(1, D[i] * (F[i] - 1) + 1 - 2 * P[i]) + seed % 4 for i in (0, 1)]
    x, w, b = random(g, *BC, *shape), random(g, 3, BC[1], *F), random(g, 3)
    ours = gradients(lambda *t: conv2d(*t, S, P, D), x, w, b)
    theirs = gradients(lambda *t: functional.conv2d(*t, S, P, D), x, w, b)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def test_it_is_numpys_convolution_only_with_the_filter_turned_round():
    x, w = np.arange(7.0), np.array([1.0, 2.0, -4.0])
    got = conv1d(torch.tensor(x)[None, None], torch.tensor(w)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(got, np.correlate(x, w, "valid"))
    np.testing.assert_allclose(got, np.convolve(x, w[::-1], "valid"))
    assert not np.allclose(got, np.convolve(x, w, "valid"))


def test_without_bias_and_with_numbers_for_both_axes():
    g = torch.Generator().manual_seed(1)
    x, w = random(g, 2, 3, 9, 8), random(g, 4, 3, 3, 3)
    torch.testing.assert_close(conv2d(x, w, None, 2, 1, 1), functional.conv2d(x, w, None, 2, 1, 1))
    torch.testing.assert_close(
        conv1d(x[..., 0], w[..., 0]), functional.conv1d(x[..., 0], w[..., 0])
    )


@pytest.mark.parametrize(
    ("x", "w", "problem"),
    [
        ((2, 3, 9), (4, 2, 3), "as many channels"),
        ((2, 3, 9), (4, 3, 3, 3), "as many channels"),
        ((2, 3), (4, 3), "as many channels"),
        ((2, 3, 4), (4, 3, 5), "spans 5, more than the input of 4"),
    ],
)
def test_what_does_not_fit_is_refused(x, w, problem):
    with pytest.raises(ValueError, match=problem):
        conv1d(torch.zeros(x), torch.zeros(w))


@given(st.integers(1, 40), sizes, st.integers(1, 4), st.integers(0, 4), st.integers(1, 4))
@settings(deadline=None)
def test_output_length_counts_the_places(L, F, S, P, D):
    ends = range(D * (F - 1), L + 2 * P, 1)  # where the last tap may stand
    assert max(0, output_length(L, F, S, P, D)) == len(ends[::S])
    assert torch.equal(
        output_length(torch.tensor([L, L + 1]), F, S, P, D),
        torch.tensor([output_length(L, F, S, P, D), output_length(L + 1, F, S, P, D)]),
    )


@given(
    st.lists(st.tuples(sizes, st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=4),
)
@settings(max_examples=30, deadline=None)
def test_the_receptive_field_is_what_the_gradient_sees(layers):
    field = receptive_field(layers)
    x = torch.zeros(1, 1, field + 5, dtype=F64, requires_grad=True)
    y = x
    for F, S, D in layers:
        y = conv1d(y, torch.ones(1, 1, F, dtype=F64), None, S, 0, D)
    y[0, 0, 0].backward()
    seen = x.grad[0, 0].nonzero()[:, 0]
    assert seen[0] == 0
    assert seen[-1] == field - 1


def padded(g: torch.Generator, lengths: list[int], *rest: int) -> list[torch.Tensor]:
    """Items of their own length, (channels, length, ...)."""
    return [random(g, rest[0], length, *rest[1:]) for length in lengths]


def batch(items: list[torch.Tensor], filler: float = 0.0) -> torch.Tensor:
    longest = max(item.shape[1] for item in items) + 2
    x = torch.full((len(items), items[0].shape[0], longest, *items[0].shape[2:]), filler, dtype=F64)
    for row, item in zip(x, items, strict=True):
        row[:, : item.shape[1]] = item
    return x


@given(
    st.integers(0, 10**6),
    st.lists(st.integers(6, 20), min_size=1, max_size=4),
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(1, 2),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_masked_convolution_gives_each_item_what_it_gets_alone(seed, lengths, F, S, P, D, two):
    g = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    if min(lengths) + 2 * P < D * (F - 1) + 1:
        return
    if two:
        layer = MaskedConv2d(2, 3, (F, 3), (S, 2), (P, 1), (D, 1)).double()
        items = padded(g, lengths, 2, 7)
    else:
        layer, items = MaskedConv1d(2, 3, F, S, P, D).double(), padded(g, lengths, 2)
    x = mask_frames(batch(items, filler=float("nan")), torch.tensor(lengths))
    y, left = layer(x, torch.tensor(lengths))
    torch.testing.assert_close(left, layer.output_lengths(torch.tensor(lengths)))
    for item, row, length in zip(items, y, left, strict=True):
        alone, none = layer(item[None])
        assert none is None
        torch.testing.assert_close(row[:, :length], alone[0])
        assert row[:, length:].abs().sum() == 0


def test_an_item_shorter_than_the_filter_is_named():
    layer = MaskedConv1d(1, 1, 5, padding=1)
    with pytest.raises(ValueError, match="item 1 of the batch has 2 frames, too few for a filter"):
        layer(torch.zeros(2, 1, 9), torch.tensor([9, 2]))


@pytest.mark.parametrize("bands", [(), (5,)])
def test_masked_batch_norm_sees_the_frames_and_nothing_else(bands):
    g = torch.Generator().manual_seed(2)
    lengths = [4, 9, 6]
    items = padded(g, lengths, 3, *bands)
    norm = MaskedBatchNorm(3).double()
    reference = (torch.nn.BatchNorm2d if bands else torch.nn.BatchNorm1d)(3).double()
    with torch.no_grad():
        for one in (norm, reference):
            one.weight.copy_(torch.tensor([1.0, -2.0, 0.5]))
            one.bias.copy_(torch.tensor([0.0, 1.0, 3.0]))
    x = batch(items, filler=7.0)
    for _ in range(3):
        ours = norm(x, torch.tensor(lengths))
        # The items one after another: a batch without padding.
        theirs = reference(torch.cat(items, dim=1)[None])[0].split(lengths, dim=1)
    for row, expected, length in zip(ours, theirs, lengths, strict=True):
        torch.testing.assert_close(row[:, :length], expected)
        assert row[:, length:].abs().sum() == 0
    torch.testing.assert_close(norm.running_mean, reference.running_mean)
    torch.testing.assert_close(norm.running_var, reference.running_var)
    norm.eval(), reference.eval()
    torch.testing.assert_close(norm(x), reference(x))


def test_masked_batch_norm_without_lengths_is_torchs_with_its_gradients():
    g = torch.Generator().manual_seed(3)
    x, reference = random(g, 4, 3, 6), torch.nn.BatchNorm1d(3).double()
    norm = MaskedBatchNorm(3).double()
    ours = gradients(lambda t: norm(t), x)
    theirs = gradients(lambda t: reference(t), x)
    torch.testing.assert_close(ours, theirs)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        norm(x[:1, :, :1])


def test_masked_batch_norm_trains_on_the_frames_alone():
    """Gradients are those of the items one after another; padding gets none."""
    g = torch.Generator().manual_seed(4)
    lengths, items = [3, 7], padded(torch.Generator().manual_seed(5), [3, 7], 2)
    weights = batch(padded(g, lengths, 2))
    norm, reference = MaskedBatchNorm(2).double(), torch.nn.BatchNorm1d(2).double()
    x = batch(items, filler=5.0).requires_grad_()
    (norm(x, torch.tensor(lengths)) * weights).sum().backward()
    flat = torch.cat(items, dim=1)[None].requires_grad_()
    aligned = torch.cat([w[:, :n] for w, n in zip(weights, lengths, strict=True)], dim=1)
    (reference(flat) * aligned).sum().backward()
    for row, expected, length in zip(x.grad, flat.grad[0].split(lengths, 1), lengths, strict=True):
        torch.testing.assert_close(row[:, :length], expected)
        assert row[:, length:].abs().sum() == 0
    torch.testing.assert_close(norm.weight.grad, reference.weight.grad)


@pytest.mark.parametrize("pool", [masked_mean, masked_max])
def test_pooling_counts_no_padding(pool):
    g = torch.Generator().manual_seed(6)
    lengths = [2, 5, 3]
    items = padded(g, lengths, 3, 4)
    pooled = pool(batch(items, filler=99.0), torch.tensor(lengths))
    for item, row in zip(items, pooled, strict=True):
        torch.testing.assert_close(row, pool(item[None], None)[0])


def test_masking_keeps_what_is_inside():
    x = torch.ones(2, 1, 4)
    assert mask_frames(x, torch.tensor([1, 4])).sum(dim=(1, 2)).tolist() == [1, 4]
    assert mask_frames(x, None) is x


NETS = {
    "1-D frames": dict(dims=8, layers=[Layer(5, 3), Layer(6, 4, 2), Layer(4, 3, 1, 2)]),
    "waveform": dict(dims=1, layers=[Layer(5, 7, 3), Layer(6, 5, 2)]),
    "2-D": dict(dims=8, layers=[Layer(4, (5, 3), (1, 2)), Layer(5, 3, 2)], two_dimensional=True),
}


@pytest.mark.parametrize("name", NETS)
@given(st.integers(0, 10**6), st.lists(st.integers(9, 40), min_size=2, max_size=4))
@settings(max_examples=15, deadline=None)
def test_a_batch_gives_each_sound_what_it_gets_alone(name, seed, lengths):
    torch.manual_seed(seed)
    net = ConvNet(**NETS[name], classes=3, dropout=0.5).double()
    items = [torch.randn(n, NETS[name]["dims"], dtype=F64) for n in lengths]
    x = torch.nn.utils.rnn.pad_sequence(items, batch_first=True, padding_value=3.0)
    net.train()
    for _ in range(3):
        net(x, torch.tensor(lengths))
    net.eval()
    together = net(x, torch.tensor(lengths))
    for item, row in zip(items, together, strict=True):
        torch.testing.assert_close(net(item[None])[0], row)
    torch.testing.assert_close(net(x.flip(0), torch.tensor(lengths[::-1])), together.flip(0))
    maps, left = net.maps(x, torch.tensor(lengths))
    assert len(maps) == len(net.blocks)
    torch.testing.assert_close(left, net.output_lengths(torch.tensor(lengths)))
    assert maps[-1].shape[2] == net.output_lengths(torch.tensor([x.shape[1]]))[0]


@pytest.mark.parametrize("name", NETS)
def test_in_training_padding_changes_no_gradient(name):
    torch.manual_seed(0)
    net = ConvNet(**NETS[name], classes=3).double()
    lengths = torch.tensor([12, 20, 15])
    x = torch.randn(3, 20, NETS[name]["dims"], dtype=F64)

    def gradient(features):
        net.zero_grad()
        net(features, lengths).square().sum().backward()
        return [p.grad.clone() for p in net.parameters()]

    longer = torch.cat([x, torch.full_like(x, 9.0)], dim=1)
    for row, length in zip(longer, lengths, strict=True):
        row[length:] = 9.0
    torch.testing.assert_close(gradient(longer), gradient(x))


def test_a_waveform_may_come_without_its_last_axis():
    net = ConvNet(**NETS["waveform"], classes=3).eval()
    x = torch.randn(2, 50)
    torch.testing.assert_close(net(x), net(x[..., None]))


def test_every_public_name_is_documented():
    for name in ("conv1d", "conv2d", "output_length", "receptive_field", "masked_mean"):
        assert getattr(convolution, name).__doc__
