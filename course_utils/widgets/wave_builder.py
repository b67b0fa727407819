"""A complex wave, built from ten harmonics and heard while they are dragged."""

import math

import numpy as np
import traitlets
from matplotlib.figure import Figure

from course_utils.widgets.base import BLUE, INK, Explorer, Quantities, Quantity, javascript

HARMONICS = 10
_SINE, _COSINE = 0.0, math.pi / 2

# Name, amplitudes of the harmonics 1 to 10, phase of all of them in radians.
PRESETS = {
    "sine": ([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], _SINE),
    "sawtooth": ([1 / n for n in range(1, 11)], _SINE),
    "square": ([1 / n if n % 2 else 0 for n in range(1, 11)], _SINE),
    "triangle": ([1 / n**2 if n % 2 else 0 for n in range(1, 11)], _COSINE),
    # A clarinet's tube is closed at one end: its low even harmonics are weak.
    "clarinet-like": ([1, 0.04, 0.7, 0.06, 0.45, 0.1, 0.2, 0.12, 0.1, 0.06], _SINE),
    "fundamental missing": ([0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4, 0.35, 0.3], _SINE),
}


class WaveBuilder(Explorer):
    """Ten harmonics of one fundamental, their sum drawn and, at a click, heard.

    The wave is x(t) = sum of a_n sin(2 pi n f t + phase_n) for n = 1 to 10. The sound is the same
    sum, divided by the sum of the a_n where that is above 1: it never clips, whatever the phases.

    Traits:
        fundamental_hz: 55 to 880.
        amplitudes: ten numbers from 0 to 1, assigned all at once.
        phases_rad: ten numbers from 0 to 2 pi.
        volume: 0 to 1; 1 lets the sound's peak reach full scale.

    Setting a value out of range raises `traitlets.TraitError`, which says the range.
    """

    _esm = javascript("wave_builder.js")

    fundamental_hz = Quantity(220, 55, 880, "Hz")
    amplitudes = Quantities(PRESETS["sawtooth"][0], 0, 1)
    phases_rad = Quantities([_SINE] * HARMONICS, 0, 2 * math.pi, "radians")
    volume = Quantity(0.15, 0, 1)
    _presets = traitlets.Dict(PRESETS).tag(sync=True)

    def use_preset(self, name: str) -> None:
        """Set amplitudes and phases to one of `PRESETS`.

        Raises:
            ValueError: there is no preset of this name.
        """
        if name not in PRESETS:
            raise ValueError(f"no preset is called {name!r}; there are {', '.join(PRESETS)}")
        amplitudes, phase = PRESETS[name]
        with self.hold_sync():
            self.amplitudes = amplitudes
            self.phases_rad = [phase] * HARMONICS

    def describe(self) -> str:
        """The state in two sentences, with its numbers."""
        heard = [f"{n}: {a:.2f}" for n, a in enumerate(self.amplitudes, 1) if a > 0]
        if not heard:
            return "all ten harmonics are at zero: silence."
        return (
            f"harmonics of {self.fundamental_hz:.0f} Hz, number: amplitude {', '.join(heard)}. "
            f"The phases are {_name_of_phases(self.phases_rad)}; the period is "
            f"{1000 / self.fundamental_hz:.2f} ms."
        )

    def draw(self, figure: Figure) -> None:
        """The bars of the harmonics, and two periods of their sum."""
        bars, wave = figure.subplots(1, 2, width_ratios=[1, 1.6])
        number = np.arange(1, HARMONICS + 1)
        bars.bar(number, self.amplitudes, color=BLUE)
        bars.set(ylim=(0, 1.02), xticks=number, xlabel="harmonic", title="amplitudes")

        time_s = np.linspace(0, 2 / self.fundamental_hz, 600)
        angle = 2 * np.pi * self.fundamental_hz * np.outer(number, time_s)
        amplitudes, phases = np.array(self.amplitudes), np.array(self.phases_rad)
        parts = amplitudes[:, None] * np.sin(angle + phases[:, None])
        wave.plot(1000 * time_s, parts.T, color=BLUE, linewidth=0.6, alpha=0.5)
        wave.plot(1000 * time_s, parts.sum(axis=0), color=INK, linewidth=2)
        wave.set(xlabel="time in ms", title="the harmonics (thin) and their sum")
        for axes in (bars, wave):
            axes.title.set_fontsize(9)


def _name_of_phases(phases_rad: tuple[float, ...]) -> str:
    names = {_SINE: "those of sines", _COSINE: "those of cosines"}
    return names.get(phases_rad[0], "mixed") if len(set(phases_rad)) == 1 else "mixed"
