"""Marking: what a submission deserves is what it gets, and no other's fault changes that."""

import contextlib
import json
import os
import random

import nbformat
import numpy as np
import psutil
import pytest
import torch
import torch._dynamo  # or the first step of an optimiser imports it, in a check's time
from hypothesis import given
from hypothesis import strategies as st

from course_utils.exercises import framework
from course_utils.exercises.marking import __main__ as command
from course_utils.exercises.marking import judge, lanes, sandbox, submission, table, wire
from course_utils.exercises.marking.limits import Limits, closed_to_others
from tests import submissions
from tests.exercises import answers
from tests.notebooks.structure import ROOT, Notebook

NOTEBOOKS = framework.catalogue()
EXERCISES = [(number, name) for number, one in NOTEBOOKS.items() for name in one.exercises]
SOUND_WAVES = ROOT / "notebooks/01_sound_waves.ipynb"
QUICK = ["--quiet", "--cell-seconds", "3"]

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def through_the_wire(answer):
    """An answer as the judge gets it."""
    if not callable(answer):
        return wire.unpack(wire.pack(answer))
    return lambda *args: wire.unpack(wire.pack(answer(*args)))


@pytest.mark.parametrize(("number", "name"), EXERCISES)
def test_the_wire_changes_no_verdict(number, name):
    exercise, given_ = NOTEBOOKS[number].exercises[name], answers(number)[name]
    for answer in [given_.solution, *given_.also_right]:
        assert exercise.judge(through_the_wire(answer)).state == framework.CORRECT
    for answer, help_ in given_.wrong[:3]:
        if "had not ended" in help_:
            continue  # it takes the check's whole time
        assert exercise.judge(through_the_wire(answer)).state == framework.WRONG


VALUES = [
    None,
    ...,
    True,
    -3,
    10**30,
    0.1,
    float("inf"),
    2 - 1j,
    "한국어",
    [1, (2, [None])],
    {"a": 1, (1, 2): "b"},
    np.float32(0.1),
    np.bool_(True),
    np.str_("x"),
    np.arange(6.0).reshape(2, 3),
    np.zeros((0, 4), np.complex64),
    np.asfortranarray(np.arange(6).reshape(2, 3)),
    torch.arange(6.0).reshape(2, 3).T,
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_arrive_as_what_they_were(value):
    back = wire.unpack(wire.pack(value))
    assert type(back) is type(value)
    if isinstance(value, np.ndarray | torch.Tensor):
        assert back.dtype == value.dtype and back.shape == value.shape
        assert bool((back == value).all())
    else:
        assert back == value


def test_of_other_objects_only_the_type_is_told():
    class Bomb:
        def __reduce__(self):
            return exit, ()

    for value in (Bomb(), np.array([Bomb()], dtype=object), {1, 2}):
        back = wire.unpack(wire.pack(value))
        assert type(back).__name__ == type(value).__name__
        assert type(back) is not type(value)
    endless = []
    endless.append(endless)
    assert isinstance(wire.unpack(wire.pack(endless)), list)


@given(st.binary() | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("array") | st.just("<f8"),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["t", "v", "dtype", "shape", "x"]), inner),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_bytes_of_any_kind_are_read_or_refused(data):
    with contextlib.suppress(wire.UnreadableError):
        wire.unpack(data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"t": "array", "v": "", "dtype": "<f8", "shape": [-1]}',
        b'{"t": "array", "v": "AAAA", "dtype": "<f8", "shape": [1000000000000]}',
        b'{"t": "array", "v": "", "dtype": "O", "shape": [0]}',
        b'{"t": "array", "v": "", "dtype": "<U0", "shape": [5]}',
        b'{"t": "dict", "v": [[{"t": "list", "v": []}, 1]]}',
        b"[" * 100_000,
        b"1" * 10_000,
    ],
)
def test_hostile_bytes_are_refused(data):
    with pytest.raises(wire.UnreadableError):
        wire.unpack(data)


def notebook(path, cells=(), **metadata):
    node = nbformat.v4.new_notebook(metadata=metadata)
    node.cells = [
        nbformat.v4.new_markdown_cell(c) if c.startswith("#") else nbformat.v4.new_code_cell(c)
        for c in cells
    ]
    nbformat.write(node, path)
    return path


IMPORT = "from course_utils.exercises.nb01 import check, hint, quiz"


