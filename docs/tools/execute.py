"""Execute notebooks in place, from top to bottom, so that twice gives the same file.

    python docs/tools/execute.py                       # every notebook and every solution
    python docs/tools/execute.py notebooks/01_*.ipynb  # some

Each notebook gets a fresh kernel of this environment, an empty progress file and no real
recordings, whatever the user has: what is stored is what a newcomer sees. The kernel has no
network. Afterwards everything that would change from run to run or from machine to machine is
made the same: cell ids, widget model ids, timings, the kernel's name and Python's patch version.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import importlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

ROOT = Path(__file__).resolve().parents[2]
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE_INFO = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
# Written by editors and runners; says nothing to a reader.
TRANSIENT_CELL_METADATA = ("execution", "ExecuteTime", "papermill", "collapsed", "scrolled")


def notebook_paths(root: Path = ROOT) -> list[Path]:
    """Every notebook and every solution of the course, in reading order."""
    folder = root / "notebooks"
    return sorted(folder.glob("*.ipynb")) + sorted((folder / "solutions").glob("*.ipynb"))


def kernel_environment(scratch: Path, with_data: bool = False) -> dict[str, str]:
    """Environment variables that make a kernel's run independent of the user and the network.

    Args:
        scratch: an existing folder of this run, for progress, recordings and IPython's profile.
        with_data: leave real recordings where the caller's environment has them; otherwise there
            are none.

    Returns:
        Variables to add to the kernel's environment.
    """
    environment = {
        "COURSE_PROGRESS": str(scratch / "progress.json"),
        "COURSE_RECORDINGS": str(scratch / "recordings"),
        "IPYTHONDIR": str(scratch / "ipython"),  # no start-up files of the user
        "JUPYTER_PREFER_ENV_PATH": "1",  # the kernel of this Python, not one of the user's
        **offline_environment(),
    }
    if with_data:
        # The kernel's working folder is the notebook's: a relative path would change its meaning.
        found = os.environ.get("COURSE_DATA")
        return {**environment, "COURSE_DATA": str(Path(found).resolve())} if found else environment
    data = scratch / "no-data"
    data.mkdir(exist_ok=True)
    return {**environment, "COURSE_DATA": str(data)}


def offline_environment() -> dict[str, str]:
    """Environment variables that send every web request to a port where nobody answers."""
    nowhere = "http://127.0.0.1:9"
    proxies = {name: nowhere for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}
    proxies |= {name.lower(): value for name, value in proxies.items()}
    return {**proxies, "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


def execute(path: Path, cell_timeout_s: float, notebook_timeout_s: float) -> float:
    """Execute one notebook in place; on an error the file stays as it was.

    Args:
        path: the notebook.
        cell_timeout_s: longest time for one cell.
        notebook_timeout_s: longest time for the whole notebook, kernel start included.

    Returns:
        Seconds that it took.

    Raises:
        CellExecutionError: a cell raised; the message holds the cell and the traceback.
        TimeoutError: a cell or the notebook took too long.
        DeadKernelError: the kernel died, perhaps for want of memory.
    """
    notebook = nbformat.read(path, as_version=4)
    clear(notebook)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        client = NotebookClient(
            notebook,
            timeout=cell_timeout_s,
            kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
            store_widget_state=True,
            coalesce_streams=True,  # how a stream is cut into messages is chance
            record_timing=False,
        )
        environment = {**os.environ, **kernel_environment(Path(scratch))}

        async def run() -> None:
            await asyncio.wait_for(client.async_execute(env=environment), notebook_timeout_s)

        try:
            asyncio.run(run())
        except CellTimeoutError as error:
            raise TimeoutError(f"{path.name}: {error}") from error
        except (TimeoutError, DeadKernelError) as error:
            # nbclient reports a kernel that was stopped for being late as one that died.
            if time.perf_counter() - started < notebook_timeout_s:
                raise
            message = f"{path.name}: not finished after {notebook_timeout_s:g} s"
            raise TimeoutError(message) from error
    write(normalise(notebook), path)
    return time.perf_counter() - started


def clear(notebook: nbformat.NotebookNode) -> None:
    """Remove outputs, execution counts and widget state, so that nothing old can stay."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None


def normalise(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what changes from run to run or from machine to machine."""
    notebook.metadata["kernelspec"] = dict(KERNELSPEC)
    notebook.metadata["language_info"] = dict(LANGUAGE_INFO)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        for key in TRANSIENT_CELL_METADATA:
            cell.metadata.pop(key, None)
        cell.id = cell_id(cell.cell_type, cell.source, seen)
    return rename_models(notebook)


def cell_id(cell_type: str, source: str, seen: dict[str, int]) -> str:
    """An id that follows from a cell's text, and from how often that text came before."""
    digest = hashlib.sha256(f"{cell_type}\n{source}".encode()).hexdigest()[:12]
    seen[digest] = seen.get(digest, 0) + 1
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def rename_models(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Give the widget models of a notebook ids by order of creation instead of random ones."""
    widgets = notebook.metadata.get("widgets", {})
    state = widgets.get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    if not state:
        return notebook
    names = {
        old: hashlib.sha256(f"model {number}".encode()).hexdigest()[:32]
        for number, old in enumerate(state)
    }
    pattern = re.compile("|".join(map(re.escape, names)))
    text = pattern.sub(lambda match: names[match.group()], json.dumps(notebook))
    return nbformat.from_dict(json.loads(text))


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Replace a notebook in one step, so that a break leaves the old or the new file."""
    nbformat.validate(notebook)
    partial = path.with_name(path.name + ".part")
    text: str = nbformat.writes(notebook, version=nbformat.NO_CONVERT)
    partial.write_text(text.rstrip("\n") + "\n", encoding="utf-8", newline="\n")
    partial.replace(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns 1 when a notebook failed."""
    parser = argparse.ArgumentParser(description="Execute notebooks in place.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all of the course")
    parser.add_argument("--cell-timeout", type=float, default=600, help="seconds (default 600)")
    parser.add_argument("--timeout", type=float, default=1200, help="seconds (default 1200)")
    options = parser.parse_args(arguments)
    if sys.platform == "win32":  # zmq needs the selector loop there
        asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())
    # Without its font cache, matplotlib would report in the first notebook that it builds one.
    importlib.import_module("matplotlib.font_manager")
    failed = 0
    for path in options.notebooks or notebook_paths():
        try:
            seconds = execute(path, options.cell_timeout, options.timeout)
        except (CellExecutionError, TimeoutError, DeadKernelError) as error:
            failed += 1
            print(f"{path}: FAILED\n{error}", flush=True)
        else:
            print(f"{path}: {seconds:.1f} s, {path.stat().st_size / 1024:.0f} kB", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
