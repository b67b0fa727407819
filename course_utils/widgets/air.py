"""Air particles, their displacement and the pressure in a tube, moving together."""

import math

import numpy as np
import traitlets
from matplotlib.figure import Figure

from course_utils.signals import AIR_DENSITY, HEARING_THRESHOLD_PA, SPEED_OF_SOUND
from course_utils.widgets.base import BLUE, INK, RED, Explorer, Quantity, javascript

TUBE_LENGTH = 2.0  # m, as drawn
EXAGGERATION = 100_000  # of the displacement in the picture: 1 µm is drawn as 100 mm of the tube
MARKED_M = 0.75  # where the marked particle rests


class AirExplorer(Explorer):
    """A loudspeaker at the left sends a sine wave through the air of a 2 m tube.

    Particles rest at x and are displaced along the tube by s = A sin(kx - wt). The change of
    pressure is p = -rho c² ds/dx: highest where the particles are dense, a quarter period from s.
    The amplitude is set as a pressure; the displacement A = p / (rho c w) follows from it.

    Traits:
        frequency_hz: 200 to 1000.
        pressure_pa: amplitude of the pressure wave, 0 to 1 Pa (1 Pa is 91 dB SPL).
        slowdown: how many times slower than nature the picture runs, 100 to 10,000.
        cursor_m: place of the cursor line, 0 to 2 m from the loudspeaker at rest.
        follow_crest: the cursor line travels with a crest of pressure instead.
        show_displacement, show_pressure: which curves are drawn below the tube.

    Setting a value out of range raises `traitlets.TraitError`, which says the range.
    """

    _esm = javascript("air.js")

    frequency_hz = Quantity(343, 200, 1000, "Hz")
    pressure_pa = Quantity(0.8, 0, 1, "Pa")
    slowdown = Quantity(1000, 100, 10_000, "times")
    cursor_m = Quantity(1, 0, TUBE_LENGTH, "m")
    follow_crest = traitlets.Bool(True).tag(sync=True)
    show_displacement = traitlets.Bool(True).tag(sync=True)
    show_pressure = traitlets.Bool(True).tag(sync=True)
    _air = traitlets.Dict(
        {
            "speed": SPEED_OF_SOUND,
            "density": AIR_DENSITY,
            "length": TUBE_LENGTH,
            "exaggeration": EXAGGERATION,
            "marked": MARKED_M,
        }
    ).tag(sync=True)

    @property
    def wavelength_m(self) -> float:
        """Length of one period in space, c / f, in metres."""
        return SPEED_OF_SOUND / self.frequency_hz

    @property
    def displacement_um(self) -> float:
        """How far each particle swings to either side, p / (rho c w), in micrometres."""
        angular_frequency = 2 * math.pi * self.frequency_hz
        return 1e6 * self.pressure_pa / (AIR_DENSITY * SPEED_OF_SOUND * angular_frequency)

    @property
    def level_db(self) -> float:
        """Sound pressure level, from the RMS pressure over 20 µPa; minus infinity for silence."""
        if self.pressure_pa == 0:
            return -math.inf
        return 20 * math.log10(self.pressure_pa / math.sqrt(2) / HEARING_THRESHOLD_PA)

    def describe(self) -> str:
        """The state in two sentences, with its numbers."""
        if self.pressure_pa == 0:
            return "air at rest in a 2 m tube: no wave, the particles stand evenly."
        return (
            f"a sound wave of {self.frequency_hz:.0f} Hz in a 2 m tube of air, wavelength "
            f"{self.wavelength_m:.2f} m, pressure amplitude {self.pressure_pa:.2f} Pa "
            f"({self.level_db:.0f} dB SPL). Each particle swings {self.displacement_um:.2f} µm to "
            f"either side of its place, drawn {EXAGGERATION:,} times larger; where the particles "
            "are dense the pressure has its crest."
        )

    def draw(self, figure: Figure) -> None:
        """The tube and the curves at one moment, on one x axis."""
        curves = [name for name in ("displacement", "pressure") if getattr(self, f"show_{name}")]
        rows = figure.subplots(1 + len(curves), 1, sharex=True, squeeze=False)[:, 0]
        wave_number = 2 * math.pi / self.wavelength_m
        amplitude_um = self.displacement_um

        def displacement_um(x: np.ndarray) -> np.ndarray:
            return amplitude_um * np.sin(wave_number * x)

        # An additive recurrence fills the tube evenly; a little chance hides its rows.
        index, chance = np.arange(700), np.random.default_rng(0)
        rest = index * 0.7548777 % 1 * 1.15 * TUBE_LENGTH + chance.uniform(-0.015, 0.015, 700)
        height = index * 0.5698403 % 1 + chance.uniform(-0.04, 0.04, 700)
        scale = 1e-6 * EXAGGERATION
        tube = rows[0]
        tube.scatter(rest + scale * displacement_um(rest), height, s=3, color=INK, linewidths=0)
        tube.plot(MARKED_M + scale * displacement_um(MARKED_M), 0.5, "o", color=BLUE, markersize=8)
        tube.set(yticks=[], xlim=(0, TUBE_LENGTH), ylim=(-0.05, 1.05), title="air particles")

        x = np.linspace(0, TUBE_LENGTH, 500)
        pressure = -self.pressure_pa * np.cos(wave_number * x)
        for axes, name in zip(rows[1:], curves, strict=True):
            if name == "displacement":
                axes.plot(x, displacement_um(x), color=BLUE, linestyle="--")
                axes.set(ylabel="µm", ylim=(-2, 2), title="displacement (up: to the right)")
            else:
                axes.plot(x, pressure, color=RED)
                axes.set(ylabel="Pa", ylim=(-1.1, 1.1), title="change of pressure")
        crest = self.wavelength_m / 2 if self.follow_crest else self.cursor_m
        for axes in rows:
            axes.title.set_fontsize(9)
            axes.title.set_color(INK)
            axes.axvline(crest, color=INK, linewidth=0.8, linestyle=":")
        rows[-1].set_xlabel("distance from the loudspeaker in m")
