"""A filter bench: the gains of a recording's frequencies are drawn by hand, and heard."""

from types import MappingProxyType
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils import fourier, signals
from course_utils.widgets.base import BLUE, INK, RED, Quantities, Quantity, javascript
from course_utils.widgets.clips import ClipExplorer

# An octave or less apart; close together where the presets have their edges.
HANDLES_HZ = (63, 125, 230, 300, 500, 1000, 1300, 1600, 2000, 3400, 4400, 8000)
LOWEST_DB, HIGHEST_DB = -60.0, 12.0
LOWEST_HUM_HZ, HIGHEST_HUM_HZ = 45.0, 65.0
NOTCHES, NOTCH_WIDTH_HZ = 10, 4.0
AXIS_HZ = 40.0  # where the drawn frequency axis starts
# Behind the clip: what the filter rings into the circle's other end falls into silence.
SILENCE_S = 0.25

PRESETS = MappingProxyType(
    {
        "flat": (0,) * 12,
        "telephone": (-60, -60, -60, 0, 0, 0, 0, 0, 0, 0, -60, -60),
        "through a wall": (0, 0, 0, 0, 0, 0, -12, -24, -36, -54, -60, -60),
        "only above 2000 Hz": (-60, -60, -60, -60, -60, -60, -60, -60, 0, 0, 0, 0),
    }
)


