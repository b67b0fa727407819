"""The prefix-beam stepper: CTC's probabilities are decoded one frame at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.datasets.text import BLANK, BLANK_SIGN
from course_utils.widgets.base import BLUE, INK, RED, Explorer, Quantity, Whole, javascript

if TYPE_CHECKING:
    from course_utils.decoding import Hypothesis, Prefix

MOST_FRAMES, MOST_TOKENS = 60, 40
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Bigrams:
    """A table of bigrams as the decoder's language model: each token counts by itself."""

    separator = None

    def __init__(self, table: ArrayLike) -> None:
        """Take a table over: row, the previous token; column, the next one; 0 is start and end."""
        self.table = np.asarray(table, dtype=np.float64)

    def start(self) -> int:
        """The state before the first token."""
        return 0

    def score(self, state: int, token: int) -> tuple[float, int]:
        """Natural log of the token's probability after the last one, and the state after it."""
        return float(self.table[state, token]), token

    def end(self, state: int) -> float:
        """Natural log of the probability that the text ends here."""
        return float(self.table[state, 0])


class BeamStepper(Explorer):
    """Prefix beam search over the probabilities of a few frames, one frame at a time.

    Of each prefix are shown the probability of its paths that end in the blank, p_b, and of those
    that end in its last token, p_nb; the ways from the prefixes of the last frame, and which of
    them end in the same prefix; and what falls off the beam. For the chosen prefix, both sums are
    spelled out. After the last frame stand the answers, with their exact probabilities, beside the
    best path, the best of all labellings where there are few, and the answers of all beam widths.

    The numbers are those of `decoding.prefix_beam_search`.

    Traits:
        example: name of the example; the first one unless given.
        frame: how many frames are read, from 0 on; beyond the last one counts as all.
        width: prefixes that are kept, 1 to 8.
        alpha: weight of the language model, 0 to 3; without one it counts nothing.
        beta: bonus for each token, -2 to 4; without a language model it counts nothing.
        row: rank of the chosen prefix, from 0 on; those that fall off follow on the beam.

    Setting a value out of range raises `traitlets.TraitError`, which says the range.
    """

    _esm = javascript("beam.js", "beam_stage.js", "beam_stepper.js")

    example = traitlets.Unicode().tag(sync=True)
    frame = Whole(0, 0, MOST_FRAMES, "frames")
    width = Whole(3, 1, 8, "prefixes")
    alpha = Quantity(0.0, 0.0, 3.0)
    beta = Quantity(0.0, -2.0, 4.0)
    row = Whole(0, 0, 400)
    # Name and rows of probabilities of each example; names of tokens; rows of ln P, or none.
    _examples = traitlets.List().tag(sync=True)
    _names = traitlets.List().tag(sync=True)
    _bigrams = traitlets.List().tag(sync=True)

    def __init__(
        self,
        examples: Mapping[str, ArrayLike],
        names: Sequence[str] | None = None,
        bigrams: ArrayLike | None = None,
        **traits: Any,
    ) -> None:
        """Take the examples over, rounded to nine digits behind the point.

        Args:
            examples: name to probabilities (frames, tokens); each row sums to one; token 0 is the
                blank. Up to 60 frames and 40 tokens; up to 16 and 8 all numbers have room. They
                may have fewer tokens than there are names.
            names: what each token is called, the blank first, as `Alphabet.names`; "-", "a", "b"
                and so on unless given.
            bigrams: a language model, (tokens, tokens): [i, j] is ln P(token j | token i before
                it), row 0 for the first token of a text, column 0 for the end of the text; over
                all names.
            traits: values of the traits, by name.

        Raises:
            ValueError: an example, the names or the bigrams do not fit; the message says which.
        """
        if not isinstance(examples, Mapping) or not examples:
            raise ValueError(
                'the examples must be {"name": (frames, tokens) probabilities, ...}, at least one'
            )
        self._rows = {name: _checked(name, rows) for name, rows in examples.items()}
        size = max(rows.shape[1] for rows in self._rows.values())
        self.names = [BLANK_SIGN, *LETTERS[: size - 1]] if names is None else list(names)
        if len(self.names) < size or len(set(self.names)) < len(self.names):
            raise ValueError(
                f"names must be one of its own for each of {size} tokens, the blank first, "
                f"got {self.names}"
            )
        self.lm = None if bigrams is None else Bigrams(_checked_bigrams(bigrams, len(self.names)))
        traits.setdefault("example", next(iter(self._rows)))
        super().__init__(
            _examples=[[name, rows.tolist()] for name, rows in self._rows.items()],
            _names=self.names,
            _bigrams=[] if self.lm is None else self.lm.table.tolist(),
            **traits,
        )

    @traitlets.validate("example")
    def _check_example(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] not in self._rows:
            known = ", ".join(map(repr, self._rows))
            raise traitlets.TraitError(f"example must be one of {known}, got {proposal['value']!r}")
        return proposal["value"]

    @property
    def probabilities(self) -> np.ndarray:
        """Those of the chosen example, float64 (frames, tokens)."""
        return self._rows[self.example]

    def beam(self) -> list[tuple[tuple[int, ...], Prefix]]:
        """The prefixes that are kept after the frames read so far, the best first."""
        from course_utils import decoding  # only here: it brings torch

        read = min(self.frame, len(self.probabilities))
        beams = list(decoding.prefix_beams(*self._problem()))
        return [item for item in beams[read].items() if item[1].total > -math.inf]

    def answers(self) -> list[Hypothesis]:
        """The labellings of the last beam with their exact scores, the best first."""
        from course_utils import decoding

        found = decoding.prefix_beam_search(*self._problem(), top=self.width)
        return [one for one in found if one.score > -math.inf]

    def _problem(self) -> tuple:
        import torch

        with np.errstate(divide="ignore"):
            log_probs = torch.tensor(np.log(self.probabilities))
        alpha, beta = (0.0, 0.0) if self.lm is None else (self.alpha, self.beta)
        return log_probs, self.width, BLANK, self.lm, alpha, beta

    def spell(self, tokens: Sequence[int]) -> str:
        """A prefix as it is shown."""
        separator = " " if any(len(name) > 1 for name in self.names[1:]) else ""
        return separator.join(self.names[token] for token in tokens) or "(empty)"

    def describe(self) -> str:
        """The state in a few sentences, with its numbers."""
        beam, frames = self.beam(), len(self.probabilities)
        read = min(self.frame, frames)
        kept = "; ".join(f"{self.spell(one)} {math.exp(p.total):.3f}" for one, p in beam)
        tokens, prefix = beam[min(self.row, len(beam) - 1)]
        text = (
            f'"{self.example}", beam width {self.width}, {read} of {frames} frames read: the beam '
            f"holds {kept}. {self.spell(tokens)}: {math.exp(prefix.blank):.3f} end in the blank, "
            f"{math.exp(prefix.label):.3f} in the last token."
        )
        if self.lm is not None:
            text += (
                f" With alpha {self.alpha:g} and beta {self.beta:g} the language model's share is "
                f"{prefix.share:.2f}, its score {prefix.score:.2f}."
            )
        if read == frames:
            best = self.answers()[0]
            path = self.probabilities.argmax(axis=1)
            collapsed = path[np.diff(path, prepend=-1) != 0]
            greedy = self.spell([int(token) for token in collapsed if token != BLANK])
            text += (
                f" The answer is {self.spell(best.tokens)}, score {best.score:.3f}; the best path "
                f"{' '.join(self.names[token] for token in path)} collapses to {greedy}."
            )
        return text

    def draw(self, figure: Figure) -> None:
        """The probabilities of all frames, and the beam after those that are read."""
        left, right = figure.subplots(1, 2, width_ratios=[3, 4])
        read = min(self.frame, len(self.probabilities))
        left.imshow(self.probabilities.T, aspect="auto", cmap="Blues", vmin=0, vmax=1.4)
        left.set_yticks(range(self.probabilities.shape[1]), self.names[: len(self.probabilities.T)])
        if len(self.probabilities) <= 10:
            for (t, token), p in np.ndenumerate(self.probabilities):
                left.text(t, token, f"{p:.2g}", ha="center", va="center", fontsize=7, color=INK)
        count = len(self.probabilities)
        shown = range(1, count + 1, 1 if count <= 16 else 5)
        left.set_xticks([t - 1 for t in shown], shown)
        left.tick_params(labelsize=7)
        if read:
            left.axvspan(read - 1.5, read - 0.5, fill=False, edgecolor=RED, linewidth=2)
        left.set(xlabel="frame", title="probability of each token")
        beam = self.beam()
        rows = np.arange(len(beam))
        blank = np.exp([prefix.blank for _, prefix in beam])
        label = np.exp([prefix.label for _, prefix in beam])
        right.barh(rows, blank, color="white", edgecolor=RED, hatch="////", label="$p_b$")
        right.barh(rows, label, left=blank, color=BLUE, label="$p_{nb}$")
        row = min(self.row, len(beam) - 1)
        for place, (_, prefix) in enumerate(beam):
            share = f", LM {prefix.share:.2f}" if self.lm is not None else ""
            text = f" {blank[place] + label[place]:.3f}{share}"
            weight = "bold" if place == row else "normal"
            right.text(blank[place] + label[place], place, text, va="center", fontweight=weight)
        right.set_yticks(rows, [self.spell(tokens) for tokens, _ in beam])
        room = 1.35 if self.lm is None else 1.7  # for the numbers behind the longest bar
        right.set(ylim=(max(len(beam), 4) - 0.4, -0.6), xlim=(0, room * (blank + label).max()))
        right.set(xlabel="probability", title=f"beam after frame {read}, width {self.width}")
        right.legend(loc="lower right", fontsize=8)
        for axes in (left, right):
            axes.title.set_fontsize(9)


