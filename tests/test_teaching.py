"""docs/teaching.md names sections and exercises that the notebooks have, and its minutes add up."""

import re
from functools import cache

import pytest

from course_utils.exercises import course
from tests.notebooks.structure import ROOT, Notebook

GUIDE = (ROOT / "docs/teaching.md").read_text(encoding="utf-8")
NUMBERS = r"(\d+)((?:(?:, | to | and )\d+)*)"
HERE = re.compile(rf"(?<![\d,] )\b[Ss]ections? {NUMBERS}(?![.\d])")
THERE = re.compile(rf"\b(\d\d),? sections? {NUMBERS}(?![.\d])")
WRITTEN = [one for one in course.NOTEBOOKS if course.path(one).exists()]


def name(notebook):
    return notebook.name


@cache
def sections(number):
    """The numbered sections of a notebook: {number: title}."""
    (notebook,) = (one for one in WRITTEN if one.number == number)
    titles = [p.title for p in Notebook(course.path(notebook)).parts if p.level == 2]
    found = (re.match(r"(\d+) (.+)", title) for title in titles)
    return {int(match[1]): match[0] for match in found if match}


@cache
def chapter(notebook):
    """The text between the heading of a notebook's chapter and the next heading."""
    _, found, rest = GUIDE.partition(f"\n## {notebook.number:02d} {notebook.title}\n")
    assert found, f"no chapter '## {notebook.number:02d} {notebook.title}'"
    return re.split(r"\n## ", rest)[0]


def listed(first, more):
    """The numbers of "3", "3 to 5", "3, 5 and 8"."""
    found = [int(first)]
    for joint, number in re.findall(r"(, | to | and )(\d+)", more):
        found += range(found[-1] + 1, int(number) + 1) if joint == " to " else [int(number)]
    return found


@pytest.mark.parametrize("notebook", course.NOTEBOOKS, ids=name)
def test_each_notebook_has_its_chapter_with_all_parts(notebook):
    text = chapter(notebook)
    for part in ("**Plan, ", "**Ask the class.**", "**Misconceptions.**", "**Exam.**", "**Cut.**"):
        assert part in text
    asked = text.partition("**Ask the class.**")[2].partition("**Misconceptions.**")[0]
    assert asked.count("?") >= 2
    answers = re.findall(r"[?.]\*\s+\S", text.partition("**Exam.**")[2])
    assert len(answers) >= (2 if notebook.number else 1)


@pytest.mark.parametrize("notebook", course.NOTEBOOKS, ids=name)
def test_the_minutes_of_a_plan_add_up(notebook):
    text = chapter(notebook)
    minutes = int(re.search(r"\*\*Plan, (\d+) minutes\*\*", text)[1])
    rows = re.findall(r"^\| (\d+) \|", text, re.M)
    assert sum(map(int, rows)) == minutes
    assert 45 <= minutes <= 75 or notebook.number == 0


@pytest.mark.parametrize("notebook", WRITTEN, ids=name)
def test_plans_name_sections_as_the_notebook_does(notebook):
    known = sections(notebook.number)
    rows = re.findall(r"^\| \d+ \| (.+?) \|", chapter(notebook), re.M)
    numbered = [row for row in rows if row[0].isdigit()]
    assert [row for row in numbered if row != known.get(int(row.split()[0]))] == []
    assert len(numbered) == len(rows)


@pytest.mark.parametrize("notebook", WRITTEN, ids=name)
def test_sections_that_a_chapter_names_exist(notebook):
    text = THERE.sub("", chapter(notebook))
    named = {n for match in HERE.finditer(text) for n in listed(*match.groups())}
    assert named <= set(sections(notebook.number))
    assert named


def test_sections_of_other_notebooks_exist():
    found = [(int(m[1]), n) for m in THERE.finditer(GUIDE) for n in listed(m[2], m[3])]
    written = {one.number for one in WRITTEN}
    assert len(found) > 60
    assert [(i, n) for i, n in found if i in written and n not in sections(i)] == []


def test_exercises_that_are_named_exist():
    known = {e.number for one in WRITTEN for e in Notebook(course.path(one)).exercises}
    written = {one.number for one in WRITTEN}
    found = set()
    for text in re.findall(
        r"(?:exercises?|homework) \d+\.\d+(?:(?: to | and |, )\d+\.\d+)*", GUIDE
    ):
        found |= set(re.findall(r"\d+\.\d+", text))
    assert len(found) > 30
    assert {e for e in found - known if int(e.split(".")[0]) in written} == set()


def test_syllabi_name_every_notebook():
    text = GUIDE.partition("### A term of 15 weeks")[2].partition("### A school")[0]
    rows = re.findall(r"^\| \d+ \| ([^|]+) \|", text, re.M)
    assert len(rows) == 15
    assert sorted(re.findall(r"\d\d", " ".join(rows))) == [f"{n:02d}" for n in range(16)]


def test_the_limits_are_those_of_the_marker():
    from course_utils.exercises.marking.limits import Limits

    limits = Limits()
    for text in (
        f"| {limits.seconds:g} s, {limits.cell_seconds:g} s |",
        f"| {limits.memory_mb:,} MB |",
        f"| {limits.file_mb} MB |",
        f"| {limits.disk_mb} MB, 10,000 files |",
        f"| {limits.processes} |",
    ):
        assert text in GUIDE
