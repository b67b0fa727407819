"""The explorers of recorded sounds: what they compute in Python, and what they send."""

import base64
import io
import json
import re
import warnings
from pathlib import Path

import librosa
import numpy as np
import pytest
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure
from PIL import Image

from course_utils import features, fourier, signals, widgets
from course_utils.widgets import filter_bench

RATE = 8000
FOLDER = Path(widgets.__file__).parent


def noise(samples: int = RATE, seed: int = 0) -> np.ndarray:
    return (0.3 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def tones(*frequencies_hz: float, duration_s: float = 1.0) -> np.ndarray:
    return sum(0.2 * signals.tone(f, duration_s, sample_rate=RATE) for f in frequencies_hz)


def winding(**traits: object) -> widgets.WindingMachine:
    return widgets.WindingMachine({"noise": (noise(), RATE), "tone": (tones(200), RATE)}, **traits)


def bench(**traits: object) -> widgets.FilterBench:
    return widgets.FilterBench(noise(), RATE, **traits)


def spectrogram(**traits: object) -> widgets.SpectrogramExplorer:
    clips = {"noise": (noise(), RATE), "tone": (tones(200, 900), RATE)}
    return widgets.SpectrogramExplorer(clips, **traits)


MAKERS = [winding, bench, spectrogram]
CHANGES = [
    (winding, {"clip": "tone"}),
    (winding, {"frequency_hz": 0}),
    (winding, {"length_s": 0.3}),
    (winding, {"start_s": 0.5}),
    (bench, {"gains_db": [-30] * 12}),
    (bench, {"notch_hz": 60}),
    (spectrogram, {"clip": "tone"}),
    (spectrogram, {"win_length": 64}),
    (spectrogram, {"hop_length": 512}),
    (spectrogram, {"n_fft": 4096}),
    (spectrogram, {"window": "rectangular"}),
    (spectrogram, {"n_mels": 30}),
    (spectrogram, {"range_db": 30}),
    (spectrogram, {"time_s": 0.8, "frequency_hz": 3000}),
]


@given(
    rate=st.sampled_from([8000, 11_025, 22_050]),
    start_s=st.floats(0, 2),
    length_s=st.floats(0.01, 1),
    seed=st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_the_centre_of_mass_is_a_bin_of_the_dft_over_n(rate, start_s, length_s, seed):
    x = noise(9000, seed)
    machine = widgets.WindingMachine({"x": (x, rate)}, start_s=start_s, length_s=length_s)
    piece = machine.piece
    count = min(len(x), round(length_s * rate))
    assert abs(len(piece) - count) <= 1
    first = min(round(start_s * rate), len(x) - len(piece))
    assert any(np.array_equal(piece, x[i : i + len(piece)]) for i in (first - 1, first, first + 1))
    bins = np.arange(0, len(piece), max(1, len(piece) // 20))
    expected = np.fft.fft(piece.astype(np.float64))[bins] / len(piece)
    np.testing.assert_allclose(machine.centre(bins * rate / len(piece)), expected, atol=1e-11)


def test_winding_is_clockwise():
    """A cosine's centre points right; a quarter turn later, a sine's points down."""
    t = np.arange(RATE) / RATE
    sounds = {
        "cosine": (0.8 * np.cos(2 * np.pi * 100 * t), RATE),
        "sine": (0.8 * np.sin(2 * np.pi * 100 * t), RATE),
        "louder": (1.6 * np.cos(2 * np.pi * 100 * t), RATE),
    }
    machine = widgets.WindingMachine(sounds, length_s=0.1)
    assert machine.centre(100) == pytest.approx(0.4)
    machine.clip = "sine"
    assert machine.centre(100) == pytest.approx(-0.4j)
    assert "-0.40000i" in machine.describe()
    assert "-90°" in machine.describe()
    machine.clip = "louder"
    assert machine.centre([[100, 150]]) == pytest.approx(np.array([[0.8, 0]]), abs=1e-6)
    machine.frequency_hz = 150
    # The same text everywhere, although rounding errors differ.
    assert "0.00000 +0.00000i" in machine.describe()
    assert "at no angle" in machine.describe()


def test_the_arrow_is_drawn_as_long_as_fits():
    from course_utils.widgets.winding import magnification

    assert magnification(1.0, 0.5) == 2
    assert magnification(1.0, 0.051) == 10
    assert magnification(0.1, 0.2) == 1


@pytest.mark.parametrize("maker", MAKERS)
def test_the_browser_gets_the_sounds_to_16_bits(maker):
    one = maker()
    numbers = np.frombuffer(one._samples, "<i2").astype(np.float64)
    for name, rate, count, unit, given_s in one._clips:
        part, numbers = numbers[:count] * unit, numbers[count:]
        waveform = one._sounds[name].waveform
        assert np.abs(part - waveform).max() <= unit / 2 * 1.01
        assert unit * 32767 == pytest.approx(np.abs(waveform).max())
        assert rate == RATE
        assert given_s == count / RATE
    assert len(numbers) == 0


def test_a_long_sound_is_cut_and_the_browser_knows():
    machine = widgets.WindingMachine({"long": (noise(50_000), RATE), "short": (noise(), RATE)})
    assert len(machine.waveform) == 44_100
    assert machine.duration_s == pytest.approx(5.5125)
    name, rate, count, _, given_s = machine._clips[0]
    assert (name, rate, count, given_s) == ("long", RATE, 44_100, 6.25)
    assert len(machine._samples) == 2 * (44_100 + RATE)


@pytest.mark.parametrize(
    ("sounds", "problem"),
    [
        ({}, "at least one"),
        ([(noise(), RATE)], "got list"),
        ({"a": noise()}, r"a: expected \(waveform, sample_rate\)"),
        ({"a": (noise(), 100)}, "a: sample_rate must be a number from 3,000 to 96,000 Hz, got 100"),
        ({"a": (noise(), "8000")}, "a: sample_rate"),
        ({"a": (RATE, noise())}, "a: sample_rate"),
        ({"a": (np.ones((2, 900)), RATE)}, r"one channel .* got shape \(2, 900\)"),
        ({"a": (np.ones(900, dtype=np.int16), RATE)}, "must be floats, got int16"),
        ({"a": (np.ones(900) * 1j, RATE)}, "must be floats, got complex128"),
        ({"a": (np.full(900, np.nan), RATE)}, "NaN"),
        ({"ok": (noise(), RATE), "b": (noise(10), RATE)}, "b: .* at least 64"),
    ],
)
def test_what_cannot_be_played_is_refused(sounds, problem):
    for explorer in (widgets.WindingMachine, widgets.SpectrogramExplorer):
        with pytest.raises(ValueError, match=problem):
            explorer(sounds)


def test_silence_is_a_sound():
    for explorer in (widgets.WindingMachine, widgets.SpectrogramExplorer):
        one = explorer({"silence": (np.zeros(RATE), RATE)})
        assert len(one.still_png()) > 1000
        assert "nan" not in repr(one)
    assert widgets.FilterBench(np.zeros(RATE), RATE).filtered().max() == 0


@pytest.mark.parametrize("maker", [winding, spectrogram])
def test_an_unknown_clip_lists_the_known_ones(maker):
    one = maker()
    assert one.clip == "noise"
    with pytest.raises(traitlets.TraitError, match="clip must be one of 'noise', 'tone', got 'no'"):
        one.clip = "no"
    with pytest.raises(traitlets.TraitError, match="clip must be one of"):
        maker(clip="no")
    assert maker(clip="tone").clip == "tone"


def test_flat_gains_change_nothing():
    np.testing.assert_allclose(bench().filtered(), noise(), atol=1e-6)


def test_gains_run_straight_between_the_handles():
    one = bench(gains_db=np.arange(12) - 6)
    np.testing.assert_allclose(
        20 * np.log10(one.gains_at(filter_bench.HANDLES_HZ)), one.gains_db, atol=1e-9
    )
    assert 20 * np.log10(one.gains_at(np.sqrt(63 * 125))) == pytest.approx(-5.5)
    assert 20 * np.log10(one.gains_at([0, 10, 20_000])) == pytest.approx([-6, -6, 5])


@pytest.mark.parametrize(
    ("preset", "kept_hz", "lost_hz"),
    [
        ("telephone", [300, 1000, 3400], [150, 60]),
        ("through a wall", [60, 300, 1000], [3000]),
        ("only above 2000 Hz", [2000, 3500], [100, 1500]),
    ],
)
def test_presets_keep_and_lose_tones(preset, kept_hz, lost_hz):
    for frequency_hz in kept_hz + lost_hz:
        x = tones(frequency_hz)
        one = widgets.FilterBench(x, RATE)
        one.use_preset(preset)
        assert preset in one.describe()
        middle = slice(RATE // 4, -RATE // 4)
        gain_db = 20 * np.log10(signals.rms(one.filtered()[middle]) / signals.rms(x[middle]))
        if frequency_hz in kept_hz:
            # An edge at the handle costs a little of a tone that stands on it.
            assert gain_db == pytest.approx(0, abs=0.5)
        else:
            assert gain_db < -35


def test_the_notches_take_the_hum_out_and_leave_the_rest():
    hum = tones(*[50 * n for n in range(1, 11)], duration_s=2)
    voice = tones(475, 730, duration_s=2)
    one = widgets.FilterBench((hum + voice).astype(np.float32), RATE, notch_hz=50)
    left = one.filtered() - voice
    middle = slice(RATE // 2, -RATE // 2)
    assert signals.rms(left[middle]) < 0.01 * signals.rms(hum)
    frequencies_hz = np.linspace(0, 4000, 999)
    np.testing.assert_array_equal(
        one.gains_at(frequencies_hz), fourier.notch_gains(frequencies_hz, 50)
    )
    one.notch_hz = 0
    np.testing.assert_allclose(one.filtered(), one.waveform, atol=1e-6)


def test_a_click_at_the_start_does_not_ring_at_the_end():
    click = np.zeros(8192, dtype=np.float32)
    click[0] = 1
    one = widgets.FilterBench(click, RATE)
    one.use_preset("telephone")
    filtered = one.filtered()
    assert np.abs(filtered[:100]).max() > 0.1
    assert np.abs(filtered[-400:]).max() < 1e-3


def test_a_loud_result_is_said_to_be_played_softer():
    x = (0.9 * tones(1000) / 0.2).astype(np.float32)
    one = widgets.FilterBench(x, RATE, gains_db=[12] * 12)
    peak_db = 20 * np.log10(np.abs(one.filtered()).max())
    assert peak_db == pytest.approx(12 + 20 * np.log10(0.9), abs=0.1)
    assert f"played {peak_db:.1f} dB softer" in one.describe()


def test_bench_refuses_what_it_cannot_set():
    one = bench()
    for value in (30, 44.9, 66, -1):
        with pytest.raises(traitlets.TraitError, match=r"notch_hz must be .*65"):
            one.notch_hz = value
    with pytest.raises(traitlets.TraitError, match="12 numbers from -60 to 12 dB"):
        one.gains_db = [0] * 11
    with pytest.raises(ValueError, match=r"'radio'.*flat, telephone, through a wall"):
        one.use_preset("radio")


@pytest.mark.parametrize("n_mels", [0, 32])
@pytest.mark.parametrize("window", ["hann", "hamming", "blackman", "rectangular"])
def test_levels_are_librosas(n_mels, window):
    one = spectrogram(n_mels=n_mels, window=window, win_length=400, hop_length=100, n_fft=512)
    name = {"rectangular": "boxcar"}.get(window, window)
    spectrum = librosa.stft(one.waveform, n_fft=512, hop_length=100, win_length=400, window=name)
    power = np.abs(spectrum) ** 2
    if n_mels:
        power = librosa.filters.mel(sr=RATE, n_fft=512, n_mels=n_mels) @ power
        expected_hz = librosa.mel_frequencies(n_mels + 2, fmin=0, fmax=RATE / 2)[1:-1]
    else:
        expected_hz = librosa.fft_frequencies(sr=RATE, n_fft=512)
    np.testing.assert_allclose(one.frequencies(), expected_hz, rtol=1e-9)
    expected = librosa.power_to_db(power.T, top_db=None)
    loud = expected > expected.max() - 80
    assert one.levels().shape == expected.shape
    np.testing.assert_allclose(one.levels()[loud], expected[loud], atol=0.01)


def test_the_probe_finds_a_tone():
    for n_mels, tolerance_hz in ((0, RATE / 4096), (100, 30)):
        one = spectrogram(clip="tone", n_mels=n_mels, n_fft=4096, win_length=2048, time_s=0.5)
        one.frequency_hz = 900
        found = one.probe()
        assert found.time_s == pytest.approx(0.5, abs=one.hop_length / RATE)
        assert found.frequency_hz == pytest.approx(900, abs=tolerance_hz)
        frame = one.levels()[round(found.time_s * RATE / one.hop_length)]
        assert found.level_db > frame.max() - 3
        one.time_s, one.frequency_hz = 40, 48_000
        found = one.probe()
        assert found.time_s == pytest.approx(RATE // one.hop_length * one.hop_length / RATE)
        assert found.frequency_hz == pytest.approx(one.frequencies()[-1])
        for hops in (0.4, 0.6, 7.4, 7.6):
            one.time_s = hops * one.hop_length / RATE
            assert one.probe().time_s == pytest.approx(round(hops) * one.hop_length / RATE)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("win_length"), st.integers(32, 4096)),
            st.tuples(st.just("hop_length"), st.integers(8, 2048)),
            st.tuples(st.just("n_fft"), st.sampled_from([2**k for k in range(5, 13)])),
        ),
        max_size=6,
    )
)
@settings(max_examples=30, deadline=None)
def test_every_order_of_moves_leaves_settings_that_work(moves):
    one = spectrogram()
    for name, value in moves:
        setattr(one, name, value)
        # What was set last stands.
        assert getattr(one, name) == value
        assert one.hop_length <= one.win_length <= one.n_fft
    assert len(one.levels()) == features.frame_count(RATE, one.n_fft, one.hop_length)


def test_lengths_are_whole_and_n_fft_a_power_of_two():
    one = spectrogram()
    for value in (300, 1000, 31, 8192):
        with pytest.raises(traitlets.TraitError, match=r"n_fft must be a.* 32 to 4096"):
            one.n_fft = value
    with pytest.raises(traitlets.TraitError, match="hop_length must be a whole number"):
        one.hop_length = 100.5
    one.win_length = np.float64(100)
    assert type(one.win_length) is int
    with pytest.raises(traitlets.TraitError, match="window"):
        one.window = "kaiser"


def test_empty_mel_bands_are_warned_of():
    with pytest.warns(UserWarning, match="mel filters are narrower"):
        spectrogram(n_mels=128, n_fft=128, win_length=128).levels()


@pytest.mark.parametrize("maker", MAKERS)
def test_the_output_carries_widget_picture_and_description(maker):
    one = maker()
    data, _ = DisplayFormatter().format(one)
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == one.model_id
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert (picture.format, picture.size) == ("PNG", (700, 330))
    assert data["text/plain"] == f"{type(one).__name__}: {one.describe()}"
    assert "0x" not in data["text/plain"]
    again, _ = DisplayFormatter().format(maker())
    assert (again["text/plain"], again["image/png"]) == (data["text/plain"], data["image/png"])


@pytest.mark.parametrize(("maker", "change"), CHANGES)
def test_the_still_picture_and_the_text_follow_the_traits(maker, change):
    before, after = maker(), maker(**change)
    assert before.still_png() != after.still_png()
    assert len(after.still_png()) <= 100_000
    if change != {"range_db": 30}:
        assert repr(before) != repr(after)


def test_the_drawn_spectrum_has_the_tone_at_its_place_and_level():
    one = widgets.FilterBench(tones(1000) * 2.5, RATE)
    figure = Figure()
    one.draw(figure)
    recording = figure.axes[1].lines[0]
    loudest = np.argmax(recording.get_ydata())
    assert recording.get_xdata()[loudest] == pytest.approx(1000, rel=0.02)
    assert recording.get_ydata()[loudest] == pytest.approx(20 * np.log10(0.5), abs=0.1)


@pytest.mark.parametrize("maker", MAKERS)
def test_the_browser_side_names_only_traits_that_exist(maker):
    one = maker()
    named = set(re.findall(r'model\.get\("(\w+)"\)|trait: "(\w+)"|ui\.set\("(\w+)"', one._esm))
    names = {name for group in named for name in group if name}
    assert names <= set(one.keys)
    public = set(one._limits) | {"clip"}
    assert {name for name in public if f'"{name}"' not in one._esm} == set()


@pytest.mark.parametrize("maker", MAKERS)
def test_the_browser_side_asks_for_nothing_from_elsewhere(maker):
    source = maker()._esm + maker()._css
    for word in ("http", "//cdn", "fetch(", "import", "XMLHttp", "WebSocket", "url(", "eval("):
        assert word not in source, word
    assert source.count("export default { render };") == 1
    assert source.count("return ui.close;") == 1


def test_two_seconds_of_sound_stay_small_in_a_notebook():
    second = noise(22_050)
    machine = widgets.WindingMachine({"a": (second, 22_050), "b": (second, 22_050)})
    state = machine.get_state()
    sound = base64.b64encode(state.pop("_samples"))
    assert len(sound) + len(json.dumps(state, default=str)) < 160 * 1024  # of 200 kB


@pytest.mark.parametrize("maker", MAKERS)
def test_the_state_survives_json(maker):
    one, other = maker(), maker()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        state = json.loads(json.dumps({name: one.get_state()[name] for name in one._limits}))
    other.set_state(state)
    assert repr(other) == repr(one)
