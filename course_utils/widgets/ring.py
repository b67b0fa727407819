"""A ring of processes that add up their gradients, a step at a time."""

import numpy as np
import traitlets
from matplotlib.figure import Figure

from course_utils.widgets.base import BLUE, INK, RED, Explorer, Quantity, Whole, javascript

MOST = 8


class RingExplorer(Explorer):
    """Processes in a ring; each cuts its gradient into as many pieces, and passes one on a step.

    In the first half of the steps a process adds the piece that arrives to its own; then each has
    one piece that holds the share of everybody. In the second half the finished pieces go round
    and replace what was there.

    Traits:
        processes: 2 to 8.
        step: steps that are done, 0 to 14; behind the last, it stands at the last.
        megabytes: size of the gradient.
        gigabits: how much a connection carries a second.

    Setting a value out of range raises `traitlets.TraitError`, which says the range.
    """

    _esm = javascript("ring.js")

    processes = Whole(4, 2, MOST, "processes")
    step = Whole(0, 0, 2 * (MOST - 1), "steps")
    megabytes = Quantity(400, 1, 4000, "MB")
    gigabits = Quantity(10, 0.1, 400, "Gbit/s")
    _most = traitlets.Int(MOST).tag(sync=True)

    @property
    def steps(self) -> int:
        """How many steps there are: twice one less than processes."""
        return 2 * (self.processes - 1)

    @property
    def done(self) -> int:
        """Steps that are done."""
        return min(self.step, self.steps)

    def sends(self, step: int) -> list[int]:
        """Which piece each process sends to its right neighbour in a step, counted from 0."""
        n = self.processes
        if step < n - 1:
            return [(rank - step) % n for rank in range(n)]
        return [(rank + 1 - (step - n + 1)) % n for rank in range(n)]

    def shares(self) -> np.ndarray:
        """How many processes' shares each piece holds, (processes, pieces)."""
        n = self.processes
        table = np.ones((n, n), dtype=int)
        for step in range(self.done):
            sent = [
                (rank, piece, table[rank, piece]) for rank, piece in enumerate(self.sends(step))
            ]
            for rank, piece, held in sent:
                right = (rank + 1) % n
                # In the first half what arrives is added; later it replaces what is there.
                table[right, piece] = table[right, piece] + held if step < n - 1 else held
        return table

    @property
    def sent_megabytes(self) -> float:
        """What one process sends in all steps."""
        return self.steps / self.processes * self.megabytes

    @property
    def seconds(self) -> float:
        """How long all steps take, waiting left out."""
        return 8 * self.sent_megabytes / 1000 / self.gigabits

    @property
    def seconds_by_one(self) -> float:
        """How long it takes when all send to one, who adds up and sends the sum to all."""
        return 8 * 2 * (self.processes - 1) * self.megabytes / 1000 / self.gigabits

    def describe(self) -> str:
        """The state in three sentences, with its numbers."""
        complete = int((self.shares() == self.processes).sum())
        return (
            f"{self.processes} processes in a ring, {self.done} of {self.steps} steps done: "
            f"{complete} of {self.processes**2} pieces hold everybody's share. Each process sends "
            f"{self.sent_megabytes:.0f} MB for a gradient of {self.megabytes:g} MB, in "
            f"{self.seconds:.3g} s at {self.gigabits:g} Gbit/s. Through one process it would take "
            f"{self.seconds_by_one:.3g} s."
        )

    def draw(self, figure: Figure) -> None:
        """The ring, with what is sent next, and the table of the pieces."""
        n, table = self.processes, self.shares()
        ring, grid = figure.subplots(1, 2, width_ratios=[1, 1.2])
        angles = np.pi / 2 - 2 * np.pi * np.arange(n) / n
        x, y = np.cos(angles), np.sin(angles)
        sends = self.sends(self.done) if self.done < self.steps else [None] * n
        for rank, piece in enumerate(sends):
            right = (rank + 1) % n
            arrow = {"arrowstyle": "-|>", "color": RED, "shrinkA": 14, "shrinkB": 14}
            if piece is None:
                arrow |= {"color": INK, "alpha": 0.3}
            ring.annotate("", (x[right], y[right]), (x[rank], y[rank]), arrowprops=arrow)
            if piece is not None:
                middle = np.pi / 2 - 2 * np.pi * (rank + 0.5) / n
                at = (
                    (1.2 * np.cos(middle), 1.2 * np.sin(middle)) if n > 2 else (0.4 - 0.8 * rank, 0)
                )
                ring.text(*at, "abcdefgh"[piece], color=RED, ha="center", va="center")
        for rank in range(n):
            ring.text(x[rank], y[rank], rank, ha="center", va="center", color="white", zorder=3)
        ring.plot(x, y, "o", color=BLUE, markersize=20)
        ring.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), aspect="equal")
        ring.axis("off")
        ring.set_title("what goes where next" if self.done < self.steps else "done", fontsize=9)
        grid.imshow(table / n, cmap="Blues", vmin=0, vmax=1.4)
        for rank in range(n):
            for piece in range(n):
                whole = table[rank, piece] == n
                text = f"{table[rank, piece]}/{n}" + ("*" if whole else "")
                grid.text(piece, rank, text, ha="center", va="center", fontsize=8)
        grid.set_xticks(range(n), list("abcdefgh"[:n]))
        grid.set(yticks=range(n), xlabel="piece of the gradient", ylabel="process")
        grid.set_title(f"shares in each piece after {self.done} of {self.steps} steps", fontsize=9)
