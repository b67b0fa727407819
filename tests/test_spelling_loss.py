import pytest
import torch
from torch.nn import functional as F

from course_utils.datasets.batching import Batch
from course_utils.datasets.batching import mask as length_mask
from course_utils.models.las import ListenAttendSpell
from course_utils.training import spelling_loss

DIMS, TOKENS = 5, 6


def make(**options):
    torch.manual_seed(0)
    options = {"hidden": 4, "speller": 7, "front": (), "ctc": True} | options
    return ListenAttendSpell(DIMS, TOKENS, **options).double().eval()


def batch(lengths=(30, 22, 9), sizes=(5, 2, 3), spare=0):
    torch.manual_seed(1)
    lengths, sizes = torch.tensor(lengths), torch.tensor(sizes)
    features = torch.randn(len(lengths), int(lengths.max()), DIMS).double()
    targets = torch.randint(1, TOKENS, (len(sizes), int(sizes.max()) + spare))
    targets = targets * length_mask(sizes, targets.shape[1])
    return Batch(features, lengths, targets, sizes, ("one", "two", "three"))


def by_hand(model, b, smoothing=0.0):
    """The two shares, item by item."""
    spelled, aligned = [], []
    for item, (length, size) in enumerate(zip(b.lengths, b.target_lengths, strict=True)):
        tokens = b.targets[item, :size]
        out = model(b.features[item : item + 1, :length], None, tokens[None])
        log_probs = out.logits[0].log_softmax(-1)
        right = log_probs.gather(1, F.pad(tokens, (0, 1))[:, None])[:, 0]
        likely = (1 - smoothing) * right + smoothing * log_probs.mean(-1)
        spelled.append(-likely.mean())
        ctc = F.ctc_loss(out.ctc_log_probs.transpose(0, 1), tokens[None], out.lengths, size[None])
        aligned.append(ctc)
    return torch.stack(spelled), torch.stack(aligned)


def close(one, other):
    torch.testing.assert_close(one, other, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("spare", [0, 2])
def test_it_is_the_mean_over_the_items_alone(smoothing, weight, spare):
    model, b = make(), batch(spare=spare)
    spelled, aligned = by_hand(model, b, smoothing)
    assert aligned.isfinite().all()
    expected = (1 - weight) * spelled.mean() + weight * aligned.mean()
    close(spelling_loss(model, b, smoothing, ctc_weight=weight), expected)


def test_a_part_of_a_batch_weighs_as_many_items_as_it_has():
    model, b = make(), batch()
    parts = [Batch(*(x[rows] for x in b[:4])) for rows in ([0, 1], [2])]
    losses = [spelling_loss(model, part, 0.1, ctc_weight=0.3) for part in parts]
    close(spelling_loss(model, b, 0.1, ctc_weight=0.3), (2 * losses[0] + losses[1]) / 3)


def test_what_ctc_cannot_align_takes_no_part_in_its_mean():
    model, b = make(), batch(lengths=(30, 22, 9), sizes=(5, 2, 5))
    b.targets[2] = torch.tensor([1, 1, 2, 2, 3])  # 7 frames needed, 5 are left
    spelled, aligned = by_hand(model, b)
    assert aligned[2].isinf()
    loss = spelling_loss(model, b, ctc_weight=0.5)
    close(loss, 0.5 * spelled.mean() + 0.5 * aligned[:2].mean())
    loss.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    alone = Batch(*(x[2:] for x in b))
    close(spelling_loss(model, alone, ctc_weight=0.5), 0.5 * spelled[2])
    empty = alone._replace(target_lengths=torch.tensor([0]), targets=torch.zeros(1, 0).long())
    assert spelling_loss(model, empty, ctc_weight=0.5).isfinite()


def test_sampling_is_passed_on():
    model, b = make(), batch()
    torch.manual_seed(3)
    one = spelling_loss(model, b, sampling=1.0)
    torch.manual_seed(3)
    assert spelling_loss(model, b, sampling=1.0) == one
    assert spelling_loss(model, b) != one


def test_errors_are_named():
    b = batch()
    with pytest.raises(ValueError, match="without a CTC branch"):
        spelling_loss(make(ctc=False), b, ctc_weight=0.1)
    with pytest.raises(ValueError, match="ctc_weight must be 0 to 1"):
        spelling_loss(make(), b, ctc_weight=1.1)
    b.targets[1, 1] = 0
    with pytest.raises(ValueError, match="two: its target holds 0"):
        spelling_loss(make(), b)
