"""Each change of a waveform does what it promises, and nothing else."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import signals, training
from course_utils.datasets import augmentation
from course_utils.datasets.batching import Batch

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


@given(st.floats(0.05, 2.0), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_reverberation_time_is_measured_back(rt60_s, seed):
    response = augmentation.room_response(rt60_s, RATE, np.random.default_rng(seed))
    assert len(response) == round(rt60_s * RATE) and response.dtype == np.float32
    assert response[0] == 1 and np.sum(response[1:].astype(float) ** 2) == pytest.approx(
        1, abs=1e-4
    )
    # A short tail is a short draw of noise, so its slope is less certain.
    tolerance = 0.15 if rt60_s < 0.3 else 0.08
    assert augmentation.reverberation_time(response, RATE) == pytest.approx(rt60_s, rel=tolerance)


def test_the_decay_curve_of_an_exact_decay_is_a_line():
    response = 10 ** (-3 * np.arange(8000) / 8000)
    assert augmentation.reverberation_time(response, 8000) == pytest.approx(1.0, rel=0.01)
    curve = augmentation.decay_curve(response)
    assert curve[0] == 0 and (np.diff(curve) < 0).all()


def test_rooms_that_are_none():
    for rt60_s in (0, 0.01, 9, -1, float("nan")):
        with pytest.raises(ValueError, match="rt60_s must be"):
            augmentation.room_response(rt60_s, RATE, np.random.default_rng(0))
    with pytest.raises(ValueError, match="decay by 25 dB"):
        augmentation.reverberation_time(np.ones(10), RATE)


def test_reverberation_keeps_length_level_and_start_and_fills_the_gaps():
    x = np.zeros(RATE, dtype=np.float32)
    x[1000:2000] = sound(1000)
    y = augmentation.reverberate(x, RATE, 0.5, np.random.default_rng(0))
    assert len(y) == len(x) and signals.rms(y) == pytest.approx(signals.rms(x), rel=1e-5)
    assert np.abs(y[:999]).max() < 1e-6  # nothing is heard before the sound
    assert signals.rms(y[2500:4000]) > 10 * signals.rms(y[6500:])
    assert not augmentation.reverberate(np.zeros(500), RATE, 0.5, np.random.default_rng(0)).any()


FULL = {
    "speed": (0.9, 1.1),
    "rt60_s": (0.1, 0.3),
    "snr_db": (0, 20),
    "gain_db": (-6, 6),
    "shift_s": (-0.1, 0.1),
}


def test_probability_0_is_identity_and_the_generator_decides():
    x = sound()
    never = augmentation.Augmentation(probability=0, **FULL)
    y = never(x, RATE, np.random.default_rng(0))
    np.testing.assert_array_equal(y, x)
    assert not np.shares_memory(x, y)
    always = augmentation.Augmentation(probability=1, **FULL)
    one, same, other = (always(x, RATE, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert one.dtype == np.float32
    assert len(one) != len(other) or not np.allclose(one, other)


@pytest.mark.parametrize("name", FULL)
def test_each_change_of_a_policy_is_its_function_with_an_amount_in_range(name):
    x = sound()
    low, high = FULL[name]
    policy = augmentation.Augmentation(probability=1, **{name: (low, high)})
    for seed in range(5):
        y = policy(x, RATE, np.random.default_rng(seed))
        if name == "speed":
            assert len(x) / high - 2 <= len(y) <= len(x) / low + 2
        elif name == "gain_db":
            assert low <= 20 * np.log10(signals.rms(y) / signals.rms(x)) <= high
        elif name == "snr_db":
            assert low - 0.01 <= 20 * np.log10(signals.rms(x) / signals.rms(y - x)) <= high + 0.01
        elif name == "shift_s":
            lag = np.correlate(y, x, "full").argmax() - len(x) + 1
            assert low * RATE <= lag <= high * RATE
        else:
            assert signals.rms(y) == pytest.approx(signals.rms(x), rel=1e-4)
            assert not np.allclose(x, y)


def test_a_policy_happens_as_often_as_it_says():
    policy = augmentation.Augmentation(probability=0.3, gain_db=(6, 6))
    rng = np.random.default_rng(0)
    x = sound(10)
    count = sum(not np.array_equal(policy(x, RATE, rng), x) for _ in range(1000))
    assert 250 < count < 350


def test_silence_passes_a_policy():
    policy = augmentation.Augmentation(probability=1, **FULL)
    assert not policy(np.zeros(4000, np.float32), RATE, np.random.default_rng(0)).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"probability": 1.5}, "probability must be 0 to 1"),
        ({"gain_db": (6, -6)}, "gain_db must be .lowest, highest."),
        ({"snr_db": (1, 2, 3)}, "snr_db must be"),
    ],
)
def test_policies_that_are_none(arguments, message):
    with pytest.raises(ValueError, match=message):
        augmentation.Augmentation(**arguments)


def test_mixup_mixes_features_and_labels_by_one_share():
    features = torch.arange(24, dtype=torch.float32).reshape(4, 3, 2)
    batch = Batch(
        features, torch.tensor([3, 1, 2, 3]), torch.tensor([0, 1, 2, 1]), ids=tuple("abcd")
    )
    before = features.clone()
    for seed in range(5):
        mixed = augmentation.mixup(batch, 3, np.random.default_rng(seed), alpha=1.0)
        rng = np.random.default_rng(seed)
        share, partner = rng.beta(1.0, 1.0), rng.permutation(4)
        expected = share * features + (1 - share) * features[partner]
        torch.testing.assert_close(mixed.features, expected.float())
        assert mixed.targets.shape == (4, 3) and mixed.targets.dtype == torch.float32
        torch.testing.assert_close(mixed.targets.sum(dim=1), torch.ones(4))
        for row in range(4):
            own, other = int(batch.targets[row]), int(batch.targets[partner[row]])
            wanted = np.zeros(3)
            wanted[own] += share
            wanted[other] += 1 - share
            np.testing.assert_allclose(mixed.targets[row], wanted, atol=1e-6)
        assert mixed.lengths.tolist() == [
            max(int(batch.lengths[i]), int(batch.lengths[j])) for i, j in enumerate(partner)
        ]
    assert torch.equal(features, before)


def test_mixup_of_nothing_and_the_loss_that_takes_it():
    batch = Batch(torch.randn(4, 2), torch.ones(4, dtype=torch.int64), torch.tensor([0, 1, 2, 1]))
    same = augmentation.mixup(batch, 3, np.random.default_rng(0), alpha=0)
    assert torch.equal(same.features, batch.features) and torch.equal(same.lengths, batch.lengths)
    net = torch.nn.Linear(2, 3)
    losses = [training.classification_loss(lambda x, lengths: net(x), one) for one in (batch, same)]
    torch.testing.assert_close(*losses)


def test_explorers_that_use_it_do_not_wait_for_torch():
    code = "import sys, course_utils.datasets.augmentation; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
