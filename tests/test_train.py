import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from course_utils import train
from course_utils.datasets import librispeech

SIZES = ["train=12", "dev=4", "test=6", "hidden_size=8", "num_layers=1", "batch_size=4"]
SMALL = ["--epochs", "1", "--set", *SIZES]
RUN = ["deepspeech2", "--corpus", "digits", "--quiet", "--device", "cpu", *SMALL]


def test_help_is_quick_and_needs_no_torch():
    code = (
        "import sys; sys.argv = ['train', '--help']\n"
        "from course_utils import train\n"
        "try: train.main()\nfinally: print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "--corpus" in done.stdout and "librispeech" in done.stdout
    assert done.stdout.strip().endswith("False")


def test_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "course_utils.train", "deepspeech2", "--corpus", "timit"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: --corpus must be one of digits, fsdd, commands")


def test_a_run_prints_its_figures_and_goes_on(tmp_path, capsys):
    for _ in range(2):
        assert train.main([*RUN, "--folder", str(tmp_path)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("dev:  WER") and lines[1].startswith("test: WER")
        assert "% of speakers' samples: WER" in lines[1]
        assert "1 epochs of" in lines[2] and "times real time" in lines[2]
    names = {path.name for path in Path(tmp_path).iterdir()}
    assert names == {"recipe.json", "log.csv", "checkpoint.pt", "transcripts.csv"}
    assert train.main([*RUN, "--folder", str(tmp_path), "--seed", "1"]) == 2
    assert "another recipe: seed is 0 there, 1 here" in capsys.readouterr().err


def test_a_speller_is_trained_the_same_way(tmp_path, capsys):
    sizes = ["train=12", "dev=4", "test=6", "hidden=8", "speller=8", "batch_size=4", "beam_size=2"]
    run = ["las", "--corpus", "digits", "--quiet", "--epochs", "1", "--folder", str(tmp_path)]
    for _ in range(2):
        assert train.main([*run, "--device", "cpu", "--set", *sizes]) == 0
        assert "times real time" in capsys.readouterr().out
    names = {path.name for path in Path(tmp_path).iterdir()}
    assert names == {"recipe.json", "log.csv", "checkpoint.pt", "transcripts.csv"}
    assert train.main(["las", "--corpus", "commands", "--plan", "--set", "hidden=8"]) == 0
    assert capsys.readouterr().out.startswith("plan: ")
    assert train.main(["las", "--corpus", "digits-streaming"]) == 2
    assert "--corpus must be one of digits, fsdd, commands" in capsys.readouterr().err


@pytest.mark.parametrize("model", ["deepspeech2", "las"])
def test_shards_are_made_and_trained_from(model, tmp_path, capsys):
    sizes = ["train=12", "dev=4", "test=6", "batch_size=4"]
    sizes += ["hidden_size=8"] if model == "deepspeech2" else ["hidden=8", "speller=8"]
    run = [model, "--corpus", "digits", "--quiet", "--device", "cpu", "--epochs", "1"]
    made, folder = str(tmp_path / "shards"), str(tmp_path / "run")
    assert train.main([*run, "--make-shards", made, "--set", *sizes]) == 0
    assert "12 utterances, 0.0" in (out := capsys.readouterr().out) and "1 shards" in out
    assert train.main([*run, "--make-shards", made, "--set", *sizes]) == 2
    assert "holds complete shards already" in capsys.readouterr().err
    run += ["--folder", folder, "--set", *sizes]
    for workers in ("1", "0"):
        assert train.main([*run, "--shards", made, "--workers", workers]) == 0
        assert "times real time" in capsys.readouterr().out
    assert train.main(run) == 2
    assert "holds a run on other data: give the same shards as before" in capsys.readouterr().err
    assert train.main([*run, "--shards", str(tmp_path)]) == 2
    assert "index.json: no such file: make the shards with" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_train_from_shards(tmp_path):
    sizes = ["--set", "train=42", "dev=4", "test=4", "hidden_size=8", "batch_size=8"]
    run = ["deepspeech2", "--corpus", "digits", "--quiet", "--device", "cpu", "--epochs", "1"]
    assert train.main([*run, "--make-shards", str(tmp_path / "shards"), *sizes]) == 0
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m"]
    command += ["course_utils.train", *run, "--shards", str(tmp_path / "shards"), "--threads", "1"]
    command += ["--folder", str(tmp_path / "run"), *sizes]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("test: WER") == 1
    saved = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert saved["steps"] == 3 and len(saved["processes"]) == 2  # 42 items, twice 8 in each step


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "hidden=3"], "a recipe has no hidden"),
        (["--set", "hidden_size"], "--set takes NAME=VALUE, got 'hidden_size'"),
        (["--set", "hidden_size=big"], "hidden_size must be a whole number"),
        (["--held-out", "theo"], "a speaker is held out of fsdd only"),
    ],
)
def test_bad_arguments_are_named(arguments, message, capsys):
    assert train.main(["deepspeech2", "--corpus", "digits", "--quiet", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("model", ["deepspeech2", "las"])
def test_librispeech_is_planned(model, capsys):
    size = ["hidden_size=8", "num_layers=1"] if model == "deepspeech2" else ["hidden=8"]
    plan = [model, "--corpus", "librispeech-100", "--plan", "--price", "2", "--device", "cpu"]
    assert train.main([*plan, "--set", *size, "batch_size=1", "epochs=3"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("plan: ") and "100.6 h of sound are 28,539 batches" in out
    assert "from shards" in out and "what the layers keep of a batch of 1;" in out
    hours = float(re.search(r"([\d,.]+) h for 3 epochs", out)[1].replace(",", ""))
    price = float(re.search(r"at 2 an hour: ([\d,.]+)", out)[1].replace(",", ""))
    assert price == pytest.approx(2 * hours, rel=0.1, abs=0.2)


@pytest.mark.skipif(librispeech.available("train-clean-100"), reason="LibriSpeech is there")
def test_librispeech_that_is_not_there_says_how_to_get_it(capsys):
    tiny = ["--set", "hidden_size=8", "num_layers=1", "batch_size=1"]
    assert train.main(["deepspeech2", "--corpus", "librispeech-100", *tiny]) == 2
    err = capsys.readouterr().err
    assert 'librispeech.load("train-clean-100", download=True)' in err
