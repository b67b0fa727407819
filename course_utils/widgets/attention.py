"""Where a model looked: each written token, the sound it was read from, and how it sounds there."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils import metrics
from course_utils.datasets.items import Word
from course_utils.widgets.base import BLUE, INK, RED, Whole, javascript
from course_utils.widgets.clips import ClipExplorer

MOST_TOKENS = 60
MARGIN_S = 0.03  # heard on both sides of what was looked at
JOIN_S = 0.21  # two looks that are closer than this are one
WEIGHT_UNIT = 1 / 65535  # the browser's copy of a weight is a 16-bit number of these


class Look(NamedTuple):
    """What one model wrote of a clip, and where it looked for each token.

    Attributes:
        tokens: what it wrote.
        weights: (tokens, places), 0 to 1.
        place_s: seconds from one place to the next; place j is centred on second j · place_s.
    """

    tokens: Sequence[str]
    weights: ArrayLike
    place_s: float


class Heard(NamedTuple):
    """A clip, what the models saw of it, what is in it, and what they made of it.

    Attributes:
        waveform: (samples,).
        sample_rate: in Hz.
        features: (frames, bands), drawn as a picture over the whole clip.
        words: what is in it, and where.
        looks: name of a model to what it wrote.
    """

    waveform: np.ndarray
    sample_rate: float
    features: np.ndarray
    words: Sequence[Word]
    looks: Mapping[str, Look]


class AttentionExplorer(ClipExplorer):
    """Go through what a model wrote, see where it looked for each token, and hear that place.

    The stretch of a token is what lies around the peak of its weights where they are above a tenth
    of the peak, gaps of up to 0.2 s included. The true place of a token is that of the word it is
    aligned with by the edit distance; tokens in angle brackets, such as <end>, have none.

    Of each clip the first 80,000 samples are taken, 10 s at 8 kHz.

    Traits:
        clip: name of the clip.
        look: name of the model.
        token: number of the token, from 0; lowered where a model wrote fewer.

    Setting a value out of range raises `traitlets.TraitError`, which says the range.
    """

    _esm = javascript("spectrum.js", "stft.js", "attention.js")
    LONGEST = 80_000

    look = traitlets.Unicode().tag(sync=True)
    token = Whole(0, 0, MOST_TOKENS - 1, "")
    # One entry a clip: shape of the picture, words, and for each model tokens, places and so on.
    _heard = traitlets.List().tag(sync=True)
    _pictures = traitlets.Bytes().tag(sync=True)
    _weights = traitlets.Bytes().tag(sync=True)
    _margin_s = traitlets.Float(MARGIN_S).tag(sync=True)
    _join_s = traitlets.Float(JOIN_S).tag(sync=True)

    def __init__(self, clips: Mapping[str, Heard], **traits: Any) -> None:
        """Take the clips over.

        Args:
            clips: name to what was heard; the same models for each.
            traits: values of the traits, by name.

        Raises:
            ValueError: a sound cannot be played, weights and tokens do not fit, or a model is
                missing; the message names the clip.
        """
        if not isinstance(clips, Mapping) or not clips:
            raise ValueError(f"the clips must be {{name: Heard, ...}}, got {type(clips).__name__}")
        names = list(next(iter(clips.values())).looks)
        self._clips_heard = dict(clips)
        entries, pictures, weights = [], [], []
        for name, heard in clips.items():
            if list(heard.looks) != names or not names:
                raise ValueError(f"{name}: looks of {list(heard.looks)}, expected {names}")
            picture = _picture(heard.features)
            pictures.append(picture.tobytes())
            looks = []
            for model, look in heard.looks.items():
                checked = _checked(f"{name}, {model}", look)
                weights.append(np.round(checked / WEIGHT_UNIT).astype("<u2").tobytes())
                aligned = _aligned(heard.words, look.tokens)
                looks.append([model, list(look.tokens), checked.shape[1], look.place_s, aligned])
            words = [[word.text, word.start_s, word.end_s] for word in heard.words]
            entries.append([name, list(picture.shape), words, looks])
        traits.setdefault("look", names[0])
        super().__init__(
            {name: (heard.waveform, heard.sample_rate) for name, heard in clips.items()},
            _heard=entries,
            _pictures=b"".join(pictures),
            _weights=b"".join(weights),
            **traits,
        )

    @traitlets.validate("look")
    def _check_look(self, proposal: dict[str, Any]) -> str:
        names = list(next(iter(self._clips_heard.values())).looks)
        if proposal["value"] not in names:
            known = ", ".join(map(repr, names))
            raise traitlets.TraitError(f"look must be one of {known}, got {proposal['value']!r}")
        return proposal["value"]

    @property
    def written(self) -> Look:
        """What the chosen model wrote of the chosen clip."""
        return self._clips_heard[self.clip].looks[self.look]

    @property
    def row(self) -> int:
        """The chosen token, or the last one where there are fewer."""
        return min(self.token, len(self.written.tokens) - 1)

    @property
    def word(self) -> Word | None:
        """What is really there for the chosen token; None where the token is one too many."""
        words = self._clips_heard[self.clip].words
        place = _aligned(words, self.written.tokens)[self.row]
        return None if place is None else words[place]

    def peak_s(self) -> float:
        """Where the chosen token's weights are largest, in seconds."""
        weights = np.asarray(self.written.weights)[self.row]
        return float(weights.argmax() * self.written.place_s)

    def stretch_s(self) -> tuple[float, float]:
        """From when to when the model looked, in seconds."""
        weights = np.asarray(self.written.weights)[self.row]
        seen = np.flatnonzero(weights >= weights.max() / 10)
        gaps = np.flatnonzero(np.diff(seen) * self.written.place_s > JOIN_S) + 1
        looks = np.split(seen, gaps)
        first, last = next((g[0], g[-1]) for g in looks if weights.argmax() in g)
        start = max(0.0, (first - 0.5) * self.written.place_s - MARGIN_S)
        end = min(self.duration_s, (last + 0.5) * self.written.place_s + MARGIN_S)
        return start, end

    def inside(self) -> float:
        """Share of the chosen token's weight that lies in its true place, half a place allowed."""
        if self.word is None:
            return 0.0
        weights = np.asarray(self.written.weights)[self.row]
        times_s = np.arange(len(weights)) * self.written.place_s
        slack = self.written.place_s / 2
        own = (times_s >= self.word.start_s - slack) & (times_s <= self.word.end_s + slack)
        return float(weights[own].sum())

    def describe(self) -> str:
        """The state in two sentences, with its numbers."""
        tokens, (start, end) = self.written.tokens, self.stretch_s()
        known = "no true place belongs to it"
        if not self._clips_heard[self.clip].words:
            known = "what lies where is not known"
        elif self.word is not None:
            span = f"{self.word.start_s:.2f} to {self.word.end_s:.2f} s"
            known = f"the true place of {self.word.text} is {span}"
        return (
            f'Of "{self.clip}" the model "{self.look}" wrote {" ".join(tokens)}. For token '
            f"{self.row + 1}, {tokens[self.row]}, it looked at {start:.2f} to {end:.2f} s, most at "
            f"{self.peak_s():.2f} s; {known}."
        )

    def draw(self, figure: Figure) -> None:
        """The picture of the sound with the weights below it, and all weights as rows."""
        heard, look, row = self._clips_heard[self.clip], self.written, self.row
        above, middle, below = figure.subplots(3, 1, sharex=True, height_ratios=[2, 1, 2])
        weights = np.asarray(look.weights)
        half = look.place_s / 2
        extent = (0, self.duration_s, -0.5, heard.features.shape[1] - 0.5)
        picture = _picture(heard.features).T
        above.imshow(picture, origin="lower", aspect="auto", cmap="magma", extent=extent)
        above.axvline(self.peak_s(), color="white", linewidth=1)
        for word in heard.words:
            middle_s = (word.start_s + word.end_s) / 2
            weight = "bold" if word == self.word else "normal"
            above.text(middle_s, extent[3], word.text, ha="center", va="bottom", fontweight=weight)
        times_s = np.arange(weights.shape[1]) * look.place_s
        middle.plot(times_s, weights[row], color=BLUE)
        middle.plot(self.peak_s(), weights[row].max(), "o", color=RED)
        if self.word is not None:
            middle.axvspan(self.word.start_s, self.word.end_s, color=INK, alpha=0.15, linewidth=0)
        middle.set(yticks=[], ylabel="weight")
        extent = (-half, times_s[-1] + half, len(weights) - 0.5, -0.5)
        below.imshow(weights, aspect="auto", cmap="Greys", extent=extent, interpolation="none")
        below.axhspan(row - 0.5, row + 0.5, fill=False, edgecolor=RED, linewidth=2)
        below.set(xlim=(0, self.duration_s), xlabel="time in s")
        below.set_yticks(range(len(weights)), look.tokens, fontsize=7)
        for axes in (above, middle):
            axes.tick_params(labelbottom=False)
        above.set_yticks([])


