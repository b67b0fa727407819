"""Synthetic sound scenes for tagging: events over a background, all of it known.

What each event and background is made of is in `event_sounds`.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np

from course_utils import signals
from course_utils.datasets import bundled, event_sounds
from course_utils.datasets.drawn import check_count, check_range, place_of
from course_utils.datasets.event_sounds import CLASSES, RATE
from course_utils.datasets.items import Table
from course_utils.metrics import Event

LEVEL_DB = (-34.0, -22.0)  # RMS of a scene over full scale, whatever sounds in it
PEAK = 0.95


class Scene(NamedTuple):
    """One scene with what is known about it.

    Attributes:
        waveform: float32 `(samples,)`, within full scale [-1, 1].
        sample_rate: in Hz.
        events: what sounds from when to when, by start: the strong labels.
        tags: float32 `(classes,)`, 1 where a class of `CLASSES` is heard: the weak labels.
        snr_db: of each event: its power over that of the background while it sounds.
        background: its kind.
        id: unique within a split and seed.
    """

    waveform: np.ndarray
    sample_rate: int
    events: tuple[Event, ...]
    tags: np.ndarray
    snr_db: tuple[float, ...]
    background: str
    id: str


class _Plan(NamedTuple):
    place: int
    labels: tuple[str, ...]
    snr_db: np.ndarray
    background: str
    level_db: float
    rng: np.random.Generator


class Soundscapes:
    """A sequence of `Scene`, made when asked for; item i depends on `seed`, split and i alone.

    How many events is drawn, then their classes (no class twice), SNRs and the background, then
    each event's variant, length and place; events may overlap. A map-style dataset for torch too.

    Train and dev draw the same variants, test others in every parameter (`event_sounds.RANGES`);
    each split has voices of its own. So dev scenes are unseen mixtures of seen variants, test
    scenes unseen mixtures of unseen variants.
    """

    def __init__(
        self,
        count: int,
        split: str = "train",
        seed: int = 0,
        events: tuple[int, int] = (1, 4),
        snr_db: tuple[float, float] = (-3.0, 15.0),
        duration_s: float = 4.0,
    ) -> None:
        """Keep what is asked for; nothing is made yet.

        Args:
            count: how many scenes there are, at least 1.
            split: "train", "dev" or "test".
            seed: not negative; another seed gives other scenes.
            events: fewest and most events a scene, both included; 0 is a background alone.
            snr_db: lowest and highest SNR of an event against the background.
            duration_s: of each scene, from that of the longest event, 3 s, to 600 s.

        Raises:
            ValueError: an argument is out of range.
        """
        self.count, self.seed = check_count(count, seed)
        if split not in bundled.SPLITS:
            raise ValueError(f"split must be one of {', '.join(bundled.SPLITS)}, got {split!r}")
        fewest, most = check_range(events, "events", Integral, "(1, 4)")
        if not 0 <= fewest <= most <= len(CLASSES):
            raise ValueError(f"events must be 0 to {len(CLASSES)}, one a class, got {events!r}")
        lowest, highest = check_range(snr_db, "snr_db", Real, "(-3, 15)")
        if not (np.isfinite(lowest) and np.isfinite(highest)):
            raise ValueError(f"snr_db must be finite, got {snr_db!r}")
        longest = event_sounds.LENGTH_S[1]
        if not isinstance(duration_s, Real) or not longest <= duration_s <= 600:
            raise ValueError(f"duration_s must be {longest:g} to 600 s, got {duration_s!r}")
        self.split = split
        self.events, self.snr_db = (int(fewest), int(most)), (float(lowest), float(highest))
        self.duration_s = float(duration_s)

    def __len__(self) -> int:
        """How many scenes there are."""
        return self.count

    def __repr__(self) -> str:
        """What is made, and how."""
        return (
            f"<soundscapes: {self.count:,} {self.split} scenes of {self.duration_s:g} s, "
            f"{self.events[0]} to {self.events[1]} events at {self.snr_db[0]:g} to "
            f"{self.snr_db[1]:g} dB, seed {self.seed}>"
        )

    def __getitem__(self, index: int) -> Scene:
        """Scene `index`.

        Raises:
            IndexError: there is no such scene.
        """
        plan = self._plan(index)
        stems, spans = self._stems(plan)
        order = sorted(range(len(spans)), key=lambda i: spans[i])
        tags = np.zeros(len(CLASSES), np.float32)
        tags[[CLASSES.index(label) for label in plan.labels]] = 1
        return Scene(
            stems.sum(axis=0),
            RATE,
            tuple(Event(plan.labels[i], spans[i][0] / RATE, spans[i][1] / RATE) for i in order),
            tags,
            tuple(float(plan.snr_db[i]) for i in order),
            plan.background,
            self._id(plan.place),
        )

    def stems(self, index: int) -> dict[str, np.ndarray]:
        """What scene `index` is the sum of: "background", then each event under its label.

        Returns:
            float32 `(samples,)` each, as loud as in the scene.
        """
        plan = self._plan(index)
        return dict(zip(("background", *plan.labels), self._stems(plan)[0], strict=True))

    @property
    def table(self) -> Table:
        """What each scene will be: id, labels, background; no sound is made."""
        plans = (self._plan(index) for index in range(self.count))
        return Table(
            {
                "id": self._id(plan.place),
                "labels": " ".join(sorted(plan.labels)),
                "background": plan.background,
            }
            for plan in plans
        )

    def _id(self, place: int) -> str:
        return f"{self.split}-{self.seed}-{place:06d}"

    def _plan(self, index: int) -> _Plan:
        """What will sound, and the generator that goes on to make it."""
        place = place_of(index, self.count, "scenes")
        rng = np.random.default_rng((self.seed, bundled.SPLITS.index(self.split), place))
        labels = rng.permutation(CLASSES)[: rng.integers(self.events[0], self.events[1] + 1)]
        return _Plan(
            place,
            tuple(map(str, labels)),
            rng.uniform(*self.snr_db, size=len(labels)),
            str(rng.choice(list(event_sounds.BACKGROUNDS))),
            rng.uniform(*LEVEL_DB),
            rng,
        )

    def _stems(self, plan: _Plan) -> tuple[np.ndarray, list[tuple[int, int]]]:
        """Background and events, float32 (1 + events, samples), and where each event lies."""
        n, rng = round(self.duration_s * RATE), plan.rng
        stems, spans = np.zeros((1 + len(plan.labels), n)), []
        stems[0] = event_sounds.background(plan.background, n, rng)
        for stem, label, snr_db in zip(stems[1:], plan.labels, plan.snr_db, strict=True):
            sound = event_sounds.event(label, rng, self.split)
            start = int(rng.integers(n - len(sound) + 1))
            end = start + len(sound)
            level = signals.rms(stems[0, start:end]) * 10 ** (snr_db / 20)
            stem[start:end] = level / signals.rms(sound) * sound
            spans.append((start, end))
        mixture = stems.sum(axis=0)
        gain = 10 ** (plan.level_db / 20) / signals.rms(mixture)
        stems *= min(gain, PEAK / np.abs(mixture).max())
        return stems.astype(np.float32), spans
