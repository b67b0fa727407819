"""The small recogniser and its loss: shapes, padding, messages, and that it learns."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import ctc, training
from course_utils.datasets.batching import Batch, Examples, loader, pad
from course_utils.models.recogniser import CTCRecogniser


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def small(stride: int = 2, **options) -> CTCRecogniser:
    return CTCRecogniser(5, 4, stride=stride, hidden=6, size=3, **options)


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_shapes_lengths_and_probabilities(stride):
    model = small(stride)
    lengths = torch.arange(1, 14)
    log_probs, left = model(torch.randn(13, 13, 5), lengths)
    assert left.tolist() == [-(-n // stride) for n in lengths.tolist()]
    assert left.tolist() == model.output_lengths(lengths).tolist()
    assert log_probs.shape == (13, int(left.max()), 4)
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(log_probs.shape[:2]))
    log_probs, left = model(torch.randn(2, 9, 5))
    assert left is None and log_probs.shape == (2, -(-9 // stride), 4)


@pytest.mark.parametrize("training_mode", [False, True])
@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(3, 30), min_size=1, max_size=5), st.integers(0, 2**31))
def test_padding_changes_nothing(training_mode, lengths, seed):
    """In training the statistics are those of the batch: more padding behind it adds nothing."""
    torch.manual_seed(seed)
    model = small(layers=2).double()
    items = [torch.randn(n, 5, dtype=torch.float64) for n in lengths]
    features, sizes = pad(items)
    more = torch.full((len(items), features.shape[1] + 7, 5), 9.0, dtype=torch.float64)
    more[:, : features.shape[1]] = features
    model.train(training_mode)
    together, left = model(features, sizes)
    padded, _ = model(more, sizes)
    if not training_mode:
        alone = [model(item[None], None)[0][0] for item in items]
    for n, size in enumerate(left.tolist()):
        torch.testing.assert_close(padded[n, :size], together[n, :size])
        if not training_mode:
            torch.testing.assert_close(alone[n], together[n, :size])


def a_batch(targets, lengths=(9, 6), ids=()) -> Batch:
    sizes = torch.tensor([len(target) for target in targets])
    padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(t) for t in targets], True)
    return Batch(torch.randn(len(lengths), 9, 5), torch.tensor(lengths), padded, sizes, ids)


@pytest.mark.parametrize("blank", [0, 3])
def test_the_loss_is_the_mean_over_items_of_the_loss_by_label(blank):
    model, batch = small().eval(), a_batch([[1, 2], [2]])
    expected = 0
    for n, T in enumerate((5, 3)):
        U = int(batch.target_lengths[n])
        log_probs, _ = model(batch.features[n : n + 1, : batch.lengths[n]])
        target = batch.targets[n : n + 1, :U]
        expected += ctc.ctc_loss(log_probs.transpose(0, 1), target, [T], [U], blank, "sum") / U / 2
    found = training.recognition_loss(model, batch, blank)
    torch.testing.assert_close(found, expected)
    found.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_the_loss_of_a_model_without_lengths():
    class Plain(torch.nn.Module):
        def forward(self, features, lengths):
            return features.log_softmax(-1), None

    batch = a_batch([[1, 2], [2]], (9, 9))
    expected = F.ctc_loss(
        batch.features.log_softmax(-1).transpose(0, 1), batch.targets, (9, 9), (2, 1)
    )
    assert training.recognition_loss(Plain(), batch) == expected


@pytest.mark.parametrize(
    ("targets", "ids", "message"),
    [
        ([[1, 2], [2, 0]], ("a", "b"), "b: its target holds 0, which is the blank"),
        ([[1, 4], [2]], ("a", "b"), "a: its target holds 4, which is out of range, there are 4"),
        ([[1, 2], [-1]], (), "item 1 of the batch: its target holds -1"),
        ([[1, 2], [2, 2, 1]], ("a", "b"), "b: its 3 labels need 4 frames, the model leaves it 3"),
    ],
)
def test_the_loss_names_the_item(targets, ids, message):
    with pytest.raises(ValueError, match=message):
        training.recognition_loss(small(), a_batch(targets, ids=ids))


@pytest.mark.slow
def test_it_learns():
    """Tones: each label is a band that sounds for some frames; between them, noise."""
    generator = torch.Generator().manual_seed(0)

    def item(_):
        labels = torch.randint(1, 4, (3,), generator=generator)
        frames = 0.3 * torch.randn(36, 5, generator=generator)
        for place, label in enumerate(labels.tolist()):
            start = 12 * place + int(torch.randint(0, 5, (1,), generator=generator))
            frames[start : start + 6, label] += 2
        return frames, labels.numpy()

    items, texts = zip(*map(item, range(400)), strict=True)
    batches = loader(Examples(list(items), list(texts)), 20, shuffle=True)
    model = CTCRecogniser(5, 4, hidden=16, size=5)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    training.fit(model, batches, training.recognition_loss, 8, optimizer, progress=False)
    wrong = 0
    for frames, labels in map(item, range(100)):
        best = model(frames[None])[0][0].argmax(-1)
        wrong += ctc.collapse(best.tolist()) != labels.tolist()
    assert wrong < 10
