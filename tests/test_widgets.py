"""The explorers' Python side: traits, numbers, still pictures, and what is sent to the browser."""

import base64
import io
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure
from PIL import Image

from course_utils import signals, widgets
from course_utils.widgets import air, wave_builder

EXPLORERS = [widgets.AirExplorer, widgets.WaveBuilder, widgets.AliasingExplorer]
FOLDER = Path(widgets.__file__).parent

CHANGES = [
    (widgets.AirExplorer, {"frequency_hz": 700}),
    (widgets.AirExplorer, {"pressure_pa": 0}),
    (widgets.AirExplorer, {"show_pressure": False}),
    (widgets.AirExplorer, {"show_displacement": False, "show_pressure": False}),
    (widgets.AirExplorer, {"follow_crest": False, "cursor_m": 0.3}),
    (widgets.WaveBuilder, {"fundamental_hz": 55}),
    (widgets.WaveBuilder, {"amplitudes": [1] * 10}),
    (widgets.WaveBuilder, {"phases_rad": np.arange(10) / 2}),
    (widgets.AliasingExplorer, {"frequency_hz": 12_000}),
    (widgets.AliasingExplorer, {"sample_rate_hz": 2000}),
]


@pytest.mark.parametrize(
    ("explorer", "trait", "low", "high"),
    [
        (widgets.AirExplorer, "frequency_hz", 200, 1000),
        (widgets.AirExplorer, "pressure_pa", 0, 1),
        (widgets.AirExplorer, "slowdown", 100, 10_000),
        (widgets.AirExplorer, "cursor_m", 0, 2),
        (widgets.WaveBuilder, "fundamental_hz", 55, 880),
        (widgets.WaveBuilder, "volume", 0, 1),
        (widgets.AliasingExplorer, "frequency_hz", 0, 12_000),
        (widgets.AliasingExplorer, "sample_rate_hz", 2000, 16_000),
        (widgets.AliasingExplorer, "volume", 0, 1),
    ],
)
def test_a_quantity_keeps_its_limits_and_its_error_names_them(explorer, trait, low, high):
    one = explorer()
    for value in (low, high, np.float32(high), np.int64(low)):
        setattr(one, trait, value)
        assert getattr(one, trait) == value
        assert type(getattr(one, trait)) is float
    for value in (low - 1, high + 1, math.nan, math.inf, "440", None, True):
        with pytest.raises(traitlets.TraitError, match=f"{trait} .* {low:g} to {high:g}"):
            setattr(one, trait, value)
        with pytest.raises(traitlets.TraitError):
            explorer(**{trait: value})
    assert one._limits[trait] == (low, high)


@pytest.mark.parametrize("trait", ["amplitudes", "phases_rad"])
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([0.5] * 9, "10 numbers .* got 9 values"),
        ([0.5] * 11, "got 11 values"),
        ([0.5] * 9 + [7], "got 7 at position 9"),
        ([-0.1] + [0.5] * 9, "got -0.1 at position 0"),
        ([0.5] * 9 + [math.nan], "got nan"),
        (np.ones((10, 1)), "at position 0"),
        ("0123456789", "got '0123456789'"),
        (0.5, "got 0.5"),
    ],
)
def test_harmonics_must_be_ten_numbers_in_range(trait, value, problem):
    with pytest.raises(traitlets.TraitError, match=f"{trait} must be .*{problem}"):
        widgets.WaveBuilder(**{trait: value})


def test_harmonics_are_taken_from_arrays_and_cannot_be_changed_unseen():
    wave = widgets.WaveBuilder()
    seen = []
    wave.observe(lambda change: seen.append(change.new), "amplitudes")
    wave.amplitudes = 1 / np.arange(1, 11) ** 2
    assert seen == [tuple(1 / n**2 for n in range(1, 11))]
    with pytest.raises(TypeError):
        wave.amplitudes[2] = 0.5


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("sine", np.sin),
        # scipy's sawtooth rises; the preset's falls.
        ("sawtooth", lambda x: -scipy.signal.sawtooth(x)),
        ("square", scipy.signal.square),
        ("triangle", lambda x: -scipy.signal.sawtooth(x, width=0.5)),
    ],
)
def test_presets_are_the_first_ten_harmonics_of_scipys_waves(name, shape):
    wave = widgets.WaveBuilder()
    wave.use_preset(name)
    angle = 2 * np.pi * (np.arange(8192) + 0.5) / 8192
    spectrum = np.fft.rfft(shape(angle))[1:11]
    np.testing.assert_allclose(wave.amplitudes, np.abs(spectrum / spectrum[0]), atol=1e-3)
    parts = [
        a * np.sin(n * angle + phase)
        for n, (a, phase) in enumerate(zip(wave.amplitudes, wave.phases_rad, strict=True), 1)
    ]
    assert np.corrcoef(np.sum(parts, axis=0), shape(angle))[0, 1] > 0.95


