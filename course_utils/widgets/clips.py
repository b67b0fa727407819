"""Sounds on their way into an explorer: checked, cut to a length, sent as 16-bit numbers."""

from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from course_utils.widgets.base import Explorer

LOWEST_RATE, HIGHEST_RATE = 3_000, 96_000  # Hz; what every browser can play
SHORTEST = 64  # samples
# Of a sound from outside, recorded or opened in the browser, which resamples it to this rate.
MICROPHONE_RATE = 16_000  # Hz
LONGEST_S, SHORTEST_S = 10.0, 0.3
SILENT = 1e-4  # a peak below it is as good as nothing


class Clip(NamedTuple):
    """A sound as an explorer keeps it."""

    waveform: np.ndarray  # float32 (samples,), the beginning of what was given
    sample_rate: float  # Hz
    given_s: float  # how long the sound was that was given


class ClipExplorer(Explorer):
    """An explorer of recorded sounds; the browser has them too, and does the arithmetic itself.

    Sounds longer than `LONGEST` samples are cut, and the explorer says so. The browser's copy is
    rounded to 16 bits; the methods in Python compute with the numbers as they were given.

    Traits:
        clip: name of the sound that is looked at; the first one unless given.
    """

    LONGEST: ClassVar[int]  # samples

    clip = traitlets.Unicode().tag(sync=True)
    # Name, rate, samples, value of the 16-bit number 1, seconds given: one row a clip.
    _clips = traitlets.List().tag(sync=True)
    _samples = traitlets.Bytes().tag(sync=True)

    def __init__(self, clips: Mapping[str, tuple[ArrayLike, float]], **traits: Any) -> None:
        """Take the sounds over.

        Args:
            clips: name to (waveform, sample_rate); waveforms are `(samples,)`, real, full scale 1.
            traits: values of the traits, by name.

        Raises:
            ValueError: a sound is not what an explorer can play; the message names it.
        """
        if not isinstance(clips, Mapping) or not clips:
            raise ValueError(
                'the sounds must be {"name": (waveform, sample_rate), ...} with at least one, '
                f"got {type(clips).__name__}"
            )
        self._sounds = {name: _clip(name, sound, self.LONGEST) for name, sound in clips.items()}
        traits.setdefault("clip", next(iter(self._sounds)))
        super().__init__(**self._packed(), **traits)

    def _packed(self) -> dict[str, Any]:
        """The sounds as the browser gets them."""
        rows, samples = [], []
        for name, clip in self._sounds.items():
            unit, numbers = sixteen_bits(clip.waveform)
            rows.append([name, clip.sample_rate, len(clip.waveform), unit, clip.given_s])
            samples.append(numbers)
        return {"_clips": rows, "_samples": b"".join(samples)}

    def _extend(self, clips: Mapping[str, tuple[ArrayLike, float]]) -> None:
        """Take more sounds over; one under a known name replaces the old one."""
        new = {name: _clip(name, sound, self.LONGEST) for name, sound in clips.items()}
        self._sounds.update(new)
        for name, value in self._packed().items():
            self.set_trait(name, value)

    @traitlets.validate("clip")
    def _check_clip(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] not in self._sounds:
            names = ", ".join(map(repr, self._sounds))
            raise traitlets.TraitError(f"clip must be one of {names}, got {proposal['value']!r}")
        return proposal["value"]

    @property
    def waveform(self) -> np.ndarray:
        """The sound that is looked at, float32 `(samples,)`."""
        return self._sounds[self.clip].waveform

    @property
    def sample_rate(self) -> float:
        """Its rate in Hz."""
        return self._sounds[self.clip].sample_rate

    @property
    def duration_s(self) -> float:
        """Its length in seconds, as far as the explorer took it."""
        return len(self.waveform) / self.sample_rate


def sixteen_bits(waveform: np.ndarray) -> tuple[float, bytes]:
    """What the 16-bit number 1 stands for, and the samples as such; soft sounds use all 16 bits."""
    unit = (float(np.abs(waveform).max()) or 1.0) / 32767
    return unit, np.round(waveform / unit).astype("<i2").tobytes()


def check_outside(name: str, waveform: ArrayLike, sample_rate: float) -> np.ndarray:
    """A sound from outside as an array, if there is something to hear in it.

    Args:
        name: of the sound, for messages.
        waveform: (samples,), full scale 1.
        sample_rate: in Hz.

    Raises:
        ValueError: it is shorter than `SHORTEST_S`, or its peak is below `SILENT`.
    """
    waveform = np.asarray(waveform)
    if waveform.size < SHORTEST_S * sample_rate:
        raise ValueError(
            f"{name} lasts {waveform.size / sample_rate:.2f} s; it must last {SHORTEST_S} s "
            "at least."
        )
    if not np.abs(waveform).max() >= SILENT:
        raise ValueError(f"{name} is silent. Is the microphone switched off?")
    return waveform


def _clip(name: str, sound: tuple[ArrayLike, float], longest: int) -> Clip:
    """One checked sound, at most `longest` samples of it."""
    try:
        waveform, sample_rate = sound
    except (TypeError, ValueError):
        raise ValueError(f"{name}: expected (waveform, sample_rate), got {sound!r:.60}") from None
    if not (isinstance(sample_rate, Real) and LOWEST_RATE <= sample_rate <= HIGHEST_RATE):
        raise ValueError(
            f"{name}: sample_rate must be a number from {LOWEST_RATE:,} to {HIGHEST_RATE:,} Hz, "
            f"got {sample_rate!r:.60}. audio.resample changes it."
        )
    waveform = np.asarray(waveform)
    if not np.issubdtype(waveform.dtype, np.floating):
        raise ValueError(f"{name}: the waveform must be floats, got {waveform.dtype}")
    if waveform.ndim != 1 or waveform.size < SHORTEST:
        raise ValueError(
            f"{name}: the waveform must be one channel (samples,) with at least {SHORTEST} "
            f"samples, got shape {waveform.shape}"
        )
    if not np.isfinite(waveform).all():
        raise ValueError(f"{name}: the waveform holds NaN or infinity")
    kept = waveform[:longest].astype(np.float32)
    return Clip(kept, float(sample_rate), waveform.size / float(sample_rate))
