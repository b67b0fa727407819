"""Loaders of real corpora: on miniatures served in the published layout, and on the real sets."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from course_utils.datasets import downloads, esc50, fsdd, librispeech, speech_commands, yesno
from tests.http_server import Fault, Server, targz

REAL = Path(os.environ.get("COURSE_DATA", "").strip() or "no COURSE_DATA")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no real corpora."""
    monkeypatch.setattr(downloads, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(downloads, "PAUSE_S", 0.01)
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache"


def sound(seed: int, sample_rate: int, kind: str = "WAV") -> bytes:
    """A tenth of a second of noise, different for each seed."""
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, sample_rate // 10)
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format=kind)
    return file.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return bundle.getvalue()


def serve(
    server: Server, module: ModuleType, patch: pytest.MonkeyPatch, archive: bytes, hashed: bool
) -> None:
    """Let a loader's source be this archive on the local server, cut once on its way."""
    url = server.publish("/archive", archive, [Fault(cut_at=0.6)])
    sha256 = hashlib.sha256(archive).hexdigest() if hashed else None
    patch.setattr(module, "SOURCE", dataclasses.replace(module.SOURCE, url=url, sha256=sha256))


def contents(folder: Path) -> set[tuple[str, int]]:
    """Everything in a folder with its time of change."""
    return {(str(path), path.stat().st_mtime_ns) for path in [folder, *folder.rglob("*")]}


@pytest.mark.parametrize(
    ("module", "arguments", "call", "size", "licence"),
    [
        (fsdd, (), "fsdd.load(download=True)", "16 MB", "CC BY-SA 4.0"),
        (esc50, (), "esc50.load(download=True)", "646 MB", "CC BY-NC 3.0"),
        (speech_commands, (), "speech_commands.load(download=True)", "2.4 GB", "CC BY 4.0"),
        (yesno, (), "yesno.load(download=True)", "5 MB", "openslr.org/1"),
        (
            librispeech,
            ("dev-clean",),
            'librispeech.load("dev-clean", download=True)',
            "338 MB",
            "CC BY 4.0",
        ),
    ],
)
def test_absent_corpus_is_not_downloaded_unasked(
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    arguments: tuple[str, ...],
    call: str,
    size: str,
    licence: str,
) -> None:
    monkeypatch.setattr(downloads, "install", None)  # a TypeError, were it called
    assert not module.available(*arguments)
    with pytest.raises(FileNotFoundError) as caught:
        module.load(*arguments)
    for needed in (call, size, licence, "COURSE_DATA", "By hand: download http"):
        assert needed in str(caught.value)
    assert not cache.exists()


def test_hashes_are_those_of_torchaudio() -> None:
    from torchaudio.datasets import librispeech as reference
    from torchaudio.datasets import speechcommands
    from torchaudio.datasets import yesno as reference_yesno

    assert set(librispeech.SUBSETS) == set(reference._DATA_SUBSETS)
    for subset in librispeech.SUBSETS:
        source = librispeech._source(subset)
        assert reference._CHECKSUMS[source.url] == source.sha256
    commands = speech_commands.SOURCE
    assert speechcommands._CHECKSUMS[commands.url] == commands.sha256
    release = reference_yesno._RELEASE_CONFIGS["release1"]
    assert (release["url"], release["checksum"]) == (yesno.SOURCE.url, yesno.SOURCE.sha256)


DIGITS = {
    f"recordings/{digit}_{speaker}_{take}.wav": sound(100 * digit + take, 8000)
    for digit in (0, 7)
    for speaker in ("george", "theo")
    for take in (0, 4, 5, 49)
}