def test_a_notebook_is_known_by_import_title_or_name(tmp_path):
    by_import = notebook(tmp_path / "a.ipynb", ["# 02 Something", IMPORT])
    by_title = notebook(tmp_path / "b.ipynb", ["# 02 The Fourier transform", "1 + 1"])
    by_name = notebook(tmp_path / "kim 03_final.ipynb", ["1 + 1"])
    assert [submission.read(path).number for path in (by_import, by_title, by_name)] == [1, 2, 3]
    with pytest.raises(submission.UnusableError, match="no notebook of the course"):
        submission.read(notebook(tmp_path / "student2005_answers.ipynb", ["1 + 1"]))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.docx", b"PK", "not a notebook: .docx file"),
        ("a.ipynb", b"", "can't be read as a notebook"),
        ("a.ipynb", b"{", "can't be read as a notebook"),
        ("a.ipynb", b"[]", "can't be read as a notebook"),
        ("a.ipynb", b"[" * 100_000, "can't be read as a notebook"),
        ("a.ipynb", bytes(range(256)), "can't be read as a notebook"),
        ("a.ipynb", b'{"cells": 3, "metadata": {}, "nbformat": 4}', "can't be read"),
        (
            "a.ipynb",
            b'{"cells": [], "metadata": {"kernelspec": {"name": "ir", "display_name": "R",'
            b' "language": "R"}}, "nbformat": 4, "nbformat_minor": 5}',
            "its kernel is for R, not for Python",
        ),
        (
            "a.ipynb",
            b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
            "no notebook of the course",
        ),
    ],
)
def test_files_that_are_no_submission_say_why(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(submission.UnusableError, match=message):
        submission.read(path)


def test_links_folders_and_large_files_are_not_read(tmp_path):
    (tmp_path / "link.ipynb").symlink_to("/dev/zero")
    (tmp_path / "large.ipynb").write_bytes(bytes(51_000_000))
    for path, message in [
        (tmp_path, "no notebook in this folder"),
        (tmp_path / "link.ipynb", "a link"),
        (tmp_path / "large.ipynb", "51 MB"),
    ]:
        with pytest.raises(submission.UnusableError, match=message):
            submission.read(path)


@pytest.mark.parametrize("number", [n for n in NOTEBOOKS if n])
def test_every_exercise_has_a_stub_and_only_own_cells_run(number):
    original = submission.original(number)
    for place, name in enumerate(NOTEBOOKS[number].exercises, 1):
        assert submission.named(submission.stub(number, place))[-1] == name
    own = original.own()
    assert own[0].source == original.cells[0].source
    assert all(cell.exercise for cell in own[1:])
    mine = submission.Cell("x = 1", 0)
    assert mine in submission.Submission(number, (*original.cells, mine)).own()


def test_prying_gets_a_remark():
    cells = (*submission.original(1).cells, submission.Cell("a = nb01.spl.reference", 0))
    assert submission.Submission(1, cells).remarks() == "Look at it: it uses .reference."
    assert submission.original(1).remarks() == ""


RESULT = judge.Result(1, (judge.Mark(1, "spl", "How loud?", "tried", "=cmd()\n\x00"),), remark="-x")
BROKEN = judge.Result(None, (), "no notebook")


def test_tables_come_back_and_hold_no_formula(tmp_path):
    out = tmp_path / "marks.csv"
    results = {"@b.ipynb": ("ab", RESULT), "a.ipynb": ("cd", BROKEN)}
    table.write(out, results)
    text = out.read_text(encoding="utf-8-sig")
    assert [line.split(",")[0] for line in text.splitlines()] == [
        "submission",
        "'@b.ipynb",
        "a.ipynb",
    ]
    assert "'=cmd()" in table.reasons_path(out).read_text(encoding="utf-8-sig")
    back = table.read(out)
    assert list(back) == ["@b.ipynb", "a.ipynb"]
    assert back["a.ipynb"] == ("cd", BROKEN)
    assert back["@b.ipynb"][1].marks[0].reason == "=cmd()  "
    first = out.read_bytes()
    table.write(out, dict(reversed(results.items())))
    assert out.read_bytes() == first


def test_a_table_of_something_else_is_refused(tmp_path, capsys):
    out = tmp_path / "marks.csv"
    out.write_text("name,points\n", encoding="utf-8")
    table.reasons_path(out).write_text("name\n", encoding="utf-8")
    notebook(tmp_path / "a.ipynb", [IMPORT])
    assert command.main([str(tmp_path / "a.ipynb"), "--out", str(out), "--quiet"]) == 2
    assert "Name another file with --out" in capsys.readouterr().err
    assert out.read_text(encoding="utf-8") == "name,points\n"


def test_what_a_folder_holds(tmp_path):
    for name in ("b/x.ipynb", "a.ipynb", ".hidden/y.ipynb", "b/.ipynb_checkpoints/x.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        notebook(tmp_path / name)
    (tmp_path / "b/sound.wav").touch()
    (tmp_path / "c.docx").touch()
    (tmp_path / "d").mkdir()
    assert [task.name for task in command.tasks(tmp_path)] == [
        "a.ipynb",
        "b/x.ipynb",
        "c.docx",
        "d",
    ]


def mark(folder, out, *more):
    assert command.main([str(folder), "--out", str(out), *QUICK, *more]) == 0
    return table.read(out)


def states(results, name):
    return [mark.state for mark in results[name][1].marks]


def sound_waves(path, **cells):
    """Notebook 01 with other cells in place of some exercises'."""
    given_ = Notebook(SOUND_WAVES)
    for exercise in given_.exercises:
        if exercise.name in cells:
            exercise.stub.source = cells[exercise.name]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(given_.node, path)


def test_only_what_is_new_is_marked_again(tmp_path, monkeypatch):
    folder, out = tmp_path / "in", tmp_path / "marks.csv"
    for name in ("a", "b"):
        notebook_path = folder / f"{name}.ipynb"
        folder.mkdir(exist_ok=True)
        notebook(notebook_path, [IMPORT])
    asked = []

    def run(tasks, *_):
        for task in tasks:
            if task.name in asked:
                raise KeyboardInterrupt
            asked.append(task.name)
            yield task, BROKEN

    monkeypatch.setattr(lanes, "run", run)
    asked.append("b.ipynb")
    assert command.main([str(folder), "--out", str(out), "--quiet"]) == 130
    assert list(table.read(out)) == ["a.ipynb"]
    asked.clear()
    mark(folder, out)
    assert asked == ["b.ipynb"]
    asked.clear()
    notebook(folder / "a.ipynb", [IMPORT, "1 + 1"])
    mark(folder, out)
    assert asked == ["a.ipynb"]
    asked.clear()
    mark(folder, out, "--again")
    assert asked == ["a.ipynb", "b.ipynb"]


SPL = """def spl(pressure):
    rms = np.sqrt(np.mean(pressure**2))
    return 20 * np.log10(rms / 20e-6)
"""
PEEK = """import os
beats = {name: os.environ[name] for name in os.environ if 'SECRET' in name or name == 'HOME'}
assert 'SECRET' not in str(beats), 'seen'
check.beats(beats['HOME'])"""

KILL_JUDGE = """import psutil
psutil.Process().parents()[1].kill()  # the first is the process that it was forked from
while True: pass"""
AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


class LateSandbox:
    """Ends some requests after the cell that asked for it, or at once when nobody asks it on."""

    delay = 0
    running: "LateSandbox"

    def __init__(self, number, limits):
        self.left, self.waiting, self.gone = None, False, False
        LateSandbox.running = self

    def rest(self, seconds):
        self.left = None if self.left is None else 0

    def request(self, seconds, what, *given):
        if self.left == 0:
            self.gone = True
            raise sandbox.Stopped("its process was ended")
        if self.left is not None:
            self.left -= 1
        elif what == "run" and "kill" in given[0]:
            self.left = self.delay
        return "" if what == "run" else {"kind": "value", "value": None}

    def close(self):
        pass


@pytest.mark.parametrize("delay", [0, 1, 2, 3, 4, 5])
def test_an_end_that_comes_late_is_not_blamed_on_the_next_cell(delay, tmp_path, monkeypatch):
    monkeypatch.setattr(judge, "Sandbox", LateSandbox)
    monkeypatch.setattr(LateSandbox, "delay", delay)
    monkeypatch.setattr(judge.time, "sleep", lambda seconds: LateSandbox.running.rest(seconds))
    sound_waves(
        tmp_path / "late.ipynb", beats="kill()", semitones="semitones = 1", alias="alias = 2"
    )
    marks = judge.mark(tmp_path / "late.ipynb", Limits()).marks
    assert [mark.state for mark in marks] == ["missing", "tried", *["missing"] * 4]
    assert marks[1].reason == "beats: its process was ended"


@pytest.mark.slow
@pytest.mark.timeout(900)  # half a minute of waiting for what does not end, more on a busy machine
def test_each_fault_costs_its_own_exercise_alone(tmp_path, monkeypatch):
    """Everything hostile there is, three to a notebook, beside three that are right."""
    monkeypatch.setenv("SECRET_TOKEN", "x")
    folder, out = tmp_path / "in", tmp_path / "marks.csv"
    right = {"spl": SPL + "\n\ncheck.spl(spl)", "alias": "alias = lambda f, fs: "
             "min(f % fs, fs - f % fs)"}  # fmt: skip
    kinds = list(submissions.HOSTILE)
    for index in range(0, len(kinds), 3):
        faults = zip(["beats", "semitones", "quantise"], kinds[index : index + 3], strict=False)
        cells = {name: submissions.HOSTILE[kind].replace("NAME", name) for name, kind in faults}
        sound_waves(folder / f"{index:02d}.ipynb", **right, **cells)
    sound_waves(folder / "peek.ipynb", **right, beats=PEEK)
    child = submissions.ODD_BUT_RIGHT["leaves a child behind"]
    sound_waves(folder / "child.ipynb", **right, beats=child)
    sound_waves(folder / "killer.ipynb", **right, beats="import os\nos.kill(os.getppid(), 9)")
    sound_waves(folder / "killer of judges.ipynb", **right, beats=KILL_JUDGE)
    (folder / "broken.ipynb").write_bytes(b"{")
    results = mark(folder, out, "--jobs", "2")
    # What it does takes effect a moment later: while its next cells are at work, or too late.
    killed = states(results, "killer.ipynb")
    assert killed[0] == killed[3] == "done" and killed[1] in ("tried", "missing")
    # As another user (--as-user) it could not; here it costs its own marks and no one else's.
    assert "judge's process ended" in results["killer of judges.ipynb"][1].problem
    assert len(results) == 5 + (len(kinds) + 2) // 3
    for index in range(0, len(kinds), 3):
        found = states(results, f"{index:02d}.ipynb")
        wrong = ["tried"] * len(kinds[index : index + 3]) + ["missing"] * 2
        assert found == ["done", wrong[0], wrong[1], "done", wrong[2], "missing"], (
            kinds[index : index + 3],
            results[f"{index:02d}.ipynb"][1].marks,
        )
    assert states(results, "peek.ipynb")[:2] == ["done", "tried"]
    reason = results["peek.ipynb"][1].marks[1].reason
    assert "home" in reason and "seen" not in reason
    assert states(results, "child.ipynb")[3] == "done"
    assert not [p for p in psutil.process_iter(["cmdline"]) if "4321" in (p.info["cmdline"] or [])]
    assert results["broken.ipynb"][1].problem


@pytest.mark.slow
@pytest.mark.skipif(not AS_ROOT, reason="only root may change the user")
@pytest.mark.skipif(
    closed_to_others(os.__file__) is not None, reason="Python lies where root alone may read"
)
def test_as_another_user_the_judge_is_out_of_reach(tmp_path):
    folder, out = tmp_path / "in", tmp_path / "marks.csv"
    who = "import os\nassert os.getuid() == 20000, 'root'\ncheck.semitones(12345)"
    sound_waves(folder / "a.ipynb", spl=SPL + "\n\ncheck.spl(spl)", beats=KILL_JUDGE, semitones=who)
    tmp_path.chmod(0o700)
    results = mark(folder, out, "--as-user", "20000")
    assert states(results, "a.ipynb")[:4] == ["done", "tried", "tried", "missing"]
    reasons = [one.reason for one in results["a.ipynb"][1].marks]
    assert "AccessDenied" in reasons[1] or "PermissionError" in reasons[1]
    assert "root" not in reasons[2]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_folder_that_is_closed_to_others_is_found(tmp_path):
    inside = tmp_path / "shut" / "open" / "file.py"
    inside.parent.mkdir(parents=True)
    inside.touch()
    inside.parents[1].chmod(0o700)
    # pytest's own folders are closed, too: it is the first on the way that counts.
    way = [*reversed(inside.parents)]
    assert closed_to_others(inside) == next(one for one in way if not one.stat().st_mode & 1)
    assert closed_to_others("/nothing/there") is None


@pytest.mark.skipif(AS_ROOT, reason="root may")
def test_only_root_may_change_the_user(tmp_path, capsys):
    assert command.main([str(tmp_path), "--as-user", "20000", "--quiet"]) == 2
    assert "root only" in capsys.readouterr().err


@pytest.mark.slow
def test_a_sample_of_two_hundred(tmp_path):
    """tests/submissions.py makes and marks all of them."""
    folder, out = tmp_path / "in", tmp_path / "marks.csv"
    folder.mkdir()
    made = submissions.make_all(folder, 8, random.Random(3).randrange(100), [1, 3, 12])
    mark(folder, out, "--cell-seconds", "10")
    assert submissions.differences(made, out) == []
