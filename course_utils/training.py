"""The training loop of the course: curves, validation, early stop, checkpoints that resume."""

from __future__ import annotations

import os
import random
import time
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm.auto import tqdm

from course_utils import ctc
from course_utils.datasets.batching import Batch, Examples, mask
from course_utils.metrics import accuracy

FORMAT = 1  # of checkpoint files


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
    seed: int = 0,
    device: torch.device | str | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None,
    progress: bool = True,
) -> History:
    """Train a model; with a checkpoint file, go on where a stopped training was.

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
        seed: of order and dropout. The weights were drawn before, by the model.
        device: where to train; see `choose_device`. Afterwards the model is where it was before.
        checkpoint: a file, written after each epoch; when it exists, training resumes from it.
        checkpoint_every: write it after so many batches as well.
        progress: show a bar.

    Returns:
        The curves.

    Raises:
        ValueError: no batches; labels of one class only; a batch holds NaN or infinity (its item is
            named, the weights are as before it); patience without validate; a checkpoint that is
            damaged, or of another model, optimizer or seed (the file is left alone).
        FloatingPointError: the loss or its gradient is not finite; the weights are as before.
    """
    device = torch.device(device) if device is not None else choose_device()
    if not isinstance(epochs, int) or epochs < 1:
        raise ValueError(f"epochs must be a whole number of at least 1, got {epochs!r}")
    if patience is not None and validate is None:
        raise ValueError("patience waits for a better validation: give validate as well")
    if isinstance(examples := getattr(batches, "dataset", None), Examples):
        examples.check_trainable()
    if optimizer is None:
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    steps = len(batches) if hasattr(batches, "__len__") else None
    state = _State(model, optimizer, scheduler, seed, steps)
    path = Path(checkpoint) if checkpoint is not None else None
    total = epochs * steps if steps is not None else None
    bar = tqdm(total=total, desc="training", unit="batch", disable=not progress)
    with _on(model, device), bar:
        if path is not None and path.exists():
            state.restore(load_checkpoint(path), path)
            bar.update(state.epoch * (steps or 0) + state.position)
        while state.epoch < epochs and not state.stopped(patience):
            started = time.perf_counter()
            for number, batch in state.rest_of_epoch(batches):
                where = f"epoch {state.epoch + 1}, batch {number + 1}"
                _check_batch(batch, where)
                model.train()
                value, norm = _step(model, batch.to(device), loss, optimizer, clip_norm, where)
                if scheduler is not None:
                    scheduler.step()
                state.add(number, value, norm, time.perf_counter() - started)
                started = time.perf_counter()
                bar.update()
                if path and checkpoint_every and state.position % checkpoint_every == 0:
                    save_checkpoint(path, state.as_dict())
            measures = _measure(model, validate)
            state.end_epoch(measures, time.perf_counter() - started)
            bar.set_postfix({name: f"{v:.3g}" for name, v in state.shown().items()})
            if path:
                save_checkpoint(path, state.as_dict())
    if patience is not None and state.best is not None:
        model.load_state_dict(state.best)
    return state.history


@contextmanager
def _on(model: nn.Module, device: torch.device) -> Iterator[None]:
    """The model on a device; afterwards it is where it was before, in evaluation mode."""
    home = next(model.parameters()).device
    model.to(device)
    try:
        yield
    finally:
        model.to(home).eval()


def _step(
    model: nn.Module,
    batch: Batch,
    loss: Callable[[nn.Module, Batch], Tensor],
    optimizer: Optimizer,
    clip_norm: float | None,
    where: str,
) -> tuple[float, float]:
    """One step downhill; returns the loss and the gradient's norm before clipping."""
    optimizer.zero_grad(set_to_none=True)
    value = loss(model, batch)
    if not isinstance(value, Tensor) or value.ndim:
        raise ValueError(f"loss must return one number as a tensor, got {value!r:.80}")
    remedy = (
        "The weights are as they were before. Usual causes: a learning rate that is too large "
        "(halve it, or clip_norm=1), a logarithm of 0, a target that is longer than its input."
    )
    if not torch.isfinite(value):
        raise FloatingPointError(f"{where}: the loss is {value.item()}. {remedy}")
    value.backward()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    limit = float("inf") if clip_norm is None else clip_norm
    norm = float(nn.utils.clip_grad_norm_(parameters, limit))
    if not np.isfinite(norm):
        raise FloatingPointError(f"{where}: the gradient is not finite. {remedy}")
    optimizer.step()
    return value.item(), norm


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
        self, model: nn.Module, optimizer: Optimizer, scheduler: Any, seed: int, steps: int | None
    ) -> None:
        self.model, self.optimizer, self.scheduler, self.seed = model, optimizer, scheduler, seed
        self.steps = steps  # batches of an epoch, where the loader knows
        self.history = History()
        self.epoch, self.position = 0, 0  # epochs that are done; batches done in this one
        self.losses, self.norms, self.seconds = 0.0, 0.0, 0.0  # sums over this epoch
        self.best: dict[str, Tensor] | None = None
        self.rng: dict[str, Any] | None = None  # to go on with, in the middle of an epoch

    def rest_of_epoch(self, batches: Iterable[Batch]) -> Iterator[tuple[int, Batch]]:
        """The batches of this epoch, without those that are done, numbered from 0."""
        places = [batches, *(getattr(batches, n, None) for n in ("batch_sampler", "sampler"))]
        for thing in (*places, getattr(batches, "dataset", None)):
            if hasattr(thing, "set_epoch"):
                thing.set_epoch(self.epoch)
        seed_everything(self.seed, self.epoch)
        iterator = enumerate(batches)
        done = self.position
        for _ in range(done):
            next(iterator)
        if self.rng is not None:
            _set_rng_state(self.rng)
            self.rng = None
        yield from iterator
        if self.position == 0:
            raise ValueError(
                "there are no batches: the loader is empty, or was used up (a generator gives its "
                "batches once; a DataLoader gives them each epoch)"
            )

    def add(self, number: int, loss: float, norm: float, seconds: float) -> None:
        """Note a batch that is done."""
        self.position = number + 1
        self.losses += loss
        self.norms += norm
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
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler is not None else None,
            "history": self.history.epochs,
            "epoch": self.epoch,
            "position": self.position,
            "sums": [self.losses, self.norms, self.seconds],
            "best": self.best,
            "rng": _rng_state(),
        }

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
        self.rng = saved["rng"] if self.position else None


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


