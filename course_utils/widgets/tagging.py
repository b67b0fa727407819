"""A tagging explorer: what a tagger hears in a clip, frame by frame, while a threshold is moved."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.metrics import Event, detect
from course_utils.widgets.base import BLUE, RED, Quantity, javascript
from course_utils.widgets.clips import (
    LONGEST_S,
    MICROPHONE_RATE,
    SHORTEST_S,
    ClipExplorer,
    check_outside,
)

SHORTEST_EVENT_S, GAP_S = 0.2, 0.7  # see `metrics.detect`


class Tagged(NamedTuple):
    """What a tagger says of one sound.

    Attributes:
        clip: probability of each class, (classes,).
        frames: the same for each frame, (frames, classes).
        frame_s: time from frame to frame in seconds.
        levels: log-mel, (steps, bands), for the picture; steps of any length over the whole sound.
    """

    clip: np.ndarray
    frames: np.ndarray
    frame_s: float
    levels: np.ndarray


class TaggingExplorer(ClipExplorer):
    """The tags of a clip over a threshold, and when each of them is heard.

    Besides the clips that it is given, it tags a sound that is recorded or opened in the browser;
    the last one is kept as the clip `YOURS`. Tagging is done by the function that was given, in
    Python; moving the threshold and finding the events in the browser.

    Traits:
        clip: name of the sound.
        threshold: 0.01 to 0.99; a tag is on where its probability is at or above it.
        time_s: where the cursor stands.
        problem: what was wrong with the last sound from outside; empty when nothing was.
    """

    _esm = javascript("spectrum.js", "stft.js", "recorder.js", "intake.js", "tagging.js")
    LONGEST = int(LONGEST_S * MICROPHONE_RATE)
    YOURS = "your sound"

    threshold = Quantity(0.5, 0.01, 0.99)
    time_s = Quantity(0, 0, 60, "s")
    problem = traitlets.Unicode().tag(sync=True)
    _names = traitlets.List().tag(sync=True)
    _outside = traitlets.Dict().tag(sync=True)  # limits for sounds from outside
    # Probabilities, frames, time between them, steps and bands of the picture: one row a clip.
    _tagged = traitlets.List().tag(sync=True)
    _frames = traitlets.Bytes().tag(sync=True)  # float32
    _levels = traitlets.Bytes().tag(sync=True)  # one byte each, 0 is 80 dB under the loudest

    def __init__(
        self,
        clips: Mapping[str, tuple[ArrayLike, float]],
        tag: Callable[[np.ndarray, float], Tagged],
        names: Sequence[str],
        **traits: Any,
    ) -> None:
        """Tag the sounds.

        Args:
            clips: name to (waveform, sample_rate).
            tag: takes a waveform and its rate, for a sound from outside too.
            names: of the classes.
            traits: values of the traits, by name.

        Raises:
            ValueError: a sound is not what an explorer can play, or `tag` gives other shapes.
        """
        self._tag, self._results = tag, {}
        rule = {"shortest_s": SHORTEST_EVENT_S, "gap_s": GAP_S}
        outside = {"rate": MICROPHONE_RATE, "longest_s": LONGEST_S, "shortest_s": SHORTEST_S}
        super().__init__(
            clips, _names=list(names), _outside={**outside, "event": rule, "name": self.YOURS}
        )
        self._listen(self._sounds)
        self.set_trait("clip", traits.pop("clip", self.clip))
        for name, value in traits.items():
            setattr(self, name, value)
        self.on_msg(self._take)

    def _listen(self, names: Sequence[str]) -> None:
        """Tag these sounds, and tell the browser."""
        for name in list(names):
            sound = self._sounds[name]
            result = self._tag(sound.waveform, sound.sample_rate)
            if np.shape(result.frames)[1:] != (len(self._names),):
                raise ValueError(
                    f"{name}: frames must be (frames, {len(self._names)}), got "
                    f"{np.shape(result.frames)}"
                )
            self._results[name] = result
        rows, frames, levels = [], [], []
        for name in self._sounds:
            clip, p, frame_s, level = self._results[name]
            level = np.asarray(level, dtype=np.float64)
            # Natural logarithms of power: 80 dB are 18.4.
            shade = 255 * (1 + (level - level.max()) / (8 * np.log(10)))
            levels.append(np.clip(np.round(shade), 0, 255).astype(np.uint8).tobytes())
            frames.append(np.asarray(p).astype("<f4").tobytes())
            rows.append([[float(v) for v in clip], len(p), float(frame_s), *level.shape])
        with self.hold_sync():
            self._tagged, self._frames, self._levels = rows, b"".join(frames), b"".join(levels)

    def add(self, name: str, waveform: ArrayLike, sample_rate: float) -> None:
        """Take another sound (or another one under the same name), tag it and show it.

        Raises:
            ValueError: it is too short, silent, or not what an explorer can play.
        """
        waveform = check_outside(name, waveform, sample_rate)
        with self.hold_sync():
            self._extend({name: (waveform, sample_rate)})
            self._listen([name])
            self.time_s = 0.0
            self.clip = name

    def _take(self, _: object, content: dict[str, Any], buffers: Sequence[Any]) -> None:
        """A sound from the browser: float32 samples."""
        self.problem = ""
        try:
            waveform = np.frombuffer(bytes(buffers[0]), dtype="<f4")
            self.add(self.YOURS, waveform, float(content["rate"]))
        except ValueError as error:
            self.problem = str(error)

    @property
    def tagged(self) -> Tagged:
        """What the tagger says of the clip that is looked at."""
        return self._results[self.clip]

    def tags(self) -> list[str]:
        """Names of the classes whose probability is at or above the threshold."""
        pairs = zip(self._names, self.tagged.clip, strict=True)
        return [name for name, p in pairs if np.float32(p) >= np.float32(self.threshold)]

    def events(self) -> list[Event]:
        """What is detected in time, by start."""
        rule = {"shortest_s": SHORTEST_EVENT_S, "gap_s": GAP_S}
        return detect(self.tagged.frames, self.threshold, self._names, self.tagged.frame_s, **rule)

    def describe(self) -> str:
        """The state in two or three sentences, with its numbers."""
        probability = dict(zip(self._names, self.tagged.clip, strict=True))
        on = ", ".join(f"{name} {probability[name]:.2f}" for name in self.tags()) or "none"
        heard = "; ".join(f"{e.label} {e.start_s:.1f} to {e.end_s:.1f} s" for e in self.events())
        return (
            f'tags of "{self.clip}", {self.duration_s:.1f} s, at the threshold '
            f"{self.threshold:.2f}: {on}. In time: {heard or 'nothing'}."
        )

    def draw(self, figure: Figure) -> None:
        """The spectrogram, the probabilities of the frames, and those of the clip."""
        clip, frames, frame_s, levels = self.tagged
        grid = figure.add_gridspec(2, 2, height_ratios=[2, 3], width_ratios=[5, 1])
        above = figure.add_subplot(grid[0, 0])
        low = levels.max() - 8 * np.log(10)
        above.imshow(
            levels.T,
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=low,
            extent=(0, self.duration_s, 0, levels.shape[1]),
        )
        above.set(yticks=[])
        above.tick_params(labelbottom=False)
        lanes = figure.add_subplot(grid[1, 0], sharex=above)
        times = np.arange(len(frames)) * frame_s
        for row, (name, p) in enumerate(zip(self._names, frames.T, strict=True)):
            lanes.fill_between(times, -row, -row + 0.8 * p, color="#999999")
            for event in self.events():
                if event.label == name:
                    width = event.end_s - event.start_s
                    lanes.broken_barh([(event.start_s, width)], (-row - 0.02, -0.14), color=RED)
        rows = -np.arange(len(self._names))
        lanes.set_yticks(rows + 0.3, self._names, fontsize=7)
        lanes.set(xlabel="time in s", xlim=(0, self.duration_s))
        lanes.axvline(self.time_s, color=BLUE, linewidth=0.8)
        bars = figure.add_subplot(grid[1, 1], sharey=lanes)
        on = np.asarray(clip) >= self.threshold
        bars.barh(rows + 0.35, clip, 0.6, color=np.where(on, BLUE, "#999999"))
        bars.axvline(self.threshold, color=RED, linestyle="--", linewidth=1)
        bars.tick_params(axis="y", length=0, labelleft=False)
        bars.set(xlim=(0, 1), xlabel="clip")
