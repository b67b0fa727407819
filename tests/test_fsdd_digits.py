"""The recorded run's own parts: nothing of the left-out speaker leaks into training."""

import numpy as np
import pytest
import torch

from course_utils.datasets import batching, digits
from docs.tools import fsdd_digits as tool


def batch(lengths: list[int], seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return batching.pad([torch.randn(n, 40, generator=g) * 3 - 5 for n in lengths])


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


def test_normalising_takes_out_each_speakers_mean_and_no_other_speaker_matters():
    corpus = digits.load("dev")
    two = corpus.filter(lambda row: row["speaker"] in corpus.speakers[:2])
    one = corpus.filter(speaker=corpus.speakers[0])
    both, alone = tool.read(two, True), tool.read(one, True)
    assert np.abs(np.concatenate(alone).mean(axis=0)).max() < 1e-4
    mine = [c for c, row in zip(both, two.table, strict=True) if row["speaker"] == one.speakers[0]]
    for c, d in zip(mine, alone, strict=True):
        np.testing.assert_array_equal(c, d)
    assert tool.read(one[:2], False)[0].min() < -10


def test_a_level_batch_gives_each_item_what_it_gets_alone():
    c, lengths = batch([9, 20, 14])
    for row, item, n in zip(tool.level(c, lengths), c, lengths, strict=True):
        alone = tool.level(item[None, :n], lengths[:0].new_tensor([n]))[0]
        torch.testing.assert_close(row[:n], alone)
        assert row[n:].abs().sum() == 0
        assert alone.mean().abs() < 1e-5
        assert alone.square().mean() == pytest.approx(1, abs=1e-4)


def test_changes_are_by_chance_and_keep_the_padding_apart():
    c, lengths = batch([9, 30, 14])
    torch.manual_seed(3)
    one, n = tool.changed(c, lengths)
    torch.manual_seed(3)
    same, _ = tool.changed(c, lengths)
    other, _ = tool.changed(c, lengths)
    torch.testing.assert_close(one, same)
    assert one.shape != other.shape or not torch.allclose(one, other)
    assert one.shape[1] / c.shape[1] == pytest.approx(int(n.max()) / 30, abs=0.1)
    assert 0.8 < one.shape[1] / c.shape[1] < 1.25
    for row, length in zip(one, n, strict=True):
        assert row[length:].abs().sum() == 0
        assert torch.isfinite(row).all()
    # What stands in the padding has no influence.
    dirty = c.clone()
    dirty[0, 9:], dirty[2, 14:] = 50.0, -50.0
    torch.manual_seed(3)
    torch.testing.assert_close(tool.changed(dirty, lengths)[0], one, rtol=1e-3, atol=1e-3)


def test_stripes_are_within_their_room():
    torch.manual_seed(0)
    for _ in range(50):
        stripe = tool._stripe(torch.tensor([9, 3]), torch.tensor([40, 5]), 40)
        assert stripe[0].sum() < 9
        assert stripe[1].sum() < 3
        assert not stripe[1, 5:].any()


def test_the_settings_go_from_nothing_to_everything():
    switches = [setting[:3] for setting in tool.SETTINGS.values()]
    assert switches[0] == (False, False, False)
    assert switches[-1] == switches[-2] == (True, True, True)
    assert len(set(switches)) == len(switches) - 1
    # Only the last one is trained longer.
    assert len({setting[3] for setting in list(tool.SETTINGS.values())[:-1]}) == 1
