"""Several processes that train one model: what `fit` asks of them, and what each of them is.

`torchrun --nproc-per-node 2 -m course_utils.train ...` starts the processes and tells each its rank
in environment variables; `processes()` makes a group of them. Each process has a copy of the model
and its share of each batch; the gradients are averaged, so the copies stay equal.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from course_utils.datasets.batching import Batch
from course_utils.models.together import synchronise

WAIT = timedelta(minutes=30)  # for the slowest process, before the others give up
_REST_S = 0.2


@contextmanager
def processes() -> Iterator[torch.device | None]:
    """Join the processes that `torchrun` started; without it, nothing happens.

    Yields:
        This process's device: the GPU of its local rank, else the CPU; None when it is alone.

    Raises:
        ValueError: there are GPUs, but fewer than processes on this machine.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield None
        return
    device, backend = torch.device("cpu"), "gloo"
    if torch.cuda.is_available():
        local, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if local >= there:
            raise ValueError(
                f"this machine has {there} GPUs for {os.environ['LOCAL_WORLD_SIZE']} processes: "
                f"start torchrun with --nproc-per-node {there}"
            )
        device, backend = torch.device("cuda", local), "nccl"
        torch.cuda.set_device(device)
    # torchrun keeps its store over a restart, with the addresses of processes that are dead: what
    # each attempt writes gets a name of its own (https://github.com/pytorch/pytorch/issues/135712).
    store, number, count = next(rendezvous("env://", timeout=WAIT))
    store = dist.PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), store)
    dist.init_process_group(backend, store=store, rank=number, world_size=count, timeout=WAIT)
    try:
        yield device
    finally:
        leave()


def leave() -> None:
    """Leave the group. Whoever calls this may still hold a `DistributedDataParallel`."""
    # Gloo's own thread needs Python once more, to let go of the last tensor that was exchanged. Who
    # goes on at once, and drops a DistributedDataParallel that is the last to know of the group,
    # waits for that thread and does not let it have Python: neither ever ends
    # (https://github.com/pytorch/pytorch/issues/56297).
    time.sleep(_REST_S)
    dist.destroy_process_group()


def rank() -> int:
    """Which of the processes this is, from 0 on."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """How many processes train together; 1 without a group."""
    return dist.get_world_size() if dist.is_initialized() else 1


def total(value: float, device: torch.device) -> float:
    """The sum of a number over all processes."""
    if world_size() == 1:
        return value
    x = torch.tensor(float(value), dtype=torch.float64, device=device)
    dist.all_reduce(x)
    return x.item()


def from_first(make: Callable[[], Any]) -> Any:
    """What the first process makes, in all of them; the others wait for it.

    Whatever `make` raises there is raised in all of them.
    """
    if world_size() == 1:
        return make()
    if rank() == 0:
        try:
            found = [make(), None]
        except Exception as error:
            found = [None, error]
    else:
        found = [None, None]
    dist.broadcast_object_list(found, src=0)
    if found[1] is not None:
        raise found[1]
    return found[0]


def gathered(value: Any) -> list[Any]:
    """Each process's value, in all of them, by rank."""
    if world_size() == 1:
        return [value]
    values: list[Any] = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def check_alike(model: nn.Module, batches: Any, seed: int) -> None:
    """See whether all processes are about to train the same model on the same data.

    Raises:
        ValueError: in all of them, when they are not; the message says in what they differ.
    """
    dataset = getattr(batches, "dataset", None)
    names = zlib.crc32("\n".join(getattr(dataset, "ids", ())).encode())
    sampler = getattr(batches, "batch_sampler", None)
    mine = {
        "items": len(dataset) if hasattr(dataset, "__len__") else None,
        "their names (checksum)": getattr(dataset, "fingerprint", names),
        "steps of an epoch": len(batches) if hasattr(batches, "__len__") else None,
        "weights": sum(p.numel() for p in model.parameters()),
        "seed": seed,
        "processes that share a batch": getattr(sampler, "world_size", world_size()),
    }
    everyone = gathered((mine, getattr(sampler, "rank", rank())))
    for number, (other, share) in enumerate(everyone):
        for name, value in other.items():
            if value != everyone[0][0][name]:
                raise ValueError(
                    f"process {number} would train on something else than process 0: {name}: "
                    f"{value}, not {everyone[0][0][name]}. Every process needs the same corpus, "
                    "recipe and seed"
                )
        if share != number or other["processes that share a batch"] != world_size():
            raise ValueError(
                f"process {number} of {world_size()} has share {share} of "
                f"{other['processes that share a batch']}: give batching.loader "
                "rank=distributed.rank(), world_size=distributed.world_size()"
            )


class Objective(nn.Module):
    """The loss of a batch, as a module: what `DistributedDataParallel` wraps."""

    def __init__(self, model: nn.Module, loss: Callable[[nn.Module, Batch], Tensor]) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Batch) -> Tensor:
        """`loss(model, batch)`."""
        return self.loss(self.model, batch)


def objective(model: nn.Module, loss: Callable[[nn.Module, Batch], Tensor]) -> nn.Module:
    """A module that gives the loss of a batch; with several processes, gradients are averaged."""
    alone = Objective(model, loss)
    if world_size() == 1:
        return alone
    synchronise(model)
    # Not every batch uses every weight: a CTC branch is left out where no item fits.
    return DistributedDataParallel(alone, broadcast_buffers=False, find_unused_parameters=True)


def without_exchange(module: nn.Module) -> AbstractContextManager[Any]:
    """For all but the last batch of a step: gradients are added up, and exchanged once."""
    if isinstance(module, DistributedDataParallel):
        return module.no_sync()
    return nullcontext()
