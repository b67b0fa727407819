import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_utils import training
from course_utils.datasets import batching
from course_utils.models import deepspeech2
from course_utils.models.convolution import Layer
from course_utils.models.deepspeech2 import DeepSpeech2, Lookahead, SequenceLayer

KINDS = ("lstm", "gru", "rnn")


def small(seed=0, **changes):
    torch.manual_seed(seed)
    arguments = {
        "convolutions": (Layer(3, (5, 3), (2, 2)), Layer(4, (3, 3), (1, 2))),
        "hidden_size": 6,
    } | changes
    return DeepSpeech2(8, 5, **arguments).double()


def lived_in(model, seed=1):
    """The model in evaluation mode, with running statistics that are not those of the start."""
    torch.manual_seed(seed)
    model.train()
    for _ in range(3):
        model(torch.randn(3, 30, model.dims, dtype=torch.float64), torch.tensor([30, 20, 7]))
    return model.eval()


def items(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [torch.tensor(rng.normal(size=(n, 8))) for n in lengths]


def test_the_output_is_log_probabilities_with_lengths():
    model = small()
    log_probs, lengths = model(torch.randn(2, 11, 8, dtype=torch.float64), torch.tensor([11, 4]))
    assert log_probs.shape == (2, 6, 5) and lengths.tolist() == [6, 2]
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(2, 6).double())
    _, lengths = model(torch.randn(2, 11, 8, dtype=torch.float64))
    assert lengths.tolist() == [6, 6]


@pytest.mark.parametrize("frames_stride", [(1,), (2,), (4,), (2, 2), (3, 1, 2)])
def test_output_lengths_are_right_for_every_length(frames_stride):
    layers = [Layer(2, (7, 3), (stride, 1)) for stride in frames_stride]
    model = small(convolutions=layers).eval()
    for length in range(1, 40):
        out, lengths = model(torch.randn(1, length, 8, dtype=torch.float64))
        told = model.output_lengths(torch.tensor([length]))
        assert out.shape[1] == told.item() == lengths.item() == -(-length // model.stride)
    assert model.stride == np.prod(frames_stride)


def test_one_frame_is_enough_even_below_the_receptive_field():
    model = small()
    assert model.receptive_field == 1 + 4 + 2 * 2
    assert model.eval()(torch.randn(1, 1, 8, dtype=torch.float64))[0].shape == (1, 1, 5)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
    st.sampled_from(KINDS),
    st.booleans(),
    st.integers(0, 9),
)
def test_a_batch_gives_each_item_what_it_gets_alone(lengths, kind, bidirectional, seed):
    more = {} if bidirectional else {"lookahead": 3}
    model = lived_in(small(kind=kind, bidirectional=bidirectional, linear_layers=1, **more))
    sequences = items(lengths, seed)
    padded, lengths = batching.pad(sequences)
    padded = padded.masked_fill(~batching.mask(lengths)[..., None], torch.nan)  # whatever is there
    with torch.no_grad():
        log_probs, out = model(padded, lengths)
        for row, n, item in zip(log_probs, out, sequences, strict=True):
            alone = model(item[None])[0][0]
            assert len(alone) == n
            torch.testing.assert_close(row[:n], alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [True, False])
