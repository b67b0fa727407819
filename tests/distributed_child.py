"""One of several processes under torchrun: `distributed_child.py FOLDER WHAT`.

WHAT is "whole" (train and save the weights), "apart" (without synchronised statistics), "mean"
(without weighing by items), "kill N" (kill -9 of rank 1 right before its Nth step, the first time
only), or "other data" (rank 1 has another item).
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch

from course_utils import training
from course_utils.datasets import batching
from course_utils.models.convolution import Layer
from course_utils.models.deepspeech2 import DeepSpeech2
from course_utils.training import distributed

EPOCHS, ITEMS, TOGETHER, TOKENS, DIMS = 3, 23, 8, 5, 6


def examples(other=False):
    """Sequences of different length with labels that fit."""
    rng = np.random.default_rng(1)
    frames = [rng.normal(size=(n, DIMS)) for n in rng.integers(20, 40, ITEMS)]
    labels = [rng.integers(1, TOKENS, n) for n in rng.integers(1, 5, ITEMS)]
    ids = [f"clip {i}" for i in range(ITEMS)]
    if other:
        ids[3] = "another clip"
    return batching.Examples(frames, labels, ids=ids)


def model_():
    torch.manual_seed(0)
    return DeepSpeech2(
        DIMS, TOKENS, (Layer(3, (5, 3), (2, 1)),), hidden_size=8, num_layers=2
    ).double()


def loss(model, batch):
    return training.recognition_loss(model, batch._replace(features=batch.features.double()))


def validate(model):
    return {"rank": 7.0 + distributed.rank()}  # the first one's, in all


def train(folder, rank=0, world_size=1, other=False, **options):
    """A training whose steps are on TOGETHER items, of one process or of several."""
    model = model_()
    batches = batching.loader(
        examples(other), TOGETHER // world_size, shuffle=True, rank=rank, world_size=world_size
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    history = training.fit(
        model,
        batches,
        loss,
        EPOCHS,
        optimizer,
        scheduler=training.warm_up_cosine(optimizer, EPOCHS * len(batches)),
        validate=validate,
        clip_norm=1.0,
        device="cpu",
        checkpoint=folder and folder / "checkpoint.pt",
        checkpoint_every=1 if folder else None,
        progress=False,
        **options,
    )
    return model, history


def kill_at_step(number, marker):
    step, count = torch.optim.AdamW.step, 0

    def counted(self, *args, **kwargs):
        nonlocal count
        count += 1
        if count == number and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return step(self, *args, **kwargs)

    torch.optim.AdamW.step = counted


if __name__ == "__main__":
    folder, what, *number = sys.argv[1:]
    folder = Path(folder)
    torch.set_num_threads(1)
    with distributed.processes():
        rank, size = distributed.rank(), distributed.world_size()
        seen = folder / f"seen{rank}.txt"
        if what == "apart":
            distributed.synchronise = lambda model: model
        if what == "mean":
            distributed.total = lambda value, device: value * size
        if number and rank == 1:
            kill_at_step(int(number[0]), folder / "killed")
        try:
            model, history = train(folder, rank, size, other=what == "other data" and rank == 1)
        except ValueError as error:
            (folder / f"error{rank}.txt").write_text(str(error))
            raise
        torch.save(model.state_dict(), folder / f"weights{rank}.pt")
        (folder / f"history{rank}.txt").write_text(repr(history.epochs))
