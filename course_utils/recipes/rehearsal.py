"""A small training that shows what data parallelism keeps, and what breaks it: notebook 15.

    torchrun --nproc-per-node 2 -m course_utils.recipes.rehearsal FOLDER whole apart mean

trains on 23 strings of digits in float64, once for each word, and leaves the weights in FOLDER:
"whole" as the course trains; "apart", each process with batch statistics of its own; "mean", with
the mean of the processes' means as loss. "kill" ends process 1 without warning in the middle of
the training, the first time only; with `--max-restarts 1` torchrun starts again.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils import training
from course_utils.datasets.batching import Batch, loader
from course_utils.models.deepspeech2 import DeepSpeech2
from course_utils.recipes import recognition
from course_utils.training import distributed

ITEMS, TOGETHER, EPOCHS = 23, 8, 2  # 23 strings, 8 a step: the last step has 7
KILLED_AT = 4  # the step that process 1 does not live to see
RECIPE = recognition.changed(
    recognition.RECIPES["digits"], train=ITEMS, dev=2, test=2, hidden_size=16, augment=False
)


def prepared() -> recognition.Data:
    """The strings of digits as frames and tokens."""
    return recognition.prepare(RECIPE, progress=False)


def network(data: recognition.Data, normalized: bool = True) -> DeepSpeech2:
    """A small Deep Speech 2 in float64, the same in each process."""
    recipe = recognition.changed(RECIPE, normalized=normalized)
    return recognition.build(recipe, data.alphabet).double().train()


def loss(model: DeepSpeech2, batch: Batch) -> Tensor:
    """The mean CTC loss of a batch, in float64."""
    batch = batch._replace(features=batch.features.double())
    return recognition.loss_of(RECIPE)(model, batch)


def gradient(model: DeepSpeech2, batch: Batch) -> Tensor:
    """The gradient of the loss, all of it in one vector."""
    model.zero_grad()
    loss(model, batch).backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def share(batch: Batch, rank: int, world_size: int) -> Batch:
    """What one of several processes gets of a batch: every so many-th item."""
    parts = [x[rank::world_size] if x is not None else None for x in batch[:4]]
    return Batch(*parts, batch.ids[rank::world_size])


def train(data: recognition.Data, folder: Path | None = None) -> dict[str, Tensor]:
    """Train in this process and those that were started with it; returns the weights.

    Args:
        data: from `prepared`, the same in each process.
        folder: for a checkpoint, written after each step and gone on from.
    """
    rank, size = distributed.rank(), distributed.world_size()
    batches = loader(data.train, TOGETHER // size, shuffle=True, rank=rank, world_size=size)
    model = network(data)
    training.fit(
        model,
        batches,
        loss,
        EPOCHS,
        torch.optim.AdamW(model.parameters(), lr=1e-2),
        device="cpu",
        checkpoint=folder / "checkpoint.pt" if folder else None,
        checkpoint_every=1 if folder else None,
        progress=False,
    )
    return model.state_dict()


def distance(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """The largest difference between two sets of weights."""
    return max(float((one[name] - other[name]).abs().max()) for name in one)


@contextmanager
def changed(what: str, folder: Path) -> Iterator[None]:
    """Break one thing for a while: what `WHAT` of the command says."""
    size = distributed.world_size()
    fitting: dict[str, tuple[Any, str, Callable[..., Any]]] = {
        "apart": (distributed, "synchronise", lambda model: model),
        "mean": (distributed, "total", lambda value, device: value * size),
        "kill": (torch.optim.AdamW, "step", _deadly(folder / "killed")),
    }
    if what == "whole":
        yield
        return
    owner, name, replacement = fitting[what]
    before = getattr(owner, name)
    setattr(owner, name, replacement)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _deadly(marker: Path) -> Callable[..., Any]:
    """A step of the optimizer that ends process 1 at step KILLED_AT, once."""
    step, count = torch.optim.AdamW.step, 0

    def counted(self: torch.optim.AdamW, *args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        if count == KILLED_AT and distributed.rank() == 1 and not marker.exists():
            marker.touch()
            # Windows has no SIGKILL; its SIGTERM ends a process as abruptly.
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        return step(self, *args, **kwargs)

    return counted


def main(arguments: list[str]) -> int:
    """Train once for each word; returns 2 after a message when there is no such word."""
    known = ("whole", "apart", "mean", "kill")
    if len(arguments) < 2 or not set(arguments[1:]) <= set(known):
        print(f"usage: rehearsal FOLDER WHAT ..., WHAT one of {', '.join(known)}", file=sys.stderr)
        return 2
    folder, *words = arguments
    torch.set_num_threads(1)
    with distributed.processes():
        data = prepared()
        for what in words:
            with changed(what, Path(folder)):
                weights = train(data, Path(folder) if what == "kill" else None)
            if distributed.rank() == 0:
                torch.save(weights, Path(folder) / f"{what}.pt")
                print(f"{what}: trained by {distributed.world_size()} processes", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
