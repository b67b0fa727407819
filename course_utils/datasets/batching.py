"""From items of different length to padded batches that know where the padding is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
            raise ValueError(
                f"{len(features)} items, but {len(targets)} targets: give one for each"
            )
        self.ids = [f"item {i}" for i in range(len(features))] if ids is None else list(ids)
        if len(self.ids) != len(features):
            raise ValueError(f"{len(features)} items, but {len(self.ids)} ids: give one for each")
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
            raise ValueError(
                f"{name}: shape {shape} does not fit that of {self.ids[0]}, "
                f"{tuple(self.features[0].shape)}"
            )
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
        return collate(items, self.has_time)


def collate(items: Sequence[tuple[Tensor, np.ndarray, str] | None], has_time: bool = True) -> Batch:
    """Items (features, target, name) as one batch; an item that is None is left out.

    Raises:
        ValueError: no item is left.
    """
    kept = [item for item in items if item is not None]
    if not kept:
        raise ValueError(f"none of the {len(items)} items of a batch can be used")
    features, targets, ids = zip(*kept, strict=True)
    if has_time:
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

    The items are shuffled, file by file where they lie in shards; every 50 batches' worth of them
    is sorted by length and cut into batches, and the batches are shuffled. Which items meet follows
    from `seed` and the epoch alone: `set_epoch` says which it is, as with torch's
    DistributedSampler, and where in it to go on. Of several processes that train together, each
    gets its share of every batch of `world_size` times `batch_size` items: neighbours in length, so
    that none waits long for the others. Each item comes once an epoch, in one of them; where fewer
    items than processes are left over, they join the batch before.

    With `sortagrad`, epoch 0 goes from the shortest items to the longest, as in Deep Speech 2: a
    long sequence is hard for a network that knows nothing yet. Source: Amodei et al. (2015),
    https://arxiv.org/abs/1512.02595
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        shuffle: bool = True,
        seed: int = 0,
        bucketed: bool = True,
        rank: int = 0,
        world_size: int = 1,
        sortagrad: bool = False,
        blocks: Sequence[int] | None = None,
    ) -> None:
        """Plan nothing yet.

        Args:
            lengths: of the items.
            batch_size: items of a batch, in each process; the last one may be smaller.
            shuffle: False takes the items in their own order, without buckets.
            seed: another seed, another order.
            bucketed: False mixes short and long items.
            rank: which of the processes this is, from 0.
            world_size: how many processes train together.
            sortagrad: the first epoch by length, the shortest items first.
            blocks: how many items lie in each file, in their order; then the files are shuffled,
                and the items of each, so that what is read about the same time lies together.

        Raises:
            ValueError: there are fewer items than processes, `batch_size` is not a positive whole
                number, there is no such rank, or `blocks` are not all items.
        """
        if len(lengths) == 0:
            raise ValueError("the data set is empty: there is no item to make a batch of")
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size must be a whole number of at least 1, got {batch_size!r}")
        if not 0 <= rank < world_size:
            raise ValueError(f"rank must be 0 to {world_size - 1}, one of world_size, got {rank}")
        if len(lengths) < world_size:
            raise ValueError(f"{len(lengths)} items can't be shared by {world_size} processes")
        if blocks is not None and sum(blocks) != len(lengths):
            raise ValueError(f"blocks hold {sum(blocks)} items, but there are {len(lengths)}")
        self.lengths, self.blocks = np.asarray(lengths), blocks
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.bucketed, self.rank, self.world_size = bucketed, rank, world_size
        self.sortagrad = sortagrad
        self.epoch = self.position = 0

    def set_epoch(self, epoch: int, position: int = 0) -> None:
        """Say which epoch comes next, and how many of its batches are done already.

        The trainer counts what it has used; workers run ahead of it, so no sampler knows. The
        position holds for the next iteration only. `len()` stays that of a whole epoch.

        Raises:
            ValueError: the epoch has fewer batches.
        """
        if not 0 <= position <= len(self):
            raise ValueError(f"position must be 0 to {len(self)} batches, got {position}")
        self.epoch, self.position = epoch, position

    def __len__(self) -> int:
        """How many batches an epoch has, for each rank."""
        full, rest = divmod(len(self.lengths), self.batch_size * self.world_size)
        return full + (rest >= self.world_size)

    def __iter__(self) -> Iterator[list[int]]:
        """The indices of each batch."""
        start, self.position = self.position, 0
        yield from self._plan()[start:]

    def _plan(self) -> list[list[int]]:
        """All batches of this rank in this epoch."""
        order = np.arange(len(self.lengths))
        rng = np.random.default_rng((self.seed, self.epoch))
        by_length = self.sortagrad and self.epoch == 0
        if by_length:
            order = np.argsort(self.lengths, kind="stable")
        elif self.shuffle and self.blocks is not None:
            parts = np.split(order, np.cumsum(self.blocks)[:-1])
            order = np.concatenate([rng.permutation(parts[n]) for n in rng.permutation(len(parts))])
        elif self.shuffle:
            rng.shuffle(order)
        bucketed = self.shuffle and self.bucketed and not by_length
        together = self.batch_size * self.world_size  # items of a step, of all ranks
        batches = []
        size = POOL * together if bucketed else len(order)
        for start in range(0, len(order), size):
            pool = order[start : start + size]
            if bucketed:
                pool = pool[np.argsort(self.lengths[pool], kind="stable")]
            batches += [pool[i : i + together] for i in range(0, len(pool), together)]
        if len(batches[-1]) < self.world_size:
            left = batches.pop()
            batches[-1] = np.concatenate([batches[-1], left])
        if bucketed:  # those of a few files stay together
            size = POOL if self.blocks is not None else len(batches)
            parts = [batches[i : i + size] for i in range(0, len(batches), size)]
            batches = [part[place] for part in parts for place in rng.permutation(len(part))]
        return [batch[self.rank :: self.world_size].tolist() for batch in batches]


def loader(
    examples: Dataset,
    batch_size: int,
    shuffle: bool = False,
    seed: int = 0,
    bucketed: bool = True,
    workers: int = 0,
    rank: int = 0,
    world_size: int = 1,
    sortagrad: bool = False,
) -> DataLoader:
    """Batches of `Examples`: for training with shuffle=True, in buckets; else in their own order.

    Args:
        examples: the items; `Examples`, or another data set with `lengths` and `collate`, and
            `blocks` where it has any, as `shards.Shards`.
        batch_size: items of a batch.
        shuffle: a new order each epoch.
        seed: of the order.
        bucketed: False mixes short and long items.
        workers: processes that prepare batches ahead of the training, in the same order as none.
        rank: see `BucketBatches`.
        world_size: see `BucketBatches`.
        sortagrad: the first epoch from the shortest items to the longest.

    Returns:
        An iterable of `Batch`; its `batch_sampler` is a `BucketBatches`.

    Raises:
        ValueError: as `BucketBatches`.
    """
    sampler = BucketBatches(
        examples.lengths,
        batch_size,
        shuffle,
        seed,
        bucketed,
        rank,
        world_size,
        sortagrad,
        getattr(examples, "blocks", None),
    )
    return DataLoader(
        examples,
        batch_sampler=sampler,
        collate_fn=examples.collate,
        num_workers=workers,
        persistent_workers=workers > 0,
    )


def padding_share(batches: Iterable[Sequence[int]], lengths: Sequence[int]) -> float:
    """Share of all frames of padded batches that is padding, 0 to 1.

    Args:
        batches: the items of each batch.
        lengths: frames of each item.
    """
    frames = [np.asarray(lengths)[batch] for batch in batches]
    padded = sum(part.max() * len(part) for part in frames)
    return float(1 - sum(part.sum() for part in frames) / padded)
