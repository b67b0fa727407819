"""Two processes with half of each batch are one process with the whole batches."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from course_utils.models.convolution import MaskedBatchNorm
from course_utils.models.together import synchronise
from course_utils.training import distributed
from tests import distributed_child as child

ROOT = Path(__file__).parents[1]


def torchrun(folder, *what, restarts=0):
    """Run the child in two processes; returns what torchrun did."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0"]
    command += ["--max-restarts", str(restarts), "-m", "tests.distributed_child"]
    return subprocess.run(
        [*command, str(folder), *what], cwd=ROOT, capture_output=True, text=True, timeout=240
    )


def weights(folder, rank):
    return torch.load(folder / f"weights{rank}.pt", weights_only=True)


def distance(a, b):
    return max(float((a[name] - b[name]).abs().max()) for name in a)


@pytest.fixture(scope="module")
def alone():
    model, history = child.train(None)
    return model.state_dict(), history


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    done = torchrun(folder, "whole")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_two_processes_end_with_the_weights_of_one(alone, two):
    first, second = weights(two, 0), weights(two, 1)
    assert distance(first, second) == 0  # running statistics, too
    assert distance(first, alone[0]) < 1e-9


def test_losses_and_gradient_norms_are_those_of_all_items(alone, two):
    for rank in (0, 1):
        epochs = ast.literal_eval((two / f"history{rank}.txt").read_text())
        for epoch, expected in zip(epochs, alone[1].epochs, strict=True):
            assert epoch["loss"] == pytest.approx(expected["loss"], rel=1e-9)
            assert epoch["gradient_norm"] == pytest.approx(expected["gradient_norm"], rel=1e-9)
            assert epoch["dev_rank"] == 7.0


@pytest.mark.slow
@pytest.mark.parametrize("what", ["apart", "mean"])
def test_without_synchronised_statistics_or_weights_it_is_another_training(alone, tmp_path, what):
    done = torchrun(tmp_path, what)
    assert done.returncode == 0, done.stderr[-3000:]
    assert distance(weights(tmp_path, 0), alone[0]) > 1e-4


@pytest.mark.slow
def test_torchrun_starts_a_dead_process_again_and_nothing_is_lost(two, tmp_path):
    done = torchrun(tmp_path, "kill", "5", restarts=1)
    assert (tmp_path / "killed").exists()
    assert done.returncode == 0, done.stderr[-3000:]
    assert distance(weights(tmp_path, 0), weights(two, 0)) == 0


@pytest.mark.slow
def test_processes_with_different_data_are_told_apart(tmp_path):
    done = torchrun(tmp_path, "other data")
    assert done.returncode != 0
    for rank in (0, 1):
        message = (tmp_path / f"error{rank}.txt").read_text()
        assert "process 1 would train on something else than process 0: their names" in message


def test_torchs_own_batch_normalisation_is_refused():
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    with pytest.raises(ValueError, match="1 is torch's BatchNorm1d"):
        synchronise(model)
    assert not synchronise(MaskedBatchNorm(3)).together  # one process


def test_one_process_is_alone():
    assert (distributed.rank(), distributed.world_size()) == (0, 1)
    with distributed.processes() as device:
        assert device is None
    assert distributed.total(3, torch.device("cpu")) == 3
    assert distributed.from_first(lambda: "here") == "here" and distributed.gathered(2) == [2]


@pytest.mark.slow
def test_the_command_line_trains_in_two_processes(tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m"]
    command += ["course_utils.train", "deepspeech2", "--corpus", "digits", "--quiet", "--epochs"]
    command += ["1", "--folder", str(tmp_path / "run"), "--threads", "1", "--set", "train=40"]
    command += ["dev=4", "test=4", "hidden_size=8", "batch_size=8"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("test: WER") == 1  # the first process speaks for both
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"recipe.json", "checkpoint.pt", "log.csv", "transcripts.csv"}
    saved = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert saved["steps"] == 3 and len(saved["processes"]) == 2  # 40 items, twice 8 in each step


def leave_often(rank, folder):
    """Exchange a tensor, leave, and only then drop the module that the group averages for."""
    torch.set_num_threads(1)
    for number in range(10):
        store = dist.FileStore(f"{folder}/{number}", 2)
        dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
        wrapped = DistributedDataParallel(torch.nn.Linear(2, 2))
        gradient = torch.zeros(400_000)
        for _ in range(5):
            dist.all_reduce(gradient)
        distributed.leave()
        del wrapped


@pytest.mark.timeout(120)  # for ever, without a rest
def test_who_leaves_the_group_does_not_wait_for_ever(tmp_path):
    torch.multiprocessing.spawn(leave_often, (tmp_path,), nprocs=2)
