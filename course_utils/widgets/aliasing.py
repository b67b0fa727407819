"""A tone, its samples, and the lower tone that the same samples give."""

import math

import numpy as np
from matplotlib.figure import Figure

from course_utils import signals
from course_utils.widgets.base import BLUE, INK, RED, Explorer, Quantity, javascript

WINDOW_S = 0.002  # the stretch of time that is drawn
# A sine that starts at zero, at exactly half the sample rate, would be sampled at its zeros only.
START_PHASE_RAD = math.pi / 4


class AliasingExplorer(Explorer):
    """A tone is sampled; the lowest tone through the samples is what is heard.

    Sampling at rate R can't tell f from f - nR for any whole n. The one nearest to zero, between
    -R/2 and R/2, is what reconstruction gives; where it is negative the phase runs backwards.

    Traits:
        frequency_hz: the tone, 0 to 12,000.
        sample_rate_hz: 2,000 to 16,000.
        volume: 0 to 1.

    Setting a value out of range raises `traitlets.TraitError`, which says the range.
    """

    _esm = javascript("aliasing.js")

    frequency_hz = Quantity(7000, 0, 12_000, "Hz")
    sample_rate_hz = Quantity(8000, 2000, 16_000, "Hz")
    volume = Quantity(0.1, 0, 1)

    @property
    def nyquist_hz(self) -> float:
        """Half the sample rate, the limit below which a tone is kept, in Hz."""
        return self.sample_rate_hz / 2

    @property
    def alias_hz(self) -> float:
        """The frequency that the samples give, between 0 and the Nyquist limit, in Hz."""
        return float(signals.alias_frequency(self.frequency_hz, self.sample_rate_hz))

    def describe(self) -> str:
        """The state in one or two sentences, with its numbers."""
        start = (
            f"a tone of {self.frequency_hz:,.0f} Hz sampled at {self.sample_rate_hz:,.0f} Hz, "
            f"Nyquist limit {self.nyquist_hz:,.0f} Hz. "
        )
        if self.frequency_hz < self.nyquist_hz:
            return start + "The samples give the same tone back."
        if self.frequency_hz == self.nyquist_hz:
            return start + "At exactly the limit the pitch survives; amplitude and phase do not."
        return start + f"The samples give an alias of {self.alias_hz:,.0f} Hz instead."

    def draw(self, figure: Figure) -> None:
        """The tone, its samples and its alias over 2 ms; and the zigzag of heard frequencies."""
        waves, fold = figure.subplots(1, 2, width_ratios=[1.6, 1])
        time_s = np.linspace(0, WINDOW_S, 1500)
        samples_s = np.arange(math.floor(WINDOW_S * self.sample_rate_hz) + 1) / self.sample_rate_hz
        rate = self.sample_rate_hz
        # Negative in every second fold: the same frequency, run backwards.
        folded_hz = self.frequency_hz - rate * math.ceil(self.frequency_hz / rate - 0.5)

        def tone(frequency_hz: float, at_s: np.ndarray) -> np.ndarray:
            return np.sin(2 * np.pi * frequency_hz * at_s + START_PHASE_RAD)

        waves.plot(1000 * time_s, tone(self.frequency_hz, time_s), color=BLUE, linewidth=0.9)
        waves.plot(1000 * time_s, tone(folded_hz, time_s), color=RED, linewidth=2.2, linestyle="--")
        samples = tone(self.frequency_hz, samples_s)
        waves.plot(1000 * samples_s, samples, "o", color=INK, markersize=5)
        waves.set(xlabel="time in ms", yticks=[], title="tone (thin), samples, heard tone (dashed)")

        frequency_hz = np.linspace(0, 12_000, 1201)
        heard_hz = signals.alias_frequency(frequency_hz, rate)
        fold.plot(frequency_hz / 1000, heard_hz / 1000, color=INK, linewidth=1)
        fold.axhline(self.nyquist_hz / 1000, color=INK, linewidth=0.8, linestyle=":")
        fold.plot(self.frequency_hz / 1000, self.alias_hz / 1000, "o", color=RED, markersize=8)
        fold.set(xlabel="true frequency in kHz", ylabel="heard frequency in kHz", ylim=(0, 8.2))
        fold.set_title("what is heard")
        for axes in (waves, fold):
            axes.title.set_fontsize(9)
