"""What a training costs."""

import pytest
import torch

from course_utils.recipes import recognition
from course_utils.recipes.budget import Budget, kept_bytes, measured, operations
from course_utils.recipes.recognition import RECIPES, changed

SMALL = changed(RECIPES["digits"], hidden_size=8, batch_size=4)


def test_a_day_is_a_day():
    one = Budget(hours=240, epochs=10, throughput=100, price=1.5)
    assert one.days == pytest.approx(1) and one.device_hours == pytest.approx(24)
    assert one.cost == pytest.approx(36)
    eight = Budget(240, 10, 100, devices=8, price=1.5)
    assert eight.days == pytest.approx(1 / 8) and eight.cost == pytest.approx(36)


def test_what_doublings_lose_is_paid_for():
    lossy = Budget(240, 10, 100, devices=8, kept=0.9, price=1.5)
    assert lossy.efficiency == pytest.approx(0.9**3)
    assert lossy.days == pytest.approx(1 / 8 / 0.9**3)
    assert lossy.cost == pytest.approx(36 / 0.9**3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hours": 0}, "hours must be a positive number, got 0"),
        ({"throughput": float("inf")}, "throughput must be a positive number"),
        ({"devices": 1.5}, "devices must be a whole number from 1 on"),
        ({"kept": 0}, "kept must be above 0 and at most 1"),
        ({"price": -1}, "price must be 0 or more"),
    ],
)
def test_numbers_that_cannot_be_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Budget(**{"hours": 1, "epochs": 1, "throughput": 1, **wrong})


def test_operations_are_those_of_notebook_12():
    assert operations(100e6, 11_940, 20, 0.02) == pytest.approx(25.8e18, rel=0.01)


def test_a_share_of_a_corpus_is_measured():
    found = measured(SMALL, 0.02)
    assert found["steps"] * 4 * 16 >= 0.02 * 3600 and found["seconds"] > 0
    assert 0 < found["padding"] < 0.5
    assert found["throughput"] == pytest.approx(0.02 * 3600 / found["seconds"], rel=0.25)


def test_a_batch_twice_as_large_keeps_twice_as_much():
    data = recognition.prepare(changed(SMALL, train=8, dev=1, test=1), progress=False)
    loss = recognition.loss_of(changed(SMALL, augment=False))
    model = recognition.build(SMALL, data.alphabet).train()
    batch = data.train.collate([data.train[i] for i in range(8)])
    half = data.train.collate([data.train[i % 4] for i in range(4)])
    half = half._replace(features=torch.nn.functional.pad(half.features, (0, 0, 0, 0)))
    large, small = (kept_bytes(model, x, loss) for x in (batch, half))
    frames = [x.features.shape[0] * x.features.shape[1] for x in (batch, half)]
    assert large / small == pytest.approx(frames[0] / frames[1], rel=0.15)
    assert small > 4 * half.features.numel()