def _picture(features: np.ndarray) -> np.ndarray:
    """Features as 0 to 255; a few outliers must not make all the rest dark."""
    values = np.asarray(features, dtype=np.float64)
    low, high = np.quantile(values, [0.01, 0.995])
    return np.round(255 * np.clip((values - low) / max(high - low, 1e-9), 0, 1)).astype(np.uint8)


def _checked(name: str, look: Look) -> np.ndarray:
    """The weights of a look as (tokens, places), or a ValueError."""
    weights = np.asarray(look.weights, dtype=np.float64)
    if not 1 <= len(look.tokens) <= MOST_TOKENS:
        raise ValueError(f"{name}: {len(look.tokens)} tokens, expected 1 to {MOST_TOKENS}")
    if weights.ndim != 2 or len(weights) != len(look.tokens):
        raise ValueError(
            f"{name}: weights must be (tokens, places) with one row for each of the "
            f"{len(look.tokens)} tokens, got shape {weights.shape}"
        )
    if not (weights >= 0).all() or weights.max() > 1 + 1e-5:  # NaN is not >= 0
        raise ValueError(f"{name}: weights must be from 0 to 1")
    return np.minimum(weights, 1)


def _aligned(words: Sequence[Word], tokens: Sequence[str]) -> list[int | None]:
    """For each token the number of the word it is aligned with; None where there is none."""
    found: list[int | None] = [None] * len(tokens)
    heard = [index for index, token in enumerate(tokens) if not token.startswith("<")]
    rows, place = iter(heard), 0
    pairs = metrics.alignment([word.text for word in words], [tokens[index] for index in heard])
    for reference, hypothesis in pairs:
        if hypothesis is not None:
            found[next(rows)] = None if reference is None else place
        place += reference is not None
    return found
