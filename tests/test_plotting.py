from base64 import b64decode
from io import BytesIO

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from course_utils import features, fourier, plotting, signals
from course_utils.exercises import course

RATE = 8000


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def test_a_caption_is_shown_escaped_below_its_picture_and_the_figure_closed(monkeypatch):
    shown = []
    monkeypatch.setattr(plotting.base, "display", lambda thing, **how: shown.append((thing, how)))
    plotting.captioned(plotting.lines([0, 1], {"a": [0, 1]}, "x", "y"), "a < b & c")
    (picture, how), (caption, _) = shown
    assert picture["text/plain"] == "a < b & c"
    with Image.open(BytesIO(b64decode(picture["image/png"]))) as decoded:
        assert decoded.size == (800, 300)
    assert how == {"raw": True, "metadata": {"image/png": {"alt": "a < b & c"}}}
    assert 'class="course-caption"' in caption.data
    assert "a &lt; b &amp; c" in caption.data
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("start_s", "stop_s", "unit", "first", "last"),
    [(0.0, None, "s", 0, 1), (0.5, 0.52, "ms", 500, 520), (0.25, 0.75, "s", 0.25, 0.75)],
)
def test_a_waveform_is_drawn_where_and_as_it_is(start_s, stop_s, unit, first, last):
    x = signals.tone(100, 1.0, sample_rate=RATE)
    ax = plotting.waveform(x, RATE, start_s, stop_s)
    times, values = ax.lines[0].get_data()
    assert ax.get_xlabel() == f"time ({unit})"
    assert times[0] == pytest.approx(first)
    assert times[-1] == pytest.approx(last, abs=1 if unit == "ms" else 1e-3)
    begin = round(start_s * RATE)
    np.testing.assert_array_equal(values, x[begin : begin + len(values)])


@pytest.mark.parametrize(("start_s", "stop_s"), [(2.0, None), (-0.1, None), (0.5, 0.5)])
def test_a_stretch_without_sound_is_an_error(start_s, stop_s):
    with pytest.raises(ValueError, match="nothing lies from"):
        plotting.waveform(np.ones(RATE), RATE, start_s, stop_s)


def test_the_outline_is_drawn_on_both_sides():
    ax = plotting.waveform(signals.tone(100, 1.0, 0.5, sample_rate=RATE), RATE, envelope=True)
    upper, lower = (line.get_ydata() for line in ax.lines[1:3])
    np.testing.assert_allclose(upper, 0.5, atol=1e-3)
    np.testing.assert_allclose(lower, -upper)


def test_waveforms_share_one_axis_of_time_and_one_of_amplitude():
    sounds = {"long": np.ones(RATE), "short": 0.5 * np.ones(800)}
    first = plotting.waveforms(sounds, RATE, stop_s=1.0)
    rows = first.figure.axes
    assert [ax.get_title(loc="left") for ax in rows] == ["long", "short"]
    assert rows[1].get_xlabel() == "time (s)"
    assert rows[1].lines[0].get_xdata()[-1] == pytest.approx(0.1, abs=1e-3)
    assert rows[0].get_ylim() == rows[1].get_ylim()


def test_the_air_is_dense_where_the_pressure_is_high():
    particles, curves = plotting.air(343.0).figure.axes
    places = particles.lines[0].get_xdata()
    crest = np.sum(np.abs(places - 0.5) < 0.1)
    trough = np.sum(np.abs(places - 1.0) < 0.1)
    assert crest > 2 * trough
    x, p = next(line for line in curves.lines if line.get_label() == "pressure").get_data()
    assert x[p.argmax()] % 1.0 == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("count", [1, 5, 8])
def test_no_curve_is_left_out(count):
    curves = {str(k): [k, k] for k in range(count)}
    assert len(plotting.lines([0, 1], curves, "x", "y").lines) == count
    arrows = plotting.arrows({str(k): 1 + k * 1j for k in range(count)})
    assert len([line for line in arrows.lines if line.get_linewidth() == 1.6]) == count


def test_neighbouring_curves_differ_in_more_than_colour():
    styles = [(style, marker) for _, style, marker in plotting.CURVE_STYLES]
    assert len(set(styles)) == len(styles)


def test_a_spectrum_shows_the_band_that_is_asked_for():
    f = np.arange(1000.0)
    ax = plotting.spectrum(f, -0.1 * f, f_min=100, f_max=200)
    shown, level = ax.lines[0].get_data()
    assert (shown[0], shown[-1]) == (100, 200)
    np.testing.assert_allclose(level, -0.1 * shown)


