"""Which module may import which: lower rows of the map import higher ones, never the other way."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "course_utils"
ROWS = [
    "show files audio signals fourier features metrics",
    "datasets",
    "models",
    "ctc language decoding",
    "training",
    "recipes train",
    "plotting widgets exercises",
]
ROW = {name: row for row, names in enumerate(ROWS) for name in names.split()}


def imported(path):
    """Modules of course_utils that a file imports, as the first name below the package."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "course_utils" and len(parts) > 1 and parts[1] in ROW:
                yield parts[1]


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_up(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert own in ROW, f"{own} is in no row of the map: add it to ROWS, and to CONTRIBUTING.md"
    below = sorted({name for name in imported(path) if ROW[name] > ROW[own]})
    assert not below, f"{path.name} imports {', '.join(below)}, which stand below it"


def test_importing_the_package_brings_no_torch():
    code = "import course_utils, sys; print('torch' in sys.modules, 'librosa' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