def test_more_padding_changes_nothing_in_training(kind, bidirectional):
    """Neither the outputs, nor the running statistics, nor the gradients."""
    padded, lengths = batching.pad(items([23, 9, 14, 1]))
    results = []
    for more in (0, 13):
        model = small(kind=kind, bidirectional=bidirectional).train()
        junk = torch.full((4, 23 + more, 8), 7.0, dtype=torch.float64)
        junk[:, :23] = torch.where(batching.mask(lengths)[..., None], padded, junk[:, :23])
        log_probs, out = model(junk, lengths)
        inside = log_probs[:, : int(out.max())] * batching.mask(out)[..., None]
        (inside * torch.arange(5)).sum().backward()
        results.append((inside.detach(), model.state_dict(), [p.grad for p in model.parameters()]))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_a_permuted_batch_permutes():
    model = small().train()
    padded, lengths = batching.pad(items([12, 30, 5]))
    order = torch.tensor([2, 0, 1])
    one = model(padded, lengths)[0][order]
    other = small().train()(padded[order], lengths[order])[0]
    torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def reference_read(layer, x, lengths, direction):
    """f(B(W x) + U h + c) of each item by hand, with torch's batch_norm on the frames end to end.

    One direction of `SequenceLayer`, gate by gate.
    """
    W, U, c = layer.weight_ih, layer.weight_hh[direction], layer.bias_hh[direction]
    flat = torch.cat([item[:n] for item, n in zip(x, lengths, strict=True)]) @ W.T
    mean, var = torch.zeros(len(W)).double(), torch.ones(len(W)).double()
    flat = nn.functional.batch_norm(
        flat, mean, var, layer.scale, layer.bias, True, layer.momentum, layer.eps
    )
    outputs = []
    for rows in flat.split(lengths.tolist()):
        h = cell = x.new_zeros(layer.hidden_size)
        rows = rows.flip(0) if direction else rows
        states = []
        for row in rows:
            if layer.kind == "lstm":
                i, f, g, o = (row + U @ h + c).chunk(4)
                cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
                h = o.sigmoid() * cell.tanh()
            elif layer.kind == "gru":
                (r, z, n), (hr, hz, hn) = row.chunk(3), (U @ h + c).chunk(3)
                r, z = (r + hr).sigmoid(), (z + hz).sigmoid()
                h = (1 - z) * (n + r * hn).tanh() + z * h
            else:
                h = (row + U @ h + c).clamp(0, 20)
            states.append(h)
        outputs.append(torch.stack(states[::-1] if direction else states))
    return torch.nn.utils.rnn.pad_sequence(outputs, batch_first=True), mean, var


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [True, False])
def test_folded_weights_are_batch_normalisation_of_the_inputs_share(kind, bidirectional):
    torch.manual_seed(0)
    layer = SequenceLayer(kind, 7, 5, bidirectional).double()
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.7)
    x = torch.randn(3, 9, 7, dtype=torch.float64) * 3 + 1
    x.requires_grad_()
    lengths = torch.tensor([9, 4, 6])
    reads = [reference_read(layer, x, lengths, d) for d in range(len(layer.weight_hh))]
    expected = sum(read[0] for read in reads)
    weights = torch.randn_like(expected)
    gradients = torch.autograd.grad((expected * weights).sum(), [x, *layer.parameters()])
    output = layer.train()(x, lengths)
    torch.testing.assert_close(output, expected, rtol=1e-9, atol=1e-9)
    found = torch.autograd.grad((output * weights).sum(), [x, *layer.parameters()])
    for one, other in zip(found, gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(layer.running_mean, reads[0][1])
    torch.testing.assert_close(layer.running_var, reads[0][2])


def test_the_statistics_hold_in_single_precision_too():
    """Large offsets: a covariance of raw products would lose all digits."""
    torch.manual_seed(0)
    layer = SequenceLayer("lstm", 20, 8).train()
    x = 100 + torch.randn(4, 50, 20)
    layer(x)
    z = x.double() @ layer.weight_ih.double().T
    torch.testing.assert_close(
        layer.running_var.double(), 0.9 + 0.1 * z.flatten(0, 1).var(dim=0), rtol=1e-4, atol=1e-5
    )


def test_without_normalisation_it_is_torchs_layer():
    torch.manual_seed(0)
    for kind, torchs in (("lstm", nn.LSTM(7, 5, batch_first=True)), ("gru", nn.GRU(7, 5))):
        torchs.batch_first = True
        layer = SequenceLayer(kind, 7, 5, bidirectional=False, normalized=False)
        with torch.no_grad():
            layer.weight_ih.copy_(torchs.weight_ih_l0)
            layer.weight_hh[0].copy_(torchs.weight_hh_l0)
            layer.bias.copy_(torchs.bias_ih_l0)
            layer.bias_hh[0].copy_(torchs.bias_hh_l0)
        x = torch.randn(2, 9, 7)
        torch.testing.assert_close(layer(x), torchs(x)[0])


def test_one_frame_in_all_is_no_division_by_zero():
    layer = SequenceLayer("lstm", 3, 4).train()
    assert torch.isfinite(layer(torch.randn(1, 1, 3))).all()
    assert all(torch.isfinite(value).all() for value in layer.state_dict().values())


def test_lookahead_by_hand():
    look = Lookahead(2, 2)
    with torch.no_grad():
        look.weight.copy_(torch.tensor([[[1.0, 10, 100]], [[0, 0, 1]]]))
    h = torch.tensor([[[1.0, 5], [2, 6], [3, 7], [4, 8]]])
    assert look(h)[0].tolist() == [[321, 7], [432, 8], [43, 0], [4, 0]]


def streamed(model, features, cuts):
    """The rows of all chunks end to end, and how many each chunk gave."""
    chunks = np.split(np.arange(features.shape[1]), cuts)
    rows, state = [], None
    for number, chunk in enumerate(chunks):
        found, state = model.stream(features[:, chunk], state, last=number == len(chunks) - 1)
        rows.append(found)
    return torch.cat(rows, dim=1), [part.shape[1] for part in rows]


@settings(deadline=None, max_examples=30)
@given(
    st.integers(1, 60),
    st.lists(st.integers(0, 60), max_size=12),
    st.sampled_from(KINDS),
    st.integers(0, 4),
)
def test_chunk_by_chunk_is_all_at_once(frames, cuts, kind, lookahead):
    model = lived_in(small(kind=kind, bidirectional=False, lookahead=lookahead, linear_layers=1))
    features = items([frames])[0][None]
    with torch.no_grad():
        whole = model(features)[0]
        parts, _ = streamed(model, features, sorted(min(cut, frames) for cut in cuts))
    assert parts.shape == whole.shape
    torch.testing.assert_close(parts, whole, rtol=1e-9, atol=1e-9)


def test_the_latency_is_what_it_says():
    """Row t depends on frame stride · t + latency, on none behind it, and comes with it."""
    model = lived_in(small(bidirectional=False, lookahead=2))
    assert model.latency == (model.receptive_field - 1) // 2 + 2 * model.stride == 4 + 2 * 2
    features = items([40])[0][None].requires_grad_()
    row = 7
    weights = torch.arange(5, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((model(features)[0][0, row] * weights).sum(), features)
    last = int(gradient[0].abs().sum(dim=1).nonzero().max())
    assert last == model.stride * row + model.latency
    with torch.no_grad():
        state, counts = None, []
        for frame in range(40):
            rows, state = model.stream(features[:, frame : frame + 1].detach(), state)
            counts.append(rows.shape[1])
    came = np.repeat(np.arange(40), counts)
    assert came[row] == last
    assert (came == model.stride * np.arange(len(came)) + model.latency).all()


def test_the_memory_of_a_stream_does_not_grow():
    model = lived_in(small(bidirectional=False, lookahead=2))

    def size(state):
        tensors = [*state.convolutions, state.lookahead, *(t for s in state.recurrent for t in s)]
        return sum(tensor.untyped_storage().nbytes() for tensor in tensors)

    sizes, state = [], None
    with torch.no_grad():
        for _ in range(60):
            _, state = model.stream(torch.randn(1, 7, 8, dtype=torch.float64), state)
            sizes.append(size(state))
    assert max(sizes[10:]) == max(sizes[30:]) < 60_000


@pytest.mark.parametrize(
    ("changes", "training_mode", "message"),
    [
        ({}, False, "a bidirectional model reads an utterance from both ends"),
        ({"bidirectional": False}, True, "call model.eval"),
    ],
)
def test_what_cannot_stream(changes, training_mode, message):
    model = small(**changes).train(training_mode)
    with pytest.raises(ValueError, match=message):
        model.stream(torch.zeros(1, 4, 8).double())


def test_a_stream_that_has_ended_does_not_go_on():
    model = small(bidirectional=False).eval()
    _, state = model.stream(torch.zeros(1, 4, 8).double(), last=True)
    with pytest.raises(ValueError, match="this stream has ended"):
        model.stream(torch.zeros(1, 4, 8).double(), state)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_size": 0}, "hidden_size must be a whole number of at least 1"),
        ({"num_layers": 1.5}, "num_layers must be a whole number"),
        ({"kind": "elman"}, "kind must be one of rnn, gru, lstm"),
        ({"lookahead": 2}, "a bidirectional layer has seen the whole future"),
        ({"convolutions": [Layer(2, (4, 3))]}, "odd number of frames, got 4"),
    ],
)
def test_bad_arguments_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        small(**changes)


