"""The training loop: steps, curves, validation, early stop."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from tqdm.auto import tqdm

from course_utils.datasets.batching import Batch, BucketBatches, Examples
from course_utils.training import distributed
from course_utils.training.checkpoints import (
    FORMAT,
    load_checkpoint,
    rng_state,
    save_checkpoint,
    seed_everything,
    set_rng_state,
    write_whole,
)


def choose_device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def count_parameters(model: nn.Module) -> int:
    """How many numbers a model learns."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


@dataclass
class History:
    """What a training went through, an entry an epoch.

    Attributes:
        epochs: for each epoch its `loss` (mean over batches, while it trained), `gradient_norm`
            (mean, before clipping), `seconds`, and what `validate` gave as `dev_...`.
    """

    epochs: list[dict[str, float]] = field(default_factory=list)

    def curve(self, name: str) -> np.ndarray:
        """One measure over the epochs, (epochs,); a KeyError names those that there are."""
        if self.epochs and name not in self.epochs[0]:
            raise KeyError(f"{name!r} was not measured, but: {', '.join(self.epochs[0])}")
        return np.array([epoch[name] for epoch in self.epochs])

    @property
    def seconds(self) -> float:
        """How long it took, validation included."""
        return sum(epoch["seconds"] for epoch in self.epochs)

    @property
    def watched(self) -> str:
        """The measure that tells the best epoch: the first of `validate`, else the loss."""
        names = self.epochs[0] if self.epochs else {}
        return next((name for name in names if name.startswith("dev_")), "loss")

    @property
    def best(self) -> int:
        """Index of the epoch in which the watched measure was smallest."""
        values = self.curve(self.watched)
        return int(np.argmin(np.where(np.isnan(values), np.inf, values)))

    def save(self, path: str | Path) -> None:
        """Write the curves as a CSV file, a line an epoch; it is there as a whole or not at all.

        A disk that is full gives a warning, as with checkpoints.
        """

        def write(part: Path) -> None:
            with part.open("w", encoding="utf-8", newline="") as file:
                rows = csv.DictWriter(file, ["epoch", *self.epochs[0]], lineterminator="\n")
                rows.writeheader()
                for number, epoch in enumerate(self.epochs, start=1):
                    rows.writerow({"epoch": number, **{k: f"{v:.6g}" for k, v in epoch.items()}})

        if self.epochs:
            write_whole(Path(path), write)

    def __repr__(self) -> str:
        """The last epoch's numbers."""
        last = self.epochs[-1] if self.epochs else {}
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in last.items())
        return f"<History: {len(self.epochs)} epochs; the last: {numbers}>"


