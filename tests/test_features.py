import inspect
import subprocess
import sys
import warnings
from contextlib import contextmanager

import librosa
import numpy as np
import pytest
import scipy.fft
import torch
import torchaudio
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from course_utils import features

DB = 10 / np.log(10)
RATES = (8_000, 11_025, 16_000, 22_050, 44_100)
TORCH_WINDOW = {
    "rectangular": torch.ones,
    "hann": torch.hann_window,
    "hamming": torch.hamming_window,
    "blackman": torch.blackman_window,
}
few = settings(max_examples=60, deadline=None)


@contextmanager
def torch_float64():
    """For torchaudio, which makes windows and filters in torch's default precision."""
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def make_signal(seed, n, sample_rate):
    """Noise, tones, a click and an offset, each at a level of its own."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / sample_rate
    x = rng.standard_normal(n) * 10 ** rng.uniform(-4, 0)
    for _ in range(rng.integers(0, 4)):
        x += 10 ** rng.uniform(-2, 0) * np.sin(2 * np.pi * rng.uniform(0, sample_rate / 2) * t)
    x[rng.integers(n)] += rng.choice([0, 5])
    x += rng.choice([0, 0.5])
    return (x * 10 ** rng.uniform(-3, 0)).astype(np.float32)


@st.composite
def stft_settings(draw):
    n_fft = draw(st.one_of(st.sampled_from([128, 256, 400, 512]), st.integers(16, 700)))
    win_length = draw(st.one_of(st.just(n_fft), st.integers(max(2, n_fft // 4), n_fft)))
    return {
        "n_fft": n_fft,
        "win_length": win_length,
        "hop_length": draw(st.integers(max(1, win_length // 8), win_length)),
        "window": draw(st.sampled_from(sorted(TORCH_WINDOW))),
        "center": draw(st.booleans()),
        "pad_mode": draw(st.sampled_from(["constant", "reflect"])),
    }


@st.composite
def mel_settings(draw, rates=RATES):
    sample_rate = draw(st.sampled_from(rates))
    return sample_rate, {
        "n_mels": draw(st.integers(1, 128)),
        "f_min": draw(st.one_of(st.just(0.0), st.floats(1, sample_rate / 8))),
        "f_max": draw(st.one_of(st.none(), st.floats(sample_rate / 4, sample_rate / 2))),
        "scale": draw(st.sampled_from(["slaney", "htk"])),
        "norm": draw(st.sampled_from(["slaney", None])),
    }


signals = st.tuples(st.integers(0, 2**32 - 1), st.integers(701, 6000))


def librosa_tail_is_short(frames):
    """Where librosa 0.11 may pad wrongly: it reflects a tail that can be shorter than n_fft/2."""
    return (
        frames["center"]
        and frames["pad_mode"] == "reflect"
        and frames["hop_length"] > frames["n_fft"] // 2
    )


def for_librosa(frames):
    return frames | {"window": frames["window"].replace("rectangular", "boxcar")}


def librosa_mel_power(x, sample_rate, frames, mels):
    mels = {"n_mels": mels["n_mels"], "fmin": mels["f_min"], "fmax": mels["f_max"]} | {
        "htk": mels["scale"] == "htk",
        "norm": mels["norm"],
    }
    return librosa.feature.melspectrogram(y=x, sr=sample_rate, **for_librosa(frames), **mels).T


def torchaudio_transform(name, sample_rate, frames, mels, **arguments):
    melkwargs = {k: v for k, v in (frames | mels).items() if k not in ("window", "scale")}
    melkwargs |= {"window_fn": TORCH_WINDOW[frames["window"]], "mel_scale": mels["scale"]}
    if name == "MFCC":
        return torchaudio.transforms.MFCC(sample_rate, melkwargs=melkwargs, **arguments)
    return torchaudio.transforms.MelSpectrogram(sample_rate, **melkwargs)


def relative_error(ours, theirs):
    assert ours.shape == theirs.shape
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


def error_in_upper_80_db(log_mel, power):
    """Largest difference in dB where the reference lies less than 80 dB below its peak."""
    assert log_mel.shape == power.shape
    audible = power >= 1e-8 * power.max()
    return np.abs(DB * log_mel[audible] - 10 * np.log10(power[audible])).max()


@few
@given(stft_settings(), signals)
def test_stft_equals_librosa_and_torch(frames, signal):
    x = make_signal(*signal, 16_000)
    X = features.stft(x, **frames)
    assert X.dtype == np.complex64
    if not librosa_tail_is_short(frames):
        assert relative_error(X, librosa.stft(x, **for_librosa(frames)).T) < 1e-6
    assert relative_error(X, torch_stft(x.astype(np.float64), frames)) < 1e-6


def torch_stft(x, frames):
    x = torch.from_numpy(x)
    window = TORCH_WINDOW[frames["window"]](frames["win_length"], dtype=x.dtype)
    return torch.stft(x, **frames | {"window": window}, return_complex=True).numpy().T


@pytest.mark.parametrize("window", sorted(TORCH_WINDOW))
@pytest.mark.parametrize("pad_mode", ["constant", "reflect"])
def test_stft_equals_torch_in_float32(window, pad_mode):
    frames = {"n_fft": 512, "win_length": 400, "hop_length": 160}
    frames |= {"window": window, "center": True, "pad_mode": pad_mode}
    x = make_signal(1, 16_000, 16_000)
    assert relative_error(features.stft(x, **frames), torch_stft(x, frames)) < 1e-5


def test_librosa_reflects_a_short_tail_wrongly():
    x = make_signal(0, 198, 16_000)
    frames = {"n_fft": 64, "hop_length": 33, "window": "boxcar"}
    theirs = librosa.stft(x, **frames, pad_mode="reflect")
    truth = librosa.stft(np.pad(x, 32, mode="reflect"), **frames, center=False)
    assert relative_error(theirs, truth) > 1e-3, "librosa is mended: drop librosa_tail_is_short"
    ours = features.stft(x, 64, 33, window="rectangular", pad_mode="reflect")
    assert relative_error(ours, truth.T) < 1e-6


@few
@given(stft_settings(), signals)
def test_stft_of_each_frame_by_hand(frames, signal):
    frames |= {"center": False, "win_length": frames["n_fft"], "window": "rectangular"}
    x = make_signal(*signal, 16_000)
    X = features.stft(x, **frames)
    t = len(X) // 2
    start = t * frames["hop_length"]
    by_hand = np.fft.rfft(x[start : start + frames["n_fft"]].astype(np.float64))
    np.testing.assert_allclose(X[t], by_hand, atol=1e-6 * np.abs(by_hand).max())


@given(stft_settings(), signals)
@few
def test_frame_count_is_the_stfts(frames, signal):
    x = make_signal(*signal, 16_000)
    count = features.frame_count(len(x), frames["n_fft"], frames["hop_length"], frames["center"])
    assert count == len(features.stft(x, **frames))


def test_frame_count_of_a_second():
    assert features.frame_count(16_000, 400, 160) == 101
    assert features.frame_count(16_000, 400, 160, center=False) == 98
    assert features.frame_count(1, 400, 160) == 1
    assert features.frame_count(320, 400, 160) == 3
    assert features.frame_count(320, 401, 160) == 2 == len(features.stft(X[:320], 401, 160))


def test_frame_is_a_view_of_whole_frames():
    x = np.arange(11, dtype=np.float32)
    np.testing.assert_array_equal(
        features.frame(x, 4, 3), [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    )
    assert np.shares_memory(features.frame(x, 4, 3), x)


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_mel_scales_equal_librosa_and_invert(scale):
    f = np.concatenate([[0, 999.999, 1000, 1000.001], np.linspace(0, 22_050, 500)])
    m = features.hz_to_mel(f, scale)
    np.testing.assert_allclose(m, librosa.hz_to_mel(f, htk=scale == "htk"), rtol=1e-12)
    np.testing.assert_allclose(
        features.mel_to_hz(m, scale), librosa.mel_to_hz(m, htk=scale == "htk"), rtol=1e-12
    )
    np.testing.assert_allclose(features.mel_to_hz(m, scale), f, atol=1e-8)
    assert np.ndim(features.hz_to_mel(440.0, scale)) == 0


def test_1000_hz_in_mel():
    assert features.hz_to_mel(1000) == pytest.approx(15)
    assert features.hz_to_mel(1000, "htk") == pytest.approx(1000, abs=0.02)


@pytest.mark.filterwarnings("ignore:.*mel filter:UserWarning", "ignore:Empty filters:UserWarning")
@pytest.mark.filterwarnings("ignore:At least one mel filterbank:UserWarning")
@few
@given(mel_settings(), st.integers(16, 2100))
def test_filter_bank_equals_librosa_and_torchaudio(mel, n_fft):
    sample_rate, mels = mel
    bank = features.mel_filter_bank(sample_rate, n_fft, **mels)
    assert bank.dtype == np.float32
    assume(bank.max() > 0)
    theirs = librosa.filters.mel(
        sr=sample_rate,
        n_fft=n_fft,
        n_mels=mels["n_mels"],
        fmin=mels["f_min"],
        fmax=mels["f_max"],
        htk=mels["scale"] == "htk",
        norm=mels["norm"],
    )
    assert relative_error(bank, theirs) < 1e-6
    if n_fft % 2 == 0 and sample_rate % 2 == 0:
        with torch_float64():
            theirs = torchaudio_bank(sample_rate, n_fft, mels)
        assert relative_error(bank, theirs) < 1e-6


def torchaudio_bank(sample_rate, n_fft, mels):
    f_max = mels["f_max"] or sample_rate / 2
    return torchaudio.functional.melscale_fbanks(
        n_fft // 2 + 1,
        mels["f_min"],
        f_max,
        mels["n_mels"],
        sample_rate,
        mels["norm"],
        mels["scale"],
    ).T.numpy()


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("norm", ["slaney", None])
@pytest.mark.parametrize(
    ("sample_rate", "n_fft", "n_mels"), [(8_000, 256, 40), (16_000, 512, 80), (22_050, 2048, 80)]
)
def test_filter_bank_equals_torchaudio_as_it_comes(sample_rate, n_fft, n_mels, scale, norm):
    mels = {"n_mels": n_mels, "f_min": 0.0, "f_max": None, "scale": scale, "norm": norm}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bank = features.mel_filter_bank(sample_rate, n_fft, **mels)
        assert relative_error(bank, torchaudio_bank(sample_rate, n_fft, mels)) < 1e-5


def test_torchaudios_grid_is_wrong_for_odd_sizes():
    mels = {"n_mels": 20, "f_min": 0.0, "f_max": 5_000.0, "scale": "htk", "norm": None}
    for sample_rate, n_fft in ((16_000, 401), (11_025, 400)):
        bank = features.mel_filter_bank(sample_rate, n_fft, **mels)
        assert relative_error(bank, torchaudio_bank(sample_rate, n_fft, mels)) > 1e-4


def test_filters_are_triangles_of_area_1_or_peak_1():
    area = features.mel_filter_bank(16_000, 16_384, 40).sum(axis=1) * 16_000 / 16_384
    np.testing.assert_allclose(area, 1, atol=1e-3)
    peak = features.mel_filter_bank(16_000, 16_384, 40, norm=None).max(axis=1)
    np.testing.assert_allclose(peak, 1, atol=0.02)


def test_empty_filters_are_named_with_a_remedy_that_works():
    with pytest.warns(UserWarning) as caught:
        bank = features.mel_filter_bank(8_000, 256, 160)
    empty = np.flatnonzero(bank.max(axis=1) == 0)
    message = str(caught[0].message)
    assert f"{len(empty)} of 160 mel filters are narrower" in message
    assert f"filters {', '.join(map(str, empty[:10]))}" in message
    assert "31.2 Hz" in message
    enough = int(message.split("n_fft >= ")[1].split()[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features.mel_filter_bank(8_000, enough, 160)


@pytest.mark.filterwarnings("ignore:.*mel filter:UserWarning", "ignore:Empty filters:UserWarning")
@pytest.mark.filterwarnings("ignore:At least one mel filterbank:UserWarning")
@few
@given(stft_settings(), mel_settings(rates=(8_000, 16_000, 22_050, 44_100)), signals)
def test_log_mel_and_mfcc_equal_librosa_and_torchaudio(frames, mel, signal):
    sample_rate, mels = mel
    x = make_signal(*signal, sample_rate)
    power = librosa_mel_power(x, sample_rate, frames, mels)
    assume(power.max() > 0)
    ours = features.log_mel(x, sample_rate, **frames, **mels, floor=1e-30)
    assert ours.dtype == np.float32
    n_mfcc = 1 + signal[0] % mels["n_mels"]
    floor = 1e-8 * power.max()
    ours_mfcc = DB * features.mfcc(x, sample_rate, n_mfcc, **frames, **mels, floor=floor)
    if not librosa_tail_is_short(frames):
        assert error_in_upper_80_db(ours, power) < 0.001
        theirs = librosa.feature.mfcc(S=librosa.power_to_db(power.T, amin=1e-30), n_mfcc=n_mfcc)
        assert np.abs(ours_mfcc - theirs.T).max() < 0.01
    if frames["n_fft"] % 2 == 0:
        with torch_float64():
            transform = torchaudio_transform("MelSpectrogram", sample_rate, frames, mels)
            theirs = transform(torch.from_numpy(x).double()).T.numpy()
        assert error_in_upper_80_db(ours, theirs) < 0.001


@pytest.mark.parametrize("sample_rate", [8_000, 16_000])
def test_log_mel_and_mfcc_equal_torchaudio_as_it_comes(sample_rate):
    x = make_signal(3, 3 * sample_rate, sample_rate)
    frames = {"n_fft": sample_rate // 40, "win_length": sample_rate // 40}
    frames |= {"hop_length": sample_rate // 100, "window": "hann"}
    frames |= {"center": True, "pad_mode": "reflect"}
    mels = {"n_mels": 23, "f_min": 20.0, "f_max": 3_800.0, "scale": "htk", "norm": None}
    mel = torchaudio_transform("MelSpectrogram", sample_rate, frames, mels)
    power = mel(torch.from_numpy(x)).T.numpy()
    assert error_in_upper_80_db(features.log_mel(x, sample_rate, **frames, **mels), power) < 0.01
    transform = torchaudio_transform("MFCC", sample_rate, frames, mels, n_mfcc=13)
    floor = 1e-8 * power.max()
    ours = DB * features.mfcc(x, sample_rate, 13, **frames, **mels, floor=floor)
    assert np.abs(ours - transform(torch.from_numpy(x)).T.numpy()).max() < 0.01


def test_silence_is_the_floor():
    quiet = features.log_mel(np.zeros(4000, dtype=np.float32), 8_000, 256, 80, n_mels=20)
    np.testing.assert_allclose(quiet, np.log(1e-10), rtol=1e-6)
    assert quiet.dtype == np.float32
    numpy_floor = features.log_mel(
        np.zeros(4000), 8_000, 256, 80, n_mels=20, floor=np.float64(1e-3)
    )
    assert numpy_floor.dtype == np.float32


def test_mfcc_is_log_mel_turned():
    x = make_signal(5, 8_000, 8_000)
    full = features.mfcc(x, 8_000, 30, 256, 80, n_mels=30)
    back = full @ features.dct_matrix(30, 30)
    np.testing.assert_allclose(back, features.log_mel(x, 8_000, 256, 80, n_mels=30), atol=1e-4)
    np.testing.assert_array_equal(features.mfcc(x, 8_000, 13, 256, 80, n_mels=30), full[:, :13])


@few
@given(st.integers(1, 128), st.data())
def test_dct_matrix_equals_scipy(n_in, data):
    n_out = data.draw(st.integers(1, n_in))
    v = np.random.default_rng(n_in).standard_normal((5, n_in))
    theirs = scipy.fft.dct(v, type=2, norm="ortho")[:, :n_out]
    np.testing.assert_allclose(v @ features.dct_matrix(n_out, n_in).T, theirs, atol=1e-5)


@few
@given(st.floats(1e-6, 1e6), st.floats(1e-15, 1e-3), st.integers(0, 1000))
def test_power_to_db_equals_librosa(reference, floor, seed):
    power = 10 ** np.random.default_rng(seed).uniform(-20, 5, (7, 9))
    theirs = librosa.power_to_db(power, ref=max(reference, floor), amin=floor, top_db=None)
    ours = features.power_to_db(power, max(reference, floor), floor)
    np.testing.assert_allclose(ours, theirs, atol=1e-9)
    below_peak = features.power_to_db(power, floor=1e-8 * power.max())
    np.testing.assert_allclose(below_peak, librosa.power_to_db(power, amin=1e-30), atol=1e-9)
    assert features.power_to_db(np.float32(2)).dtype == np.float32


@few
@given(st.integers(1, 40), st.sampled_from([3, 5, 9, 11]), st.integers(0, 1000))
def test_deltas_equal_torchaudio_and_librosa(n_frames, width, seed):
    c = np.random.default_rng(seed).standard_normal((n_frames, 6)).astype(np.float32)
    ours = features.deltas(c, width)
    theirs = torchaudio.functional.compute_deltas(torch.from_numpy(c.T), width).T.numpy()
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    theirs = librosa.feature.delta(c.T, width=width, mode="nearest").T
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    if n_frames >= width:
        inside = slice(width // 2, n_frames - width // 2)
        fitted = librosa.feature.delta(c.T, width=width).T
        np.testing.assert_allclose(ours[inside], fitted[inside], atol=1e-5)


def test_deltas_of_a_straight_line():
    line = np.arange(20.0)[:, None] * [1, -2]
    np.testing.assert_allclose(features.deltas(line)[2:-2], np.tile([1, -2], (16, 1)), atol=1e-6)


def padded_batch(seed, n_utterances=4, bands=6):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 30, n_utterances)
    utterances = [rng.normal(-5, 3, (n, bands)).astype(np.float32) for n in lengths]
    batch = np.zeros((n_utterances, lengths.max() + 3, bands), dtype=np.float32)
    for padded, utterance in zip(batch, utterances, strict=True):
        padded[: len(utterance)] = utterance
    return batch, lengths, utterances


@few
@given(st.integers(0, 10_000), st.booleans())
def test_normalize_ignores_padding(seed, variance):
    batch, lengths, utterances = padded_batch(seed)
    out = features.normalize(batch, lengths, variance=variance)
    assert out.dtype == np.float32
    rubbish = batch.copy()
    for padded, n in zip(rubbish, lengths, strict=True):
        padded[n:] = np.nan
    np.testing.assert_array_equal(features.normalize(rubbish, lengths, variance=variance), out)
    for padded, utterance, n in zip(out, utterances, lengths, strict=True):
        one = features.normalize(utterance, variance=variance)
        np.testing.assert_allclose(padded[:n], one, atol=1e-6)
        np.testing.assert_array_equal(padded[n:], 0)
        np.testing.assert_allclose(one.mean(axis=0), 0, atol=1e-5)
        expected = 1 if variance else utterance.std(axis=0)
        if n > 1:
            np.testing.assert_allclose(one.std(axis=0), expected, rtol=1e-3)


def test_normalize_of_what_does_not_vary():
    constant = np.full((1000, 3), np.log(1e-10), dtype=np.float32)
    np.testing.assert_array_equal(features.normalize(constant), 0)
    single = np.ones((1, 4, 2))
    np.testing.assert_array_equal(features.normalize(single, np.array([2])), 0)
    ramp = np.arange(4.0)[:, None] * np.ones(2)
    np.testing.assert_allclose(features.normalize(ramp, 2), [[-1, -1], [1, 1], [0, 0], [0, 0]])


def runs(masked):
    """Lengths of the runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], masked, [0]])))
    return edges[1::2] - edges[::2]


