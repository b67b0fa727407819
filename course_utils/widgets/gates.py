"""The gates of an LSTM over time, scrubbed along the sound that it reads."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.datasets.items import Word
from course_utils.widgets.base import BLUE, INK, RED, Whole, javascript
from course_utils.widgets.clips import ClipExplorer

MOST_FRAMES, MOST_UNITS = 1000, 64
# Name in equations, name of the array, lowest and highest value (the cell has none).
ROWS = (
    ("i", "input", 0, 1),
    ("f", "forget", 0, 1),
    ("g", "candidate", -1, 1),
    ("o", "output", 0, 1),
    ("c", "cell", None, None),
    ("h", "hidden", -1, 1),
)


class Gates(Protocol):
    """What `models.recurrent.trace` gives: six arrays (frames, units)."""

    input: ArrayLike
    forget: ArrayLike
    candidate: ArrayLike
    output: ArrayLike
    cell: ArrayLike
    hidden: ArrayLike


class Reading(NamedTuple):
    """What an LSTM did while it read one sound.

    Attributes:
        features: (frames, bands), what it read; drawn as a picture.
        gates: six arrays (frames, units); frame 0 begins with a cell of zeros.
        answer: (frames,), what the network says at each frame, 0 to 1.
        hop_s: seconds from frame to frame; frame t is centred on t hops.
        words: where the words lie, if known.
    """

    features: ArrayLike
    gates: Gates
    answer: ArrayLike
    hop_s: float
    words: Sequence[Word] = ()


class Step(NamedTuple):
    """One step of one unit, as float64: its gates, the cell before and after, the state after."""

    i: float
    f: float
    g: float
    o: float
    before: float
    c: float
    h: float


class GateExplorer(ClipExplorer):
    """An LSTM reads a sound; a cursor moves along, and the step at the cursor stands in numbers.

    The picture has the features above, below them a row for each of input gate i, forget gate f,
    candidate g, output gate o, cell c and hidden state h: faint all units, strong the chosen one.
    At the bottom stands what the network says.

    Traits:
        clip: name of the sound.
        frame: where the cursor stands; behind the end of a sound it stands at its last frame.
        unit: which unit is shown strongly and in numbers.

    Setting a value out of range raises `traitlets.TraitError`, which says the range.
    """

    _esm = javascript("spectrum.js", "stft.js", "gates.js")
    LONGEST = 48_000

    frame = Whole(0, 0, MOST_FRAMES - 1, "frames")
    unit = Whole(0, 0, MOST_UNITS - 1, "units")
    # [frames, bands, units, seconds of a hop, [[word, start, end], ...]], one row a clip.
    _readings = traitlets.List().tag(sync=True)
    _pictures = traitlets.Bytes().tag(sync=True)  # features as 0 to 255
    _values = traitlets.Bytes().tag(sync=True)  # float32: six arrays and the answer, clip by clip

    def __init__(
        self,
        sounds: Mapping[str, tuple[ArrayLike, float]],
        readings: Mapping[str, Reading],
        **traits: Any,
    ) -> None:
        """Take sounds and readings over.

        Args:
            sounds: name to (waveform, sample_rate).
            readings: name to `Reading`, one for each sound.
            traits: values of the traits, by name.

        Raises:
            ValueError: a sound cannot be played, or a reading does not fit; the message names it.
        """
        if list(sounds) != list(readings):
            raise ValueError(f"sounds {list(sounds)} and readings {list(readings)} differ")
        self._kept = {name: _checked(name, reading) for name, reading in readings.items()}
        units = {kept.values.shape[2] for kept in self._kept.values()}
        if len(units) > 1:
            raise ValueError(f"all readings must have the same number of units, got {units}")
        self._units = units.pop()
        rows = [
            [*kept.picture.shape, self._units, kept.hop_s, [list(word) for word in kept.words]]
            for kept in self._kept.values()
        ]
        pictures = b"".join(kept.picture.tobytes() for kept in self._kept.values())
        values = b"".join(
            kept.values.astype("<f4").tobytes() + kept.answer.astype("<f4").tobytes()
            for kept in self._kept.values()
        )
        super().__init__(sounds, _readings=rows, _pictures=pictures, _values=values, **traits)

    @traitlets.validate("unit")
    def _check_unit(self, proposal: dict[str, Any]) -> int:
        if proposal["value"] >= self._units:
            raise traitlets.TraitError(
                f"unit must be 0 to {self._units - 1}, got {proposal['value']}"
            )
        return proposal["value"]

    @property
    def place(self) -> int:
        """The frame at the cursor, within the sound."""
        return min(self.frame, len(self._kept[self.clip].picture) - 1)

    def step(self) -> Step:
        """The numbers of the step at the cursor, of the chosen unit."""
        values = self._kept[self.clip].values[:, :, self.unit].astype(np.float64)
        i, f, g, o, c, h = values[:, self.place]
        before = values[4, self.place - 1] if self.place else 0.0
        return Step(*map(float, (i, f, g, o, before, c, h)))

    def describe(self) -> str:
        """The state in two sentences, with its numbers."""
        kept, s = self._kept[self.clip], self.step()
        time_s = self.place * kept.hop_s
        word = next((w.text for w in kept.words if w.start_s <= time_s < w.end_s), None)
        said = f', in the word "{word}"' if word else ""
        return (
            f'unit {self.unit} of {self._units} at {time_s:.2f} s of "{self.clip}"{said}: '
            f"c = f c + i g = {s.f:.3f} x {s.before:.3f} + {s.i:.3f} x {s.g:.3f} = "
            f"{s.f * s.before + s.i * s.g:.3f}, h = o tanh c = {s.o:.3f} x {np.tanh(s.c):.3f} = "
            f"{s.o * np.tanh(s.c):.3f}. The network says {kept.answer[self.place]:.2f}."
        )

    def draw(self, figure: Figure) -> None:
        """Features, forget gate, input gate, cell and answer, with the cursor."""
        kept = self._kept[self.clip]
        shown = [row for row in ROWS if row[0] in "ifc"]
        axes = figure.subplots(5, 1, sharex=True, height_ratios=[2, 1, 1, 1.4, 1])
        times = np.arange(len(kept.picture)) * kept.hop_s
        end = times[-1] + kept.hop_s / 2
        extent = (-kept.hop_s / 2, end, -0.5, kept.picture.shape[1] - 0.5)
        axes[0].imshow(kept.picture.T, origin="lower", aspect="auto", cmap="magma", extent=extent)
        for word in kept.words:
            middle = (word.start_s + word.end_s) / 2
            axes[0].text(middle, kept.picture.shape[1], word.text, ha="center", va="bottom", size=8)
        for ax, (letter, _, low, high) in zip(axes[1:4], shown, strict=True):
            values = kept.values["ifgoch".index(letter)]
            ax.plot(times, values, color=INK, linewidth=0.4, alpha=0.25)
            ax.plot(times, values[:, self.unit], color=BLUE, linewidth=1.6)
            ax.set_ylabel(letter, rotation=0, labelpad=10)
            if high is not None:
                ax.set_ylim(low - 0.08, high + 0.08)
        axes[4].plot(times, kept.answer, color=INK, linewidth=1.2)
        axes[4].set(ylim=(-0.08, 1.08), xlabel="time in s")
        axes[4].set_ylabel("says", rotation=0, labelpad=14)
        axes[0].set(yticks=[], xlim=(0, end))
        for ax in axes:
            ax.axvline(self.place * kept.hop_s, color=RED, linewidth=1.2, linestyle="--")
            ax.tick_params(labelsize=7)


class _Kept(NamedTuple):
    picture: np.ndarray  # uint8 (frames, bands)
    values: np.ndarray  # float32 (6, frames, units)
    answer: np.ndarray  # float32 (frames,)
    hop_s: float
    words: tuple[Word, ...]


def _checked(name: str, reading: Reading) -> _Kept:
    features = np.asarray(reading.features, dtype=np.float64)
    answer = np.asarray(reading.answer, dtype=np.float32)
    arrays = [np.asarray(getattr(reading.gates, row[1]), dtype=np.float32) for row in ROWS]
    frames, units = arrays[0].shape if arrays[0].ndim == 2 else (0, 0)
    if not (1 <= frames <= MOST_FRAMES and 1 <= units <= MOST_UNITS):
        raise ValueError(
            f"{name}: gates must be (frames, units), at most {MOST_FRAMES} and {MOST_UNITS}, got "
            f"{arrays[0].shape}"
        )
    shapes = [a.shape for a in arrays[1:]] + [(*features.shape[:1], units), (len(answer), units)]
    if features.ndim != 2 or answer.ndim != 1 or any(s != (frames, units) for s in shapes):
        raise ValueError(
            f"{name}: all gates must have the shape {(frames, units)}, the features {frames} "
            f"frames, and so the answer; got {[a.shape for a in (*arrays, features, answer)]}"
        )
    if not all(np.isfinite(a).all() for a in (*arrays, features, answer)):
        raise ValueError(f"{name}: gates, features or answer hold NaN or infinity")
    low, high = features.min(), features.max()
    picture = np.round(255 * (features - low) / ((high - low) or 1)).astype(np.uint8)
    words = tuple(Word(*word) for word in reading.words)
    return _Kept(picture, np.stack(arrays), answer, float(reading.hop_s), words)