def seed_everything(seed: int, epoch: int = 0) -> None:
    """Seed torch, Python's random and NumPy's old global generator."""
    word = int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0])
    torch.manual_seed(word)
    random.seed(word)
    np.random.seed(word)  # noqa: NPY002 (libraries of augmentations still draw from it)


def _rng_state() -> dict[str, Any]:
    version, words, gauss = random.getstate()
    old = np.random.get_state(legacy=False)  # noqa: NPY002
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "python": [version, list(words), gauss],
        "numpy": {**old, "state": {**old["state"], "key": old["state"]["key"].tolist()}},
    }


def _set_rng_state(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    inner = state["numpy"]["state"]
    key = np.array(inner["key"], dtype=np.uint32)
    np.random.set_state({**state["numpy"], "state": {**inner, "key": key}})  # noqa: NPY002


def save_checkpoint(path: str | Path, state: dict[str, Any]) -> None:
    """Write a checkpoint in one step: killed at any moment, the old or the new file is there.

    A disk that is full does not stop the training: a warning says so, the old file stays.

    Args:
        path: of the file.
        state: tensors, numbers, texts, lists and dicts of these.
    """
    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except (OSError, RuntimeError) as error:
        part.unlink(missing_ok=True)
        warnings.warn(f"{path} could not be written ({error}); training goes on", stacklevel=2)


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint of `fit`. Only data is read, never code.

    Args:
        path: of the file.

    Returns:
        What `fit` wrote; tensors on the CPU.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, cut short, or no checkpoint of `fit`; the message names it.
    """
    path = Path(path)
    advice = "Delete it to begin anew, or put a copy of it back."
    try:
        with zipfile.ZipFile(path) as archive:  # torch does not look at the checksums
            if part := archive.testzip():
                raise ValueError(f"{part} has a wrong checksum")
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except Exception as error:  # damaged bytes make torch raise errors of many kinds
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"{path} is damaged, cut short, or no checkpoint ({reason}). {advice}"
        ) from error
    if not isinstance(saved, dict) or not {"format", "model", "history", "rng"} <= saved.keys():
        raise ValueError(f"{path} is a torch file, but no checkpoint of training.fit. {advice}")
    if saved["format"] != FORMAT:
        raise ValueError(
            f"{path} has format {saved['format']}, this version reads {FORMAT}. {advice}"
        )
    return saved


def classification_loss(model: nn.Module, batch: Batch, label_smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy of the model's logits, for `fit`.

    Args:
        model: `model(features, lengths)` gives logits `(batch, classes)`.
        batch: with one label an item.
        label_smoothing: share of the target spread over all classes.

    Raises:
        ValueError: a label is out of range; the message names the item.
    """
    logits = model(batch.features, batch.lengths)
    wrong = (batch.targets < 0) | (batch.targets >= logits.shape[-1])
    if wrong.any():
        item = int(wrong.nonzero()[0])
        name = batch.ids[item] if batch.ids else f"item {item} of the batch"
        raise ValueError(
            f"{name}: label {int(batch.targets[item])} is out of range, the model has "
            f"{logits.shape[-1]} classes, 0 to {logits.shape[-1] - 1}"
        )
    return nn.functional.cross_entropy(logits, batch.targets, label_smoothing=label_smoothing)


def recognition_loss(model: nn.Module, batch: Batch, blank: int = 0) -> Tensor:
    """Mean CTC loss of a recogniser (each item's divided by its labels), for `fit`.

    Args:
        model: `model(features, lengths)` gives log-probabilities (batch, frames', tokens) and
            lengths'.
        batch: its targets are sequences of tokens.
        blank: CTC's token that writes nothing.

    Raises:
        ValueError: a target holds the blank or a token out of range, which torch takes silently, or
            needs more frames than the model has left of the item; the message names the item.
    """
    log_probs, lengths = model(batch.features, batch.lengths)
    frames, tokens = log_probs.shape[1:]
    if lengths is None:
        lengths = torch.full((len(log_probs),), frames)
    for item, (target, size) in enumerate(zip(batch.targets, batch.target_lengths, strict=True)):
        labels = target[:size].tolist()
        name = batch.ids[item] if batch.ids else f"item {item} of the batch"
        if wrong := [n for n in labels if not 0 <= n < tokens or n == blank]:
            what = "the blank" if wrong[0] == blank else f"out of range, there are {tokens} tokens"
            raise ValueError(f"{name}: its target holds {wrong[0]}, which is {what}")
        if (needed := ctc.frames_needed(labels)) > lengths[item]:
            raise ValueError(
                f"{name}: its {len(labels)} labels need {needed} frames, the model leaves it "
                f"{int(lengths[item])}: the loss is infinite. Take a smaller time stride or larger "
                "units, or leave the item out"
            )
    log_probs = log_probs.transpose(0, 1)  # torch wants (frames, batch, tokens)
    return nn.functional.ctc_loss(
        log_probs, batch.targets, lengths, batch.target_lengths, blank=blank
    )


def spelling_loss(
    model: nn.Module,
    batch: Batch,
    label_smoothing: float = 0.0,
    sampling: float = 0.0,
    ctc_weight: float = 0.0,
) -> Tensor:
    """Mean cross-entropy of a speller (each item's divided by its tokens and END), for `fit`.

    Padding does not count. With `ctc_weight` λ it is (1 - λ) times this plus λ times the CTC loss
    of the model's other branch, each item's divided by its labels (Kim, Hori and Watanabe 2017,
    https://arxiv.org/abs/1609.06773). An item whose labels need more frames than the listener
    leaves takes no part in the mean of that share.

    Args:
        model: a `ListenAttendSpell`.
        batch: its targets are sequences of tokens from 1 on.
        label_smoothing: share of the target spread over all tokens.
        sampling: how often the model is told a token of its own instead of the right one.
        ctc_weight: λ, 0 to 1.

    Raises:
        ValueError: a target holds 0, or `ctc_weight` is out of range or without a branch.
    """
    targets, sizes = batch.targets, batch.target_lengths
    inside = mask(sizes + 1, targets.shape[1] + 1)  # the tokens and END
    if (wrong := inside[:, 1:] & (targets == 0)).any():
        item = int(wrong.any(dim=1).nonzero()[0])
        name = batch.ids[item] if batch.ids else f"item {item} of the batch"
        raise ValueError(f"{name}: its target holds 0, which is END and CTC's blank")
    output = model(batch.features, batch.lengths, targets, sampling)
    if not 0 <= ctc_weight <= 1 or (ctc_weight and output.ctc_log_probs is None):
        raise ValueError(
            f"ctc_weight must be 0 to 1, and 0 for a model without a CTC branch, got {ctc_weight}"
        )
    expected = nn.functional.pad(targets, (0, 1))
    losses = nn.functional.cross_entropy(
        output.logits.transpose(1, 2),
        expected,
        reduction="none",
        label_smoothing=label_smoothing,
    )
    loss = ((losses * inside).sum(dim=1) / (sizes + 1)).mean()
    if not ctc_weight:
        return loss
    repeats = ((targets[:, 1:] == targets[:, :-1]) & (targets[:, 1:] != 0)).sum(dim=1)
    fits = (sizes > 0) & (sizes + repeats <= output.lengths)
    if not fits.any():
        return (1 - ctc_weight) * loss
    other = nn.functional.ctc_loss(
        output.ctc_log_probs[fits].transpose(0, 1), targets[fits], output.lengths[fits], sizes[fits]
    )
    return (1 - ctc_weight) * loss + ctc_weight * other


def classify(
    model: nn.Module, batches: Iterable[Batch]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a classifier says of each item, in the order of the batches.

    Args:
        model: `model(features, lengths)` gives logits `(batch, classes)`; used in evaluation mode
            on the device where it is, and left in the mode it was in.
        batches: of labelled items.

    Returns:
        Predictions and targets, int64 (items,), and probabilities, float32 (items, classes).
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    logits, targets = [], []
    with torch.no_grad():
        for batch in batches:
            logits.append(model(batch.features.to(device), batch.lengths.to(device)).cpu())
            targets.append(batch.targets)
    model.train(was_training)
    probabilities = torch.cat(logits).softmax(dim=-1).numpy()
    return probabilities.argmax(axis=-1), torch.cat(targets).numpy(), probabilities


def validation(batches: Iterable[Batch]) -> Callable[[nn.Module], dict[str, float]]:
    """A `validate` for `fit`: mean cross-entropy and accuracy of a classifier on these batches."""

    def validate(model: nn.Module) -> dict[str, float]:
        predictions, targets, probabilities = classify(model, batches)
        right = probabilities[np.arange(len(targets)), targets]
        loss = -np.log(np.maximum(right, np.finfo(np.float32).tiny)).mean()
        return {"loss": float(loss), "accuracy": accuracy(targets, predictions)}

    return validate
