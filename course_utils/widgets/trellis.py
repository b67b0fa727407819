"""The trellis of CTC: probabilities that are moved, and all sums over paths that follow."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from course_utils import ctc
from course_utils.widgets.base import BLUE, INK, RED, Explorer, Whole, javascript

MOST_FRAMES, MOST_TOKENS, MOST_LABELS = 12, 6, 6
TOLERANCE = 1e-3  # by which the probabilities of a frame may miss 1


class Distributions(traitlets.TraitType):
    """A trait that holds one distribution a frame, as rows of floats that sum to 1."""

    def validate(self, obj: traitlets.HasTraits, value: ArrayLike) -> list[list[float]]:
        """The rows, divided by their sums; `traitlets.TraitError` says what did not fit."""
        try:
            y = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):  # ragged rows, for one
            y = np.empty(0)
        if y.ndim != 2 or not (1 <= len(y) <= MOST_FRAMES and 2 <= y.shape[1] <= MOST_TOKENS):
            got = f"shape {y.shape}" if y.size else repr(value)
            raise traitlets.TraitError(
                f"{self.name} must be (T, C), 1 to {MOST_FRAMES} frames of 2 to {MOST_TOKENS} "
                f"tokens, got {got}"
            )
        sums = y.sum(axis=1)
        wrong = (y < 0).any(axis=1) | ~(np.abs(sums - 1) <= TOLERANCE)
        if wrong.any():
            t = int(wrong.argmax())
            raise traitlets.TraitError(
                f"{self.name} must be from 0 to 1 and sum to 1 in each frame; frame {t} holds "
                f"{y[t].tolist()}, with the sum {sums[t]:.4g}. Logits need a softmax first, "
                f"log-probabilities exp"
            )
        # Rows that are right to the last digits stay as they are: the browser sent them.
        return np.where(np.abs(sums - 1)[:, None] < 1e-9, y, y / sums[:, None]).tolist()


class TrellisExplorer(Explorer):
    """Move the probabilities of a few frames, and see every path of a target summed up by CTC.

    Rows of the trellis are l', the target with the blank before, between and behind; columns are
    frames. Cells show α, β (with y of their own frame in it, as in Graves et al., 2006) or the
    occupancy αβ / (y p); the chosen cell is spelled out as the sum that it was computed from. One
    training step moves the logits against the gradient of the loss, y - occupancy, at rate 1.

    Traits:
        probabilities: (T, C), each frame sums to 1; token 0 is the blank. At most 12 frames and 6
            tokens.
        target: at most 6 labels, numbers from 1 on.
        shown: what the cells hold: "alpha", "beta" or "occupancy".
        frame: t of the chosen cell, from 0; lowered where there are fewer.
        place: s of the chosen cell in l', from 0; lowered where there are fewer.

    Setting a value that does not fit raises `traitlets.TraitError`, which says why.
    """

    _esm = javascript("lattice.js", "trellis.js")

    probabilities = Distributions().tag(sync=True)
    target = traitlets.Any(()).tag(sync=True)
    shown = traitlets.Enum(("alpha", "beta", "occupancy"), "alpha").tag(sync=True)
    frame = Whole(0, 0, MOST_FRAMES - 1)
    place = Whole(1, 0, 2 * MOST_LABELS)
    _names = traitlets.List().tag(sync=True)
    _targets = traitlets.List().tag(sync=True)
    _most = traitlets.Int(MOST_LABELS).tag(sync=True)

    def __init__(
        self,
        probabilities: ArrayLike,
        target: Sequence[int],
        names: Sequence[str] | None = None,
        targets: Sequence[Sequence[int]] = (),
        **traits: Any,
    ) -> None:
        """Take probabilities and target over.

        Args:
            probabilities: (T, C).
            target: labels, as of `Alphabet.encode`.
            names: what each token is called, as `Alphabet.names`; "-", "a", "b" and so on unless
                given.
            targets: other targets, each with a button of its own.
            traits: values of the other traits, by name.

        Raises:
            ValueError: the names do not fit the tokens.
            traitlets.TraitError: a value does not fit.
        """
        rows = type(self).probabilities.validate(self, probabilities)
        count = len(rows[0])
        self._tokens = ["-", *"abcde"][:count] if names is None else list(map(str, names))
        doubled = len(set(self._tokens)) < len(self._tokens)
        if len(self._tokens) != count or doubled or any(not n or " " in n for n in self._tokens):
            raise ValueError(
                f"names must be {count} different ones, one a token, the blank's first, without "
                f"spaces (write ␣), got {names}"
            )
        super().__init__(
            probabilities=rows,
            target=target,
            _names=self._tokens,
            _targets=[self._labels("targets", labels) for labels in targets],
            **traits,
        )

    @traitlets.validate("probabilities")
    def _check_probabilities(self, proposal: dict[str, Any]) -> list[list[float]]:
        found = len(proposal["value"][0])
        if found != len(self._tokens):
            raise traitlets.TraitError(
                f"probabilities must be of {len(self._tokens)} tokens, {self._tokens}, got {found}"
            )
        return proposal["value"]

    @traitlets.validate("target")
    def _check_target(self, proposal: dict[str, Any]) -> list[int]:
        return self._labels("target", proposal["value"])

    def _labels(self, trait: str, labels: ArrayLike) -> list[int]:
        most = len(self._tokens) - 1
        found = np.asarray(labels).tolist()
        fits = isinstance(found, list) and all(type(k) is int and 1 <= k <= most for k in found)
        if not fits or len(found) > MOST_LABELS:
            raise traitlets.TraitError(
                f"{trait} must be at most {MOST_LABELS} labels, each from 1 to {most} (0 is the "
                f"blank, which is put in by itself), got {found}"
            )
        return found

    @property
    def log_probs(self) -> torch.Tensor:
        """Natural logarithms of the probabilities, float64 (T, C)."""
        return torch.tensor(self.probabilities, dtype=torch.float64).log()

    @property
    def trellis(self) -> ctc.Trellis:
        """α, β and the occupancy as `ctc.trellis` computes them, in logarithms."""
        return ctc.trellis(self.log_probs, self.target)

    def best_path(self) -> tuple[list[int], float]:
        """The most probable path of the target as places in l', and its probability.

        No place and 0 where every path has the probability 0.
        """
        log_probs = self.log_probs
        if self.trellis.log_prob == -math.inf:
            return [], 0.0
        places, end = [], 0
        for index, span in enumerate(ctc.forced_align(log_probs, self.target)):
            places += [2 * index] * (span.start - end)
            places += [2 * index + 1] * (span.end - span.start)
            end = span.end
        places += [2 * len(self.target)] * (len(log_probs) - end)
        labels = self.trellis.labels[places]
        return places, float(log_probs[range(len(places)), labels].sum().exp())

    def values(self) -> np.ndarray:
        """What the cells show, as numbers that are not logarithms, (T, S)."""
        found = getattr(self.trellis, self.shown)
        return (found if self.shown == "occupancy" else found.exp()).numpy()

    @property
    def cell(self) -> tuple[int, int]:
        """The chosen cell, (t, s)."""
        return (
            min(self.frame, len(self.probabilities) - 1),
            min(self.place, 2 * len(self.target)),
        )

    def _named(self, tokens: Iterable[int]) -> str:
        return " ".join(self._tokens[k] for k in tokens)

    def describe(self) -> str:
        """The state in a few sentences, with its numbers."""
        trellis, (t, s) = self.trellis, self.cell
        T, labels = len(self.probabilities), trellis.labels.tolist()
        count = ctc.count_alignments(self.target, T)
        needed = ctc.frames_needed(self.target)
        p = math.exp(trellis.log_prob)
        path, best = self.best_path()
        text = f'target "{self._named(self.target)}" over {T} frames: p = {p:.3g}, '
        text += f"loss {abs(trellis.log_prob):.3f}, " if p else "loss infinite, "
        text += f"{count} alignment{'' if count == 1 else 's'}"
        if path:
            text += f", the best one {self._named(labels[s] for s in path)} with {best:.3g}"
        elif needed > T:
            text += f"; it needs {needed} frames"
        else:
            text += "; every path meets a probability of 0"
        value = self.values()[t, s]
        name = self._tokens[labels[s]]
        return f"{text}. {self.shown} of frame {t}, place {s} ({name}): {value:.3g}."

    def draw(self, figure: Figure) -> None:
        """The probabilities above, the trellis with the best path below, numbers in all cells."""
        above, below = figure.subplots(
            2, 1, sharex=True, height_ratios=[len(self._tokens) + 1, 2 * len(self.target) + 2]
        )
        y, trellis, values = np.array(self.probabilities), self.trellis, self.values()
        p = math.exp(trellis.log_prob)
        sums = values.sum(axis=1, keepdims=True)
        _cells(above, y, 0.55 * y)
        _cells(below, values, 0.55 * values / np.where(sums > 0, sums, 1))
        for t, s in enumerate(self.best_path()[0]):
            _frame(below, t, s, 0.42, RED)
        _frame(below, *self.cell, 0.48, INK)
        above.set_yticks(range(len(self._tokens)), self._tokens, fontsize=7)
        below.set_xticks(range(len(y)))
        below.set_yticks(range(len(values.T)), self._named(trellis.labels).split(), fontsize=7)
        above.set_title("probability of each token in each frame", fontsize=9)
        loss = f"{abs(trellis.log_prob):.3f}" if p else "infinite"
        below.set_title(
            f"{self.shown}; best path framed in red; p = {p:.3g}, loss {loss}", fontsize=9
        )
        below.set_xlabel("frame t")


def _frame(axes: Axes, t: int, s: int, half: float, color: str) -> None:
    corner = (t - half, s - half)
    axes.add_patch(
        Rectangle(corner, 2 * half, 2 * half, fill=False, edgecolor=color, linewidth=1.5)
    )


def _cells(axes: Axes, values: np.ndarray, shades: np.ndarray) -> None:
    """A number in each cell, (T, rows), and the cell shaded by how much of blue it gets."""
    red, green, blue = (int(BLUE[at : at + 2], 16) / 255 for at in (1, 3, 5))
    picture = np.zeros((*values.T.shape, 4))
    picture[..., :3], picture[..., 3] = (red, green, blue), shades.T
    axes.imshow(picture, aspect="auto", interpolation="none")
    size = 8 if values.shape[1] <= 7 else 6
    for (t, s), value in np.ndenumerate(values):
        text = f"{value:.3f}" if value >= 0.001 or value == 0 else f"{value:.0e}"
        axes.text(t, s, text.replace("0.000", "0"), ha="center", va="center", fontsize=size)