@few
@given(
    st.integers(0, 10_000),
    st.integers(0, 6),
    st.integers(0, 40),
    st.integers(0, 3),
    st.integers(0, 3),
    st.floats(0, 1),
)
def test_spec_augment_keeps_to_its_policy(seed, F, T, m_F, m_T, p):
    batch, lengths, _ = padded_batch(seed)
    batch[:, -1] = 99
    before = batch.copy()
    out = features.spec_augment(batch, np.random.default_rng(seed), F, T, m_F, m_T, p, lengths)
    np.testing.assert_array_equal(batch, before)
    for old, new, n in zip(batch, out, lengths, strict=True):
        np.testing.assert_array_equal(new[n:], old[n:])
        changed = new[:n] != old[:n]
        rows, columns = changed.all(axis=1), changed.all(axis=0)
        assert np.all(new[:n][changed] == old[:n].mean())
        np.testing.assert_array_equal(changed, rows[:, None] | columns)
        longest = min(T, int(p * n))
        assert columns.all() or rows.sum() <= m_T * longest
        assert rows.all() or columns.sum() <= m_F * F
        if m_T == 1 and not columns.all():
            assert runs(rows).sum() <= longest and len(runs(rows)) <= 1
        if m_F == 1 and not rows.all():
            assert runs(columns).sum() <= F and len(runs(columns)) <= 1


