"""From items of different length to padded batches that know where the padding is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

POOL = 50  # batches whose items are sorted by length together


class Batch(NamedTuple):
    """What a model is trained on at once.

    Attributes:
        features: float32 `(batch, frames, dims)`, zeros where an item has ended; waveforms are
            `(batch, samples)`, items without time `(batch, dims)`.
        lengths: int64 `(batch,)`, frames of each item; 1 for items without time.
        targets: int64 `(batch,)` labels, or `(batch, longest)` sequences padded with 0.
        target_lengths: int64 `(batch,)`; None for labels.
        ids: names of the items, for messages.
    """

    features: Tensor
    lengths: Tensor
    targets: Tensor
    target_lengths: Tensor | None = None
    ids: tuple[str, ...] = ()

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device."""
        moved = (x.to(device) if isinstance(x, Tensor) else x for x in self)
        return Batch(*moved)


def pad(sequences: Sequence[ArrayLike | Tensor], value: float = 0.0) -> tuple[Tensor, Tensor]:
    """Stack sequences of different length, each filled up at its end.

    Args:
        sequences: each `(length, ...)`, alike but for the length.
        value: what the padding holds.

    Returns:
        `(batch, longest, ...)` in the sequences' dtype, and their lengths, int64 `(batch,)`.

    Raises:
        ValueError: there are none, one is empty, or they differ in more than the length.
    """
    tensors = [torch.as_tensor(sequence) for sequence in sequences]
    if not tensors:
        raise ValueError("there is nothing to pad: got no sequences")
    for index, tensor in enumerate(tensors):
        if tensor.ndim == 0 or len(tensor) == 0:
            raise ValueError(
                f"sequence {index} is empty, shape {tuple(tensor.shape)}: leave it out"
            )
        if tensor.shape[1:] != tensors[0].shape[1:]:
            raise ValueError(
                f"sequence {index} has shape {tuple(tensor.shape)}, sequence 0 "
                f"{tuple(tensors[0].shape)}: they may differ in the first number only"
            )
    lengths = torch.tensor([len(tensor) for tensor in tensors])
    padded = torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=value)
    return padded, lengths


def mask(lengths: Tensor, size: int | None = None) -> Tensor:
    """Where a padded batch holds something: True inside each item, False in its padding.

    Args:
        lengths: integers `(batch,)`.
        size: frames of the padded batch; the largest length when None.

    Returns:
        bool `(batch, size)`.

    Raises:
        ValueError: a length is negative or exceeds the padded size.
    """
    lengths = torch.as_tensor(lengths)
    if lengths.ndim != 1 or lengths.is_floating_point() or len(lengths) == 0:
        raise ValueError(
            f"lengths must be integers of shape (batch,), got {lengths.dtype} of shape "
            f"{tuple(lengths.shape)}"
        )
    longest = int(lengths.max())
    size = longest if size is None else size
    if lengths.min() < 0 or longest > size:
        item = int(lengths.argmin() if lengths.min() < 0 else lengths.argmax())
        raise ValueError(
            f"lengths must be 0 to {size}, the padded frames, got {int(lengths[item])} for item "
            f"{item}. Was the batch cut, or are these lengths in samples, or before a stride?"
        )
    return torch.arange(size, device=lengths.device) < lengths[:, None]


