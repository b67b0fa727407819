"""The instructor bundle holds what it says, and is the same each time."""

import importlib.util
import re
import zipfile

import pytest

from tests.notebooks.structure import ROOT


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("instructor", ROOT / "docs/tools/instructor.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def repository(tmp_path):
    for name in ("LICENSE", "docs/teaching.md", "notebooks/solutions/01_x.ipynb"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return tmp_path


def names(archive):
    with zipfile.ZipFile(archive) as file:
        assert file.testzip() is None
        return file.namelist()


def test_solutions_and_guide_are_in_it_twice_the_same(tool, repository):
    archive = tool.bundle(repository)
    first = archive.read_bytes()
    assert names(archive) == [
        "instructor/README.md",
        "instructor/LICENSE",
        "instructor/docs/teaching.md",
        "instructor/notebooks/solutions/01_x.ipynb",
    ]
    assert tool.bundle(repository).read_bytes() == first


def test_slides_are_in_it_where_they_were_made(tool, repository):
    deck = repository / "build/slides/01.html"
    deck.parent.mkdir(parents=True)
    deck.write_text("deck", encoding="utf-8")
    keys = repository / "docs/slides/README.md"
    keys.parent.mkdir()
    keys.write_text("keys", encoding="utf-8")
    found = names(tool.bundle(repository))
    assert {"instructor/slides/01.html", "instructor/docs/slides/README.md"} <= set(found)


@pytest.mark.parametrize("made", [False, True])
def test_its_page_leads_to_what_is_in_it(tool, repository, made):
    if made:
        for name in ("build/slides/index.html", "docs/slides/README.md"):
            path = repository / name
            path.parent.mkdir(parents=True)
            path.write_text(name, encoding="utf-8")
    archive = tool.bundle(repository)
    with zipfile.ZipFile(archive) as file:
        text = file.read("instructor/README.md").decode()
    linked = re.findall(r"\]\(([^)]+)\)", text)
    assert len(linked) == (3 if made else 1)
    assert {f"instructor/{target}" for target in linked} <= set(names(archive))
    assert ("make slides" in text) is not made


def test_what_is_missing_is_named(tool, repository):
    (repository / "docs/teaching.md").unlink()
    with pytest.raises(FileNotFoundError, match=r"docs.teaching\.md"):
        tool.bundle(repository)


def test_the_repository_has_all_of_it(tool):
    found = {path.name for path in tool.contents(ROOT)}
    assert "teaching.md" in found and "13_listen_attend_spell.ipynb" in found
