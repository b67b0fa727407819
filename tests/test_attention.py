import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from course_utils.datasets.batching import mask as length_mask
from course_utils.models import attention as A

KINDS = [None, *A.Attention.KINDS]
shapes = st.tuples(*[st.integers(1, 6)] * 4)  # batch, queries, keys, d


def random(*shape: int, grad: bool = True) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=grad)


def gradients(output: torch.Tensor, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
    weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view_as(output)
    return torch.autograd.grad((output * weights).sum(), inputs)


def close(one, other, tolerance=1e-10):
    torch.testing.assert_close(one, other, atol=tolerance, rtol=tolerance)


@given(shapes, st.booleans(), st.integers(0, 2**31))
@settings(max_examples=50, deadline=None)
def test_scaled_dot_product_is_torchs_forward_and_gradients(shape, masked, seed):
    torch.manual_seed(seed)
    batch, queries, keys, d = shape
    q, k, v = random(batch, queries, d), random(batch, keys, d), random(batch, keys, d + 1)
    mask = torch.rand(batch, queries, keys) < 0.6 if masked else None  # some rows may be empty
    ours, weights = A.scaled_dot_product_attention(q, k, v, mask)
    theirs = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    close(ours, theirs)
    for one, other in zip(gradients(ours, q, k, v), gradients(theirs, q, k, v), strict=True):
        close(one, other)
    if mask is not None:
        assert (weights[~mask] == 0).all()
    sums = weights.sum(-1)
    close(sums, (torch.ones_like(sums) if mask is None else mask.any(-1).to(sums.dtype)))


def test_causal_is_torchs_is_causal():
    q, k, v = (random(2, 7, 4) for _ in range(3))
    ours, _ = A.scaled_dot_product_attention(q, k, v, A.causal_mask(7))
    close(ours, F.scaled_dot_product_attention(q, k, v, is_causal=True))


def test_a_row_without_a_place_reads_nothing_and_passes_no_gradient():
    scores = random(2, 3)
    weights = A.masked_softmax(scores, torch.tensor([[True, True, False], [False] * 3]))
    assert weights[1].tolist() == [0, 0, 0]
    (gradient,) = gradients(weights, scores)
    assert gradient.isfinite().all()
    assert gradient[1].tolist() == [0, 0, 0]


def test_large_scores_do_not_overflow():
    weights = A.masked_softmax(torch.tensor([1e4, 1e4, -1e30, 9e9]), torch.tensor([1, 1, 1, 0]) > 0)
    close(weights, torch.tensor([0.5, 0.5, 0.0, 0.0]))


def copied(heads: int, dim: int) -> tuple[A.MultiHeadAttention, nn.MultiheadAttention]:
    theirs = nn.MultiheadAttention(dim, heads, batch_first=True, dtype=torch.float64)
    nn.init.normal_(theirs.in_proj_bias)
    nn.init.normal_(theirs.out_proj.bias)
    ours = A.MultiHeadAttention(dim, heads).double()
    copy_heads(ours, theirs)
    return ours, theirs


def copy_heads(ours: A.MultiHeadAttention, theirs: nn.MultiheadAttention) -> None:
    with torch.no_grad():
        parts = zip(theirs.in_proj_weight.chunk(3), theirs.in_proj_bias.chunk(3), strict=True)
        for layer, (weight, bias) in zip((ours.query, ours.key, ours.value), parts, strict=True):
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
    ours.output.load_state_dict(theirs.out_proj.state_dict())


@given(st.integers(1, 4), st.integers(1, 5), st.tuples(*[st.integers(1, 6)] * 3), st.booleans())
@settings(max_examples=40, deadline=None)
def test_multi_head_attention_is_torchs_forward_and_gradients(heads, width, shape, masked):
    ours, theirs = copied(heads, heads * width)
    batch, queries, keys = shape
    q, k, v = (random(batch, n, heads * width) for n in (queries, keys, keys))
    mask = torch.rand(batch, queries, keys) < 0.6
    mask[..., 0] = True  # torch gives NaN for a row without a place
    mask = mask if masked else None
    forbidden = None if mask is None else (~mask).repeat_interleave(heads, dim=0)
    one, weights = ours(q, k, v, mask)
    other, average = theirs(q, k, v, attn_mask=forbidden)
    close(one, other)
    close(weights.mean(1), average)
    for ours_is, theirs_is in zip(gradients(one, q, k, v), gradients(other, q, k, v), strict=True):
        close(ours_is, theirs_is)


def test_multi_head_attention_takes_key_padding_like_torch():
    ours, theirs = copied(2, 6)
    x = random(3, 5, 6)
    inside = length_mask(torch.tensor([5, 2, 1]), 5)
    close(ours(x, x, x, inside[:, None])[0], theirs(x, x, x, key_padding_mask=~inside)[0])


def test_multi_head_attention_without_a_place_gives_the_bias_and_finite_gradients():
    ours, _ = copied(2, 6)
    x = random(1, 3, 6)
    output, _ = ours(x, x, x, torch.zeros(1, 3, 3, dtype=torch.bool))
    close(output, ours.output.bias.expand(1, 3, 6))
    assert all(g.isfinite().all() for g in gradients(output, x))


def test_heads_must_divide():
    with pytest.raises(ValueError, match="5 heads for dim 16"):
        A.MultiHeadAttention(16, 5)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("dim", "heads", "hidden"), [(8, 2, 16), (15, 3, 7)])
