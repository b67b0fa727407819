"""The augmentation bench: what it computes in Python, what it refuses, what it sends."""

import re

import numpy as np
import pytest
import traitlets
from IPython.core.formatters import DisplayFormatter

from course_utils import features, signals, widgets
from course_utils.datasets import augmentation
from course_utils.widgets.augmentation_bench import Dice

RATE = 8000


def noise(samples: int = RATE, seed: int = 0) -> np.ndarray:
    return (0.2 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def bench(**traits: object) -> widgets.AugmentationBench:
    clips = {"noise": (noise(), RATE), "tone": (signals.tone(500, 1, 0.3, sample_rate=RATE), RATE)}
    return widgets.AugmentationBench(clips, **traits)


def test_everything_off_changes_nothing():
    one = bench()
    np.testing.assert_array_equal(one.augmented(), one.waveform)
    np.testing.assert_array_equal(one.masked(), one.log_mel(one.waveform))
    assert " s, unchanged. " in one.describe()


def test_the_changes_are_the_packages():
    one = bench(clip="tone", gain_db=-6, shift_s=0.1)
    expected = augmentation.shift(augmentation.gain(one.waveform, -6), 800)
    np.testing.assert_array_equal(one.augmented(), expected)
    assert len(bench(speed=1.25).augmented()) == pytest.approx(RATE / 1.25, abs=1)
    for snr_db in (-5, 10, 39):
        noisy = bench(snr_db=snr_db).augmented() - bench().waveform
        ratio = signals.rms(bench().waveform) / signals.rms(noisy)
        assert 20 * np.log10(ratio) == pytest.approx(snr_db, abs=0.01)


def test_the_room_has_its_reverberation_time():
    click = np.zeros(RATE, dtype=np.float32)
    click[0] = 1
    one = widgets.AugmentationBench({"click": (click, RATE)}, rt60_s=0.6)
    measured = augmentation.reverberation_time(one.augmented()[: int(0.6 * RATE)], RATE)
    assert measured == pytest.approx(0.6, rel=0.1)


def test_masks_are_those_of_the_policy():
    one = bench(freq_masks=2, freq_width=6, time_masks=1, time_width=30)
    plain = one.log_mel(one.waveform)
    hidden = one.masked() != plain
    assert hidden.any() and hidden.all(axis=0).sum() <= 12 and hidden.all(axis=1).sum() <= 30
    assert np.unique(one.masked()[hidden]).size == 1
    assert (bench(freq_masks=2, seed=2).masked() != bench(freq_masks=2, seed=3).masked()).any()


def test_the_dice_are_fair():
    u = Dice(1, 2).uniform(100_000)
    assert u.min() > 0 and u.max() < 1
    assert np.histogram(u, 20, (0, 1))[0] == pytest.approx(5000, rel=0.06)
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 0.01
    g = Dice(3, 4).standard_normal(50_000)
    assert (g.mean(), g.std()) == pytest.approx((0, 1), abs=0.02)
    assert np.mean(np.abs(g) > 1.96) == pytest.approx(0.05, abs=0.005)
    whole = [Dice(s, 1).integers(0, 4, endpoint=True) for s in range(500)]
    assert set(whole) == {0, 1, 2, 3, 4}
    parts = Dice(5, 6)
    np.testing.assert_array_equal(
        np.concatenate([parts.uniform(3), parts.uniform(4)]), Dice(5, 6).uniform(7)
    )
    assert abs(np.corrcoef(Dice(1, 1).uniform(9999), Dice(2, 1).uniform(9999))[0, 1]) < 0.03


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("rt60_s", 0.03, r"0 \(off\) or 0.05 to 1.5 s"),
        ("rt60_s", 2, "rt60_s must be"),
        ("snr_db", 41, "snr_db must be"),
        ("speed", 0.5, "speed must be"),
        ("freq_masks", 1.5, "whole number"),
        ("clip", "none", "clip must be one of"),
    ],
)
def test_values_out_of_range(trait, value, message):
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(bench(), trait, value)


CHANGES = [
    {"clip": "tone"},
    {"speed": 1.2},
    {"rt60_s": 0.5},
    {"snr_db": 5},
    {"gain_db": -12},
    {"shift_s": 0.2},
    {"freq_masks": 2},
    {"time_masks": 2},
]


@pytest.mark.parametrize("change", CHANGES)
def test_the_still_picture_and_the_text_follow(change):
    before, after = bench(), bench(**change)
    assert before.still_png() != after.still_png()
    assert len(after.still_png()) <= 100_000
    assert repr(before) != repr(after)


def test_the_output_is_the_same_on_every_run():
    data, _ = DisplayFormatter().format(bench(snr_db=3, rt60_s=0.4, time_masks=1))
    again, _ = DisplayFormatter().format(bench(snr_db=3, rt60_s=0.4, time_masks=1))
    assert data["image/png"] == again["image/png"]
    assert data["text/plain"] == again["text/plain"]


def test_silence_is_a_sound():
    one = widgets.AugmentationBench({"silence": (np.zeros(RATE), RATE)}, snr_db=0, rt60_s=0.3)
    assert not one.augmented().any()
    assert "nan" not in one.describe() and len(one.still_png()) > 1000


def test_the_browser_side_names_only_traits_that_exist_and_asks_for_nothing_from_elsewhere():
    one = bench()
    source = one._esm
    named = set(re.findall(r'model\.get\("(\w+)"\)|get\("(\w+)"\)|ui\.set\("(\w+)"', source))
    assert {name for group in named for name in group if name} <= set(one.keys)
    assert {name for name in one._limits if f'"{name}"' not in source} == set()
    for word in ("http", "//cdn", "fetch(", "import", "XMLHttp", "WebSocket", "url(", "eval("):
        assert word not in source + one._css, word
    assert source.count("export default { render };") == 1


def test_the_constants_of_both_sides_agree():
    source = bench()._esm
    for number in ("0x9E3779B9", "0x85EBCA6B", "0xC2B2AE35", "0x7FEB352D", "0x846CA68B"):
        assert number in source
    assert features.frame_count(RATE, 256, 80) == len(bench().log_mel(noise()))
