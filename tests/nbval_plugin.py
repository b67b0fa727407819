"""Makes nbval's runs independent of the user, of each other and of real recordings.

    python -m pytest -p tests.nbval_plugin --nbval --nbval-current-env \
        --nbval-sanitize-with tests/nbval_sanitize.cfg notebooks

- Each notebook file gets its own empty progress file, so that solutions that run beside it in
  another worker can't change the table in 00.
- Kernels have no network, and no start-up files of the user.
- Pictures are not compared, but a picture that is missing or new fails.
- `--without-data` is the second pass: COURSE_DATA is an empty folder, and only those notebooks run
  that use real recordings.
"""

from __future__ import annotations

import importlib
import os
import re
import tempfile
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from docs.tools.execute import kernel_environment

# How a code cell names a corpus of real recordings: a module or class of course_utils.datasets.
REAL_CORPUS = re.compile(
    r"\b(fsdd|esc_?(10|50)|speech_?commands|yes_?no|libri_?speech|librosa_?examples)", re.I
)
SCRATCH = pytest.StashKey[tempfile.TemporaryDirectory]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--without-data",
        action="store_true",
        help="run only the notebooks that use real recordings, without any recordings",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SCRATCH] = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    if not hasattr(config, "workerinput"):
        # Once, before two kernels do it at a time and report it in a cell's output.
        importlib.import_module("matplotlib.font_manager")


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[SCRATCH].cleanup()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if collection_path.suffix == ".ipynb" and config.getoption("without_data"):
        return not uses_real_corpus(collection_path) or None
    return None


def uses_real_corpus(path: Path) -> bool:
    """Whether a code cell of the notebook names a corpus of real recordings."""
    cells = nbformat.read(path, as_version=4).cells
    return any(REAL_CORPUS.search(cell.source) for cell in cells if cell.cell_type == "code")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Sets the environment before the first cell of a file starts that file's kernel."""
    if not isinstance(item, IPyNbCell):
        return
    # On a busy machine a training cell's last messages may need more than nbval's five seconds.
    item.output_timeout = 60
    if item.parent.kernel is None:
        prepare(item.parent, item.config)


def prepare(notebook: IPyNbFile, config: pytest.Config) -> None:
    """Environment and comparison of one notebook file; its kernel inherits the environment."""
    scratch = Path(tempfile.mkdtemp(dir=config.stash[SCRATCH].name))
    with_data = not config.getoption("without_data")
    os.environ.update(kernel_environment(scratch, with_data=with_data))
    # The sanitise file turns every PNG into one word, so comparing them compares their number.
    notebook.skip_compare = tuple(key for key in notebook.skip_compare if key != "image/png")