def test_transformer_block_is_torchs_pre_norm_layer(dim, heads, hidden, masked):
    theirs = nn.TransformerEncoderLayer(
        dim, heads, hidden, dropout=0.0, batch_first=True, norm_first=True, dtype=torch.float64
    )
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.5)
    ours = A.TransformerBlock(dim, heads, hidden).double()
    copy_heads(ours.attention, theirs.self_attn)
    pairs = [(ours.norm1, theirs.norm1), (ours.norm2, theirs.norm2)]
    pairs += [(ours.network[0], theirs.linear1), (ours.network[2], theirs.linear2)]
    for mine, their in pairs:
        mine.load_state_dict(their.state_dict())
    x = random(2, 9, dim)
    mask = A.causal_mask(9) if masked else None
    one, other = ours(x, mask), theirs(x, src_mask=None if mask is None else ~mask)
    close(one, other)
    close(*(gradients(y, x)[0] for y in (one, other)))


def test_self_attention_knows_no_order_and_positions_tell_it():
    block = A.TransformerBlock(8, 2, 16)
    x = torch.randn(1, 6, 8)
    order = torch.randperm(6)
    close(block(x)[:, order], block(x[:, order]), 1e-5)
    places = A.sinusoidal_positions(6, 8)
    moved = torch.tensor([1, 0, 2, 3, 4, 5])
    assert (block(x + places)[:, moved] - block(x[:, moved] + places)).abs().max() > 1e-2


def test_positions_are_the_papers():
    places = A.sinusoidal_positions(50, 6)
    for t, i in ((0, 0), (3, 1), (49, 2)):
        angle = t / 10_000 ** (2 * i / 6)
        assert places[t, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-6)
        assert places[t, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)
    # The product of two places depends on their distance alone.
    products = places @ places.T
    close(products[3, 8], products[20, 25], 1e-5)
    with pytest.raises(ValueError, match="dim must be even"):
        A.sinusoidal_positions(3, 5)


def test_scores_pair_by_pair():
    q, k = random(2, 3, 4), random(2, 5, 4)
    for b in range(2):
        for i in range(3):
            for j in range(5):
                dot = (q[b, i] * k[b, j]).sum()
                close(A.dot_scores(q, k)[b, i, j], dot)
                close(A.scaled_dot_scores(q, k)[b, i, j], dot / 2)


