import csv
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from course_utils.datasets import bundled

pytest.importorskip("espeakng_loader", reason="needs the engine: pip install 'course-utils[data]'")
SCRIPT = bundled.DATA / "build.py"


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("data_build", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def small(build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A corpus of three files in place of the large ones."""
    monkeypatch.setattr(build, "PLANS", {"digits": lambda: build.plan_digits()[:3]})


@pytest.mark.parametrize("name", ["digits", "commands", "showcase", "guest"])
def test_the_committed_metadata_is_what_the_script_plans(build: ModuleType, name: str) -> None:
    with (bundled.DATA / name / "metadata.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        stored = list(reader)
    assert tuple(reader.fieldnames) == build.COLUMNS
    planned = [
        (clip.file, clip.text, clip.voice.name, clip.split, str(clip.rate_wpm), str(clip.pitch))
        for clip in build.PLANS[name]()
    ]
    keys = ("file", "text", "voice", "split", "rate_wpm", "pitch")
    assert planned == [tuple(row[key] for key in keys) for row in stored]


def test_random_files_come_out_the_same() -> None:
    """Another process, as `make data` would: a few files of each corpus, bit for bit."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check", "4"],
        capture_output=True,
        encoding="utf-8",
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "identical: 4 files each of digits, commands, showcase, guest" in done.stdout


def test_a_build_and_its_check(
    build: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    small(build, monkeypatch)
    assert build.main(["--out", str(tmp_path)]) == 0
    assert len(list((tmp_path / "digits").rglob("*.mp3"))) == 3
    assert not list(tmp_path.glob("*.part"))
    assert build.main(["--out", str(tmp_path), "--check", "9"]) == 0
    changed, other, _ = sorted((tmp_path / "digits").rglob("*.mp3"))
    changed.write_bytes(other.read_bytes())
    assert build.main(["--out", str(tmp_path), "--check", "9"]) == 1
    assert changed.name in capsys.readouterr().out


def test_an_interrupted_build_leaves_the_old_corpus(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small(build, monkeypatch)
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "metadata.csv").write_text("old", encoding="utf-8")
    render, calls = build.render, []

    def interrupted(clip):
        calls.append(clip)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return render(clip)

    monkeypatch.setattr(build, "render", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build.build("digits", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["digits"]
    assert (tmp_path / "digits" / "metadata.csv").read_text(encoding="utf-8") == "old"


def test_unknown_variant_and_engine_failure_name_the_file(build: ModuleType) -> None:
    clip = build.plan_digits()[0]
    for accent, variant in (("en", "nobody"), ("xx-nowhere", "max")):
        wrong = build.Clip(clip.file, "one", build.Voice(variant, accent), "train", 160, 50, 0)
        with pytest.raises(RuntimeError, match=f"{clip.file}: .*(nobody|xx-nowhere)"):
            build.speak(wrong)


def test_another_engine_is_refused(build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "LOADER_VERSION", "0.1.0")
    with pytest.raises(SystemExit, match=r"espeakng-loader==0\.1\.0"):
        build.main(["--check", "1"])


def test_numbers_in_words(build: ModuleType) -> None:
    assert [build.number(value) for value in (0, 9, 12, 20, 25, 99)] == (
        ["zero", "nine", "twelve", "twenty", "twenty five", "ninety nine"]
    )
    assert len({build.number(value) for value in range(100)}) == 100


def test_encoding_keeps_length_and_alignment(build: ModuleType, tmp_path: Path) -> None:
    """The coded sound is where it was: the correlation peaks at no shift, for any length."""
    rng = np.random.default_rng(0)
    for length in (3_000, 3_001, 5_759, 12_345):
        waveform = np.convolve(rng.normal(size=length), np.ones(8) / 8, mode="same") * 0.2
        (tmp_path / "a.mp3").write_bytes(build.encode(waveform.astype(np.float32), 8_000, ".mp3"))
        decoded, sample_rate = soundfile.read(tmp_path / "a.mp3")
        assert (decoded.size, sample_rate) == (length, 8_000)
        correlation = np.correlate(decoded, waveform, mode="full")
        assert correlation.argmax() == length - 1
