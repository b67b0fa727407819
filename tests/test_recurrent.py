"""Recurrent layers: from scratch against torch, and padding that never changes a result."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_utils.models import recurrent
from course_utils.models.recurrent import (
    Gates,
    Recurrent,
    RecurrentClassifier,
    RecurrentLayer,
    RecurrentStack,
    RecurrentTagger,
    Weights,
)

KINDS = ["rnn", "lstm", "gru"]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def states(kind: str, *shape: int) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
    h = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    if kind != "lstm":
        return h
    return h, torch.randn(shape, dtype=torch.float64, requires_grad=True)


def listed(state) -> list[torch.Tensor]:
    return list(state) if isinstance(state, tuple) else [state]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(
    ("inputs", "hidden", "layers", "batch", "frames"),
    [(1, 1, 1, 1, 1), (3, 5, 1, 4, 7), (7, 2, 2, 1, 9), (4, 4, 3, 3, 1), (2, 6, 3, 5, 11)],
)
def test_layers_equal_torch_forward_and_gradients(
    kind, bidirectional, inputs, hidden, layers, batch, frames
):
    ours = Recurrent(kind, inputs, hidden, layers, bidirectional).double()
    theirs = recurrent.TORCH[kind](
        inputs, hidden, layers, bidirectional=bidirectional, batch_first=True
    ).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(batch, frames, inputs, dtype=torch.float64, requires_grad=True)
    state = states(kind, layers * (1 + bidirectional), batch, hidden)
    grads = []
    results = []
    for layer in (ours, theirs):
        output, last = layer(x, state)
        results.append([output, *listed(last)])
        # Weighted, so that no two places can be exchanged.
        loss = sum((r * torch.linspace(-1, 2, r.numel()).view(r.shape)).sum() for r in results[-1])
        wanted = [x, *listed(state), *layer.parameters()]
        grads.append(torch.autograd.grad(loss, wanted))
    for one, other in zip(results[0] + list(grads[0]), results[1] + list(grads[1]), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_agrees_to_1e_6(kind):
    ours = Recurrent(kind, 40, 64, 2, bidirectional=True)
    theirs = recurrent.TORCH[kind](40, 64, 2, bidirectional=True, batch_first=True)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(3, 50, 40)
    assert (ours(x)[0] - theirs(x)[0]).abs().max() < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_begins_at_zero(kind):
    layer = Recurrent(kind, 3, 4, 2)
    x = torch.randn(2, 5, 3)
    zeros = torch.zeros(2, 2, 4)
    given_state = (zeros, zeros) if kind == "lstm" else zeros
    assert torch.equal(layer(x)[0], layer(x, given_state)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_start_as_torchs_do(kind):
    layer = Recurrent(kind, 30, 100)
    values = torch.cat([p.detach().flatten() for p in layer.parameters()])
    assert values.abs().max() <= 0.1
    assert values.abs().max() > 0.099
    assert abs(values.mean()) < 1e-3


@pytest.mark.parametrize("cell", [nn.RNNCell, nn.GRUCell, nn.LSTMCell])
def test_steps_equal_torchs_cells(cell):
    one = cell(3, 5).double()
    weights = Weights(*one.parameters())
    x, h, c = (torch.randn(4, n, dtype=torch.float64) for n in (3, 5, 5))
    if cell is nn.LSTMCell:
        gates = recurrent.lstm_step(x, (h, c), weights)
        torch.testing.assert_close((gates.hidden, gates.cell), one(x, (h, c)), rtol=0, atol=1e-12)
    else:
        step = recurrent.rnn_step if cell is nn.RNNCell else recurrent.gru_step
        torch.testing.assert_close(step(x, h, weights), one(x, h), rtol=0, atol=1e-12)


def test_the_two_grus_differ_and_agree_where_the_reset_gate_is_open():
    weights = Weights(*nn.GRUCell(3, 5).double().parameters())
    x, h = torch.randn(4, 3, dtype=torch.float64), torch.randn(4, 5, dtype=torch.float64)
    after = recurrent.gru_step(x, h, weights)
    before = recurrent.gru_step(x, h, weights, reset_after=False)
    assert (after - before).abs().max() > 1e-3
    # Cho et al. 2014, one unit at a time.
    W, U, b_W, b_U = (w.detach().numpy() for w in weights)
    x0, h0 = x[0].numpy(), h[0].numpy()
    gate = 1 / (1 + np.exp(-(W[:10] @ x0 + b_W[:10] + U[:10] @ h0 + b_U[:10])))
    r, z = gate[:5], gate[5:]
    n = np.tanh(W[10:] @ x0 + b_W[10:] + U[10:] @ (r * h0) + b_U[10:])
    np.testing.assert_allclose(before[0].detach(), (1 - z) * n + z * h0, atol=1e-12)
    # With r = 1 nothing is reset, before or after; torch has the update gate at the old state.
    open_gate = weights.bias_ih.detach().clone()
    open_gate[:5] = 100
    weights = weights._replace(bias_ih=open_gate)
    torch.testing.assert_close(
        recurrent.gru_step(x, h, weights), recurrent.gru_step(x, h, weights, reset_after=False)
    )


def test_trace_tells_what_torchs_lstm_does():
    lstm = nn.LSTM(6, 5, batch_first=True)
    x = torch.randn(12, 6)
    gates = recurrent.trace(lstm, x)
    output, (_, c) = lstm(x[None])
    assert isinstance(gates, Gates)
    torch.testing.assert_close(gates.hidden, output[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(gates.cell[-1], c[0, 0], rtol=0, atol=1e-6)
    kept = gates.forget[1:] * gates.cell[:-1] + gates.input[1:] * gates.candidate[1:]
    torch.testing.assert_close(kept, gates.cell[1:], rtol=0, atol=1e-6)
    assert not gates.hidden.requires_grad
    for gate in (gates.input, gates.forget, gates.output):
        assert gate.min() > 0
        assert gate.max() < 1


def batch_of(lengths: list[int], inputs: int, filler: float) -> torch.Tensor:
    """Sequences that depend on their place only; what stands in the padding must not matter."""
    x = torch.full((len(lengths), max(lengths) + 2, inputs), filler)
    for row, length in enumerate(lengths):
        generator = torch.Generator().manual_seed(row)
        x[row, :length] = torch.randn(length, inputs, generator=generator)
    return x


LENGTHS = st.lists(st.integers(1, 12), min_size=1, max_size=5)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("bidirectional", "merge"), [(False, "concat"), (True, "concat"), (True, "sum")]
)
@given(lengths=LENGTHS)
@settings(max_examples=8, deadline=None)
def test_padding_never_changes_a_result(kind, bidirectional, merge, training, lengths):
    stack = RecurrentStack(kind, 3, 4, 2, bidirectional, merge).train(training)
    x = batch_of(lengths, 3, filler=9.0)
    output, last = stack(x, torch.tensor(lengths))
    assert output.shape == (len(lengths), max(lengths) + 2, stack.output_size)
    for row, length in enumerate(lengths):
        alone, alone_last = stack(x[row : row + 1, :length])
        torch.testing.assert_close(output[row, :length], alone[0], rtol=0, atol=1e-6)
        torch.testing.assert_close(last[row], alone_last[0], rtol=0, atol=1e-6)
        assert (output[row, length:] == 0).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
@given(lengths=LENGTHS)
@settings(max_examples=8, deadline=None)
def test_ours_keeps_the_state_still_in_the_padding(kind, bidirectional, lengths):
    ours = Recurrent(kind, 3, 4, 2, bidirectional)
    theirs = recurrent.TORCH[kind](3, 4, 2, bidirectional=bidirectional, batch_first=True)
    ours.load_state_dict(theirs.state_dict())
    x = batch_of(lengths, 3, filler=9.0)
    output, state = ours(x, lengths=torch.tensor(lengths))
    packed_output, packed_state = recurrent.packed(theirs, x, torch.tensor(lengths))
    torch.testing.assert_close(output, packed_output, rtol=0, atol=1e-6)
    for one, other in zip(listed(state), listed(packed_state), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_gives_what_torchs_two_directions_give_packed(kind):
    """Forward and gradients, with the weights of one of torch's bidirectional layers."""
    layer = RecurrentLayer(kind, 3, 4, bidirectional=True).double()
    theirs = recurrent.TORCH[kind](3, 4, bidirectional=True, batch_first=True).double()
    for name, part in (("", layer.forwards), ("_reverse", layer.backwards)):
        part.load_state_dict({key: getattr(theirs, key + name) for key in part.state_dict()})
    lengths = [5, 2, 7]
    x = batch_of(lengths, 3, filler=-2.0).double()
    output, last = layer(x, torch.tensor(lengths))
    expected, state = recurrent.packed(theirs, x, torch.tensor(lengths))
    h = listed(state)[0]
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(last, torch.cat([h[0], h[1]], dim=-1), rtol=0, atol=1e-12)
    (output.square().sum() + last.sum()).backward()
    (expected.square().sum() + h.sum()).backward()
    for name, part in (("", layer.forwards), ("_reverse", layer.backwards)):
        for key, value in part.named_parameters():
            torch.testing.assert_close(value.grad, getattr(theirs, key + name).grad)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_gradients_do_not_depend_on_the_padding(bidirectional):
    model = RecurrentClassifier("lstm", 3, 4, 2, bidirectional=bidirectional)
    grads = []
    for filler, extra in ((0.0, 0), (50.0, 4)):
        x = batch_of([4, 6], 3, filler)
        x = torch.cat([x, torch.full((2, extra, 3), filler)], dim=1)
        model.zero_grad()
        model(x, torch.tensor([4, 6])).square().sum().backward()
        grads.append([p.grad.clone() for p in model.parameters()])
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_permuted_batch_permutes(kind, bidirectional):
    model = RecurrentClassifier(kind, 3, 4, 5, 2, bidirectional)
    lengths = torch.tensor([3, 8, 5, 1])
    x = batch_of(lengths.tolist(), 3, 0.0)
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(model(x, lengths)[order], model(x[order], lengths[order]))
    assert model(x, lengths).shape == (4, 5)