@pytest.mark.parametrize("kind", A.Attention.KINDS)
def test_each_kind_of_attention_is_its_formula(kind):
    torch.manual_seed(1)
    look = A.Attention(3, 5, 4, kind).double()
    state, values, previous = random(2, 3), random(2, 7, 5), torch.rand(2, 7, dtype=torch.float64)
    keys = look.key(values)
    mask = length_mask(torch.tensor([7, 4]), 7)
    context, weights = look(state, keys, values, mask, previous)
    q = look.query(state)[:, None]
    scores = {"dot": A.dot_scores(q, keys), "scaled": A.scaled_dot_scores(q, keys)}.get(kind)
    if kind == "additive":
        scores = torch.einsum("btd,d->bt", (q + keys).tanh(), look.v)[:, None]
    if kind == "location":
        f = look.location(look.filters(previous[:, None]).transpose(1, 2))
        scores = torch.einsum("btd,d->bt", (q + keys + f).tanh(), look.v)[:, None]
    wanted, looks = A.attend(scores, values, mask[:, None])
    close(context, wanted[:, 0])
    close(weights, looks[:, 0])
    assert (weights[1, 4:] == 0).all()


def test_only_location_aware_attention_depends_on_the_look_before():
    for kind in A.Attention.KINDS:
        look = A.Attention(3, 5, 4, kind)
        state, values = torch.randn(1, 3), torch.randn(1, 9, 5)
        mask = torch.ones(1, 9, dtype=torch.bool)
        looks = [
            look(state, look.key(values), values, mask, nn.functional.one_hot(t, 9).float()[None])
            for t in (torch.tensor(1), torch.tensor(6))
        ]
        assert torch.equal(looks[0][1], looks[1][1]) == (kind != "location")


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"additive, dot, scaled, location, got 'soft'"):
        A.Seq2Seq(4, 5, 8, "soft")


def test_reverse_turns_each_item_and_leaves_the_padding():
    x = torch.arange(10.0).view(2, 5, 1)
    turned = A.reverse(x, torch.tensor([5, 3]))[..., 0]
    assert turned.tolist() == [[4, 3, 2, 1, 0], [7, 6, 5, 8, 9]]


def test_the_encoder_is_torchs_packed_bidirectional_gru():
    encoder = A.Encoder(4, 3).double()
    both = nn.GRU(6, 3, batch_first=True, bidirectional=True, dtype=torch.float64)
    for suffix, gru in (("", encoder.forwards), ("_reverse", encoder.backwards)):
        for name, weight in gru.named_parameters():
            getattr(both, name + suffix).data.copy_(weight)
    x, lengths = random(3, 11, 4), torch.tensor([11, 6, 1])
    states, halves, summary = encoder(x, lengths)
    assert halves.tolist() == [6, 3, 1]
    inside = length_mask(lengths, 11)[..., None]
    convolved = encoder.convolution((x * inside).transpose(1, 2)).transpose(1, 2).relu()
    packed = nn.utils.rnn.pack_padded_sequence(
        convolved, halves, batch_first=True, enforce_sorted=False
    )
    output, last = both(packed)
    close(states, nn.utils.rnn.pad_packed_sequence(output, batch_first=True)[0])
    close(summary, last.transpose(0, 1).flatten(1))


def model_and_batch(kind, seed=0):
    torch.manual_seed(seed)
    model = A.Seq2Seq(dims=4, tokens=6, hidden=5, attention=kind).double()
    for parameter in model.parameters():
        parameter.data.mul_(3)  # far from uniform, so that a leak is seen
    lengths = torch.randint(1, 14, (5,))
    features = torch.randn(5, int(lengths.max()), 4, dtype=torch.float64)
    target_lengths = torch.randint(1, 6, (5,))
    targets = torch.randint(2, 6, (5, int(target_lengths.max())))
    targets = targets * length_mask(target_lengths, targets.shape[1])
    return model, features, lengths, targets, target_lengths


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_padding_never_changes_a_result(kind, training, seed):
    model, features, lengths, targets, target_lengths = model_and_batch(kind, seed)
    model.train(training)
    features[~length_mask(lengths, features.shape[1])] = 1e3  # what padding holds must not matter
    together = model(features, lengths, targets)
    texts, looks = model.transcribe(features, lengths, limit=8)
    for i, (n, u) in enumerate(zip(lengths.tolist(), target_lengths.tolist(), strict=True)):
        alone = model(features[i : i + 1, :n], None, targets[i : i + 1, :u])
        close(together.logits[i, : u + 1], alone.logits[0])
        text, look = model.transcribe(features[i : i + 1, :n], torch.tensor([n]), limit=8)
        assert texts[i] == text[0]
        if kind:
            encoded = int(together.lengths[i])
            assert encoded == int(alone.lengths[0]) == alone.attention.shape[-1]
            close(together.attention[i, : u + 1, :encoded], alone.attention[0])
            assert (together.attention[i, :, encoded:] == 0).all()
            close(looks[i, : look.shape[1], :encoded], look[0])


