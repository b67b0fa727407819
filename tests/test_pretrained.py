import hashlib
import itertools
import json
import shutil
import tomllib
from pathlib import Path

import pytest
import torch
from safetensors import torch as safetensors

from course_utils import metrics
from course_utils.datasets import commands, familiar
from course_utils.recipes import pretrained, recognition
from course_utils.recipes.recognition import RECIPES, Recogniser, changed
from docs.tools import pretrained as tool

NAME = "deepspeech2-commands"
STORED = [name for name in pretrained.NAMES if (pretrained.FOLDER / f"{name}.json").exists()]
TINY = changed(RECIPES["commands"], hidden_size=8, num_layers=1)


def recogniser(recipe=TINY):
    alphabet = recognition.Alphabet(recognition.CHARACTERS)
    return Recogniser(recognition.build(recipe, alphabet, seed=3), alphabet, recipe)


@pytest.fixture
def folder(tmp_path):
    pretrained.save(NAME, recogniser(), 3, {"test_wer": 1.0}, "made by hand", tmp_path)
    return tmp_path


def test_the_models_are_there_and_together_they_are_small():
    assert NAME in STORED
    files = sorted(path.name for path in pretrained.FOLDER.iterdir())
    pairs = (f"{name}.{ending}" for name in STORED for ending in ("json", "safetensors"))
    assert files == sorted(["README.md", *pairs])
    assert sum(path.stat().st_size for path in pretrained.FOLDER.iterdir()) <= 5e6


@pytest.mark.parametrize("name", STORED)
def test_a_stored_model_says_what_it_is(name):
    known = pretrained.about(name)
    model = pretrained.load(name)
    assert known["parameters"] == sum(p.numel() for p in model.model.parameters())
    assert known["command"].startswith(f"python docs/tools/pretrained.py {name}")
    assert 0 <= known["figures"]["test_wer"] < 0.3
    assert all(p.dtype == torch.float32 for p in model.model.parameters())
    assert not model.model.training
    card = (pretrained.FOLDER / "README.md").read_text(encoding="utf-8")
    row = next(line for line in card.splitlines() if line.startswith(f"| {name} "))
    for figure in ("test_cer", "test_wer"):
        assert f" {100 * known['figures'][figure]:.2f} %" in row
    assert f"{known['parameters']:,}" in row


@pytest.mark.parametrize("name", STORED)
def test_a_stored_model_is_that_of_todays_recipe(name):
    kind, _, corpus = name.partition("-")
    if kind == "deepspeech2":
        assert pretrained.load(name).recipe == RECIPES[corpus]


def test_the_stored_recogniser_writes_the_familiar_command():
    clip = familiar.clips()["command"]
    assert pretrained.load(NAME).transcribe(*clip[:2]) == clip.text


def test_the_stored_figures_are_those_of_the_stored_weights():
    """On every sixth utterance of the test, so of all its voices: 64 of 384."""
    model, clips = pretrained.load(NAME), commands.load("test")
    some = [clips[i] for i in range(0, len(clips), 6)]
    said = [model.transcribe(*clip[:2]) for clip in some]
    stored = pretrained.about(NAME)["figures"]
    assert metrics.cer([clip.text for clip in some], said) == pytest.approx(
        stored["test_cer"], abs=0.02
    )


@pytest.mark.parametrize("name", [n for n in STORED if n.endswith("streaming")])
def test_the_streaming_model_writes_the_same_chunk_by_chunk(name):
    model, clip = pretrained.load(name), familiar.clips()["digits"]
    listener = model.listen()
    for start in range(0, len(clip.waveform), 400):
        listener.hear(clip.waveform[start : start + 400], start + 400 >= len(clip.waveform))
    assert listener.text == model.transcribe(*clip[:2]) == clip.text


def test_what_is_saved_comes_back_as_half_precision_leaves_it(folder):
    one, other = recogniser(), pretrained.load(NAME, folder)
    assert other.recipe == TINY and other.alphabet.symbols == one.alphabet.symbols
    pretrained.round_weights(one.model)
    weights = other.model.state_dict()
    assert all(torch.equal(value, weights[key]) for key, value in one.model.state_dict().items())
    clip = familiar.clips()["command"]
    assert torch.equal(one.log_probs(*clip[:2]), other.log_probs(*clip[:2]))
    assert pretrained.about(NAME, folder)["figures"] == {"test_wer": 1.0}
    weights = safetensors.load_file(folder / f"{NAME}.safetensors")
    assert {v.dtype for v in weights.values() if v.is_floating_point()} == {torch.float16}