def test_every_preset_can_be_used_and_an_unknown_one_lists_them():
    wave = widgets.WaveBuilder()
    described = set()
    for name in wave_builder.PRESETS:
        wave.use_preset(name)
        described.add(wave.describe())
    assert len(described) == len(wave_builder.PRESETS)
    wave.use_preset("fundamental missing")
    assert wave.amplitudes[0] == 0 < wave.amplitudes[1]
    with pytest.raises(ValueError, match=r"'saw'.*sawtooth, square"):
        wave.use_preset("saw")


def test_air_numbers_are_those_of_a_plane_wave():
    tube = widgets.AirExplorer(frequency_hz=343, pressure_pa=1)
    assert tube.wavelength_m == pytest.approx(1.0)
    assert tube.level_db == pytest.approx(90.97, abs=0.01)  # 1 Pa peak, 0.707 Pa RMS
    # p = -rho c² ds/dx, with the derivative taken numerically.
    x = np.linspace(0, 1, 100_001)
    displacement_m = 1e-6 * tube.displacement_um * np.sin(2 * np.pi * x / tube.wavelength_m)
    pressure = -air.AIR_DENSITY * air.SPEED_OF_SOUND**2 * np.gradient(displacement_m, x)
    assert np.abs(pressure).max() == pytest.approx(1, rel=1e-6)
    tube.pressure_pa = 0
    assert tube.level_db == -math.inf
    assert "at rest" in tube.describe()


def test_no_particle_overtakes_another_at_the_largest_drawn_swing():
    for frequency_hz in (200, 1000):
        tube = widgets.AirExplorer(frequency_hz=frequency_hz, pressure_pa=1)
        drawn_m = 1e-6 * tube.displacement_um * air.EXAGGERATION
        assert 2 * math.pi / tube.wavelength_m * drawn_m < 1


def test_the_drawn_particles_are_densest_at_the_crest_of_the_drawn_pressure():
    tube = widgets.AirExplorer(pressure_pa=1)
    figure = Figure()
    tube.draw(figure)
    particles, displacement, pressure = figure.axes
    crest = pressure.lines[0].get_xdata()[np.argmax(pressure.lines[0].get_ydata())]
    x = np.asarray(particles.collections[0].get_offsets())[:, 0]
    counts, edges = np.histogram(x[x < 1], bins=10, range=(0, 1))
    densest = np.argmax(counts)
    assert edges[densest] - 0.05 <= crest <= edges[densest + 1] + 0.05
    assert counts.max() > 2.5 * counts.min()
    # A quarter of the wavelength, 1 m, lies between the two crests.
    highest = displacement.lines[0].get_xdata()[np.argmax(displacement.lines[0].get_ydata()[:250])]
    assert crest - highest == pytest.approx(0.25, abs=0.01)


@given(
    frequency_hz=st.floats(0, 12_000),
    sample_rate_hz=st.floats(2000, 16_000),
)
@settings(max_examples=40, deadline=None)
def test_alias_is_a_lower_tone_with_the_same_samples(frequency_hz, sample_rate_hz):
    explorer = widgets.AliasingExplorer(frequency_hz=frequency_hz, sample_rate_hz=sample_rate_hz)
    assert 0 <= explorer.alias_hz <= explorer.nyquist_hz == sample_rate_hz / 2
    n = np.arange(50)
    true, alias = (
        np.cos(2 * np.pi * f * n / sample_rate_hz) for f in (frequency_hz, explorer.alias_hz)
    )
    np.testing.assert_allclose(true, alias, atol=1e-9)


