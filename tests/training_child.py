"""A training in a process of its own, to be killed: `training_child.py CHECKPOINT WEIGHTS HOW`.

HOW is "whole", "save N" (kill -9 in the middle of writing the Nth checkpoint), "step N" (kill -9
right before the Nth step) or "full N" (from the Nth checkpoint on, no file may exceed 1 kB).
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from course_utils import training
from course_utils.datasets import batching

EPOCHS, ITEMS, BATCH = 3, 40, 8


class Small(nn.Module):
    """Dropout draws from torch's generator; the running statistics are buffers."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3)
        )

    def forward(self, features, lengths=None):
        return self.layers(features)


def parts(seed=0):
    """Model, loader, optimizer and scheduler, the same each time."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(ITEMS, 4)).astype(np.float32)
    examples = batching.Examples(x, (x[:, 0] > 0).astype(int) + (x[:, 1] > 0), classes=3)
    torch.manual_seed(0)
    model = Small()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    steps = EPOCHS * ITEMS // BATCH
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    return model, batching.loader(examples, BATCH, shuffle=True), optimizer, scheduler


def train(checkpoint, **options):
    model, batches, optimizer, scheduler = parts()
    history = training.fit(
        model,
        batches,
        training.classification_loss,
        EPOCHS,
        optimizer,
        scheduler=scheduler,
        validate=training.validation(batching.loader(batches.dataset, 16)),
        clip_norm=1.0,
        seed=5,
        device="cpu",
        checkpoint=checkpoint,
        checkpoint_every=1,
        progress=False,
        **options,
    )
    return model, history


def kill_at_save(number):
    save, count = torch.save, 0

    def half(state, file):
        nonlocal count
        count += 1
        if count < number:
            return save(state, file)
        whole = Path(file.name).with_name("whole")
        save(state, whole)
        file.write(whole.read_bytes()[: whole.stat().st_size // 2])
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    torch.save = half


def kill_at_step(number):
    step, count = torch.optim.AdamW.step, 0

    def counted(self, *args, **kwargs):
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(self, *args, **kwargs)

    torch.optim.AdamW.step = counted


def full_at_save(number):
    import resource

    save, count = torch.save, 0

    def limited(state, file):
        nonlocal count
        count += 1
        if count == number:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        return save(state, file)

    torch.save = limited


if __name__ == "__main__":
    checkpoint, weights, how, *number = sys.argv[1:]
    if number:
        {"save": kill_at_save, "step": kill_at_step, "full": full_at_save}[how](int(number[0]))
    model, _ = train(checkpoint)
    if how == "full":
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    torch.save(model.state_dict(), weights)
