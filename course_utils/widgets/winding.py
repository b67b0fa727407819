"""The winding machine: a sound wound around a circle, its centre of mass tracing the spectrum."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.widgets.base import BLUE, INK, RED, Quantity, javascript
from course_utils.widgets.clips import ClipExplorer

HIGHEST_HZ = 1000.0
# The arrow to the centre of mass is drawn longer by one of these, or it would often be a dot.
MAGNIFICATIONS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class WindingMachine(ClipExplorer):
    """A piece of a sound is wound around a circle; how far off the middle is its centre of mass?

    Each sample is an arrow x[n] exp(-2 pi i f n / rate) in the plane: as long as the sample, turned
    clockwise f times a second. Where the sound has something at f, the arrows of its crests point
    the same way, and their mean leaves the middle. Against f, the distance of the mean is the
    magnitude spectrum divided by the number of samples.

    Of each sound the first 44,100 samples are taken, 2 s at 22.05 kHz.

    Traits:
        clip: name of the sound.
        frequency_hz: winding frequency f, 0 to 1000.
        start_s: where the piece starts, 0 to 2 s; moved back where the sound would end before it.
        length_s: how long the piece is, 0.01 to 1 s.

    Setting a value out of range raises `traitlets.TraitError`, which says the range.
    """

    _esm = javascript("spectrum.js", "winding.js")
    LONGEST = 44_100

    frequency_hz = Quantity(100, 0, HIGHEST_HZ, "Hz")
    start_s = Quantity(0, 0, 2, "s")
    length_s = Quantity(0.05, 0.01, 1, "s")
    _magnifications = traitlets.List(list(MAGNIFICATIONS)).tag(sync=True)

    def __init__(self, sounds: Mapping[str, tuple[ArrayLike, float]], **traits: Any) -> None:
        """Take the sounds over, {name: (waveform, sample_rate)}; `ValueError` names a bad one."""
        super().__init__(sounds, **traits)

    @property
    def piece(self) -> np.ndarray:
        """The samples that are wound, float32 `(samples,)`."""
        count = min(len(self.waveform), int(self.length_s * self.sample_rate + 0.5))
        first = int(self.start_s * self.sample_rate + 0.5)
        first = min(first, len(self.waveform) - count)
        return self.waveform[first : first + count]

    def centre(self, frequency_hz: ArrayLike) -> np.ndarray:
        """Centre of mass of the wound piece, the mean of x[n] exp(-2 pi i f n / rate).

        At f = k · rate / N it is bin k of the piece's DFT, divided by N.

        Args:
            frequency_hz: winding frequency in Hz, any shape.

        Returns:
            complex128, shape of `frequency_hz`; in units of full scale.
        """
        x = self.piece.astype(np.float64)
        times_s = np.arange(len(x)) / self.sample_rate
        frequency_hz = np.asarray(frequency_hz, dtype=np.float64)
        centres = [np.exp(-2j * np.pi * f * times_s) @ x / len(x) for f in frequency_hz.flat]
        return np.reshape(centres, frequency_hz.shape)[()]

    def describe(self) -> str:
        """The state in two sentences, with its numbers."""
        # Rounded first: the sign or the angle of a rounding error says nothing.
        centre = np.round(self.centre(self.frequency_hz), 5) + 0.0
        angle = f"at an angle of {np.degrees(np.angle(centre)):.0f}°" if centre else "at no angle"
        length_s = len(self.piece) / self.sample_rate
        return (
            f'{1000 * length_s:.0f} ms of "{self.clip}" wound {self.frequency_hz:g} times a second '
            f"clockwise around the middle: {length_s * self.frequency_hz:.1f} turns. The centre of "
            f"mass is at {centre.real:.5f} {centre.imag:+.5f}i, {abs(centre):.5f} from the middle, "
            f"{angle}."
        )

    def draw(self, figure: Figure) -> None:
        """The piece, the winding with its centre of mass, and the trace of the distance."""
        parts = figure.subplot_mosaic(
            [["wave", "wave"], ["plane", "trace"]], height_ratios=[1, 2.4], width_ratios=[1, 2]
        )
        x, rate = self.piece, self.sample_rate
        times_s = np.arange(len(x)) / rate
        parts["wave"].plot(1000 * times_s, x, color=BLUE, linewidth=0.9)
        turns = int(self.frequency_hz * len(x) / rate)
        if 0 < turns <= 100:
            for turn in range(1, turns + 1):
                mark = 1000 * turn / self.frequency_hz
                parts["wave"].axvline(mark, color=INK, linewidth=0.6, linestyle=":")
        parts["wave"].set(xlim=(0, 1000 * len(x) / rate), yticks=[])
        parts["wave"].set_title("the piece in ms; each dotted line ends a turn")

        wound = x * np.exp(-2j * np.pi * self.frequency_hz * times_s)
        radius = float(np.abs(x).max()) or 1.0
        grid_hz = np.linspace(0, HIGHEST_HZ, 501)
        distance = np.abs(self.centre(grid_hz))
        factor = magnification(radius, distance.max())
        centre = self.centre(self.frequency_hz)
        plane = parts["plane"]
        plane.plot(wound.real, wound.imag, color=BLUE, linewidth=0.5)
        tip = factor * centre
        plane.annotate(
            "", (tip.real, tip.imag), (0, 0), arrowprops={"color": RED, "width": 2, "headwidth": 8}
        )
        limit = 1.05 * radius
        plane.set(xticks=[], yticks=[], xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
        plane.set_title(f"wound; arrow {factor} × longer" if factor > 1 else "wound")

        trace = parts["trace"]
        trace.plot(grid_hz, distance, color=INK, linewidth=0.8)
        trace.plot(self.frequency_hz, abs(centre), "o", color=RED, markersize=7)
        trace.set(xlim=(0, HIGHEST_HZ), ylim=(0, None), xlabel="winding frequency in Hz")
        trace.set_title("distance of the centre of mass from the middle")
        for axes in parts.values():
            axes.title.set_fontsize(9)


def magnification(radius: float, largest: float) -> int:
    """How many times longer the arrow is drawn, so that the longest one still fits the circle."""
    return max(factor for factor in MAGNIFICATIONS if factor == 1 or factor * largest <= radius)
