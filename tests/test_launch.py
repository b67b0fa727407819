"""Commands in several processes, started from Python; and the training that shows what breaks."""

import pytest
import torch

from course_utils.recipes import rehearsal
from course_utils.training.launch import torchrun


def weights(folder, what):
    return torch.load(folder / f"{what}.pt", weights_only=True)


@pytest.fixture(scope="module")
def alone():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found = rehearsal.train(rehearsal.prepared())
    torch.set_num_threads(threads)
    return found


def test_what_the_processes_print_comes_back(tmp_path):
    script = tmp_path / "hello.py"
    script.write_text("import os, sys; print('rank', os.environ['RANK'], *sys.argv[1:])")
    done = torchrun([script, "now"])
    assert sorted(done.output.splitlines()) == ["rank 0 now", "rank 1 now"]
    assert repr(done) == done.output.rstrip()


def test_what_went_wrong_is_said(tmp_path):
    script = tmp_path / "wrong.py"
    script.write_text("raise ValueError('no such corpus')")
    with pytest.raises(RuntimeError, match="no such corpus"):
        torchrun([script], processes=1)


@pytest.mark.slow
def test_processes_that_wait_for_ever_are_ended(tmp_path):
    script = tmp_path / "late.py"
    script.write_text("import time; time.sleep(600)")
    with pytest.raises(TimeoutError, match="had not ended after 12 s and were stopped"):
        torchrun([script], processes=1, timeout_s=12)


@pytest.mark.parametrize("wrong", [{"processes": 0}, {"processes": 2.0}, {"restarts": -1}])
def test_numbers_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="must be a whole number of at least"):
        torchrun(["x.py"], **wrong)


@pytest.mark.slow
def test_two_processes_rehearse_and_break(alone, tmp_path):
    command = ["-m", "course_utils.recipes.rehearsal", tmp_path, "whole", "apart", "mean"]
    done = torchrun(command)
    assert done.output.count("trained by 2 processes") == 3
    assert rehearsal.distance(weights(tmp_path, "whole"), alone) < 1e-9
    for what in ("apart", "mean"):
        assert rehearsal.distance(weights(tmp_path, what), alone) > 1e-3
    killed = [*command[:3], "kill"]
    torchrun(killed, restarts=1)
    assert (tmp_path / "killed").exists()
    again = weights(tmp_path, "kill")
    assert all(torch.equal(again[name], x) for name, x in weights(tmp_path, "whole").items())


def test_a_word_that_there_is_not(capsys, tmp_path):
    assert rehearsal.main([str(tmp_path), "nothing"]) == 2
    assert "WHAT one of whole, apart, mean, kill" in capsys.readouterr().err


def test_what_is_broken_is_mended_afterwards(tmp_path):
    before = rehearsal.distributed.total
    with rehearsal.changed("mean", tmp_path):
        assert rehearsal.distributed.total is not before
    assert rehearsal.distributed.total is before


def test_shares_are_the_batch():
    batch = next(iter(rehearsal.loader(rehearsal.prepared().train, 7)))
    parts = [rehearsal.share(batch, rank, 2) for rank in (0, 1)]
    assert [len(part.ids) for part in parts] == [4, 3]
    assert sorted(parts[0].ids + parts[1].ids) == sorted(batch.ids)
    assert torch.equal(parts[1].features, batch.features[1::2])