def _checked(name: str, values: ArrayLike) -> np.ndarray:
    """The rows of an example as float64, or a ValueError that says what is wrong."""
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim != 2 or not 1 <= len(rows) <= MOST_FRAMES or not 2 <= rows.shape[1] <= MOST_TOKENS:
        raise ValueError(
            f"{name}: expected (frames, tokens) of 1 to {MOST_FRAMES} frames and 2 to "
            f"{MOST_TOKENS} tokens, got shape {rows.shape}"
        )
    if not (rows >= 0).all():  # NaN is not >= 0
        raise ValueError(
            f"{name}: probabilities must be from 0 to 1; negative numbers may be log-probabilities,"
            f" which .exp() makes probabilities"
        )
    wrong = np.flatnonzero(np.abs(rows.sum(axis=1) - 1) > 1e-3)
    if wrong.size:
        raise ValueError(
            f"{name}: the probabilities of frame {wrong[0]} sum to {rows[wrong[0]].sum():.4g}, "
            f"not to 1: give what softmax gives, (frames, tokens)"
        )
    return np.round(rows, 9)


def _checked_bigrams(bigrams: ArrayLike, size: int) -> np.ndarray:
    """The table of bigrams as float64, or a ValueError that says what is wrong."""
    table = np.asarray(bigrams, dtype=np.float64)
    if table.shape != (size, size):
        raise ValueError(
            f"bigrams must be ({size}, {size}), ln P(token | previous token) with 0 as start and "
            f"end, got shape {table.shape}"
        )
    if not (np.isfinite(table) & (table <= 0)).all():
        raise ValueError(
            "bigrams must be natural logs of probabilities: none above 0, none infinite (give what "
            "never comes a small probability)"
        )
    return np.round(table, 9)