def test_a_tone_lies_in_the_spectrogram_where_it_is():
    x = np.concatenate([np.zeros(RATE), signals.tone(1000, 1.0, sample_rate=RATE)])
    ax = plotting.spectrogram(x, RATE, n_fft=256, hop_length=64, f_max=2000)
    picture = ax.images[0]
    left, right, bottom, top = picture.get_extent()
    rows, columns = picture.get_array().shape
    row, column = np.unravel_index(picture.get_array().argmax(), (rows, columns))
    frequency = bottom + (row + 0.5) * (top - bottom) / rows
    time = left + (column + 0.5) * (right - left) / columns
    assert frequency == pytest.approx(1000, abs=1)
    assert 1.0 <= time <= 2.0
    assert picture.get_array().max() == pytest.approx(0, abs=1e-4)


def test_spectrograms_and_windows_have_a_row_each():
    x = signals.noise(0.5, sample_rate=RATE, rng=0)
    assert len(plotting.spectrograms({"a": x, "b": x}, RATE, 256, 64).figure.axes) == 4
    first = plotting.window_comparison(x, RATE, (64, 512), f_max=1000, f_min=200)
    assert "512 samples, 64 ms" in first.figure.axes[1].get_title(loc="left")
    assert first.get_ylim() == (200, 1000)


def test_empty_mel_filters_are_left_out():
    with pytest.warns(UserWarning, match="hold no bin"):
        bank = features.mel_filter_bank(RATE, 128, 80)
    ax = plotting.filter_bank(fourier.rfft_frequencies(128, RATE), bank)
    assert len(ax.lines) == np.sum(bank.max(axis=1) > 0) < 80


def test_frames_start_a_hop_apart():
    top = plotting.framing(np.zeros(2000), n_fft=800, hop_length=400)
    windows = top.figure.axes[1].lines
    assert [line.get_xdata()[0] for line in windows] == [0, 400, 800, 1200]
    np.testing.assert_allclose(windows[1].get_ydata(), fourier.window("hann", 800))


def test_tables_and_pictures_are_drawn_as_they_are():
    values = np.arange(6.0).reshape(2, 3) - 2
    np.testing.assert_array_equal(plotting.matrix(values, "x", "y").images[0].get_array(), values)
    np.testing.assert_array_equal(plotting.heatmap(values, "x", "y").images[0].get_array(), values)
    first = plotting.images({"one": values, "two": -values})
    assert [ax.get_title() for ax in first.figure.axes] == ["one", "two"]


def test_samples_and_parts_are_marked():
    ax = plotting.samples([0, 0.001], [0.5, 1.0], {"curve": ([0, 0.001], [0, 1])}, stairs=True)
    dots = next(line for line in ax.lines if line.get_label() == "samples")
    np.testing.assert_allclose(dots.get_xydata(), [[0, 0.5], [1, 1.0]])
    parts = plotting.labelled_parts(np.ones(RATE), RATE, [(0.1, 0.3, "s"), (0.3, 0.9, "ea")])
    assert [text.get_text() for text in parts.texts] == ["s", "ea"]


def test_sample_images_are_grey_and_square():
    portrait, poster = plotting.sample_images(128)
    for picture in (portrait, poster):
        assert picture.shape == (128, 128)
        assert 0 <= picture.min() < 0.1 and 0.9 < picture.max() <= 1


def test_the_map_has_every_notebook():
    ax = plotting.course_map(course.NOTEBOOKS)
    text = "\n".join(label.get_text().replace("\n", " ") for label in ax.texts)
    for notebook in course.NOTEBOOKS:
        assert f"{notebook.number:02d} {notebook.title} {notebook.minutes} min" in text
    assert len(ax.patches) == len(course.NOTEBOOKS)


def test_learning_curves_of_different_length_share_the_epochs():
    ax = plotting.learning_curves({"a": [3.0, 2.0, 1.0], "b": np.array([5.0])}, log=True)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [5.0, np.nan, np.nan])
    assert ax.get_yscale() == "log" and ax.get_xlabel() == "epoch"


def test_a_confusion_names_both_sides_and_counts():
    ax = plotting.confusion([[5, 0], [2, 1]], ["one", "two"])
    assert ax.get_ylabel() == "true" and ax.get_xlabel() == "recognised"
    written = {text.get_position(): text.get_text() for text in ax.texts}
    assert written == {(0, 0): "5", (0, 1): "2", (1, 1): "1"}  # (column, row)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "two"]
