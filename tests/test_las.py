import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_utils.datasets.batching import mask as length_mask
from course_utils.models import las
from course_utils.models.attention import Attention
from course_utils.models.convolution import Layer
from course_utils.models.las import END, ListenAttendSpell

DIMS, TOKENS = 5, 6
FRONTS = [(), (Layer(6, 5, 2),), (Layer(4, 3), Layer(6, 3, 2)), (Layer(3, (5, 3), (2, 2)),)]


def make(seed=0, **options):
    torch.manual_seed(seed)
    options = {"hidden": 4, "speller": 7, "front": FRONTS[1]} | options
    model = ListenAttendSpell(DIMS, TOKENS, **options).double()
    for parameter in model.parameters():  # far from the even distribution
        nn.init.normal_(parameter, std=0.6)
    # Statistics that are not 0 and 1.
    model.train()
    with torch.no_grad():
        model(2 + 3 * torch.randn(4, 30, DIMS).double(), None, torch.ones(4, 2).long())
    return model.eval()


def batch(lengths, sizes, seed=0, spare=0):
    """Features and targets of these lengths, padded with what must not matter, and with 0."""
    torch.manual_seed(seed)
    lengths, sizes = torch.tensor(lengths), torch.tensor(sizes)
    features = torch.randn(len(lengths), int(lengths.max()) + spare, DIMS).double()
    targets = torch.randint(1, TOKENS, (len(sizes), int(sizes.max())))
    return features, lengths, targets * length_mask(sizes, targets.shape[1]), sizes


def close(one, other, tolerance=1e-10):
    torch.testing.assert_close(one, other, atol=tolerance, rtol=tolerance)