@pytest.mark.parametrize("frequency_hz", [0, 1000, 3999, 4000, 4001, 7000, 8000, 9500, 12_000])
def test_the_drawn_alias_goes_through_the_drawn_samples(frequency_hz):
    explorer = widgets.AliasingExplorer(frequency_hz=frequency_hz, sample_rate_hz=8000)
    figure = Figure()
    explorer.draw(figure)
    _, heard, samples = figure.axes[0].lines
    between = np.interp(samples.get_xdata(), heard.get_xdata(), heard.get_ydata())
    np.testing.assert_allclose(between, samples.get_ydata(), atol=1e-3)
    assert len(samples.get_xdata()) == 17
    # A sine of frequency a is never steeper than 2 pi a: no higher tone through the dots is drawn.
    slope = np.abs(np.gradient(heard.get_ydata(), heard.get_xdata() / 1000)).max()
    assert slope <= 2 * np.pi * explorer.alias_hz * 1.001 + 1e-6
    (point,) = (item for item in figure.axes[1].lines if item.get_marker() == "o")
    assert point.get_ydata()[0] == signals.alias_frequency(frequency_hz, 8000) / 1000


def test_the_description_says_what_is_heard():
    explorer = widgets.AliasingExplorer(frequency_hz=7000, sample_rate_hz=8000)
    assert "alias of 1,000 Hz" in explorer.describe()
    explorer.frequency_hz = 3000
    assert "same tone" in explorer.describe()
    explorer.frequency_hz = 4000
    assert "exactly the limit" in explorer.describe()


@pytest.mark.parametrize("explorer", EXPLORERS)
def test_the_output_carries_widget_picture_and_description(explorer):
    one = explorer()
    data, _ = DisplayFormatter().format(one)
    view = data["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == one.model_id
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.format == "PNG"
    assert picture.size == (700, 330)
    assert data["text/plain"] == f"{explorer.__name__}: {one.describe()}"
    assert "0x" not in data["text/plain"]
    # The same on every run, or a notebook's stored outputs would differ.
    again, _ = DisplayFormatter().format(explorer())
    assert (again["text/plain"], again["image/png"]) == (data["text/plain"], data["image/png"])


@pytest.mark.parametrize(("explorer", "change"), CHANGES)
def test_the_still_picture_is_small_and_follows_the_traits(explorer, change):
    before, after = explorer().still_png(), explorer(**change).still_png()
    assert before != after
    assert max(len(before), len(after)) <= 40_000
    pixels = np.asarray(Image.open(io.BytesIO(after)).convert("L"))
    assert 0.02 < np.mean(pixels < 200) < 0.6


@pytest.mark.parametrize("explorer", EXPLORERS)
def test_the_browser_side_names_only_traits_that_exist(explorer):
    one = explorer()
    named = set(re.findall(r'model\.get\("(\w+)"\)|trait: "(\w+)"|ui\.set\("(\w+)"', one._esm))
    named |= set(re.findall(r'ui\.checkbox\(\w+, "(\w+)"()()', one._esm))
    names = {name for group in named for name in group if name}
    assert len(names) >= 4
    assert names <= set(one.keys)
    public = {name for name in one.keys if name in explorer.class_own_traits()}
    assert {name for name in public if not name.startswith("_")} <= names


@pytest.mark.parametrize("explorer", EXPLORERS)
def test_the_browser_side_asks_for_nothing_from_elsewhere(explorer):
    source = explorer()._esm + explorer()._css
    for word in (
        "http",
        "//cdn",
        "fetch(",
        "import(",
        "import ",
        "XMLHttp",
        "WebSocket",
        "url(",
        "eval(",
    ):
        assert word not in source, word
    assert source.count("export default { render };") == 1
    assert source.count("return ui.close;") == 1


def test_files_and_state_stay_small():
    for path in (*FOLDER.glob("*.js"), *FOLDER.glob("*.css")):
        assert path.stat().st_size < 15_000, path.name
    for explorer in EXPLORERS:
        assert len(json.dumps(explorer().get_state())) < 40_000


def test_the_state_survives_json():
    for explorer in EXPLORERS:
        one = explorer()
        state = json.loads(json.dumps({name: one.get_state()[name] for name in one._limits}))
        other = explorer()
        other.set_state(state)
        assert repr(other) == repr(one)
