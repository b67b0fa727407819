import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from course_utils.exercises import progress, store
from course_utils.exercises.framework import catalogue


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    file = tmp_path / "new folder" / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(file))
    return file


def write(file, text):
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_it_is_kept_in_the_users_data_folder_or_where_the_variable_says(file, monkeypatch):
    assert store.path() == file
    monkeypatch.setenv("COURSE_PROGRESS", "~/mine.json")
    assert store.path() == Path.home() / "mine.json"
    monkeypatch.delenv("COURSE_PROGRESS")
    assert store.path().name == "progress.json"
    assert "from-sound-waves-to-speech-recognition" in str(store.path())


def test_what_is_recorded_is_read_again(file):
    assert store.load() == ({}, "")
    assert store.record("nb01.spl", "tried") == ""
    assert store.record("nb01.quiz", "tried", 2, 5) == ""
    assert store.load() == (
        {"nb01.spl": {"state": "tried"}, "nb01.quiz": {"state": "tried", "right": 2, "of": 5}},
        "",
    )
    assert json.loads(file.read_text(encoding="utf-8"))["format"] == store.FORMAT
    assert {path.name for path in file.parent.iterdir()} <= {file.name, file.name + ".lock"}


def test_done_stays_done_and_the_best_score_stays():
    store.record("nb01.spl", "done")
    store.record("nb01.spl", "tried")
    store.record("nb01.quiz", "tried", 4, 5)
    store.record("nb01.quiz", "tried", 1, 5)
    items, _ = store.load()
    assert items["nb01.spl"] == {"state": "done"}
    assert items["nb01.quiz"] == {"state": "tried", "right": 4, "of": 5}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"format": 1, "items": {"nb01.spl": {"sta',
        "[]",
        "null",
        '{"items": {}}',
        '{"format": "1", "items": {}}',
        '{"format": 1, "items": []}',
        '{"format": 1, "items": {"nb01.spl": "done"}}',
        '{"format": 1, "items": {"nb01.spl": {"state": "perhaps"}}}',
        '{"format": 1, "items": {"nb01.quiz": {"state": "done", "right": "x", "of": 5}}}',
        b"\xff\xfe\x00broken",
        b"\x00" * 300,
        "[" * 100_000,
    ],
    ids=range(14),
)
def test_a_damaged_file_is_set_aside_and_the_course_goes_on(file, text):
    for number in (1, 2):
        write(file, text)
        notice = store.record("nb01.spl", "done")
        aside = file.with_name(f"progress.json.broken-{number}")
        assert f"set aside as {aside.name}" in notice
        assert aside.read_bytes() == (text if isinstance(text, bytes) else text.encode())
        assert store.load() == ({"nb01.spl": {"state": "done"}}, "")


def test_a_file_of_a_newer_version_is_left_alone(file):
    newer = '{"format": 2, "items": {"nb01.spl": {"stars": 3}}}'
    write(file, newer)
    assert "newer version of the course (format 2" in store.record("nb01.spl", "done")
    assert "newer version" in store.load()[1]
    assert "newer version" in repr(progress.table())
    assert file.read_text(encoding="utf-8") == newer


def test_an_interrupted_write_leaves_the_old_file(file, monkeypatch):
    store.record("nb01.spl", "done")
    old = file.read_bytes()

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert "Progress was not saved" in (notice := store.record("nb01.beats", "done"))
    assert "No space left on device" in notice
    assert "COURSE_PROGRESS" in notice
    assert file.read_bytes() == old
    assert not list(file.parent.glob("*.part"))


def test_a_folder_in_place_of_the_file(file):
    file.mkdir(parents=True)
    assert "Progress was not saved" in store.record("nb01.spl", "done")
    assert "Progress could not be read" in repr(progress.table())


def test_a_lock_that_another_notebook_holds_is_waited_for_then_reported(file, monkeypatch):
    monkeypatch.setattr(store, "_LOCK_S", 0.1)
    file.parent.mkdir()
    with store.FileLock(file.with_name(file.name + ".lock")):
        code = (
            "from course_utils.exercises import store; store._LOCK_S = 0.1;"
            "print(store.record('nb01.spl', 'done'))"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "another notebook has held" in run.stdout
    assert not file.exists()


def test_two_kernels_at_once_lose_nothing(file):
    code = (
        "import sys; from course_utils.exercises import store\n"
        "for i in range(40): assert store.record(f'nb01.{sys.argv[1]}{i}', 'done') == ''"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, name], env=dict(os.environ))
        for name in ("a", "b")
    ]
    assert [process.wait(60) for process in running] == [0, 0]
    assert len(store.load()[0]) == 80


def test_reset_keeps_the_old_file(file, capsys):
    progress.reset()
    assert capsys.readouterr().out == "There is no progress yet.\n"
    store.record("nb01.spl", "done")
    old = file.read_bytes()
    progress.reset()
    assert "progress.json.before-reset-1" in capsys.readouterr().out
    assert store.load() == ({}, "")
    assert file.with_name("progress.json.before-reset-1").read_bytes() == old


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.texts = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


def test_the_table_lists_every_exercise_and_quiz_with_its_state():
    store.record("nb01.spl", "done")
    store.record("nb01.beats", "tried")
    store.record("nb01.quiz", "tried", 3, 5)
    store.record("nb99.gone", "done")
    table = progress.table()
    expected = sum(len(nb.exercises) + bool(nb.questions) for nb in catalogue().values())
    assert len(table.rows) == expected
    states = {(notebook, title): state for notebook, title, state in table.rows}
    assert states["01 Sound waves", "How loud is it?"] == "done"
    assert states["01 Sound waves", "How fast do they beat?"] == "tried"
    assert states["01 Sound waves", "Quiz"] == "tried, 3 of 5 right"
    assert states["00 Start here", "Quiz"] == "not attempted"
    assert table.closing == [f"1 of {expected} done."]

    bundle = table._repr_mimebundle_()
    lines = bundle["text/plain"].splitlines()
    assert len({line.index("  ", 10) for line in lines[1:3]}) == 1
    column = lines[0].index("State")
    for line, (_, _, state) in zip(lines[1:], table.rows, strict=False):
        assert line[column:] == state

    cells = Cells()
    cells.feed(bundle["text/html"])
    names = [tag for tag, _ in cells.tags]
    assert names[:3] == ["table", "caption", "thead"]
    assert names.count("tr") == expected + 1
    assert [a["scope"] for tag, a in cells.tags if tag == "th"] == ["col"] * 3 + ["row"] * expected
    assert "tried, 3 of 5 right" in cells.texts


def test_the_table_is_the_same_each_time_and_escaped():
    assert progress.table()._repr_mimebundle_() == progress.table()._repr_mimebundle_()
    shown = progress.Table([("<b>", "a & b", "done")], ["1 < 2"])._repr_mimebundle_()["text/html"]
    assert "<b>" not in shown
    assert "a &amp; b" in shown
    assert "1 &lt; 2" in shown