def test_pairs_of_frames_stand_side_by_side():
    x = torch.arange(1.0, 11).view(1, 5, 2)
    paired, lengths = las.pair_frames(x, torch.tensor([5]))
    assert paired[0].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 0, 0]]
    assert lengths.tolist() == [3]


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(0, 3), st.integers(0, 2**31)
)
@settings(max_examples=50, deadline=None)
def test_pairs_do_not_know_the_padding(lengths, spare, seed):
    features, lengths, _, _ = batch(lengths, [1] * len(lengths), seed, spare)
    inside = length_mask(lengths, features.shape[1])[..., None]
    paired, halved = las.pair_frames(features.where(inside, torch.nan), lengths)
    assert paired.shape[1] == -(-features.shape[1] // 2)
    for item, length, result, half in zip(features, lengths, paired, halved, strict=True):
        alone, own = las.pair_frames(item[None, :length], length[None])
        assert own == half
        close(alone[0], result[:half], 0)
        assert (result[half:] == 0).all()


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("pyramid", [0, 1, 2, 3])
def test_output_lengths_are_those_that_come_out(front, pyramid):
    model = make(front=front, pyramid=pyramid)
    for length in range(1, 20):
        features = torch.randn(1, length, DIMS).double()
        out = model(features, torch.tensor([length]), torch.ones(1, 1).long())
        expected = model.output_lengths(torch.tensor([length]))
        assert out.lengths.tolist() == expected.tolist() == [out.attention.shape[2]]
    assert model.output_lengths(torch.tensor([800])) == 800 // (2 ** (pyramid + bool(front)))


def test_without_convolutions_it_is_a_stack_of_torchs_layers_over_pairs():
    model = make(front=(), pyramid=2)
    features = torch.randn(3, 11, DIMS).double()
    x = model.listener.normalize(features.transpose(1, 2)).transpose(1, 2)
    for level, layer in enumerate(model.listener.layers):
        if level:
            x = nn.functional.pad(x, (0, 0, 0, x.shape[1] % 2))
            x = torch.cat([x[:, 0::2], x[:, 1::2]], dim=-1)
        theirs = nn.LSTM(x.shape[-1], 4, batch_first=True, bidirectional=True).double()
        weights = layer.forwards.state_dict()
        weights |= {f"{k}_reverse": v for k, v in layer.backwards.state_dict().items()}
        theirs.load_state_dict(weights)
        x, _ = theirs(x)
    states, lengths = model.listener(features, None)
    close(states, x)
    assert lengths.tolist() == [3, 3, 3]


@pytest.mark.parametrize("kind", Attention.KINDS)
@pytest.mark.parametrize(
    "pyramid, front, layers", [(0, 1, 1), (1, 0, 2), (3, 2, 1), (1, 3, 1), (2, 3, 1)]
)
@pytest.mark.parametrize("training", [False, True])
def test_padding_changes_nothing(kind, pyramid, front, layers, training):
    options = {"attention": kind, "pyramid": pyramid, "front": FRONTS[front], "ctc": True}
    model = make(**options, speller_layers=layers, normalized=front == 3)
    features, lengths, targets, sizes = batch([19, 23, 2, 8], [3, 5, 0, 1], spare=0)
    if training:  # the statistics are those of the real frames, so the whole batch is compared
        more = nn.functional.pad(features, (0, 0, 0, 7))
        poisoned = torch.where(length_mask(lengths, 30)[..., None], more, torch.nan)
        model.train()
        one = model(features, lengths, targets)
        other = model(poisoned, lengths, nn.functional.pad(targets, (0, 2)))
        pairs = [(one, other, slice(item, item + 1), item) for item in range(4)]
    else:
        inside = length_mask(lengths, 23)[..., None]
        together = model(features.where(inside, torch.nan), lengths, targets)
        pairs = [
            (
                model(features[i : i + 1, : lengths[i]], None, targets[i : i + 1, : sizes[i]]),
                together,
                slice(0, 1),
                i,
            )
            for i in range(4)
        ]
    for alone, among, row, item in pairs:
        steps, frames = sizes[item] + 1, alone.lengths[row][0]
        assert among.lengths[item] == frames
        close(alone.logits[row][0, :steps], among.logits[item, :steps], 1e-9)
        close(
            alone.attention[row][0, :steps, :frames], among.attention[item, :steps, :frames], 1e-9
        )
        assert (among.attention[item, :, frames:] == 0).all()
        close(alone.ctc_log_probs[row][0, :frames], among.ctc_log_probs[item, :frames], 1e-9)


def test_normalised_layers_are_those_of_deep_speech_2():
    model = make(front=FRONTS[3], pyramid=1, normalized=True)
    features = torch.randn(2, 21, DIMS).double()
    x = model.listener.normalize(features.transpose(1, 2)).transpose(1, 2)[:, None]
    conv = model.listener.front[0]
    x = nn.functional.hardtanh(conv.norm(conv.conv(x)[0]), 0, 20)
    assert x.shape == (2, 3, 11, 3)  # half of 21 frames, half of 5 bands
    x = model.listener.layers[0](x.transpose(1, 2).flatten(2))
    x = model.listener.layers[1](las.pair_frames(x, torch.tensor([11, 11]))[0])
    close(model.listener(features, None)[0], x)
    assert x.shape == (2, 6, 4) and model.listener.stride == 4


def test_bands_that_are_mixed_are_no_picture_any_more():
    with pytest.raises(ValueError, match="can't follow one that mixes them"):
        make(front=(Layer(6, 5, 2), Layer(3, (5, 3), (2, 2))))


def test_dropout_is_for_training_alone_and_leaves_numbers_out():
    model, plain = make(dropout=0.5), make()
    features, lengths, targets, _ = batch([19, 7], [3, 2])
    close(model(features, lengths, targets).logits, plain(features, lengths, targets).logits)
    model.train()
    torch.manual_seed(0)
    states = model.listener(features, lengths)[0]
    assert 0.3 < (states[0] == 0).double().mean() < 0.7
    one, other = (model(features, lengths, targets).logits for _ in range(2))
    assert not torch.allclose(one, other)


def test_no_gradient_comes_from_padding():
    model = make(pyramid=2).train()
    features, lengths, targets, _ = batch([19, 7], [3, 2], spare=5)
    features.requires_grad_()
    model(features, lengths, targets).logits.square().sum().backward()
    inside = length_mask(lengths, features.shape[1])
    assert (features.grad[~inside] == 0).all()
    assert (features.grad[inside] != 0).any(dim=-1).all()


@pytest.mark.parametrize("kind", Attention.KINDS)
@pytest.mark.parametrize("layers", [1, 2])
def test_step_by_step_equals_all_at_once(kind, layers):
    model = make(attention=kind, speller_layers=layers)
    features, lengths, targets, _ = batch([19, 23, 8], [4, 5, 2])
    out = model(features, lengths, targets)
    memory, frames = model.listen(features, lengths)
    state = model.start(memory)
    told = torch.full((3,), model.start_token)
    for u, after in enumerate([*targets.T, None]):
        logits, state = model.step(told, state, memory)
        close(logits, out.logits[:, u])
        close(state.weights, out.attention[:, u])
        told = after
    assert frames.tolist() == out.lengths.tolist()
    close(out.attention.sum(-1), torch.ones(3, 6).double())


def test_in_single_precision_too():
    model = make().float()
    features, lengths, targets, _ = batch([19, 23, 8], [4, 5, 2])
    out = model(features.float(), lengths, targets)
    memory, _ = model.listen(features.float(), lengths)
    state, told = model.start(memory), torch.full((3,), model.start_token)
    for u, after in enumerate([*targets.T, None]):
        logits, state = model.step(told, state, memory)
        close(logits, out.logits[:, u], 1e-5)
        told = after


def test_rows_of_memory_and_state_go_on_as_their_items_do():
    model = make(speller_layers=2)
    features, lengths, targets, _ = batch([19, 23, 8], [4, 5, 2])
    memory, _ = model.listen(features, lengths)
    _, state = model.step(targets[:, 0], model.start(memory), memory)
    index = torch.tensor([2, 0, 0])
    expected, _ = model.step(targets[:, 1], state, memory)
    moved, _ = model.step(targets[index, 1], state.rows(index), memory.rows(index))
    close(moved, expected[index])


def test_what_comes_later_is_not_known_before():
    model = make()
    features, lengths, targets, _ = batch([19, 23], [5, 5])
    out = model(features, lengths, targets).logits
    for u in range(5):
        other = targets.clone()
        other[:, u] = other[:, u] % (TOKENS - 1) + 1
        changed = model(features, lengths, other).logits != out
        assert not changed[:, : u + 1].any()
        assert changed[:, u + 1].all()


def test_targets_of_ctc_serve_and_start_is_no_output():
    model = make(ctc=True)
    features, lengths, targets, sizes = batch([39, 43], [3, 4])
    out = model(features, lengths, targets)
    assert out.logits.shape == (2, 5, TOKENS)
    assert out.ctc_log_probs.shape == (2, out.lengths.max(), TOKENS)
    close(out.ctc_log_probs.exp().sum(-1), torch.ones(2, out.lengths.max()).double())
    loss = nn.functional.ctc_loss(out.ctc_log_probs.transpose(0, 1), targets, out.lengths, sizes)
    assert loss.isfinite()
    assert model.start_token == TOKENS
    assert make().forward(features, lengths, targets).ctc_log_probs is None


def test_an_empty_target_is_only_the_end():
    features, lengths, _, _ = batch([9, 12], [1, 1])
    out = make()(features, lengths, torch.zeros(2, 0).long())
    assert out.logits.shape == (2, 1, TOKENS)


def test_sampling_tells_now_and_then_what_the_model_drew():
    model = make()
    features, lengths, targets, _ = batch([30] * 64, [40] * 64)
    told = []
    embedding = model.embedding.weight
    advance = model._advance
    model._advance = lambda y, *rest: (told.append(y.detach()), advance(y, *rest))[1]
    for share in (0.0, 0.3, 1.0):
        told.clear()
        generator = torch.Generator().manual_seed(1)
        one = model(features, lengths, targets, share, generator)
        words = torch.stack(told, dim=1)  # (batch, steps, hidden)
        tokens = (words[:, :, None] - embedding).abs().sum(-1).argmin(-1)
        assert (tokens[:, 0] == model.start_token).all()
        assert ((tokens[:, 1:] > END) & (tokens[:, 1:] < TOKENS)).all()
        # What is drawn follows the model's own distribution of the step before.
        logits = one.logits[:, :-1].detach().clone()
        logits[..., END] = -torch.inf
        chance = logits.softmax(-1).gather(2, targets[..., None])[..., 0]
        expected = share * (1 - chance.mean())
        wrong = (tokens[:, 1:] != targets).double()
        assert abs(float(wrong.mean() - expected)) < 0.03
        again = model(features, lengths, targets, share, torch.Generator().manual_seed(1))
        close(one.logits, again.logits, 0)
        other = model(features, lengths, targets, share, torch.Generator().manual_seed(2))
        assert (share == 0) == bool((one.logits == other.logits).all())
    close(
        model(features, lengths, targets).logits, model(features, lengths, targets, 0.0).logits, 0
    )


def test_sampling_passes_gradients_and_leaves_the_logits_alone():
    model = make().train()
    features, lengths, targets, _ = batch([30, 20], [6, 6])
    model(features, lengths, targets, 0.5).logits.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"sampling": 1.5}, "sampling is a probability"),
        ({"targets": torch.full((2, 3), TOKENS)}, f"targets must be 0 to {TOKENS - 1}, got 6 to 6"),
        ({"lengths": torch.tensor([9, 31])}, "lengths must be 1 to 30"),
        ({"lengths": torch.tensor([9, 0])}, "lengths must be 1 to 30"),
    ],
)
def test_wrong_input_is_named(arguments, message):
    right = {
        "features": torch.randn(2, 30, DIMS).double(),
        "lengths": torch.tensor([30, 20]),
        "targets": torch.ones(2, 3).long(),
    }
    with pytest.raises(ValueError, match=message):
        make()(**right | arguments)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"pyramid": -1}, "pyramid must be"),
        ({"speller_layers": 0}, "speller_layers"),
        ({"attention": "soft"}, "kind must be one of"),
    ],
)
def test_wrong_configurations_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        ListenAttendSpell(DIMS, TOKENS, **options)


