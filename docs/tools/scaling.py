"""Recorded run: how fast a training step is, and three profiles of one.

    python docs/tools/scaling.py             # both of what follows, 4 minutes
    python docs/tools/scaling.py throughput  # scaling.csv
    python docs/tools/scaling.py profiles    # profiles.csv

The throughput is that of the recipe "commands" on noise, utterances of 3 s: one or two processes,
one or two threads each, batches of several sizes. Seconds are wall time of the fastest of 11 steps,
as other work on the machine makes steps slower and never faster; CPU seconds are the mean, summed
over threads and processes.

The profiles are those of exercise 15.5, called by letters so that the file does not tell.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.profiler import record_function

from course_utils import audio, training
from course_utils.datasets import commands, runs
from course_utils.datasets.batching import Batch, collate
from course_utils.datasets.text import Alphabet
from course_utils.recipes import frames, recognition
from course_utils.training import distributed
from course_utils.training.launch import torchrun

RECIPE = recognition.changed(recognition.RECIPES["commands"], augment=False)
ALPHABET = Alphabet(recognition.CHARACTERS)
LENGTH_S, STEPS = 3.0, 11
SIZES = {1: (4, 16, 64), 2: (2, 8, 32)}
ROWS_OF_A_PROFILE = 7


def noise(items: int) -> Batch:
    """A batch of utterances of `LENGTH_S`."""
    length, letters = round(LENGTH_S / frames.HOP_S), round(12 * LENGTH_S)
    return Batch(
        torch.randn(items, length, RECIPE.sound.n_mels),
        torch.full((items,), length),
        torch.randint(1, ALPHABET.size, (items, letters)),
        torch.full((items,), letters),
    )


def step_of(batch: Batch) -> Callable[[], None]:
    """One step of a training, to be repeated."""
    model = recognition.build(RECIPE, ALPHABET).train()
    objective = distributed.objective(model, recognition.loss_of(RECIPE))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)

    def step() -> None:
        optimizer.zero_grad()
        objective(batch).backward()
        optimizer.step()

    return step


def child(threads: int, items: int) -> None:
    """Measure in this process, print as JSON what process 0 found."""
    torch.set_num_threads(threads)
    with distributed.processes():
        step = step_of(noise(items))
        step()
        walls, cpu = [], time.process_time()
        for _ in range(STEPS):
            began = time.perf_counter()
            step()
            walls.append(time.perf_counter() - began)
        cpu_s = distributed.total((time.process_time() - cpu) / STEPS, torch.device("cpu"))
        gradient = torch.zeros(training.count_parameters(recognition.build(RECIPE, ALPHABET)))
        waits = []
        for _ in range(STEPS):
            began = time.perf_counter()
            if distributed.world_size() > 1:
                torch.distributed.all_reduce(gradient)
            waits.append(time.perf_counter() - began)
        if distributed.rank() == 0:
            found = [min(walls), cpu_s, min(waits)]
            print("FOUND", json.dumps(found), flush=True)


def throughput() -> list[dict]:
    """A row for each setting."""
    rows = []
    for processes, sizes in SIZES.items():
        for threads in (1, 2):
            for items in sizes:
                if processes * threads > 2:
                    continue
                command = [__file__, "child", "--threads", threads, "--items", items]
                done = torchrun(command, processes, timeout_s=600)
                line = next(x for x in done.output.splitlines() if x.startswith("FOUND"))
                wall, cpu, exchange = json.loads(line.removeprefix("FOUND"))
                rows.append(
                    {
                        "processes": processes,
                        "threads": threads,
                        "batch": items,
                        "seconds_step": round(wall, 4),
                        "cpu_s_step": round(cpu, 4),
                        "exchange_s": round(exchange, 4),
                        "throughput": round(processes * items * LENGTH_S / wall, 1),
                    }
                )
                print(rows[-1], flush=True)
    return rows


class Stepwise(nn.Module):
    """An LSTM as a loop over the frames, as in notebook 06."""

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__()
        self.cell, self.out = nn.LSTMCell(inputs, size), nn.Linear(size, ALPHABET.size)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities of each frame."""
        state, rows = None, []
        for t in range(x.shape[1]):
            state = self.cell(x[:, t], state)
            rows.append(state[0])
        return self.out(torch.stack(rows, dim=1)).log_softmax(dim=-1), lengths


def profiles() -> list[dict]:
    """The most expensive lines of a step of three trainings."""
    torch.set_num_threads(1)
    spoken = commands.load("train")
    loss = recognition.loss_of(RECIPE)

    def read(count: int) -> Batch:
        items = []
        with record_function("read, resample and analyse a batch"):
            for u in spoken[:count]:
                slower = audio.resample(u.waveform, 9000, u.sample_rate)  # speech at 8/9 the speed
                c = frames.frames_of(slower, u.sample_rate, RECIPE.sound)
                items.append((torch.from_numpy(c), np.array(ALPHABET.encode(u.text)), u.id))
        return collate(items)

    small = recognition.changed(RECIPE, hidden_size=16, num_layers=1)
    ready = read(16)
    settings = {
        "A": (recognition.build(small, ALPHABET), lambda: read(16)),
        "B": (Stepwise(RECIPE.sound.n_mels, 32), lambda: ready),
        "C": (recognition.build(RECIPE, ALPHABET), lambda: ready),
    }
    rows = []
    for name, (model, batch) in settings.items():
        optimizer = torch.optim.AdamW(model.train().parameters(), lr=1e-5)

        def step(model=model, batch=batch, optimizer=optimizer) -> None:
            optimizer.zero_grad()
            loss(model, batch()).backward()
            optimizer.step()

        step()
        lines = training.profiled(step)
        whole = sum(line.self_ms for line in lines)
        for line in lines[:ROWS_OF_A_PROFILE]:
            rows.append(
                {
                    "profile": name,
                    "operation": line.operation,
                    "self_ms": round(line.self_ms, 1),
                    "share": round(line.self_ms / whole, 3),
                    "calls": line.calls,
                }
            )
    return rows


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", choices=("throughput", "profiles", "child"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--items", type=int, default=8)
    options = parser.parse_args()
    if options.what == "child":
        child(options.threads, options.items)
        return
    machine = f"machine: {os.cpu_count()} cores of a server's CPU, no GPU"
    if hasattr(os, "getloadavg"):
        machine += f"; load before: {os.getloadavg()[1]:.1f}"
    if options.what in (None, "throughput"):
        about = [
            "The recipe commands on noise of 3 s: fastest of 11 steps, mean CPU time.",
            machine,
        ]
        command = "command: python docs/tools/scaling.py throughput"
        runs.write(runs.FOLDER / "scaling.csv", [command, *about], throughput())
    if options.what in (None, "profiles"):
        about = ["The costliest lines of a training step, three times, by torch.profiler.", machine]
        command = "command: python docs/tools/scaling.py profiles"
        runs.write(runs.FOLDER / "profiles.csv", [command, *about], profiles())


if __name__ == "__main__":
    sys.exit(main())
