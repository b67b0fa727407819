"""Each change of a waveform does what it promises, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import signals
from course_utils.datasets import augmentation

RATE = 8000


def sound(samples: int = 4000, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


CHANGES = {
    "gain": lambda x: augmentation.gain(x, -7.5),
    "shift": lambda x: augmentation.shift(x, 100),
    "noise": lambda x: augmentation.add_noise(x, 10, np.random.default_rng(1)),
    "speed": lambda x: augmentation.speed(x, 1.1),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_new_float32_array_comes_back_and_the_input_stays(name):
    x = sound()
    before = x.copy()
    y = CHANGES[name](x)
    assert y.dtype == np.float32
    assert not np.shares_memory(x, y)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(y, CHANGES[name](x))  # the same seed, the same sound
    assert CHANGES[name](x.astype(np.float64)).dtype == np.float32


@given(st.floats(-60, 40))
@settings(max_examples=20, deadline=None)
def test_the_gain_is_the_gain(gain_db):
    x = sound()
    level = 20 * np.log10(signals.rms(augmentation.gain(x, gain_db)) / signals.rms(x))
    assert level == pytest.approx(gain_db, abs=1e-4)
    np.testing.assert_array_equal(augmentation.gain(x, 0), x)


@given(st.integers(-60, 60), st.integers(1, 50))
def test_a_shift_moves_and_fills_with_zeros(samples, length):
    x = np.arange(1, length + 1, dtype=np.float32)
    y = augmentation.shift(x, samples)
    assert len(y) == length
    expected = [x[t - samples] if 0 <= t - samples < length else 0 for t in range(length)]
    np.testing.assert_array_equal(y, np.array(expected, dtype=np.float32))


@given(st.floats(-20, 60), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_snr_is_the_snr(snr_db, seed):
    x = sound()
    added = augmentation.add_noise(x, snr_db, np.random.default_rng(seed)).astype(np.float64) - x
    ratio_db = 20 * np.log10(signals.rms(x) / signals.rms(added))
    assert ratio_db == pytest.approx(snr_db, abs=0.01)


def test_other_seeds_give_other_noise_and_silence_has_no_snr():
    x = sound()
    one, two = (augmentation.add_noise(x, 10, np.random.default_rng(s)) for s in (1, 2))
    assert not np.allclose(one, two)
    with pytest.raises(ValueError, match="silent"):
        augmentation.add_noise(np.zeros(100, np.float32), 10, np.random.default_rng(0))


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.25])
def test_faster_is_shorter_and_higher(factor):
    x = signals.tone(500, 1.0, 0.3, sample_rate=RATE)
    y = augmentation.speed(x, factor)
    assert len(y) == pytest.approx(RATE / factor, abs=2)
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y))))
    assert spectrum.argmax() * RATE / len(y) == pytest.approx(500 * factor, abs=2)
    with pytest.raises(ValueError, match=r"0\.5 to 2"):
        augmentation.speed(x, 0.4)
