"""Taggers: pooling is its formula, padding changes nothing, weak labels teach when."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.datasets import batching
from course_utils.models import tagger
from course_utils.models.tagger import KINDS, POOLINGS, Classifier, Tagger, pool, tagging_loss

MELS, CLASSES = 20, 4


def model(kind: str = "cnn", pooling: str = "linear", **arguments) -> Tagger:
    torch.manual_seed(3)
    made = Tagger(MELS, CLASSES, kind, pooling, **arguments)
    # Running statistics that are not those of the beginning.
    for batch_norm in made.modules():
        if hasattr(batch_norm, "running_var"):
            batch_norm.running_mean.normal_()
            batch_norm.running_var.uniform_(0.5, 2)
    return made


def by_hand(y: np.ndarray, pooling: str, v: np.ndarray) -> np.ndarray:
    if pooling == "mean":
        return y.sum(axis=0) / len(y)
    if pooling == "max":
        return y.max(axis=0)
    weights = y if pooling == "linear" else np.exp(v)
    return (weights * y).sum(axis=0) / weights.sum(axis=0)


@given(st.integers(0, 999), st.sampled_from(POOLINGS), st.lists(st.integers(1, 9), min_size=1))
@settings(deadline=None)
def test_pooling_is_its_formula_over_the_frames_that_count(seed, pooling, lengths):
    rng = np.random.default_rng(seed)
    y = rng.uniform(0.01, 0.99, (len(lengths), max(lengths), 3))
    v = rng.normal(size=y.shape)
    got = pool(torch.tensor(y), pooling, torch.tensor(lengths), torch.tensor(v)).numpy()
    wanted = [by_hand(y[i, :n], pooling, v[i, :n]) for i, n in enumerate(lengths)]
    np.testing.assert_allclose(got, wanted, rtol=1e-5)
    y[0, lengths[0] :] = np.nan  # padding may hold anything
    v[0, lengths[0] :] = np.nan
    again = pool(torch.tensor(y), pooling, torch.tensor(lengths), torch.tensor(v)).numpy()
    np.testing.assert_array_equal(again, got)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_poolings_lie_between_the_lowest_and_the_highest_frame(pooling):
    y = torch.rand(5, 30, 3)
    pooled = pool(y, pooling, None, torch.randn(5, 30, 3))
    assert (pooled >= y.amin(dim=1) - 1e-6).all()
    assert (pooled <= y.amax(dim=1) + 1e-6).all()
    same = torch.full((1, 7, 3), 0.3)
    torch.testing.assert_close(pool(same, pooling, None, torch.randn(1, 7, 3)), same[:, 0])


def test_linear_softmax_trusts_frames_by_what_they_say():
    """A tenth of the frames sounds: the mean hardly hears it, linear softmax does."""
    y = torch.full((1, 100, 1), 0.01)
    y[:, :10] = 0.95
    assert pool(y, "mean").item() == pytest.approx(0.104)
    assert pool(y, "linear").item() > 0.85


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_padding_changes_nothing(kind, pooling):
    net = model(kind, pooling).eval()
    rng = np.random.default_rng(1)
    items = [torch.randn(int(n), MELS) for n in rng.integers(3, 60, 7)]
    features, lengths = batching.pad(items)
    features = features.masked_fill(~batching.mask(lengths)[..., None], 1e3)
    with torch.no_grad():
        together = net(features, lengths)
        for i, item in enumerate(items):
            alone = net(item[None])
            own = alone.frames.shape[1]
            assert together.lengths[i] == own == (len(item) + 3) // 4
            torch.testing.assert_close(together.clips[i], alone.clips[0], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(
                together.frames[i, :own], alone.frames[0], rtol=1e-4, atol=1e-5
            )
            assert (together.frames[i, own:] == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing_while_it_learns(kind):
    """Loss and gradients of a batch are the same however much padding it has."""
    items = [torch.randn(n, MELS) for n in (40, 17, 29)]
    targets = torch.tensor([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]])
    features, lengths = batching.pad(items)
    results = []
    for extra in (0, 12):
        net = model(kind, "attention", dropout=0.0).train()
        wide = torch.nn.functional.pad(features, (0, 0, 0, extra), value=7.0)
        loss = tagging_loss(net, batching.Batch(wide, lengths, targets, None, ()))
        loss.backward()
        results.append((loss.detach(), [p.grad for p in net.parameters()]))
    torch.testing.assert_close(results[0], results[1], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_classifier_gives_each_item_what_it_gets_alone(kind):
    torch.manual_seed(3)
    net = Classifier(MELS, CLASSES, kind=kind, hidden=10).eval()
    items = [torch.randn(n, MELS) for n in (40, 17, 5)]
    features, lengths = batching.pad(items)
    features = features.masked_fill(~batching.mask(lengths)[..., None], torch.nan)
    with torch.no_grad():
        h = net.encoder(items[0][None])[0][0]
        expected = net.linear(torch.cat([h.mean(dim=0), h.amax(dim=0)]))
        together = net(features, lengths)
        alone = torch.cat([net(item[None]) for item in items])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together[0], expected, rtol=1e-4, atol=1e-5)


def test_frames_are_where_they_are_said_to_be():
    """A change of the input at frame t changes output frames near t / stride, and no others."""
    net = model("cnn").eval()
    x = torch.randn(1, 200, MELS)
    other = x.clone()
    other[:, 120] += 3
    with torch.no_grad():
        moved = (net(x).frames - net(other).frames).abs().amax(dim=2)[0]
    assert net.stride == 4
    places = moved.nonzero()[:, 0].double()
    assert abs(places.mean() - 120 / 4) < 1.5
    assert places.max() - places.min() < 8


def test_the_loss_is_that_of_each_yes_and_no():
    class Fixed(torch.nn.Module):
        def forward(self, features, lengths):
            return tagger.Tags(torch.tensor([[0.8, 0.5], [0.0, 1.0]]), features, lengths)

    batch = batching.Batch(torch.zeros(2, 1, 1), torch.ones(2), torch.tensor([[1, 0], [0, 1]]))
    expected = -(np.log(0.8) + np.log(0.5)) / 4
    assert tagging_loss(Fixed(), batch).item() == pytest.approx(expected, abs=1e-5)
    wrong = batch._replace(targets=torch.tensor([[0, 0], [1, 0]]))
    assert torch.isfinite(tagging_loss(Fixed(), wrong))


def test_wrong_choices_are_named():
    with pytest.raises(ValueError, match=r"kind must be one of cnn, crnn, got 'rnn'"):
        Tagger(MELS, CLASSES, "rnn")
    with pytest.raises(ValueError, match=r"pooling must be one of .*, got 'sum'"):
        Tagger(MELS, CLASSES, pooling="sum")
    with pytest.raises(ValueError, match="attention needs"):
        pool(torch.rand(1, 2, 3), "attention")