def test_the_papers_configuration_reads_eight_times_fewer_frames():
    # Section 4: three layers of 256 a direction on a first one, a speller of two layers of 512.
    model = ListenAttendSpell(
        40, 32, hidden=256, front=(), pyramid=3, speller=512, speller_layers=2, attention="dot"
    )
    assert model.output_lengths(torch.tensor([800, 801])).tolist() == [100, 101]
    assert [layer.output_size for layer in model.listener.layers] == [512] * 4
    assert [cell.hidden_size for cell in model.cells] == [512, 512]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["additive", "location", "dot"])
def test_it_learns_to_copy_and_looks_where_it_reads(kind):
    torch.manual_seed(0)
    model = ListenAttendSpell(
        TOKENS, TOKENS, hidden=16, front=(), pyramid=1, speller=32, attention=kind
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(250):
        tokens, features = strings(32)
        logits = model(features, None, tokens).logits
        expected = nn.functional.pad(tokens, (0, 1))
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), expected.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    tokens, features = strings(64)
    out = model(features, None, tokens)
    right = (out.logits.argmax(-1) == nn.functional.pad(tokens, (0, 1))).float().mean()
    assert right > 0.98
    places = (out.attention[:, :-1] * torch.arange(out.attention.shape[2])).sum(-1)
    order = [(row[1:] > row[:-1]).float().mean() for row in places]
    assert sum(order) / len(order) > 0.9


def strings(count):
    """Tokens (count, 5), and each as four noisy frames."""
    tokens = torch.randint(1, TOKENS, (count, 5))
    frames = nn.functional.one_hot(tokens, TOKENS).float().repeat_interleave(4, dim=1)
    return tokens, frames + 0.2 * torch.randn_like(frames)


def test_all_fronts_and_pyramids_take_the_shortest_sound():
    for front, pyramid in itertools.product(FRONTS, range(4)):
        out = make(front=front, pyramid=pyramid)(
            torch.randn(1, 1, DIMS).double(), None, torch.ones(1, 2).long()
        )
        assert out.lengths.tolist() == [1]
        close(out.attention, torch.ones(1, 3, 1).double())
