"""What a training costs: operations, days, devices, money; before it is started."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.datasets.batching import Batch, BucketBatches
from course_utils.datasets.text import Alphabet
from course_utils.recipes.frames import HOP_S
from course_utils.recipes.recognition import CHARACTERS, KIND, Kind, Recipe
from course_utils.training import kept_memory


@dataclass(frozen=True)
class Budget:
    """A training on paper.

    Attributes:
        hours: of sound in the corpus.
        epochs: how often it is gone through.
        throughput: seconds of sound that one device learns from in a second (times real time).
        devices: how many work together.
        kept: share of the speed that is left of each doubling, above 0 to 1; 1 is ideal.
        price: of a device for an hour, in any currency.
    """

    hours: float
    epochs: float
    throughput: float
    devices: int = 1
    kept: float = 1.0
    price: float = 0.0

    def __post_init__(self) -> None:
        """A ValueError says which number cannot be."""
        for name in ("hours", "epochs", "throughput"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"{name} must be a positive number, got {value!r}")
        if not isinstance(self.devices, int) or self.devices < 1:
            raise ValueError(f"devices must be a whole number from 1 on, got {self.devices!r}")
        if not 0 < self.kept <= 1:
            raise ValueError(f"kept must be above 0 and at most 1, got {self.kept!r}")
        if not 0 <= self.price < math.inf:
            raise ValueError(f"price must be 0 or more, got {self.price!r}")

    @property
    def efficiency(self) -> float:
        """Share of `devices` times one device's speed that is reached together."""
        return self.kept ** math.log2(self.devices)

    @property
    def days(self) -> float:
        """How long it takes."""
        speed = self.throughput * self.devices * self.efficiency
        return self.hours * self.epochs / speed / 24

    @property
    def device_hours(self) -> float:
        """What is paid for: all devices, all the time."""
        return 24 * self.days * self.devices

    @property
    def cost(self) -> float:
        """What it costs, in the currency of the price."""
        return self.device_hours * self.price


def operations(parameters: float, hours: float, epochs: float, row_s: float) -> float:
    """Operations of a training: six for each weight and row that goes through it (notebook 12).

    Args:
        parameters: weights that each row goes through.
        hours: of sound.
        epochs: how often.
        row_s: seconds from row to row, behind the strides.
    """
    return 6 * parameters * (3600 * hours / row_s) * epochs


def measured(
    recipe: Recipe,
    hours: float,
    shortest_s: float = 2.0,
    longest_s: float = 16.0,
    seed: int = 0,
    kind: Kind | None = None,
) -> dict[str, float]:
    """Train on noise as long as utterances of so many hours, and take the time.

    Args:
        recipe: its model, batch size and loss.
        hours: of sound, in utterances of different length, in buckets.
        shortest_s: the shortest utterance, in seconds; all lengths are equally frequent.
        longest_s: the longest one.
        seed: of lengths, order and noise.
        kind: of recogniser; None: Deep Speech 2.

    Returns:
        seconds in all; steps; padding, the share of the frames; throughput, times real time.
    """
    rng = np.random.default_rng(seed)
    lengths: list[int] = []
    while sum(lengths) * HOP_S < 3600 * hours:
        lengths.append(round(rng.uniform(shortest_s, longest_s) / HOP_S))
    alphabet, kind = Alphabet(CHARACTERS), kind or KIND
    model, loss = kind.build(recipe, alphabet).train(), kind.loss_of(recipe)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    plan = list(BucketBatches(lengths, recipe.schedule.batch_size, seed=seed))
    generator = torch.Generator().manual_seed(seed)
    frames = 0
    began = time.perf_counter()
    for items in plan:
        sizes = torch.tensor([lengths[i] for i in items])
        letters = (sizes // 10).clamp(min=1)  # ten a second
        shape = (len(items), int(letters.max()))
        batch = Batch(
            torch.randn(len(items), int(sizes.max()), recipe.sound.n_mels, generator=generator),
            sizes,
            torch.randint(1, alphabet.size, shape, generator=generator),
            letters,
        )
        frames += len(items) * int(sizes.max())
        optimizer.zero_grad()
        loss(model, batch).backward()
        optimizer.step()
    seconds = time.perf_counter() - began
    return {
        "seconds": seconds,
        "steps": len(plan),
        "padding": 1 - sum(lengths) / frames,
        "throughput": sum(lengths) * HOP_S / seconds,
    }


def kept_bytes(model: nn.Module, batch: Batch, loss: Callable[[nn.Module, Batch], Tensor]) -> int:
    """Bytes that the layers keep of a batch until its gradient is computed, weights apart."""
    with kept_memory(model) as counted:
        value = loss(model, batch)
    total = counted.total
    del value  # until here the graph, so that no storage was used twice
    return total
