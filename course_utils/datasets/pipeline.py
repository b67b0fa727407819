"""From files to items of a batch, one file at a time, in this process or in workers."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from course_utils import audio, features
from course_utils.datasets.batching import Batch, collate
from course_utils.datasets.cache import FeatureCache
from course_utils.datasets.items import Corpus

Waveforms = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]
Frames = Callable[[np.ndarray, np.random.Generator], np.ndarray]


class Recordings(Dataset):
    """A corpus whose files are read, changed and turned into log-mel when they are asked for.

    Chance follows from the seed, the epoch and the item alone, so that it is the same with and
    without workers, and another one in each epoch: `set_epoch` says which it is. Objects of this
    class can be sent to worker processes, if what they were given can.

    Attributes:
        lengths: frames of each item before any augmentation, for buckets.
        ids: name of each item.
    """

    collate = staticmethod(collate)

    def __init__(
        self,
        corpus: Corpus,
        targets: Sequence[int] | Sequence[Sequence[int]],
        sample_rate: int,
        settings: Mapping[str, Any],
        augment: Waveforms | None = None,
        augment_features: Frames | None = None,
        cache: FeatureCache | None = None,
        seed: int = 0,
        on_error: Literal["skip", "raise"] = "raise",
    ) -> None:
        """Keep the recipe; no file is opened yet.

        Args:
            corpus: the files; its table has the column duration_s.
            targets: a label an item, or a sequence of labels.
            sample_rate: in Hz; other files are resampled.
            settings: arguments of `features.log_mel`: n_fft, hop_length, n_mels ...
            augment: changes a waveform: (waveform, sample_rate, rng) to waveform.
            augment_features: changes normalised features: (features, rng) to features.
            cache: keeps the features on disk; not together with `augment`.
            seed: of all chance.
            on_error: "raise" stops at a file that can't be read, "skip" leaves it out of its batch
                with a warning.

        Raises:
            ValueError: counts differ, or `cache` would keep what `augment` has changed.
        """
        if len(corpus) != len(targets):
            raise ValueError(f"{len(corpus)} files, but {len(targets)} targets")
        if cache is not None and augment is not None:
            raise ValueError(
                "a cache keeps the first change for ever, and every epoch would get the same: give "
                "augment or cache, not both (augment_features comes after the cache)"
            )
        if on_error not in ("skip", "raise"):
            raise ValueError(f'on_error must be "skip" or "raise", got {on_error!r}')
        self.corpus, self.targets = corpus, [np.asarray(target) for target in targets]
        self.sample_rate, self.settings = sample_rate, dict(settings)
        self.augment, self.augment_features, self.cache = augment, augment_features, cache
        self.seed, self.on_error = seed, on_error
        self.ids = [row["id"] for row in corpus.table]
        frame = settings["n_fft"], settings["hop_length"]
        self.lengths = [
            features.frame_count(max(1, round(row["duration_s"] * sample_rate)), *frame)
            for row in corpus.table
        ]
        # In shared memory: workers that live through all epochs see it change.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next, here and in the workers."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        """How many files there are."""
        return len(self.corpus)

    def __getitem__(self, index: int) -> tuple[Tensor, np.ndarray, str] | None:
        """Features, target and name of an item; None for a file that is skipped."""
        rng = np.random.default_rng((self.seed, int(self._epoch), index))
        path = self.corpus.path(index)
        try:
            if self.cache is None:
                found = self._features(path, rng)
            else:
                found = self.cache.get(path, lambda: self._features(path, rng))
        except (OSError, ValueError) as error:
            if self.on_error == "raise":
                raise
            warnings.warn(f"left out: {error}", stacklevel=2)
            return None
        if self.augment_features is not None:
            found = self.augment_features(found, rng)
        return torch.from_numpy(found), self.targets[index], self.ids[index]

    def _features(self, path: Path, rng: np.random.Generator) -> np.ndarray:
        """The stations of one file: decode, mono, resample, offset, augment, log-mel, normalise."""
        waveform, _ = audio.load(path, self.sample_rate)
        waveform -= waveform.mean()
        if self.augment is not None:
            waveform = self.augment(waveform, self.sample_rate, rng)
        return features.normalize(features.log_mel(waveform, self.sample_rate, **self.settings))


def waiting_share(batches: Iterable[Batch], step: Callable[[Batch], object]) -> float:
    """Share of an epoch's time in which the training waits for its next batch, 0 to 1.

    The first batch is not counted: workers have to start before they can be ahead.

    Args:
        batches: gives the batches of an epoch.
        step: what the training does with each of them.

    Raises:
        ValueError: there are fewer than two batches.
    """
    waited = worked = 0.0
    iterator = iter(batches)
    step(next(iterator))
    while True:
        asked = time.perf_counter()
        batch = next(iterator, None)
        got = time.perf_counter()
        if batch is None:
            break
        step(batch)
        waited += got - asked
        worked += time.perf_counter() - got
    if not worked:
        raise ValueError("the first batch is not counted: give at least two")
    return waited / (waited + worked)


class Draws(Dataset):
    """Items that are nothing but a drawn number, to see where workers get their chance from."""

    def __init__(self, count: int, rng: np.random.Generator | None = None) -> None:
        """With `rng`, all items draw from it; without, each from its own, of epoch and item."""
        self.count, self.rng = count, rng
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        """How many items there are."""
        return self.count

    def __getitem__(self, index: int) -> int:
        """A number from 0 to 99."""
        own = np.random.default_rng((int(self._epoch), index))
        return int((own if self.rng is None else self.rng).integers(100))