class FilterBench(ClipExplorer):
    """A recording, its spectrum, and a gain for each frequency that is drawn with twelve handles.

    Between two handles the gain in dB runs straight over the logarithm of the frequency; outside
    them it stays as it is. `notch_hz` multiplies it by `fourier.notch_gains`. The browser filters
    as `filtered` does: one transform of the whole clip, one product, one transform back.

    Of the recording the first 132,300 samples are taken, 6 s at 22.05 kHz.

    Traits:
        gains_db: gains at `HANDLES_HZ`, twelve numbers from -60 to 12, assigned all at once.
        notch_hz: fundamental of the hum that is taken out, 45 to 65; 0 is off.

    Setting a value out of range raises `traitlets.TraitError`, which says the range.
    """

    _esm = javascript("spectrum.js", "filter_bench.js")
    LONGEST = 132_300

    gains_db = Quantities([0] * len(HANDLES_HZ), LOWEST_DB, HIGHEST_DB, "dB")
    notch_hz = Quantity(0, 0, HIGHEST_HUM_HZ, "Hz")
    _bench = traitlets.Dict(
        {
            "handles": list(HANDLES_HZ),
            "presets": {name: list(gains) for name, gains in PRESETS.items()},
            "lowestHum": LOWEST_HUM_HZ,
            "notches": NOTCHES,
            "width": NOTCH_WIDTH_HZ,
            "axis": AXIS_HZ,
            "silence": SILENCE_S,
        }
    ).tag(sync=True)

    def __init__(self, waveform: ArrayLike, sample_rate: float, **traits: Any) -> None:
        """Take the recording over, `(samples,)` with its rate in Hz; `ValueError` if it can't."""
        super().__init__({"recording": (waveform, sample_rate)}, **traits)

    @traitlets.validate("notch_hz")
    def _check_notch(self, proposal: dict[str, Any]) -> float:
        if 0 < proposal["value"] < LOWEST_HUM_HZ:
            raise traitlets.TraitError(
                f"notch_hz must be 0 (off) or {LOWEST_HUM_HZ:g} to {HIGHEST_HUM_HZ:g} Hz, "
                f"got {proposal['value']!r}"
            )
        return proposal["value"]

    def use_preset(self, name: str) -> None:
        """Set the gains to one of `PRESETS`; the notches stay as they are.

        Raises:
            ValueError: there is no preset of this name.
        """
        if name not in PRESETS:
            raise ValueError(f"no preset is called {name!r}; there are {', '.join(PRESETS)}")
        self.gains_db = PRESETS[name]

    def gains_at(self, frequencies_hz: ArrayLike) -> np.ndarray:
        """Factor for each frequency, float64, shape of `frequencies_hz` (in Hz, 0 or more)."""
        octaves = np.log2(np.maximum(frequencies_hz, 1))
        gains = signals.db_to_amplitude(np.interp(octaves, np.log2(HANDLES_HZ), self.gains_db))
        if self.notch_hz:
            gains *= fourier.notch_gains(frequencies_hz, self.notch_hz, NOTCHES, NOTCH_WIDTH_HZ)
        return gains

    def filtered(self) -> np.ndarray:
        """The recording, filtered, float32 `(samples,)`; louder than full scale if the gains are.

        The browser plays such a sound divided by its peak, and says so.
        """
        x = self.waveform
        size = fourier.power_of_two_from(len(x) + int(SILENCE_S * self.sample_rate))
        padded = np.pad(x, (0, size - len(x)))
        return fourier.apply_gains(padded, self.sample_rate, self.gains_at)[: len(x)]

    def describe(self) -> str:
        """The state in two or three sentences, with its numbers."""
        handles = zip(HANDLES_HZ, self.gains_db, strict=True)
        gains = ", ".join(f"{f} Hz: {gain:g}" for f, gain in handles if f < self.sample_rate / 2)
        names = [name for name, values in PRESETS.items() if tuple(values) == self.gains_db]
        title = f'gains "{names[0]}"' if names else "gains"
        notch = f" Notches at {self.notch_hz:g} Hz and its harmonics." if self.notch_hz else ""
        peak = float(np.abs(self.filtered()).max())
        loud = (
            f" It is played {20 * np.log10(peak):.1f} dB softer, not to clip." if peak > 1 else ""
        )
        return f"a recording of {self.duration_s:.1f} s, {title} in dB {gains}.{notch}{loud}"

    def draw(self, figure: Figure) -> None:
        """The gain curve, and the spectra before and after, on one logarithmic axis."""
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1, 1.6])
        highest_hz = self.sample_rate / 2
        grid_hz = np.geomspace(AXIS_HZ, highest_hz, 700)
        with np.errstate(divide="ignore"):
            curve_db = 20 * np.log10(self.gains_at(grid_hz))
        shown = [i for i, f in enumerate(HANDLES_HZ) if f < highest_hz]
        above.plot(grid_hz, curve_db, color=RED, linewidth=1.8)
        above.plot(
            [HANDLES_HZ[i] for i in shown], [self.gains_db[i] for i in shown], "o", color=RED
        )
        above.set(ylim=(LOWEST_DB - 4, HIGHEST_DB + 4), ylabel="dB", title="gain")

        edges_hz = np.geomspace(AXIS_HZ, highest_hz, 321)
        for x, name, style in (
            (self.waveform, "recording", {"color": INK, "linewidth": 0.7, "alpha": 0.6}),
            (self.filtered(), "filtered", {"color": BLUE, "linewidth": 1.2}),
        ):
            below.plot(
                edges_hz[:-1], spectrum_db(x, self.sample_rate, edges_hz), label=name, **style
            )
        top = below.get_ylim()[1]
        below.set(xscale="log", xlim=(AXIS_HZ, highest_hz), ylim=(top - 90, top))
        below.set(xlabel="frequency in Hz", ylabel="dB", title="spectrum")
        ticks_hz = [f for f in (50, 100, 200, 500, 1000, 2000, 5000, 10_000) if f < highest_hz]
        below.set_xticks(ticks_hz, [f"{f:g}" for f in ticks_hz], minor=False)
        below.legend(loc="lower left", fontsize=8)
        for axes in (above, below):
            axes.title.set_fontsize(9)


def spectrum_db(x: np.ndarray, sample_rate: float, edges_hz: np.ndarray) -> np.ndarray:
    """Largest amplitude between neighbouring edges in dB; a lasting full-scale sine is at 0 dB.

    Args:
        x: `(samples,)`.
        sample_rate: in Hz.
        edges_hz: rising frequencies, `(bands + 1,)`; a band without a bin has its nearest one's.

    Returns:
        float64 `(bands,)`, -200 dB and more.
    """
    amplitude = 2 * np.abs(np.fft.rfft(x)) / len(x)
    last = len(amplitude) - 1
    bins = np.clip(np.round(edges_hz * len(x) / sample_rate).astype(int), 0, last)
    bands = zip(bins[:-1], np.maximum(bins[1:], bins[:-1] + 1), strict=True)
    largest = np.array([amplitude[low:high].max() for low, high in bands])
    return 20 * np.log10(np.maximum(largest, 1e-10))
