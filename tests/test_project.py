"""The project's own files agree with each other."""

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml

import course_utils
from course_utils.exercises import course

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = dict(
    line.lower().split("==")
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if "==" in line
)


def load_tool(name):
    """Imports docs/tools/<name>.py, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_environment_yml_has_pyproject_ranges():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert [line for line in pip if not line.startswith("--")] == PROJECT["dependencies"]
    assert "--constraint constraints.txt" in pip and "--editable ." in pip


def test_constraints_pin_every_dependency_inside_its_range():
    from packaging.requirements import Requirement

    if not PINS:
        pytest.skip("constraints.txt was emptied to test the newest versions")
    wanted = [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]
    for requirement in map(Requirement, wanted):
        if requirement.name != "course-utils":
            assert requirement.specifier.contains(PINS[requirement.name]), str(requirement)


def test_torch_and_torchaudio_are_of_one_release_line():
    if PINS:
        assert PINS["torch"].split(".")[:2] == PINS["torchaudio"].split(".")[:2]


def test_each_dependency_has_a_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lines = re.findall(r'^    "[a-z][\w\[\]-]*[<>=].*$', text, flags=re.M)
    named = chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    assert len(lines) == sum(bool(re.search("[<>=]", requirement)) for requirement in named)
    assert not [line for line in lines if not re.search(r'",\s+# \w.{10}', line)]


def test_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert citation["version"] == course_utils.__version__
    assert f"## {course_utils.__version__}" in changelog


def test_workflows_parse_and_cover_three_systems():
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert matrix["python"] == ["3.11", "3.13"]


def test_the_site_is_published_with_no_more_rights_than_needed():
    workflow = yaml.safe_load((ROOT / ".github/workflows/pages.yml").read_text(encoding="utf-8"))
    build, deploy = workflow["jobs"]["build"], workflow["jobs"]["deploy"]
    assert workflow["permissions"] == {"contents": "read"} and "permissions" not in build
    assert deploy["permissions"] == {"pages": "write", "id-token": "write"}
    assert "make book PYTHON=python" in [step.get("run") for step in build["steps"]]
    assert {"path": "build/site"} in [step.get("with") for step in build["steps"]]


def test_only_the_top_level_of_the_map():
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    allowed = {"README.md", "environment.yml", "pyproject.toml", "constraints.txt", "Makefile"}
    allowed |= {"LICENSE", "CONTRIBUTING.md", "CITATION.cff", "CHANGELOG.md", "docs", "data"}
    allowed |= {".gitignore", ".gitattributes", ".ci", ".github"}
    allowed |= {"notebooks", "course_utils", "tests"}
    assert {line.split("/")[0] for line in listed.stdout.splitlines()} <= allowed


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_help_lists_the_targets():
    out = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ["lab", "test", "test-fast", "execute", "data", "lint", "clean"]:
        assert f"make {target} " in out.stdout


def test_readme_has_the_course_map():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for notebook in course.NOTEBOOKS:
        row = next(x for x in readme.splitlines() if x.startswith(f"| {notebook.number:02d} |"))
        assert notebook.title in row and f"| {notebook.minutes} |" in row
        assert (f"notebooks/{notebook.name}.ipynb" in row) == course.path(notebook).exists()


def test_notebooks_take_the_minutes_that_the_map_says():
    for notebook in course.NOTEBOOKS:
        text = course.path(notebook).read_text(encoding="utf-8")
        said = re.search(r"\*\*Time\*\*: (\d+) minutes to read", text)
        assert int(said[1]) == notebook.minutes, notebook.name


def test_links_in_markdown_files_resolve():
    pages = ["README.md", "CONTRIBUTING.md", "data/README.md", "docs/teaching.md"]
    for page in map(ROOT.joinpath, pages):
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.fixture
def small_repo(tmp_path):
    """A copy with the files that `make links` writes."""
    for name in ("README.md", "CITATION.cff", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks/00_start_here.ipynb", tmp_path / "notebooks")
    return tmp_path


def test_no_badge_without_an_address(small_repo):
    links = load_tool("links")
    assert links.address() is None and links.write_links(small_repo) == []
    for path in small_repo.rglob("*.*"):
        if path.suffix in (".md", ".ipynb"):
            assert "colab.research" not in path.read_text(encoding="utf-8")


def test_links_are_written_and_taken_away_again(small_repo):
    links = load_tool("links")
    before = {p: p.read_text(encoding="utf-8") for p in small_repo.rglob("*.*") if p.is_file()}
    pyproject = small_repo / "pyproject.toml"
    address = '\n[project.urls]\nRepository = "https://github.com/someone/course"\n'
    pyproject.write_text(before[pyproject] + address, encoding="utf-8")
    assert len(links.write_links(small_repo)) == 3
    notebook = (small_repo / "notebooks/00_start_here.ipynb").read_text(encoding="utf-8")
    assert "github/someone/course/blob/main/notebooks/00_start_here.ipynb" in notebook
    assert "actions/workflows/test.yml" in (small_repo / "README.md").read_text(encoding="utf-8")
    pyproject.write_text(before[pyproject], encoding="utf-8")
    links.write_links(small_repo)
    assert {p: p.read_text(encoding="utf-8") for p in before} == before


@pytest.fixture
def installer(tmp_path, monkeypatch):
    """The installer, pointed at an empty folder; pip and venv are recorded instead of run."""
    install = load_tool("install")
    calls = []
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(sys, "argv", ["install.py"])

    def call(command, **_):
        calls.append(command)
        if "venv" in command:
            (tmp_path / ".venv").mkdir()
        return 0

    monkeypatch.setattr(install.subprocess, "call", call)
    install.calls = calls
    return install


def test_install_runs_once(installer):
    installer.main()
    assert any("pip" in command and "install" in command for command in installer.calls)
    installer.calls.clear()
    installer.main()
    assert installer.calls == []


def test_changed_pins_install_again_and_tests_cover_the_lab(installer, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["install.py", "--test"])
    installer.main()
    installer.calls.clear()
    monkeypatch.setattr(sys, "argv", ["install.py"])
    installer.main()
    assert installer.calls == []
    (installer.ROOT / "constraints.txt").write_text("torch==0\n", encoding="utf-8")
    installer.main()
    assert any("pip" in command for command in installer.calls)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("pip", "no network"),
        ("venv", "could not be made"),
        ("import venv, ensurepip", "python3-venv"),
    ],
)
def test_failures_say_what_to_do(installer, monkeypatch, what, message):
    monkeypatch.setattr(installer.subprocess, "call", lambda command, **_: int(what in command))
    with pytest.raises(SystemExit, match=message):
        installer.main()
    assert not list(installer.VENV.glob("installed*"))


def test_old_python_is_named(installer, monkeypatch):
    monkeypatch.setattr(installer.sys, "version_info", (3, 9, 1))
    monkeypatch.setattr(installer.shutil, "which", lambda _: None)
    with pytest.raises(SystemExit, match=r"3\.11, 3\.12 or 3\.13"):
        installer.main()
