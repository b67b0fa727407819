"""The learner's recordings: kept whole or not at all, and read again with clear complaints."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from course_utils import audio
from course_utils.datasets import commands, preparation, recordings

RATE = 16_000


def voice(seconds: float = 1.0, level: float = 0.3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * 180 * t) * rng.uniform(0.8, 1, len(t))).astype(np.float32)


def save(folder, name="01", text="call nine one", kind="test", waveform=None):
    return recordings.save(
        voice() if waveform is None else waveform, RATE, text, name, kind, folder
    )


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_the_folder_is_the_users_or_the_one_that_is_named(monkeypatch):
    monkeypatch.setenv("COURSE_RECORDINGS", "~/mine")
    assert recordings.folder() == Path.home() / "mine"
    monkeypatch.delenv("COURSE_RECORDINGS")
    assert recordings.folder().name == "recordings"
    assert "from-sound-waves-to-speech-recognition" in str(recordings.folder())


def test_what_is_saved_is_read_again(tmp_path):
    folder = tmp_path / "new" / "folder"
    path = save(folder, "02", "call  nine one\n")
    save(folder, "01", "물", kind="adaptation", waveform=voice(seed=1))
    save(folder, "01", waveform=voice(seed=2))
    info = soundfile.info(path)
    assert (info.format, info.subtype, info.samplerate) == ("WAV", "PCM_16", RATE)
    corpus = recordings.load(folder)
    assert [row["id"] for row in corpus.table] == ["adaptation-01", "test-01", "test-02"]
    assert corpus.speakers == ["you"]
    one = corpus[2]
    assert (one.text, one.sample_rate, one.id) == ("call nine one", RATE, "test-02")
    np.testing.assert_allclose(one.waveform, voice(), atol=1 / 32_768)
    assert corpus.table[2]["duration_s"] == 1.0
    assert [row["text"] for row in recordings.load(folder, "adaptation").table] == ["물"]
    stored = json.loads((folder / recordings.TABLE).read_text(encoding="utf-8"))
    assert stored["format"] == recordings.FORMAT


def test_a_retake_replaces_the_old_one_of_its_kind_only(tmp_path):
    save(tmp_path, kind="adaptation")
    first = save(tmp_path)
    second = save(tmp_path, text="other words", waveform=voice(0.5))
    assert second != first and not first.exists()
    assert len(recordings.load(tmp_path)) == 2
    (one,) = recordings.load(tmp_path, "test")
    assert (one.text, len(one.waveform)) == ("other words", RATE // 2)


@pytest.mark.parametrize("broken", ["sound", "table"])
def test_a_full_disk_leaves_the_old_take(tmp_path, monkeypatch, broken):
    old = save(tmp_path)
    before = files(tmp_path)
    write = Path.write_bytes if broken == "sound" else Path.write_text

    def full(path, data, *args, **kwargs):
        write(path, data[: len(data) // 2], *args, **kwargs)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes" if broken == "sound" else "write_text", full)
        with pytest.raises(OSError, match=r"could not be written .*No space.* Free some space"):
            save(tmp_path, text="other words")
    assert files(tmp_path) == before
    (one,) = recordings.load(tmp_path)
    assert one.text == "call nine one" and old.exists()
    save(tmp_path, text="other words")
    assert recordings.load(tmp_path)[0].text == "other words"


def test_a_process_that_dies_between_sound_and_table_loses_nothing(tmp_path, monkeypatch):
    save(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(recordings, "_write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            save(tmp_path, text="other words", waveform=voice(0.5))
    assert len(files(tmp_path)) == 3  # the new sound is there, and in no table
    assert recordings.load(tmp_path)[0].text == "call nine one"
    third = save(tmp_path, text="third")
    assert third.name == "test-01-3.wav"
    assert recordings.load(tmp_path)[0].text == "third"


def test_a_folder_that_is_a_file_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="COURSE_RECORDINGS"):
        save(tmp_path / "file")


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "/etc/x",
        "a.wav",
        "a\n",
        "a\0",
        "C:x",
        "x" * 61,
        1,
        None,
    ],
)
def test_a_name_can_not_leave_the_folder(tmp_path, name):
    with pytest.raises(ValueError, match="the name of a take must be"):
        save(tmp_path, name)
    assert not files(tmp_path)


def test_names_of_any_script_and_of_windows_devices_are_files(tmp_path):
    for name in ("nul", "물 1", "a_b-c", "A", "a"):
        assert save(tmp_path, name).parent == tmp_path
    assert len(recordings.load(tmp_path)) == 5


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"kind": "train"}, "kind must be one of 'test', 'adaptation'"),
        ({"text": "  "}, "text must be what is said"),
        ({"text": None}, "text must be what is said"),
        ({"waveform": np.zeros(RATE, np.float32)}, "silent"),
        ({"waveform": np.full(RATE, 0.3, np.float32)}, "silent"),  # an offset is no sound
        ({"waveform": voice(0.2)}, "lasts 0.20 s"),
        ({"waveform": np.zeros(0, np.float32)}, "no samples"),
        ({"waveform": np.append(voice(), np.float32("nan"))}, "NaN"),
        ({"waveform": np.zeros((2, RATE), np.float32)}, "one dimension"),
        ({"waveform": (voice() * 32_767).astype(np.int16)}, "floating point"),
    ],
)
def test_what_is_no_take_is_refused_before_anything_is_written(tmp_path, change, problem):
    folder = tmp_path / "folder"
    with pytest.raises(ValueError, match=problem):
        save(folder, **change)
    assert not folder.exists()


def test_a_clipped_take_can_be_saved_and_is_within_full_scale(tmp_path):
    loud = 5 * voice()
    assert recordings.fault(loud, RATE).kind == "clipped"
    path = save(tmp_path, waveform=loud)
    assert np.abs(audio.load(path)[0]).max() <= 1


def test_faults_are_told_apart():
    assert recordings.fault(voice(), RATE) is None
    assert recordings.fault(voice(level=0.01), RATE) is None  # soft, but there
    assert recordings.fault(np.clip(voice(level=0.9), -0.5, 0.5), RATE).kind == "clipped"
    # A browser that resamples a clipped sound leaves no flat tops, but many peaks beyond 1.
    overshot = audio.resample(np.clip(5 * voice(), -1, 1), RATE, 8000)
    assert recordings.fault(overshot, 8000).kind == "clipped"
    said = commands.load("test")[0].waveform
    assert recordings.fault(said / np.abs(said).max(), 8000) is None  # normalised, not clipped
    assert recordings.fault(1e-4 * voice(), RATE).kind == "silent"
    assert recordings.fault(voice(0.29), RATE).kind == "too short"


def test_an_empty_folder_says_how_to_record(tmp_path):
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(recordings.NoRecordingsError, match=r"widgets\.Recorder"):
            recordings.load(folder)
    save(tmp_path)
    with pytest.raises(ValueError, match=r"of the kind 'adaptation'.*kind='adaptation'"):
        recordings.load(tmp_path, "adaptation")
    with pytest.raises(ValueError, match="kind must be one of"):
        recordings.load(tmp_path, "train")


def test_a_broken_file_is_named_and_left_out(tmp_path):
    save(tmp_path, "01")
    cut, gone, text = save(tmp_path, "02", "two"), save(tmp_path, "03"), save(tmp_path, "04")
    cut.write_bytes(cut.read_bytes()[:5000])
    gone.unlink()
    text.write_text("no sound")
    with pytest.warns(UserWarning, match="left out") as told:
        corpus = recordings.load(tmp_path)
    assert [row["name"] for row in corpus.table] == ["01"]
    messages = " ".join(str(one.message) for one in told)
    for path in (cut, gone, text):
        assert path.name in messages
    assert "It says 'two': record it again." in messages


def with_row(**row: object) -> str:
    return json.dumps({"format": 1, "recordings": [row]})


@pytest.mark.parametrize(
    "table",
    [
        "",
        "{",
        "[]",
        '{"format": 1}',
        '{"format": "1", "recordings": []}',
        '{"format": 1, "recordings": [{"file": "x.wav"}]}',
        with_row(file="../x.wav", text="a", kind="test", name="x"),
        with_row(file="x.wav", text=1, kind="test", name="x"),
        with_row(file="x.wav", text="a", kind="dev", name="x"),
        with_row(file="x.wav", text="a", kind="test", name="/"),
    ],
)
def test_a_damaged_table_is_told_and_set_aside_by_the_next_take(tmp_path, table):
    save(tmp_path)
    (tmp_path / recordings.TABLE).write_text(table, encoding="utf-8")
    with pytest.raises(ValueError, match=r"recordings\.json is damaged"):
        recordings.load(tmp_path)
    with pytest.warns(UserWarning, match=r"set aside as recordings\.json\.broken-1"):
        path = save(tmp_path, text="after it")
    assert path.name == "test-01-2.wav"  # the sound of before is still there
    assert (tmp_path / "test-01-1.wav").exists()
    assert (tmp_path / "recordings.json.broken-1").read_text(encoding="utf-8") == table
    assert recordings.load(tmp_path)[0].text == "after it"


def test_the_table_of_a_newer_version_stays_as_it_is(tmp_path):
    save(tmp_path)
    table = tmp_path / recordings.TABLE
    newer = json.dumps({"format": 2, "recordings": "elsewhere"})
    table.write_text(newer)
    for act in (lambda: recordings.load(tmp_path), lambda: save(tmp_path)):
        with pytest.raises(ValueError, match="newer version"):
            act()
    assert table.read_text() == newer
    assert files(tmp_path) == [recordings.TABLE, "test-01-1.wav"]


def test_the_speech_is_found_in_a_noisy_room():
    rng = np.random.default_rng(0)
    for snr_db in (60, 25, 15):
        room = 0.3 / np.sqrt(2) * 10 ** (-snr_db / 20) * rng.standard_normal(3 * RATE)
        sound = room.astype(np.float32)
        sound[RATE : 2 * RATE] += voice()
        start, end = preparation.endpoints(sound, RATE, margin_s=0)
        assert (start, end) == (pytest.approx(1.0, abs=0.04), pytest.approx(2.0, abs=0.04)), snr_db
        sound[1000:1300] += 0.8  # a click of the mouse
        sound[-900:-600] -= 0.8
        clicked = preparation.endpoints(sound, RATE, margin_s=0)
        assert clicked == (pytest.approx(start, abs=0.05), pytest.approx(end, abs=0.05)), snr_db
    assert preparation.endpoints(sound + 0.2, RATE, 35, 0) == pytest.approx(clicked, abs=0.02)
    start, end = preparation.endpoints(sound, RATE)
    assert (start, end) == pytest.approx((clicked[0] - 0.2, clicked[1] + 0.2))


def test_all_of_it_is_used_where_nothing_stands_out():
    for sound in (np.zeros(RATE, np.float32), voice(), np.ones(RATE, np.float32)):
        start, end = preparation.endpoints(sound, RATE)
        assert (start, end) == (0.0, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert preparation.endpoints(voice(0.3), RATE) == (0.0, 0.3)