@pytest.mark.parametrize(
    ("features", "lengths", "message"),
    [
        (torch.zeros(2, 9, 7), None, r"features must be \(batch, frames, 8\), got \(2, 9, 7\)"),
        (torch.zeros(9, 8), None, "features must be"),
        (torch.zeros(2, 0, 8), None, "features must be"),
        (torch.zeros(2, 9, 8), torch.tensor([9, 0]), "lengths must be 1 to 9"),
        (torch.zeros(2, 9, 8), torch.tensor([9, 10]), "lengths must be 1 to 9"),
        (torch.zeros(2, 9, 8), torch.tensor([9]), "lengths must be 2 whole numbers"),
    ],
)
def test_bad_batches_are_named(features, lengths, message):
    with pytest.raises(ValueError, match=message):
        small()(features.double(), lengths)


@pytest.mark.parametrize(
    ("recurrent", "linear", "hidden"), [(1, 3, 2400), (3, 1, 1880), (5, 1, 1510), (7, 1, 1280)]
)
def test_the_papers_networks_of_different_depth_have_its_38_million(recurrent, linear, hidden):
    """One convolution over time, "M RNN, N total" layers: all of 38 million parameters.

    The paper's table of depths gives the hidden units; what it leaves open, and here fits: N counts
    hidden fully connected layers, and both directions share W.
    """
    with torch.device("meta"):
        model = DeepSpeech2(
            161, 29, [Layer(hidden, (11, 161), (2, 1))], "rnn", hidden, recurrent,
            linear_layers=linear,
        )  # fmt: skip
    assert training.count_parameters(model) == pytest.approx(38.5e6, rel=0.02)
    separate = recurrent * hidden * hidden  # a W of its own for each direction would be too much
    assert training.count_parameters(model) + separate > 43e6