class Examples(Dataset):
    """Features and targets in memory, looked through once, so that errors name the item.

    Attributes:
        lengths: frames of each item, 1 for items without time.
        classes: how many labels there are; None when it was not said.
        ids: name of each item.
    """

    def __init__(
        self,
        features: ArrayLike | Tensor | Sequence[ArrayLike | Tensor],
        targets: ArrayLike | Sequence[int] | Sequence[Sequence[int]],
        classes: int | None = None,
        ids: Sequence[str] | None = None,
    ) -> None:
        """Take the items over.

        Args:
            features: a list of sequences `(frames, dims)` (or waveforms `(samples,)`), or one
                array `(items, dims)` of items without time.
            targets: one label an item, or one sequence of labels an item.
            classes: labels must be below this number.
            ids: names of the items; "item 0" and so on when None.

        Raises:
            ValueError: there is no item, counts differ, an item is empty or holds NaN, a label is
                no whole number or out of range; the message names the item.
        """
        self.has_time = isinstance(features, Sequence)
        if len(features) == 0:
            raise ValueError("the data set is empty: there is no item to learn from")
        if len(features) != len(targets):
            raise ValueError(f"{len(features)} items, but {len(targets)} targets")
        self.ids = [f"item {i}" for i in range(len(features))] if ids is None else list(ids)
        if len(self.ids) != len(features):
            raise ValueError(f"{len(features)} items, but {len(self.ids)} ids")
        self.features = [torch.as_tensor(item, dtype=torch.float32) for item in features]
        self.targets = [np.asarray(target) for target in targets]
        self.classes = classes
        for name, item, target in zip(self.ids, self.features, self.targets, strict=True):
            self._check(name, item, target)
        self.lengths = [len(item) if self.has_time else 1 for item in self.features]

    def _check(self, name: str, item: Tensor, target: np.ndarray) -> None:
        shape = tuple(item.shape)
        if item.ndim not in ((1, 2) if self.has_time else (1,)) or 0 in shape:
            raise ValueError(f"{name}: shape {shape}; expected (frames, dims), none of them 0")
        if shape[1:] != self.features[0].shape[1:] or (
            not self.has_time and shape != self.features[0].shape
        ):
            raise ValueError(f"{name}: shape {shape} does not fit {tuple(self.features[0].shape)}")
        bad = ~torch.isfinite(item)
        if bad.any():
            place = tuple(bad.nonzero()[0].tolist())
            raise ValueError(f"{name}: the features hold NaN or infinity, the first at {place}")
        if target.ndim > 1 or not np.issubdtype(target.dtype, np.integer):
            raise ValueError(f"{name}: a target is a whole number, or a list of them: {target!r}")
        labels = target.reshape(-1)
        wrong = labels[(labels < 0) | (labels >= (self.classes or np.inf))]
        if wrong.size:
            expected = f"0 to {self.classes - 1}" if self.classes else "0 or more"
            raise ValueError(f"{name}: label {wrong[0]} is out of range, expected {expected}")

    def check_trainable(self) -> None:
        """Raises a ValueError when all labels are the same: there is nothing to tell apart."""
        labels = {int(target) for target in self.targets if target.ndim == 0}
        if len(labels) == 1 and all(target.ndim == 0 for target in self.targets):
            raise ValueError(
                f"all {len(self)} labels are {labels.pop()}: with one class only, there is nothing "
                "to learn. Were the items filtered or split by class?"
            )

    def __len__(self) -> int:
        """How many items there are."""
        return len(self.features)

    def __getitem__(self, index: int) -> tuple[Tensor, np.ndarray, str]:
        """Features, target and name of an item."""
        return self.features[index], self.targets[index], self.ids[index]

    def collate(self, items: Sequence[tuple[Tensor, np.ndarray, str]]) -> Batch:
        """Items as one batch."""
        features, targets, ids = zip(*items, strict=True)
        if self.has_time:
            padded, lengths = pad(features)
        else:
            padded, lengths = torch.stack(features), torch.ones(len(features), dtype=torch.int64)
        if targets[0].ndim == 0:
            return Batch(padded, lengths, torch.tensor(np.stack(targets)).long(), None, ids)
        target_lengths = torch.tensor([len(target) for target in targets])
        labels = [torch.as_tensor(target).long() for target in targets]
        padded_labels = torch.nn.utils.rnn.pad_sequence(labels, batch_first=True)
        return Batch(padded, lengths, padded_labels, target_lengths, ids)


class BucketBatches(Sampler[list[int]]):
    """Batches of items of about the same length, in another order each epoch.

    The items are shuffled; every 50 batches' worth of them is sorted by length and cut into
    batches, and the batches are shuffled. Which items meet follows from `seed` and the epoch
    alone: `set_epoch` says which it is, as with torch's DistributedSampler.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        shuffle: bool = True,
        seed: int = 0,
        bucketed: bool = True,
    ) -> None:
        """Plan nothing yet.

        Args:
            lengths: of the items.
            batch_size: items of a batch; the last one may be smaller.
            shuffle: False takes the items in their own order, without buckets.
            seed: another seed, another order.
            bucketed: False mixes short and long items.

        Raises:
            ValueError: there are no items, or `batch_size` is not a positive whole number.
        """
        if len(lengths) == 0:
            raise ValueError("the data set is empty: there is no item to make a batch of")
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size must be a whole number of at least 1, got {batch_size!r}")
        self.lengths = np.asarray(lengths)
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.bucketed = bucketed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next."""
        self.epoch = epoch

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        """The indices of each batch."""
        order = np.arange(len(self.lengths))
        if not self.shuffle:
            yield from self._cut(order)
            return
        rng = np.random.default_rng((self.seed, self.epoch))
        rng.shuffle(order)
        if not self.bucketed:
            yield from self._cut(order)
            return
        batches = []
        size = POOL * self.batch_size
        for start in range(0, len(order), size):
            pool = order[start : start + size]
            batches += self._cut(pool[np.argsort(self.lengths[pool], kind="stable")])
        for index in rng.permutation(len(batches)):
            yield batches[index]

    def _cut(self, order: np.ndarray) -> list[list[int]]:
        starts = range(0, len(order), self.batch_size)
        return [order[start : start + self.batch_size].tolist() for start in starts]


def loader(
    examples: Examples,
    batch_size: int,
    shuffle: bool = False,
    seed: int = 0,
    bucketed: bool = True,
) -> DataLoader:
    """Batches of `Examples`: for training with shuffle=True, in buckets; else in their own order.

    Args:
        examples: the items.
        batch_size: items of a batch.
        shuffle: a new order each epoch.
        seed: of the order.
        bucketed: False mixes short and long items.

    Returns:
        An iterable of `Batch`; its `batch_sampler` is a `BucketBatches`.
    """
    sampler = BucketBatches(examples.lengths, batch_size, shuffle, seed, bucketed)
    return DataLoader(examples, batch_sampler=sampler, collate_fn=examples.collate)