def test_spec_augment_draws_every_width_and_place():
    c = np.random.default_rng(0).standard_normal((12, 8))
    rng = np.random.default_rng(1)
    outs = [features.spec_augment(c, rng, 3, 4, 1, 1) != c.astype(np.float32) for _ in range(2000)]
    widths = np.bincount([o.all(axis=0).sum() for o in outs])
    lengths = np.bincount([o.all(axis=1).sum() for o in outs])
    assert len(widths) == 4 and len(lengths) == 5
    np.testing.assert_allclose(widths / 2000, 1 / 4, atol=0.05)
    np.testing.assert_allclose(lengths / 2000, 1 / 5, atol=0.05)
    assert np.any([o.all(axis=0) for o in outs], axis=0).all()
    assert np.any([o.all(axis=1) for o in outs], axis=0).all()
    assert np.mean([o[0].all() for o in outs]) > 0.02


def test_spec_augment_counts_masks_and_repeats_with_its_seed():
    c = np.random.default_rng(0).standard_normal((200, 200)).astype(np.float32)
    outs = [features.spec_augment(c, np.random.default_rng(i), 4, 4, 3, 5) for i in range(50)]
    assert max(len(runs((o != c).all(axis=0))) for o in outs) == 3
    assert max(len(runs((o != c).all(axis=1))) for o in outs) == 5
    again = features.spec_augment(c, np.random.default_rng(0), 4, 4, 3, 5)
    np.testing.assert_array_equal(again, outs[0])
    batch, lengths, utterances = padded_batch(3)
    together = features.spec_augment(batch, np.random.default_rng(4), 3, 9, 2, 2, lengths=lengths)
    rng = np.random.default_rng(4)
    for padded, utterance in zip(together, utterances, strict=True):
        one = features.spec_augment(utterance, rng, 3, 9, 2, 2)
        np.testing.assert_array_equal(padded[: len(one)], one)