@pytest.mark.parametrize("kind", KINDS)
@given(cuts=st.lists(st.integers(1, 9), min_size=1, max_size=5), outputs=st.integers(1, 3))
@settings(max_examples=8, deadline=None)
def test_a_stream_in_chunks_is_the_whole_at_once(kind, cuts, outputs):
    model = RecurrentTagger(kind, 3, 4, outputs)
    x = torch.randn(2, sum(cuts), 3)
    whole = model(x, torch.tensor([sum(cuts)] * 2))
    state, parts = None, []
    for chunk in x.split(cuts, dim=1):
        logits, state = model.stream(chunk, state)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tagger_knows_nothing_of_the_future(kind):
    model = RecurrentTagger(kind, 3, 4)
    x = torch.randn(1, 9, 3)
    y = x.clone()
    y[:, 6:] = 7.0
    assert torch.equal(model(x)[:, :6], model(y)[:, :6])


@pytest.mark.parametrize(
    ("lengths", "problem"),
    [
        ([3, 6], "1 to 5, the frames of the batch, got 6"),
        ([0, 5], "got 0"),
        ([5], "2 whole numbers"),
        ([5.0, 3.0], "whole numbers"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(lengths, problem):
    x, lengths = torch.zeros(2, 5, 3), torch.tensor(lengths)
    for layer in (RecurrentLayer("gru", 3, 4), RecurrentClassifier("rnn", 3, 4, 2)):
        with pytest.raises(ValueError, match=problem):
            layer(x, lengths)
    with pytest.raises(ValueError, match=problem):
        Recurrent("lstm", 3, 4)(x, lengths=lengths)
    with pytest.raises(ValueError, match=problem):
        recurrent.packed(nn.GRU(3, 4, batch_first=True), x, lengths)


def test_what_there_is_not_is_refused():
    for make in (Recurrent, RecurrentLayer):
        with pytest.raises(ValueError, match="kind must be one of rnn, gru, lstm, got 'LSTM'"):
            make("LSTM", 3, 4)
    with pytest.raises(ValueError, match="concat"):
        RecurrentLayer("gru", 3, 4, True, merge="mean")
