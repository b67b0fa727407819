"""The recorded run's own parts: nothing of the left-out speaker leaks into training."""

import numpy as np
import pytest
import torch

from course_utils.datasets import digits
from docs.tools import fsdd_digits as tool


def test_standardising_uses_the_training_set_alone():
    rng = np.random.default_rng(0)
    train = [rng.normal(3, 2, (20, 5)) for _ in range(30)]
    far = [np.full((4, 5), 100.0)]
    scaled, test = tool.standardised(train, far)
    frames = np.concatenate(scaled)
    np.testing.assert_allclose(frames.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(frames.std(axis=0), 1, atol=1e-9)
    again, _ = tool.standardised(train, [-far[0]])
    np.testing.assert_array_equal(np.concatenate(again), frames)
    assert test[0].min() > 20


def test_each_epoch_takes_versions_by_chance_and_repeats_them():
    versions = [[np.full((3, 2), 10.0 * i + k, np.float32) for k in range(4)] for i in range(20)]
    words = tool.Words(versions, [i % 10 for i in range(20)], seed=1)
    epochs = []
    for epoch in (0, 1, 0):
        words.set_epoch(epoch)
        epochs.append([float(words[i][0][0, 0]) for i in range(20)])
    assert epochs[0] == epochs[2] != epochs[1]
    assert [int(value // 10) for value in epochs[0]] == list(range(20))
    assert len({value % 10 for value in epochs[0]}) == 4
    assert isinstance(words[0][0], torch.Tensor)


@pytest.mark.parametrize(("normalised", "augmented", "count"), [(0, 0, 1), (1, 0, 1), (1, 1, 5)])
def test_recordings_become_versions_of_features(normalised, augmented, count):
    found = tool.read(digits.load("test")[:3], bool(normalised), bool(augmented))
    assert [len(versions) for versions in found] == [count] * 3
    for versions in found:
        assert all(c.shape[1] == 40 and c.dtype == np.float32 for c in versions)
        assert len({c.tobytes() for c in versions}) == count


def test_every_setting_adds_to_the_one_before_or_joins_them():
    assert next(iter(tool.SETTINGS)) == "plain"
    assert tool.SETTINGS["plain"] == (False, False, False)
    assert tool.SETTINGS["all"] == (True, True, True)
    assert len(set(tool.SETTINGS.values())) == 5