X = np.zeros(1000, dtype=np.float32)


@pytest.mark.parametrize(
    ("x", "arguments", "message"),
    [
        (X[:0], {}, r"got shape \(0,\)"),
        (np.zeros((2, 500)), {}, r"got shape \(2, 500\): take one channel"),
        (np.zeros(1000, dtype=np.int16), {}, "got int16: divide 16-bit integers by 32768"),
        (np.zeros(1000, dtype=complex), {}, "got complex128"),
        (np.r_[X[:7], np.nan, X, np.inf], {}, "2 NaN or infinite samples of 1009, the first at 7"),
        (X, {"n_fft": 0}, "n_fft must be a positive integer, got 0"),
        (X, {"n_fft": 64.0}, "n_fft must be a positive integer, got 64.0"),
        (X, {"hop_length": -1}, "hop_length must be a positive integer, got -1"),
        (X, {"win_length": 100}, "win_length=100 is longer than the frame: use n_fft >= 100"),
        (X, {"hop_length": 65}, "hop_length=65 skips samples between windows of 64"),
        (X, {"win_length": 15}, "hop_length=16 skips samples between windows of 15"),
        (X, {"pad_mode": "edge"}, 'pad_mode must be "constant" or "reflect"'),
        (X[:32], {"pad_mode": "reflect"}, "reflecting 32 samples needs a signal of 33 or more"),
        (X[:63], {"center": False}, "63 samples is shorter than one frame of n_fft=64"),
        (X, {"window": "kaiser"}, "kaiser"),
    ],
)
def test_stft_says_what_is_wrong(x, arguments, message):
    with pytest.raises(ValueError, match=message):
        features.stft(x, **{"n_fft": 64, "hop_length": 16} | arguments)