class TestFSDD:
    @pytest.fixture(autouse=True)
    def table(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        lines = [f"{hashlib.sha256(data).hexdigest()}  {f}\n" for f, data in DIGITS.items()]
        path = tmp_path / "table.txt"
        path.write_text("".join(lines), encoding="utf-8")
        monkeypatch.setattr(fsdd, "SHA256_FILE", path)

    def serve(self, server: Server, patch: pytest.MonkeyPatch, changes: dict[str, bytes]) -> None:
        files = {"metadata.py": b"", **DIGITS, **changes}
        archive = targz({f"{fsdd.SOURCE.top}/{name}": data for name, data in files.items()})
        serve(server, fsdd, patch, archive, hashed=False)

    def test_download_verify_load(
        self, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.serve(server, monkeypatch, {})
        corpus = fsdd.load(download=True)
        assert fsdd.available()
        assert fsdd.verify() == len(corpus) == len(DIGITS)
        assert corpus.folder == cache / "fsdd"
        seven = next(i for i, row in enumerate(corpus.table) if row["id"] == "7_theo_5")
        item = corpus[seven]
        assert (item.text, item.speaker, item.sample_rate) == ("seven", "theo", 8000)
        expected, _ = soundfile.read(io.BytesIO(DIGITS["recordings/7_theo_5.wav"]))
        np.testing.assert_array_equal(item.waveform, expected.astype(np.float32))
        row = corpus.table[seven]
        assert (row["digit"], row["take"], row["split"]) == (7, 5, "train")
        assert {row["take"] for row in corpus.filter(split="test").table} == {0, 4}
        assert {row["take"] for row in corpus.filter(split="train").table} == {5, 49}

    def test_leave_one_speaker_out(
        self, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.serve(server, monkeypatch, {})
        corpus = fsdd.load(download=True)
        train, test = fsdd.leave_one_speaker_out(corpus, "theo")
        assert (train.speakers, test.speakers) == (["george"], ["theo"])
        assert len(train) + len(test) == len(corpus)
        with pytest.raises(ValueError, match="nobody"):
            fsdd.leave_one_speaker_out(corpus, "nobody")

    def test_changed_recording_is_refused(
        self, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.serve(server, monkeypatch, {"recordings/7_theo_49.wav": sound(1, 8000)})
        with pytest.raises(ValueError, match=r"1 recordings .*differ.* recordings/7_theo_49\.wav"):
            fsdd.load(download=True)
        assert not fsdd.available()
        assert not (cache / "fsdd").exists()

    def test_missing_recording_is_named(
        self, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.serve(server, monkeypatch, {})
        fsdd.load(download=True)
        (cache / "fsdd" / "recordings" / "0_theo_4.wav").unlink()
        with pytest.raises(FileNotFoundError, match=r"lacks 1 .*recordings/0_theo_4\.wav"):
            fsdd.load()

    def test_broken_recording_is_named(
        self, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.serve(server, monkeypatch, {})
        corpus = fsdd.load(download=True)
        corpus.path(3).write_bytes(b"RIFF")
        with pytest.raises((ValueError, OSError), match=corpus.path(3).name):
            corpus[3]
        assert fsdd.load()[2].text == "zero"
        with pytest.raises(ValueError, match=corpus.path(3).name):
            fsdd.verify()


def esc_files(classes: list[tuple[str, int, bool]]) -> dict[str, bytes]:
    """A small ESC-50 of these classes (name, target, in ESC-10): eight short clips a fold."""
    lines, files = ["filename,fold,target,category,esc10,src_file,take"], {}
    for category, target, esc10 in classes:
        for fold in range(1, 6):
            for number in range(8):
                source, take = 1000 * target + 10 * fold + number // 2, "AB"[number % 2]
                name = f"{fold}-{source}-{take}-{target}.wav"
                lines.append(f"{name},{fold},{target},{category},{esc10},{source},{take}")
                files[f"audio/{name}"] = sound(source + number, 44_100)
    return {"meta/esc50.csv": "\n".join(lines).encode(), **files}


CLIPS = esc_files([("dog", 0, True), ("door_wood_knock", 30, False)])
TABLE = CLIPS["meta/esc50.csv"]


class TestESC50:
    @pytest.fixture(autouse=True)
    def two_classes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(esc50, "CLASSES", {"esc50": 2, "esc10": 1})

    def serve(self, server: Server, patch: pytest.MonkeyPatch, files: dict[str, bytes]) -> None:
        archive = zipped({f"{esc50.SOURCE.top}/{name}": data for name, data in files.items()})
        serve(server, esc50, patch, archive, hashed=False)

    def test_download_verify_load(
        self, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.serve(server, monkeypatch, CLIPS)
        corpus = esc50.load(download=True)
        assert esc50.available()
        assert esc50.available(esc10=True)
        assert esc50.verify() == len(corpus) == 80
        index = next(i for i, row in enumerate(corpus.table) if row["id"] == "3-30031-B-30")
        item = corpus[index]
        assert (item.text, item.speaker, item.sample_rate) == ("door wood knock", "30031", 44_100)
        assert corpus.table[index] == {
            "id": "3-30031-B-30",
            "file": "audio/3-30031-B-30.wav",
            "text": "door wood knock",
            "speaker": "30031",
            "category": "door_wood_knock",
            "target": 30,
            "fold": 3,
            "esc10": False,
            "take": "B",
        }
        subset = esc50.load(esc10=True)
        assert len(subset) == 40
        assert {row["category"] for row in subset.table} == {"dog"}

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"audio/1-10-A-0.wav": None}, r"lacks 1 clips, such as audio/1-10-A-0\.wav"),
            ({"audio/1-99-A-0.wav": sound(0, 44_100)}, r"audio/1-99-A-0\.wav, which .* not list"),
            ({"audio/1-10-A-0.wav": b"no sound"}, r"1-10-A-0\.wav"),
            ({"audio/1-10-A-0.wav": sound(0, 44_100)[:2000]}, r"1-10-A-0\.wav"),
            ({"meta/esc50.csv": None}, r"lacks meta/esc50\.csv"),
            (
                {"meta/esc50.csv": TABLE.replace(b"1-10-A-0.wav,1,", b"1-10-A-0.wav,2,")},
                r"1-10-A-0\.wav .* 2-10-A-0",
            ),
            (
                {"meta/esc50.csv": TABLE.replace(b",door_wood", b",car", 1)},
                "11 pairs of class and fold, expected 2 x 5",
            ),
        ],
    )
    def test_what_is_not_esc50_is_refused(
        self,
        server: Server,
        cache: Path,
        monkeypatch: pytest.MonkeyPatch,
        changes: dict[str, bytes | None],
        problem: str,
    ) -> None:
        files = {name: data for name, data in (CLIPS | changes).items() if data is not None}
        self.serve(server, monkeypatch, files)
        with pytest.raises(ValueError, match=problem):
            esc50.load(download=True)
        assert not esc50.available()

    def test_a_class_too_few_or_a_clip_too_many(
        self, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.serve(server, monkeypatch, esc_files([("dog", 0, True)]))
        with pytest.raises(ValueError, match="5 pairs of class and fold, expected 2 x 5"):
            esc50.load(download=True)
        more = TABLE + b"\n1-99-A-0.wav,1,0,dog,True,99,A"
        files = CLIPS | {"meta/esc50.csv": more, "audio/1-99-A-0.wav": sound(0, 44_100)}
        self.serve(server, monkeypatch, files)
        with pytest.raises(ValueError, match="9 clips of dog in fold 1 instead of 8"):
            esc50.load(download=True)


class TestSpeechCommands:
    def test_download_verify_load(
        self, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = [
            "marvin/0a7c2a8d_nohash_0.wav",
            "marvin/0a7c2a8d_nohash_1.wav",
            "yes/bb05582b_nohash_3.wav",
            "yes/ffd2ba2f_nohash_0.wav",
        ]
        files = {
            **{name: sound(number, 16_000) for number, name in enumerate(names)},
            "_background_noise_/pink_noise.wav": sound(9, 16_000),
            "validation_list.txt": f"{names[2]}\n".encode(),
            "testing_list.txt": f"{names[0]}\n{names[1]}\n".encode(),
            "README.md": b"",
        }
        archive = targz({f"./{name}": data for name, data in files.items()})
        serve(server, speech_commands, monkeypatch, archive, hashed=True)
        monkeypatch.setattr(speech_commands, "RECORDINGS", len(names))
        corpus = speech_commands.load(download=True)
        assert speech_commands.available()
        assert [(r["id"], r["text"], r["speaker"], r["split"]) for r in corpus.table] == [
            ("marvin/0a7c2a8d_nohash_0", "marvin", "0a7c2a8d", "test"),
            ("marvin/0a7c2a8d_nohash_1", "marvin", "0a7c2a8d", "test"),
            ("yes/bb05582b_nohash_3", "yes", "bb05582b", "validation"),
            ("yes/ffd2ba2f_nohash_0", "yes", "ffd2ba2f", "train"),
        ]
        assert corpus[0].sample_rate == 16_000
        (corpus.folder / names[3]).unlink()
        with pytest.raises(FileNotFoundError, match="it has 3 recordings instead of 4"):
            speech_commands.load()
        (corpus.folder / "testing_list.txt").unlink()
        with pytest.raises(FileNotFoundError, match=r"it lacks testing_list\.txt"):
            speech_commands.load()


class TestYesNo:
    def test_download_verify_load(
        self, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = ["0_1_0_0_1_1_1_1", "1_0_0_0_0_0_0_1"]
        files = {f"waves_yesno/{name}.wav": sound(len(name), 8000) for name in names}
        archive = targz({**files, "waves_yesno/README": b"", "waves_yesno/._0.wav": b""})
        serve(server, yesno, monkeypatch, archive, hashed=True)
        monkeypatch.setattr(yesno, "RECORDINGS", 2)
        corpus = yesno.load(download=True)
        assert yesno.available()
        assert [(row["id"], row["split"]) for row in corpus.table] == [
            (names[0], "train"),
            (names[1], "test"),
        ]
        assert corpus[0].text == "no yes no no yes yes yes yes"
        assert corpus[1].text == "yes no no no no no no yes"
        assert (corpus[0].speaker, corpus[0].sample_rate) == ("yesno", 8000)

    def test_wrong_hash(self, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        serve(server, yesno, monkeypatch, targz({"waves_yesno/0_1.wav": b""}), hashed=True)
        wrong = dataclasses.replace(yesno.SOURCE, sha256="0" * 64)
        monkeypatch.setattr(yesno, "SOURCE", wrong)
        with pytest.raises(OSError, match=f"expected {'0' * 64}"):
            yesno.load(download=True)
        assert not (cache / "yesno").exists()


class TestLibriSpeech:
    NAMES = ("84-121123-0000", "84-121123-0001")

    def serve(self, server: Server, patch: pytest.MonkeyPatch, transcripts: str) -> None:
        chapter = "LibriSpeech/dev-clean/84/121123"
        files = {
            "LibriSpeech/README.TXT": b"",
            f"{chapter}/84-121123.trans.txt": transcripts.encode(),
            **{f"{chapter}/{name}.flac": sound(1, 16_000, "FLAC") for name in self.NAMES},
        }
        archive = targz(files)
        server.publish("/12/dev-clean.tar.gz", archive, [Fault(cut_at=0.6)])
        sha256 = hashlib.sha256(archive).hexdigest()
        patch.setattr(librispeech, "URL", server.url("/12"))
        patch.setitem(librispeech.SUBSETS, "dev-clean", (2, len(archive), sha256))

    def test_download_verify_load(
        self, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transcripts = f"{self.NAMES[0]} GO DO YOU HEAR\n{self.NAMES[1]} IT'S NOIRTIER'S WILL\n"
        self.serve(server, monkeypatch, transcripts)
        corpus = librispeech.load("dev-clean", download=True)
        assert librispeech.available("dev-clean")
        assert not librispeech.available("dev-other")
        assert corpus.folder == cache / "librispeech" / "dev-clean"
        assert corpus.table[1] == {
            "id": "84-121123-0001",
            "file": "84/121123/84-121123-0001.flac",
            "text": "it's noirtier's will",
            "speaker": "84",
            "chapter": "121123",
            "split": "dev-clean",
        }
        assert corpus[0].text == "go do you hear"
        assert corpus[0].sample_rate == 16_000
        assert len(corpus[0].waveform) == 1600

    def test_missing_transcript(
        self, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.serve(server, monkeypatch, f"{self.NAMES[0]} GO\n")
        with pytest.raises(ValueError, match="transcripts of 1 utterances instead of 2"):
            librispeech.load("dev-clean", download=True)

    def test_unknown_subset(self) -> None:
        with pytest.raises(ValueError, match=r"one of dev-clean, .*, got 'clean'"):
            librispeech.load("clean")


@pytest.mark.real_data
@pytest.mark.skipif(not (REAL / "fsdd").is_dir(), reason="COURSE_DATA has no fsdd/")
def test_real_fsdd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "cache_folder", lambda: tmp_path / "cache")
    before = contents(REAL / "fsdd")
    assert fsdd.available()
    corpus = fsdd.load(download=True)
    assert (len(corpus), len(corpus.speakers), fsdd.verify()) == (3000, 6, 3000)
    assert corpus.folder == REAL / "fsdd"
    counts = {len(corpus.filter(digit=d, speaker=s)) for d in range(10) for s in corpus.speakers}
    assert counts == {50}
    assert (len(corpus.filter(split="test")), len(corpus.filter(split="train"))) == (300, 2700)
    for index in range(0, 3000, 100):
        item = corpus[index]
        assert item.sample_rate == 8000
        assert 0.1 < len(item.waveform) / 8000 < 3
        assert item.text == fsdd.WORDS[int(item.id[0])]
    assert contents(REAL / "fsdd") == before
    assert not (tmp_path / "cache").exists()


@pytest.mark.real_data
@pytest.mark.skipif(not (REAL / "esc10").is_dir(), reason="COURSE_DATA has no esc10/")
def test_real_esc10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "cache_folder", lambda: tmp_path / "cache")
    before = contents(REAL / "esc10")
    assert esc50.available(esc10=True)
    corpus = esc50.load(esc10=True, download=True)
    assert (len(corpus), esc50.verify(esc10=True)) == (400, 400)
    assert [len(corpus.filter(fold=fold)) for fold in range(1, 6)] == [80] * 5
    assert len({row["category"] for row in corpus.table}) == 10
    folds_of: dict[str, set[int]] = {}
    for row in corpus.table:
        folds_of.setdefault(row["speaker"], set()).add(row["fold"])
    assert {len(folds) for folds in folds_of.values()} == {1}
    item = corpus[0]
    assert (item.sample_rate, len(item.waveform)) == (44_100, 220_544)
    assert contents(REAL / "esc10") == before
    assert not (tmp_path / "cache").exists()
