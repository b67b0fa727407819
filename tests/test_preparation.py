"""Level, offset and silence leave no trace."""

import numpy as np
import pytest

from course_utils import signals
from course_utils.datasets import digits, preparation

RATE = 8000


def burst(before_s: float = 0.3, after_s: float = 0.5) -> np.ndarray:
    rng = np.random.default_rng(0)
    word = signals.fade(signals.noise(0.4, rng=rng, sample_rate=RATE), RATE)
    return np.concatenate(
        [np.zeros(round(before_s * RATE)), word, np.zeros(round(after_s * RATE))]
    ).astype(np.float32)


def test_silence_is_trimmed_and_a_margin_kept():
    x = burst()
    y = preparation.trim(x, RATE)
    assert len(y) / RATE == pytest.approx(0.4 + 2 * 0.025, abs=0.03)
    np.testing.assert_array_equal(y[y != 0], x[x != 0])
    np.testing.assert_allclose(preparation.trim(burst(1.0, 0.2), RATE), y, atol=1e-7)
    quiet = x + 1e-4 * np.random.default_rng(1).standard_normal(len(x)).astype(np.float32)
    assert abs(len(preparation.trim(quiet, RATE)) - len(y)) < 0.03 * RATE
    assert len(preparation.trim(quiet, RATE, below_db=90)) == len(x)


def test_speech_lies_between_its_ends_and_not_a_piece_more():
    rng = np.random.default_rng(0)
    silence = np.zeros(RATE, np.float32)
    x = np.concatenate([silence, signals.noise(0.4, rng=rng, sample_rate=RATE), silence])
    start_s, end_s = preparation.endpoints(x, RATE, margin_s=0)
    assert 1.0 - 0.025 < start_s <= 1.0
    assert 1.4 <= end_s < 1.4 + 0.025
    assert preparation.endpoints(x, RATE) == pytest.approx((start_s - 0.2, end_s + 0.2))


def test_what_is_all_silent_or_all_sound_stays():
    for x in (np.zeros(1000, np.float32), np.ones(1000, np.float32)):
        assert len(preparation.trim(x, RATE)) == 1000


def test_level_offset_and_silence_leave_no_trace():
    u = digits.load("test")[0]
    plain = preparation.even_log_mel(u.waveform, u.sample_rate)
    softer = preparation.even_log_mel(0.05 * u.waveform + 0.1, u.sample_rate)
    np.testing.assert_allclose(softer, plain, atol=2e-3)
    silence = np.zeros(2000, np.float32)
    longer = preparation.even_log_mel(np.concatenate([u.waveform, silence]), u.sample_rate)
    assert abs(len(longer) - len(plain)) <= 4
    assert plain.dtype == np.float32
    assert plain.mean() == pytest.approx(0, abs=1e-4)
    assert plain.std() == pytest.approx(1, abs=1e-4)


def test_the_floor_lies_under_the_peak():
    u = digits.load("test")[0]
    deep, shallow = (preparation.even_log_mel(u.waveform, 8000, range_db=r) for r in (60, 20))
    floor = shallow == shallow.min()
    assert floor.mean() > 0.3 > (deep == deep.min()).mean()
    # Above the floor the two differ by one factor and one constant.
    line = np.polyfit(deep[~floor], shallow[~floor], 1)
    np.testing.assert_allclose(np.polyval(line, deep[~floor]), shallow[~floor], atol=1e-4)


def test_pre_emphasis_lifts_what_is_high():
    for frequency, gain in ((50, 0.05), (2000, 1.39), (3900, 1.97)):
        x = signals.tone(frequency, 0.5, sample_rate=RATE)
        assert signals.rms(preparation.pre_emphasis(x)[1:]) / signals.rms(x) == pytest.approx(
            gain, abs=0.01
        )


def test_silence_becomes_zeros():
    c = preparation.even_log_mel(np.zeros(2000, np.float32), RATE)
    np.testing.assert_array_equal(c, 0)