def test_the_shortest_signals_that_work():
    assert features.stft(X[:1], 64, 16).shape == (1, 33)
    assert features.stft(X[:33], 64, 16, pad_mode="reflect").shape == (3, 33)
    assert features.stft(X[:64], 64, 16, center=False).shape == (1, 33)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (features.mel_filter_bank, (8_000, 256, 40, 0, 4_001), "f_max=4001 Hz is above half"),
        (features.mel_filter_bank, (8_000, 256, 40, 0, np.nan), "f_max=nan Hz"),
        (features.mel_filter_bank, (8_000, 256, 40, 3_000, 2_000), "below f_max=2000 Hz, got 3000"),
        (features.mel_filter_bank, (8_000, 256, 40, -1), "f_min must be 0 Hz or more"),
        (features.mel_filter_bank, (-8_000, 256, 40), "positive number of Hz, got -8000"),
        (features.mel_filter_bank, (8_000, 256, 0), "n_mels must be a positive integer"),
        (features.mel_filter_bank, (8_000, 256, 40, 0, None, "bark"), '"slaney" or "htk"'),
        (features.mel_filter_bank, (8_000, 256, 40, 0, None, "htk", "l2"), '"slaney" or None'),
        (features.hz_to_mel, (-1,), "frequency must be finite and 0 Hz or more"),
        (features.mel_to_hz, ([1, np.inf],), "mel must be finite"),
        (features.power_to_db, (1.0, 0.0), "positive powers, got 0.0 and 1e-10"),
        (features.power_to_db, (1.0, 1.0, -1), "positive powers, got 1.0 and -1"),
        (features.power_to_db, (1j,), r"use np.abs\(X\) \*\* 2"),
        (features.dct_matrix, (41, 40), "40 values have 40 DCT coefficients, 41 were asked for"),
        (features.frame_count, (0, 64, 16), "n_samples must be a positive integer, got 0"),
        (features.frame, (X[:9], 10, 1), "9 samples is shorter"),
        (features.deltas, (X,), r"features must be \(frames, dimensions\), got shape \(1000,\)"),
        (features.deltas, (np.zeros((9, 2)), 4), "width must be odd and 3 or more, got 4"),
        (features.deltas, (np.zeros((9, 2)), 1), "width must be odd and 3 or more, got 1"),
        (features.normalize, (np.zeros((3, 9, 2)), [9, 9]), r"integers of shape \(3,\)"),
        (features.normalize, (np.zeros((3, 9, 2)), [9, 9, 1.5]), "got float64"),
        (features.normalize, (np.zeros((3, 9, 2)), [9, 0, 3]), "1 to 9 frames, got 0 to 9"),
        (features.normalize, (np.zeros((3, 9, 2)), [9, 10, 3]), "1 to 9 frames, got 3 to 10"),
        (features.normalize, (np.zeros((0, 2)),), r"got shape \(0, 2\)"),
    ],
)
def test_the_others_say_what_is_wrong(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(*arguments)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"freq_mask_param": 21}, "freq_mask_param must be 0 to 20 bands, got 21"),
        ({"time_mask_param": -1}, "must be 0 or more, got -1, 1 and 1"),
        ({"n_freq_masks": -1}, "must be 0 or more, got 5, -1 and 1"),
        ({"p": 1.1}, "p is a fraction of the frames, 0 to 1, got 1.1"),
    ],
)
def test_spec_augment_says_what_is_wrong(policy, message):
    policy = {"freq_mask_param": 5, "time_mask_param": 5} | policy
    with pytest.raises(ValueError, match=message):
        features.spec_augment(np.zeros((30, 20)), np.random.default_rng(0), **policy)


