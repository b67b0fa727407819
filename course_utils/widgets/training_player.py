"""How a CTC network's answer to one clip grows while it trains, played like a film."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.datasets.items import Word
from course_utils.widgets.base import Explorer, Whole, javascript

MOST_MOMENTS, MOST_BYTES = 300, 120_000
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")


class Moment(NamedTuple):
    """A training at one step.

    Attributes:
        step: how many steps were done.
        loss: of the batch at this step.
        probabilities: (frames, tokens), what the network said of the clip.
        text: what that reads as.
    """

    step: int
    loss: float
    probabilities: ArrayLike
    text: str


class TrainingPlayer(Explorer):
    """A network's probabilities over one clip, at each of many moments of its training.

    Traits:
        moment: which of the moments is shown.

    Setting a value out of range raises `traitlets.TraitError`, which says the range.
    """

    _esm = javascript("training_player.js")

    moment = Whole(0, 0, MOST_MOMENTS - 1)
    # [step, loss, text], one row a moment.
    _moments = traitlets.List().tag(sync=True)
    _values = traitlets.Bytes().tag(sync=True)  # probabilities as 0 to 255, moment by moment
    # names, frame_s, [[word, start, end], ...], frames, colours
    _clip = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        moments: Sequence[Moment],
        names: Sequence[str],
        frame_s: float,
        words: Sequence[Word] = (),
        **traits: Any,
    ) -> None:
        """Take the moments over.

        Args:
            moments: in the order of the training, all of the same clip.
            names: names[token]; token 0 is the blank.
            frame_s: seconds from one frame to the next.
            words: where they truly lie.
            traits: values of the traits, by name.

        Raises:
            ValueError: there are none or too many, or the probabilities do not fit.
        """
        if not 1 <= len(moments) <= MOST_MOMENTS:
            raise ValueError(f"there must be 1 to {MOST_MOMENTS} moments, got {len(moments)}")
        arrays = [np.asarray(moment.probabilities, dtype=np.float64) for moment in moments]
        shapes = {array.shape for array in arrays}
        if len(shapes) > 1 or arrays[0].ndim != 2 or arrays[0].shape[1] != len(names):
            raise ValueError(
                f"all moments must have probabilities (frames, {len(names)} tokens), got {shapes}"
            )
        self._arrays = np.stack(arrays)
        if not (self._arrays.min() >= 0 and self._arrays.max() <= 1):
            raise ValueError("probabilities must be from 0 to 1: were they left as logarithms?")
        if self._arrays.size > MOST_BYTES:
            raise ValueError(
                f"{self._arrays.size:,} numbers are too many for a notebook, at most "
                f"{MOST_BYTES:,}: take fewer moments"
            )
        self._names, self._frame_s, self._words = list(names), float(frame_s), list(words)
        self._rows = [[m.step, float(m.loss), m.text] for m in moments]
        super().__init__(
            _moments=self._rows,
            _values=np.round(255 * self._arrays).astype(np.uint8).tobytes(),
            _clip={
                "names": self._names,
                "frame_s": self._frame_s,
                "frames": arrays[0].shape[0],
                "words": [list(word) for word in words],
                "colours": list(COLOURS),
            },
            _limits={"moment": (0, len(moments) - 1)},
            **traits,
        )

    @traitlets.validate("moment")
    def _check_moment(self, proposal: dict[str, Any]) -> int:
        if proposal["value"] >= len(self._rows):
            raise traitlets.TraitError(
                f"moment must be 0 to {len(self._rows) - 1}, got {proposal['value']}"
            )
        return proposal["value"]

    def describe(self) -> str:
        """The state in two sentences, with its numbers."""
        step, loss, text = self._rows[self.moment]
        blank = self._arrays[self.moment, :, 0].mean()
        reads = f'It reads "{text}".' if text else "It reads as nothing at all."
        return f"step {step}, loss {loss:.2f}: blank {blank:.0%} on average. {reads}"

    def draw(self, figure: Figure) -> None:
        """The curves of the moment over time, the words shaded."""
        ax = figure.subplots()
        values, (step, loss, _) = self._arrays[self.moment], self._rows[self.moment]
        times = np.arange(len(values)) * self._frame_s
        for word in self._words:
            ax.axvspan(word.start_s, word.end_s, color="#56B4E9", alpha=0.25, linewidth=0)
            ax.text((word.start_s + word.end_s) / 2, 1.12, word.text, ha="center", size=8)
        ax.plot(times, values[:, 0], "--", color="#666666", linewidth=1.2)
        for token in range(1, values.shape[1]):
            style = "-" if token <= len(COLOURS) else "-."
            color = COLOURS[token % len(COLOURS)]
            ax.plot(times, values[:, token], style, color=color, linewidth=1.5)
            for peak in _peaks(values[:, token]):
                height = values[peak, token] + 0.02
                ax.text(times[peak], height, self._names[token], ha="center", size=8)
        ax.set(ylim=(0, 1.1), xlim=(0, times[-1]), xlabel="time in s", ylabel="probability")
        ax.set_title(f"step {step}, loss {loss:.2f}", loc="left", size=9, pad=14)


def _peaks(p: np.ndarray, least: float = 0.3) -> list[int]:
    """The top of each hill above `least`."""
    above = np.flatnonzero(p > least)
    hills = np.split(above, np.flatnonzero(np.diff(above) > 1) + 1)
    return [int(hill[p[hill].argmax()]) for hill in hills if len(hill)]