def fit(
    model: nn.Module,
    batches: Iterable[Batch],
    loss: Callable[[nn.Module, Batch], Tensor],
    epochs: int,
    optimizer: Optimizer | None = None,
    *,
    scheduler: Any = None,
    validate: Callable[[nn.Module], dict[str, float]] | None = None,
    patience: int | None = None,
    clip_norm: float | None = None,
    accumulate: int = 1,
    mixed_precision: bool = False,
    seed: int = 0,
    device: torch.device | str | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None,
    log: str | Path | None = None,
    progress: bool = True,
) -> History:
    """Train a model; with a checkpoint file, go on where a stopped training was.

    Under `torchrun`, inside `distributed.processes()`, the processes train one model together, each
    on its share of every batch (`batching.loader(rank=, world_size=)`): the steps are those of one
    process with the whole batches. The first one validates, shows and writes.

    On a CPU, a training that was killed and resumed ends with the same weights, bit for bit, as
    one that was not. For that, the order of the batches must follow from the epoch: `fit` seeds
    torch, `random` and NumPy at the start of each epoch and calls `set_epoch` of the loader, its
    samplers and its data set, where they have one.

    Args:
        model: is trained in place, and left in evaluation mode.
        batches: gives the same number of `Batch` each time, usually `batching.loader(...)`.
        loss: takes the model and a batch, returns the mean loss as a scalar.
        epochs: how often `batches` is gone through.
        optimizer: of the model's parameters; AdamW with a rate of 1e-3 when None.
        scheduler: its `step()` follows each of the optimizer's.
        validate: called after each epoch in evaluation mode without gradients; its first number,
            the smaller the better, is watched.
        patience: stop when the watched number was not the best for so many epochs, and go back to
            the best weights.
        clip_norm: longest gradient; a longer one is shortened to it.
        accumulate: step once for so many batches, along the gradient of the mean loss over all
            their items: what one large batch gives, in the memory of a small one. (Statistics of
            batch normalisation are those of each small batch.) `loss` must be a mean over items.
        mixed_precision: compute the loss in bfloat16 where torch's autocast finds that safe; the
            weights stay as they are.
        seed: of order and dropout. The weights were drawn before, by the model.
        device: where to train; see `choose_device`. Afterwards the model is where it was before.
        checkpoint: a file, written after each epoch; when it exists, training resumes from it.
        checkpoint_every: write it after so many batches as well.
        log: a CSV file of the curves, written after each epoch.
        progress: show a bar.

    Returns:
        The curves.

    Raises:
        ValueError: no batches; labels of one class only; a batch holds NaN or infinity (its item is
            named, the weights are as before it); patience without validate; a checkpoint that is
            damaged, or of another model, optimizer or seed (the file is left alone); processes that
            differ in data, model or seed.
        FloatingPointError: the loss or its gradient is not finite; the weights are as before.
    """
    device = torch.device(device) if device is not None else choose_device()
    if not isinstance(epochs, int) or epochs < 1:
        raise ValueError(f"epochs must be a whole number of at least 1, got {epochs!r}")
    if patience is not None and validate is None:
        raise ValueError("patience waits for a better validation: give validate as well")
    if not isinstance(accumulate, int) or accumulate < 1:
        raise ValueError(f"accumulate must be a whole number of at least 1, got {accumulate!r}")
    if mixed_precision and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise ValueError("this GPU has no bfloat16: use mixed_precision=False")
    if isinstance(examples := getattr(batches, "dataset", None), Examples):
        examples.check_trainable()
    if optimizer is None:
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    steps = len(batches) if hasattr(batches, "__len__") else None
    state = _State(model, optimizer, scheduler, seed, steps, accumulate)
    path = Path(checkpoint) if checkpoint is not None else None
    total = epochs * steps if steps is not None else None
    is_first = distributed.rank() == 0
    bar = tqdm(total=total, desc="training", unit="batch", disable=not progress or not is_first)
    with _on(model, device), bar:
        if distributed.world_size() > 1:
            distributed.check_alike(model, batches, seed)
        saved = distributed.from_first(lambda: _found(path))
        if saved is not None:
            state.restore(saved, path)
            bar.update(state.epoch * (steps or 0) + state.position)
        objective = distributed.objective(model, loss)
        while state.epoch < epochs and not state.stopped(patience):
            started = time.perf_counter()
            for group in _groups(state.rest_of_epoch(batches), accumulate):
                done = state.position + len(group)
                where = f"epoch {state.epoch + 1}, batch {done}"
                for number, batch in enumerate(group, start=state.position + 1):
                    _check_batch(batch, f"epoch {state.epoch + 1}, batch {number}")
                model.train()
                group = [batch.to(device) for batch in group]
                with torch.autocast(device.type, torch.bfloat16, enabled=mixed_precision):
                    value, norm = _step(group, objective, optimizer, clip_norm, where)
                if scheduler is not None:
                    scheduler.step()
                due = (
                    checkpoint_every
                    and done // checkpoint_every > state.position // checkpoint_every
                )
                state.add(len(group), value, norm, time.perf_counter() - started)
                started = time.perf_counter()
                bar.update(len(group))
                if path and due:
                    state.save(path)
            measures = distributed.from_first(lambda: _measure(model, validate))
            state.end_epoch(measures, time.perf_counter() - started)
            bar.set_postfix({name: f"{v:.3g}" for name, v in state.shown().items()})
            if log and is_first:
                state.history.save(log)
            if path:
                state.save(path)
    if patience is not None and state.best is not None:
        model.load_state_dict(state.best)
    return state.history


def warm_up_cosine(optimizer: Optimizer, steps: int, warm_up: float = 0.1) -> LambdaLR:
    """A scheduler for `fit`: the rate rises in a line, then falls to 0 along half a cosine.

    Args:
        optimizer: its rate is the highest one.
        steps: of the whole training: epochs times batches, by `accumulate` where that is used.
        warm_up: share of the steps in which the rate rises, 0 to 1.

    Raises:
        ValueError: `steps` or `warm_up` is out of range.

    Source: Loshchilov and Hutter (2017), https://arxiv.org/abs/1608.03983, for the cosine; Goyal et
    al. (2017), https://arxiv.org/abs/1706.02677, for the gradual warm-up.
    """
    if not isinstance(steps, int) or steps < 1 or not 0 <= warm_up <= 1:
        raise ValueError(
            f"steps must be a whole number of at least 1 and warm_up 0 to 1, got {steps!r} and "
            f"{warm_up!r}"
        )
    rising = round(warm_up * steps)

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        done = min(1.0, (step - rising) / max(1, steps - rising))
        return (1 + math.cos(math.pi * done)) / 2

    return LambdaLR(optimizer, factor)


def _found(path: Path | None) -> dict[str, Any] | None:
    """The checkpoint to go on from, where there is one."""
    return load_checkpoint(path) if path is not None and path.exists() else None