@pytest.mark.parametrize("kind", KINDS)
def test_padding_never_changes_a_gradient(kind):
    model, features, lengths, targets, target_lengths = model_and_batch(kind)
    wide = F.pad(features, (0, 0, 0, 7), value=5.0)
    losses = [
        A.sequence_loss(model(x, lengths, y).logits, y, target_lengths)
        for x, y in ((features, targets), (wide, F.pad(targets, (0, 3))))
    ]
    close(*losses)
    for one, other in zip(
        *(
            torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
            for loss in losses
        ),
        strict=True,
    ):
        if one is not None:
            close(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_permuted_batch_permutes_the_result(kind):
    model, features, lengths, targets, _ = model_and_batch(kind)
    order = torch.tensor([3, 0, 4, 1, 2])
    logits = model(features, lengths, targets).logits
    close(logits[order], model(features[order], lengths[order], targets[order]).logits)


@pytest.mark.parametrize("kind", KINDS)
def test_free_writing_is_teacher_forcing_with_its_own_words(kind):
    model, features, lengths, _, _ = model_and_batch(kind, seed=4)
    texts, _ = model.transcribe(features, lengths, limit=6)
    longest = max(map(len, texts))
    told = torch.tensor([text + [A.END] * (longest - len(text)) for text in texts])
    said = model(features, lengths, told).logits.argmax(-1)
    for i, text in enumerate(texts):
        expected = text if len(text) == 6 else [*text, A.END]
        assert said[i, : len(expected)].tolist() == expected


def test_teacher_forcing_sees_no_target_before_its_time():
    model, features, lengths, targets, _ = model_and_batch("additive")
    other = targets.clone()
    other[:, 2:] = 5
    close(
        model(features, lengths, targets).logits[:, :3],
        model(features, lengths, other).logits[:, :3],
    )


def test_the_loop_has_a_limit():
    model, features, lengths, _, _ = model_and_batch("dot")
    model.output.bias.data[A.END] = -1e9
    texts, looks = model.transcribe(features, lengths, limit=3)
    assert [len(text) for text in texts] == [3] * 5
    assert looks.shape[1] == 3


def test_an_item_that_has_ended_stays_ended():
    for seed in range(6):
        model, features, lengths, _, _ = model_and_batch("additive", seed)
        texts, _ = model.transcribe(features, lengths, limit=9)
        assert all(A.END not in text for text in texts)


def test_the_loss_counts_the_end_and_no_padding():
    logits = torch.randn(2, 4, 5, dtype=torch.float64)
    targets, lengths = torch.tensor([[2, 3, 4], [3, 0, 0]]), torch.tensor([3, 1])
    log_probs = logits.log_softmax(-1)
    places = [(0, 0, 2), (0, 1, 3), (0, 2, 4), (0, 3, A.END), (1, 0, 3), (1, 1, A.END)]
    expected = -torch.stack([log_probs[place] for place in places]).mean()
    close(A.sequence_loss(logits, targets, lengths), expected)


@pytest.mark.slow
def test_the_model_learns_to_copy_in_order():
    torch.manual_seed(0)
    model = A.Seq2Seq(dims=6, tokens=6, hidden=16, attention="additive")
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def batch():
        lengths = torch.randint(1, 5, (32,))
        targets = torch.randint(2, 6, (32, 4)) * length_mask(lengths, 4)
        features = F.one_hot(targets, 6).float().repeat_interleave(4, dim=1)
        return features, 4 * lengths, targets, lengths

    for _ in range(150):
        features, frames, targets, lengths = batch()
        loss = A.sequence_loss(model(features, frames, targets).logits, targets, lengths)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    features, frames, targets, lengths = batch()
    texts, _ = model.transcribe(features, frames, limit=6)
    right = [
        text == y[:n].tolist() for text, y, n in zip(texts, targets, lengths.tolist(), strict=True)
    ]
    assert sum(right) >= 30
