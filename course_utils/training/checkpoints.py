"""Chance and checkpoints: what makes a stopped training go on as if it had not been stopped."""

from __future__ import annotations

import os
import random
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

FORMAT = 1  # of checkpoint files


def seed_everything(seed: int, epoch: int = 0, rank: int = 0) -> None:
    """Seed torch, Python's random and NumPy's old global generator; each rank gets its own seed."""
    words = (seed, epoch, rank) if rank else (seed, epoch)
    word = int(np.random.SeedSequence(words).generate_state(1)[0])
    torch.manual_seed(word)
    random.seed(word)
    np.random.seed(word)  # noqa: NPY002 (libraries of augmentations still draw from it)


def rng_state() -> dict[str, Any]:
    """Where all generators stand: torch's, Python's and NumPy's old global one."""
    version, words, gauss = random.getstate()
    old = np.random.get_state(legacy=False)  # noqa: NPY002
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "python": [version, list(words), gauss],
        "numpy": {**old, "state": {**old["state"], "key": old["state"]["key"].tolist()}},
    }


def set_rng_state(state: dict[str, Any]) -> None:
    """Let all generators go on from there."""
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

    A disk that is full does not stop the training: a warning says so and what to do, the old file
    stays.

    Args:
        path: of the file.
        state: tensors, numbers, texts, lists and dicts of these.
    """

    def write(part: Path) -> None:
        with part.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())

    write_whole(Path(path), write)


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make a file beside `path`, then put it there; warn when that fails."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        part.replace(path)
    except (OSError, RuntimeError) as error:
        part.unlink(missing_ok=True)
        old = "the one before is still there, and " if path.exists() else ""
        warnings.warn(
            f"{path} could not be written ({error}); {old}training goes on. Make room on that "
            "disk: it is tried again, the next time that it is due",
            stacklevel=3,
        )


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