@contextmanager
def _on(model: nn.Module, device: torch.device) -> Iterator[None]:
    """The model on a device; afterwards it is where it was before, in evaluation mode."""
    home = next(model.parameters()).device
    model.to(device)
    try:
        yield
    finally:
        model.to(home).eval()


def _groups(batches: Iterable[tuple[int, Batch]], size: int) -> Iterator[list[Batch]]:
    """The batches of each step; the last step of an epoch may have fewer."""
    group: list[Batch] = []
    for _, batch in batches:
        group.append(batch)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _step(
    batches: list[Batch],
    objective: nn.Module,
    optimizer: Optimizer,
    clip_norm: float | None,
    where: str,
) -> tuple[float, float]:
    """One step downhill; returns the mean loss and the gradient's norm before clipping.

    Each batch's graph is gone before the next is computed. Both are those of all items of all
    processes: a mean of the processes' means would count the items of a small share for more.
    """
    optimizer.zero_grad(set_to_none=True)
    device = batches[0].features.device
    items = distributed.total(sum(len(batch.features) for batch in batches), device)
    mean = 0.0
    remedy = (
        "The weights are as they were before. Usual causes: a learning rate that is too large "
        "(halve it, or clip_norm=1), a logarithm of 0, a target that is longer than its input."
    )
    for number, batch in enumerate(batches, start=1):
        alone = number < len(batches)
        with distributed.without_exchange(objective) if alone else nullcontext():
            value = objective(batch)
            if not isinstance(value, Tensor) or value.ndim:
                raise ValueError(f"loss must return one number as a tensor, got {value!r:.80}")
            if not torch.isfinite(value):
                raise FloatingPointError(f"{where}: the loss is {value.item()}. {remedy}")
            share = len(batch.features) / items
            # The processes' gradients are averaged, not added: times their number.
            (value * share * distributed.world_size()).backward()
        mean += value.item() * share
    mean = distributed.total(mean, device)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    limit = float("inf") if clip_norm is None else clip_norm
    norm = float(nn.utils.clip_grad_norm_(parameters, limit))
    if not np.isfinite(norm):
        raise FloatingPointError(f"{where}: the gradient is not finite. {remedy}")
    optimizer.step()
    return mean, norm


def _check_batch(batch: Batch, where: str) -> None:
    finite = torch.isfinite(batch.features).flatten(1).all(dim=1)
    if not finite.all():
        item = int((~finite).nonzero()[0])
        name = batch.ids[item] if batch.ids else f"item {item} of the batch"
        raise ValueError(
            f"{where}: the features of {name} hold NaN or infinity. Nothing was learned from this "
            "batch; find out where they come from, or leave the item out."
        )


def _measure(
    model: nn.Module, validate: Callable[[nn.Module], dict[str, float]] | None
) -> dict[str, float]:
    if validate is None:
        return {}
    model.eval()
    with torch.no_grad():
        return {f"dev_{name}": float(value) for name, value in validate(model).items()}