def test_the_files_hold_nothing_but_numbers():
    """Byte by byte as the format's page says: no pickle, so nothing in them can run."""
    for name in STORED:
        raw = (pretrained.FOLDER / f"{name}.safetensors").read_bytes()
        size = int.from_bytes(raw[:8], "little")
        header = json.loads(raw[8 : 8 + size])
        places = sorted(entry["data_offsets"] for entry in header.values())
        assert places[0][0] == 0 and places[-1][1] == len(raw) - 8 - size
        assert all(one[1] == other[0] for one, other in itertools.pairwise(places))
        assert {entry["dtype"] for entry in header.values()} <= {"F16", "I64"}


def test_the_model_card_is_what_the_tool_writes():
    path = pretrained.FOLDER / "README.md"
    text = path.read_text(encoding="utf-8")
    known = {name: pretrained.about(name) for name in STORED}
    assert tool.card(text, known) == text
    assert "| deepspeech2-commands |" not in tool.card(text, {})


def test_making_a_model_rounds_measures_and_packs_it(tmp_path, monkeypatch):
    recipe = changed(
        RECIPES["digits"], train=16, dev=4, test=4, hidden_size=8, num_layers=1, epochs=1
    )
    kept = {}
    monkeypatch.setattr(
        pretrained, "save", lambda *given: kept.update(zip("nrsfc", given, strict=True))
    )
    name = "deepspeech2-digits-streaming"
    found = tool.make(name, 2, tmp_path / "run", recipe)
    assert kept["n"] == name and kept["s"] == 2 and kept["f"] == found
    assert kept["c"] == f"python docs/tools/pretrained.py {name} --seed 2"
    assert set(found) == {"dev_cer", "dev_wer", "test_cer", "test_wer"}
    weights = kept["r"].model.state_dict()
    assert all(torch.equal(v, v.half().to(v.dtype)) for v in weights.values())
    assert (tmp_path / "run" / "checkpoint.pt").exists()


def test_names_that_are_none():
    with pytest.raises(ValueError, match=r"name must be one of deepspeech2-commands, .*'whisper'"):
        pretrained.load("whisper")
    with pytest.raises(ValueError, match="name must be one of"):
        pretrained.save("whisper", recogniser(), 0, {}, "")


def test_files_that_are_missing_or_damaged_are_named(folder):
    weights, about = folder / f"{NAME}.safetensors", folder / f"{NAME}.json"
    raw, text = weights.read_bytes(), about.read_text(encoding="utf-8")
    weights.write_bytes(raw[:-1])
    with pytest.raises(ValueError, match=rf"{NAME}.safetensors is damaged.*git checkout"):
        pretrained.load(NAME, folder)
    weights.write_bytes(raw)
    about.write_text(text[: len(text) // 2], encoding="utf-8")
    with pytest.raises(ValueError, match=rf"{NAME}.json is damaged .*git checkout"):
        pretrained.load(NAME, folder)
    about.write_text(json.dumps(json.loads(text) | {"format": 9}), encoding="utf-8")
    with pytest.raises(ValueError, match="is not of format 1, which this version reads"):
        pretrained.load(NAME, folder)
    about.write_text(json.dumps(json.loads(text) | {"kind": "rnnt"}), encoding="utf-8")
    with pytest.raises(ValueError, match="is damaged or of another version"):
        pretrained.load(NAME, folder)
    about.write_text(text, encoding="utf-8")
    weights.unlink()
    with pytest.raises(FileNotFoundError, match=rf"{NAME}.safetensors: no such file. Restore it"):
        pretrained.load(NAME, folder)


def test_weights_of_another_configuration_are_named(folder):
    about = folder / f"{NAME}.json"
    saved = json.loads(about.read_text(encoding="utf-8"))
    saved["recipe"]["network"]["hidden_size"] = 12
    about.write_text(json.dumps(saved), encoding="utf-8")
    with pytest.raises(ValueError, match=r"weights of another configuration .*size mismatch"):
        pretrained.load(NAME, folder)
    del saved["recipe"]["sound"]
    about.write_text(json.dumps(saved), encoding="utf-8")
    with pytest.raises(ValueError, match="this is no recipe of Deep Speech 2"):
        pretrained.load(NAME, folder)


def test_weights_too_large_for_half_precision_are_refused(tmp_path):
    model = recogniser()
    with torch.no_grad():
        model.model.output.bias[1] = 1e5
    with pytest.raises(ValueError, match=r"output.bias holds numbers beyond 65504"):
        pretrained.save(NAME, model, 0, {}, "", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_checksum_is_kept_of_the_weights(folder):
    shutil.copy(folder / f"{NAME}.safetensors", folder / "copy")
    saved = json.loads((folder / f"{NAME}.json").read_text(encoding="utf-8"))
    assert saved["sha256"] == hashlib.sha256((folder / "copy").read_bytes()).hexdigest()


def test_the_models_are_installed_with_the_package():
    root = Path(__file__).parents[1]
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["course_utils"]
    package = root / "course_utils"
    installed = {path for pattern in patterns for path in package.glob(pattern)}
    assert set(pretrained.FOLDER.iterdir()) <= installed
