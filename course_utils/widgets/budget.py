"""What a training costs: days over the number of devices, and money."""

import numpy as np
import traitlets
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from course_utils.widgets.base import BLUE, INK, RED, Explorer, Quantity, Whole, javascript

MOST_DEVICES = 1024
SPANS = {"a day": 1.0, "a week": 7.0, "a month": 30.4, "a year": 365.25}


class BudgetExplorer(Explorer):
    """How long a training takes, and what it costs, before it is started.

    The work is hours times epochs; a device does `throughput` times real time of it. Of each
    doubling of the devices a share `kept` is left: N devices are N · kept^(log2 N) times as fast.

    Traits:
        hours: of sound, 1 to 1,000,000.
        epochs: how often it is gone through, 1 to 100.
        throughput: of one device, times real time, 1 to 100,000.
        devices: 1 to 1024.
        kept: share that is left of each doubling, 0.5 to 1.
        price: of a device for an hour, 0 to 1,000.

    Setting a value out of range raises `traitlets.TraitError`, which says the range.
    """

    _esm = javascript("budget.js")

    hours = Quantity(960, 1, 1_000_000, "h")
    epochs = Quantity(20, 1, 100, "epochs")
    throughput = Quantity(100, 1, 100_000, "times real time")
    devices = Whole(1, 1, MOST_DEVICES, "devices")
    kept = Quantity(0.95, 0.5, 1)
    price = Quantity(2, 0, 1000, "an hour")
    _spans = traitlets.List([list(span) for span in SPANS.items()]).tag(sync=True)

    def days_with(self, devices: float) -> float:
        """How long it takes with another number of devices."""
        speed = self.throughput * devices * self.kept ** np.log2(devices)
        return float(self.hours * self.epochs / speed / 24)

    @property
    def days(self) -> float:
        """How long it takes."""
        return self.days_with(self.devices)

    @property
    def cost(self) -> float:
        """Devices times hours times the price."""
        return 24 * self.days * self.devices * self.price

    def describe(self) -> str:
        """The state in two sentences, with its numbers."""
        return (
            f"{self.hours:,.0f} h of sound, {self.epochs:g} epochs, {self.devices} devices of "
            f"{self.throughput:,.0f} times real time each, {self.kept:.0%} kept of each doubling: "
            f"{self.days:.3g} days, {24 * self.days * self.devices:,.0f} device-hours. At "
            f"{self.price:g} an hour that is {self.cost:,.0f}."
        )

    def draw(self, figure: Figure) -> None:
        """Days over devices, ideal and as kept, and the chosen place."""
        ax = figure.subplots()
        devices = 2.0 ** np.arange(11)
        ax.plot(devices, self.days_with(1) / devices, ":", color=INK, label="nothing lost")
        kept = [self.days_with(n) for n in devices]
        ax.plot(devices, kept, color=BLUE, label=f"{self.kept:.0%} kept of each doubling")
        ax.plot(self.devices, self.days, "o", color=RED, markersize=9)
        low, high = 0.5 * self.days_with(1) / MOST_DEVICES, 2 * self.days_with(1)
        for name, days in SPANS.items():
            if low < days < high:
                ax.axhline(days, color=INK, linewidth=0.6, alpha=0.4)
                ax.text(MOST_DEVICES, days, name, ha="right", va="bottom", fontsize=8)
        ax.set(xscale="log", yscale="log", ylim=(low, high), xlabel="devices", ylabel="days")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize=8)