TIME, PLANE = (11, 161), ((11, 41), (11, 21), (11, 21))


@pytest.mark.parametrize(
    "convolutions",
    [
        [Layer(1280, TIME, (2, 1))],
        [Layer(640, (5, 161)), Layer(640, (5, 1), (2, 1))],
        [Layer(512, (5, 161)), Layer(512, (5, 1)), Layer(512, (5, 1), (2, 1))],
        [Layer(32, PLANE[0], (2, 2))],
        [Layer(32, PLANE[0], (2, 2)), Layer(32, PLANE[1], (1, 2))],
        [Layer(32, PLANE[0], (2, 2)), Layer(32, PLANE[1], (1, 2)), Layer(96, PLANE[2], (1, 2))],
    ],
)
def test_the_papers_front_ends_have_about_its_35_million(convolutions):
    """The table of front ends: six, with 7 recurrent layers, of 35 million parameters."""
    with torch.device("meta"):
        model = DeepSpeech2(161, 29, convolutions, "rnn", 1280, 7)
    assert training.count_parameters(model) == pytest.approx(35.7e6, rel=0.03)
    assert model.stride == 2


def test_the_papers_streaming_network_constructs_and_its_latency_is_known():
    """Two convolutions, three GRUs of 2,560 that read forwards, lookahead 80; no size is stated."""
    front = [Layer(32, PLANE[0], (2, 2)), Layer(32, PLANE[1], (1, 2))]
    with torch.device("meta"):
        model = DeepSpeech2(161, 29, front, "gru", 2560, 3, bidirectional=False, lookahead=80)
    assert training.count_parameters(model) == pytest.approx(1.09e8, rel=0.01)
    assert model.latency == 5 + 2 * 5 + 2 * 80


def test_it_learns_to_tell_three_patterns_apart():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    features, targets = [], []
    for _ in range(60):
        tokens = rng.integers(1, 4, rng.integers(1, 4))
        frames = np.zeros((12 * len(tokens) + 6, 8), np.float32)
        for place, token in enumerate(tokens):
            frames[12 * place + 3 : 12 * place + 12, 2 * token : 2 * token + 2] = 3
        features.append(frames + rng.normal(size=frames.shape).astype(np.float32))
        targets.append(tokens)
    model = DeepSpeech2(8, 4, [Layer(4, (5, 3), (2, 2))], hidden_size=16, num_layers=1)
    batches = batching.loader(batching.Examples(features, targets), 10, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    history = training.fit(
        model, batches, training.recognition_loss, 12, optimizer, device="cpu", progress=False
    )
    assert history.curve("loss")[-1] < 0.2 < 2 < history.curve("loss")[0]


@pytest.mark.parametrize("kind", KINDS)
def test_mixed_precision_gives_about_the_same_loss_and_statistics(kind):
    padded, lengths = batching.pad(items([40, 33]))
    batch = batching.Batch(
        padded.float(), lengths, torch.tensor([[1, 2, 3], [4, 4, 0]]), torch.tensor([3, 2])
    )
    found = []
    for enabled in (False, True):
        model = small(kind=kind).float().train()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            loss = training.recognition_loss(model, batch)
        loss.backward()
        assert loss.dtype == torch.float32
        found.append((loss.item(), model.recurrent[1].running_mean))
    assert found[0][0] == pytest.approx(found[1][0], rel=0.02)
    torch.testing.assert_close(found[0][1], found[1][1], rtol=0.1, atol=2e-3)


def test_clipping_keeps_the_activation_between_0_and_20():
    x = torch.tensor([-3.0, 0.5, 20.0, 1e9])
    assert deepspeech2.clipped_relu(x).tolist() == [0.0, 0.5, 20.0, 20.0]