@pytest.mark.parametrize("floor", [0, -1e-10, np.nan, 1e-50])
def test_log_mel_refuses_a_floor_whose_logarithm_is_infinite(floor):
    with pytest.raises(ValueError, match="floor must be a power of at least"):
        features.log_mel(X, 8_000, 256, 80, n_mels=20, floor=floor)


def default(function, name):
    return inspect.signature(function).parameters[name].default


def test_the_libraries_defaults_are_the_ones_our_docstrings_name():
    assert default(librosa.stft, "n_fft") == 2048
    assert default(librosa.stft, "pad_mode") == "constant"
    assert default(torch.stft, "pad_mode") == "reflect"
    assert default(torch.stft, "window") is None
    spectrogram = torchaudio.transforms.Spectrogram()
    assert (spectrogram.n_fft, spectrogram.hop_length) == (400, 200)
    assert (spectrogram.pad_mode, spectrogram.power) == ("reflect", 2.0)
    assert default(librosa.filters.mel, "htk") is False
    assert default(librosa.filters.mel, "norm") == "slaney"
    assert default(torchaudio.functional.melscale_fbanks, "mel_scale") == "htk"
    assert default(torchaudio.functional.melscale_fbanks, "norm") is None
    assert default(torchaudio.transforms.MelSpectrogram, "n_mels") == 128
    assert default(librosa.filters.mel, "n_mels") == 128
    assert default(librosa.feature.mfcc, "n_mfcc") == 20
    assert default(torchaudio.transforms.MFCC, "n_mfcc") == 40
    assert default(librosa.power_to_db, "top_db") == 80
    assert default(torchaudio.transforms.AmplitudeToDB, "top_db") is None
    assert default(librosa.feature.delta, "width") == 9
    assert default(librosa.feature.delta, "mode") == "interp"
    assert default(torchaudio.functional.compute_deltas, "win_length") == 5


def test_features_do_not_import_torch_or_librosa():
    code = "import sys, course_utils.features as f; print({'torch', 'librosa'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
