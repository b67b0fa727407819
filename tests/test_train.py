import subprocess
import sys
from pathlib import Path

import pytest

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
    assert train.main(["las", "--corpus", "librispeech"]) == 2
    assert "--corpus must be one of digits, fsdd, commands" in capsys.readouterr().err


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


def test_librispeech_is_planned(capsys):
    tiny = ["--set", "hidden_size=8", "num_layers=1", "batch_size=1"]
    assert train.main(["deepspeech2", "--corpus", "librispeech", "--plan", *tiny]) == 0
    out = capsys.readouterr().out
    assert out.startswith("plan: ") and "100.6 h of sound are 36,216 steps" in out


@pytest.mark.skipif(librispeech.available("train-clean-100"), reason="LibriSpeech is there")
def test_librispeech_that_is_not_there_says_how_to_get_it(capsys):
    tiny = ["--set", "hidden_size=8", "num_layers=1", "batch_size=1"]
    assert train.main(["deepspeech2", "--corpus", "librispeech", *tiny]) == 2
    err = capsys.readouterr().err
    assert 'librispeech.load("train-clean-100", download=True)' in err