class _State:
    """Everything that a training is made of, to be written to a file and read again."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        scheduler: Any,
        seed: int,
        steps: int | None,
        accumulate: int = 1,
    ) -> None:
        self.model, self.optimizer, self.scheduler, self.seed = model, optimizer, scheduler, seed
        self.steps = steps  # batches of an epoch, where the loader knows
        self.accumulate = accumulate
        self.history = History()
        self.epoch, self.position = 0, 0  # epochs that are done; batches done in this one
        self.losses, self.norms, self.seconds = 0.0, 0.0, 0.0  # sums over this epoch
        self.best: dict[str, Tensor] | None = None
        self.rng: dict[str, Any] | None = None  # to go on with, in the middle of an epoch

    def rest_of_epoch(self, batches: Iterable[Batch]) -> Iterator[tuple[int, Batch]]:
        """The batches of this epoch, without those that are done, numbered from 0."""
        places = [batches, *(getattr(batches, n, None) for n in ("batch_sampler", "sampler"))]
        skipped = 0
        for thing in (*places, getattr(batches, "dataset", None)):
            if isinstance(thing, BucketBatches):  # it plans the rest, and nothing else is read
                thing.set_epoch(self.epoch, self.position)
                skipped = self.position
            elif hasattr(thing, "set_epoch"):
                thing.set_epoch(self.epoch)
        seed_everything(self.seed, self.epoch, distributed.rank())
        iterator = enumerate(batches, start=skipped)
        for _ in range(self.position - skipped):
            next(iterator)
        if self.rng is not None:
            set_rng_state(self.rng)
            self.rng = None
        yield from iterator
        if self.position == 0:
            raise ValueError(
                "there are no batches: the loader is empty, or was used up (a generator gives its "
                "batches once; a DataLoader gives them each epoch)"
            )

    def add(self, batches: int, loss: float, norm: float, seconds: float) -> None:
        """Note a step that is done, of one or several batches."""
        self.position += batches
        self.losses += loss * batches
        self.norms += norm * batches
        self.seconds += seconds

    def end_epoch(self, measures: dict[str, float], seconds: float) -> None:
        """Note an epoch that is done."""
        self.history.epochs.append(
            {
                "loss": self.losses / self.position,
                "gradient_norm": self.norms / self.position,
                "seconds": self.seconds + seconds,
                **measures,
            }
        )
        self.epoch, self.position = self.epoch + 1, 0
        self.losses, self.norms, self.seconds = 0.0, 0.0, 0.0
        if measures and self.history.best == self.epoch - 1:
            self.best = {k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()}

    def stopped(self, patience: int | None) -> bool:
        """Whether the watched number was not the best for `patience` epochs."""
        if patience is None or not self.history.epochs:
            return False
        return self.epoch - 1 - self.history.best >= patience

    def shown(self) -> dict[str, float]:
        """What stands behind the bar."""
        last = self.history.epochs[-1]
        return {k: v for k, v in last.items() if k not in ("seconds", "gradient_norm")}

    def as_dict(self) -> dict[str, Any]:
        """For a file that torch reads with weights_only=True."""
        return {
            "format": FORMAT,
            "seed": self.seed,
            "steps": self.steps,
            "accumulate": self.accumulate,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler is not None else None,
            "history": self.history.epochs,
            "epoch": self.epoch,
            "position": self.position,
            "sums": [self.losses, self.norms, self.seconds],
            "best": self.best,
            "rng": rng_state(),
            **self._of_processes(),
        }

    def _of_processes(self) -> dict[str, Any]:
        """The generators of each process; nothing when there is one."""
        if distributed.world_size() == 1:
            return {}
        return {"processes": distributed.gathered(rng_state())}

    def save(self, path: Path) -> None:
        """Write the checkpoint; of several processes, the first writes for all."""
        state = self.as_dict()
        if distributed.rank() == 0:
            save_checkpoint(path, state)

    def restore(self, saved: dict[str, Any], path: Path) -> None:
        """Take over what a checkpoint holds, or raise and change nothing."""
        advice = "The file is left alone: name another one to begin anew."
        if problem := _unlike(self.model.state_dict(), saved["model"]):
            raise ValueError(f"{path} is a checkpoint of another model: {problem}. {advice}")
        if saved["seed"] != self.seed:
            raise ValueError(
                f"{path} was trained with seed {saved['seed']}, not {self.seed}. {advice}"
            )
        if saved["steps"] != self.steps:
            raise ValueError(
                f"{path} was trained with {saved['steps']} batches an epoch, now there are "
                f"{self.steps}: the data or the batch size changed. {advice}"
            )
        if (before := saved.get("accumulate", 1)) != self.accumulate:
            raise ValueError(
                f"{path} was trained with accumulate={before}, not {self.accumulate}. {advice}"
            )
        before, now = len(saved.get("processes", [0])), distributed.world_size()
        if before != now:
            raise ValueError(f"{path} was trained by {before} processes, not {now}. {advice}")
        if (saved["scheduler"] is None) != (self.scheduler is None):
            which = "without" if saved["scheduler"] is None else "with"
            raise ValueError(f"{path} was trained {which} a scheduler. {advice}")
        groups = [
            [len(g["params"]) for g in s["param_groups"]]
            for s in (saved["optimizer"], self.optimizer.state_dict())
        ]
        names = [
            set().union(*(g.keys() for g in s["param_groups"]))
            for s in (saved["optimizer"], self.optimizer.state_dict())
        ]
        if groups[0] != groups[1] or names[0] != names[1]:
            raise ValueError(f"{path} was trained with another optimizer. {advice}")
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(saved["scheduler"])
        self.history = History(saved["history"])
        self.epoch, self.position = saved["epoch"], saved["position"]
        self.losses, self.norms, self.seconds = saved["sums"]
        self.best = saved["best"]
        generators = saved.get("processes", [saved["rng"]])[distributed.rank()]
        self.rng = generators if self.position else None


def _unlike(expected: dict[str, Tensor], found: dict[str, Tensor]) -> str:
    """How the weights of a file differ in name or shape from those of a model; "" when alike."""
    for name in [*expected, *found]:
        if name not in found:
            return f"it has no {name}"
        if name not in expected:
            return f"it has {name}, the model has not"
        if expected[name].shape != found[name].shape:
            shapes = [tuple(weights[name].shape) for weights in (found, expected)]
            return f"its {name} is {shapes[0]}, the model's {shapes[1]}"
    return ""
