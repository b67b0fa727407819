"""A real JupyterLab on a copy of the notebooks, and a page of a real browser in it."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, ElementHandle, Page

from docs.tools.execute import ROOT, kernel_environment

START_TIMEOUT_S = 60
KERNEL_TIMEOUT_S = 90
# Playwright's own patience, in ms, for elements and conditions on a busy machine.
PATIENCE_MS = 20_000

CHROMIUM_ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    # Nothing leaves this machine, even if a page asks for it.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

# Console errors that are not the course's: (part of the text, why it is harmless).
HARMLESS: list[tuple[str, str]] = []

# Remembers every AudioContext, so that a test can see whether sound really ended.
TRACK_SOUND = """
window.courseContexts = [];
window.AudioContext = new Proxy(window.AudioContext, {
  construct(target, args) {
    const context = new target(...args);
    window.courseContexts.push(context);
    return context;
  },
});
"""

# Remembers every sound that is started: from which second of it, and how loud its peak is.
TRACK_STARTS = """
window.courseStarts = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, from) {
  const peak = this.buffer.getChannelData(0).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  courseStarts.push([from, peak]);
  return start.call(this, when, from);
};
"""

PANEL = "window.jupyterapp.shell.currentWidget"
KERNEL_READY = f"""async () => {{
  const panel = {PANEL};
  await panel.context.ready;
  await panel.context.sessionContext.ready;
  await panel.context.sessionContext.session.kernel.info;
}}"""
RUN_ALL = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
CELLS = f"""() => [...{PANEL}.content.model.cells].map(cell => {{
  const json = cell.toJSON();
  return {{kind: json.cell_type, source: [json.source].flat().join(''),
    count: json.execution_count, outputs: json.outputs || []}};
}})"""


def within(script: str, timeout_s: float, what: str) -> str:
    """JavaScript that awaits the function `script`, but no longer than `timeout_s`."""
    late = f"setTimeout(() => no(new Error('{what}: not after {timeout_s:g} s')), {timeout_s}e3)"
    return f"() => Promise.race([({script})(), new Promise((yes, no) => {late})])"


@dataclass
class Lab:
    """A running JupyterLab."""

    folder: Path  # served; holds notebooks/
    port: int
    token: str

    def url(self, notebook: str) -> str:
        """Address of a notebook, in a workspace of its own."""
        base = f"http://127.0.0.1:{self.port}/lab/workspaces/auto-{secrets.token_hex(4)}"
        return f"{base}/tree/{notebook}?reset&token={self.token}"


@contextlib.contextmanager
def jupyterlab(scratch: Path) -> Iterator[Lab]:
    """Start JupyterLab on a copy of the course's notebooks; stop it, and its kernels, at the end.

    Args:
        scratch: an empty folder; the copy, the settings and the progress file are put there.

    Raises:
        RuntimeError: it did not start; the message holds the end of its log.
    """
    served = scratch / "course"
    copy_notebooks(served)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lab = Lab(served, port, secrets.token_hex(16))
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={served}"]
    command += [f"--IdentityProvider.token={lab.token}", "--LabApp.expose_app_in_browser=True"]
    command += ["--LabApp.news_url=None"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    if is_root():
        command.append("--allow-root")
    decline_news(scratch / "jupyterlab_settings_dir")
    log = scratch / "jupyterlab.log"
    with log.open("w", encoding="utf-8") as stream:
        server = subprocess.Popen(
            command, stdout=stream, stderr=subprocess.STDOUT, env=lab_environment(scratch)
        )
        try:
            wait_for_port(port, server, log)
            yield lab
        finally:
            stop(server, lab)


def is_root() -> bool:
    """Whether this process is the administrator of a POSIX system."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def lab_environment(scratch: Path) -> dict[str, str]:
    """The environment with folders of its own for everything that Jupyter keeps."""
    names = ["JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"]
    names += ["JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"]
    folders = {name: str(scratch / name.lower()) for name in names}
    return {**os.environ, **kernel_environment(scratch), **folders}


def decline_news(settings: Path) -> None:
    """Answer JupyterLab's question about news beforehand: it would lie over the notebook."""
    folder = settings / "@jupyterlab" / "apputils-extension"
    folder.mkdir(parents=True)
    answer = folder / "notification.jupyterlab-settings"
    answer.write_text('{"fetchNews": "false"}', encoding="utf-8")


def wait_for_port(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers; RuntimeError with its log when it does not."""
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return
        time.sleep(0.1)
    tail = "\n".join(log.read_text(encoding="utf-8").splitlines()[-20:])
    raise RuntimeError(f"JupyterLab did not start:\n{tail}")


def stop(server: subprocess.Popen[bytes], lab: Lab) -> None:
    """Ask the server to end with its kernels; kill it when it does not."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{lab.port}/api/shutdown",
        method="POST",
        headers={"Authorization": f"token {lab.token}"},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with contextlib.suppress(OSError):
        direct.open(request, timeout=10).close()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(10)


def copy_notebooks(served: Path) -> None:
    """Copy notebooks and what they link to; of those that train for long, the explorers only."""
    ignore = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", "*.part")
    for name in ("notebooks", "docs"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, served / name, ignore=ignore)
    for path in (served / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        if notebook.metadata.get("course", {}).get("browser") == "explorers":
            nbformat.write(explorers_only(notebook), path)


def explorers_only(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without those code cells that are not imports, quiz or tagged `browser`."""
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    notebook.cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type != "code"
        or cell is first
        or "browser" in cell.metadata.get("tags", [])
        or cell.source.startswith("quiz()")
        or cell.source.endswith("\nquiz()")
    ]
    return notebook


@dataclass
class OpenNotebook:
    """A notebook in JupyterLab in the browser; remembers what the page complained about."""

    page: Page
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)  # addresses outside 127.0.0.1

    def run_all(self, timeout_s: float) -> None:
        """Run all cells on a fresh kernel, and wait until their widgets are drawn."""
        self.page.evaluate(within(KERNEL_READY, KERNEL_TIMEOUT_S, "kernel ready"))
        self.page.evaluate(within(RUN_ALL, timeout_s, "all cells run"))
        self.page.wait_for_function(
            "() => ![...document.querySelectorAll('.jp-OutputArea-output')]"
            ".some(node => /^\\s*Loading widget/.test(node.textContent))"
        )

    def cells(self) -> list[dict[str, Any]]:
        """The cells as the page holds them: kind, source, count (of execution), outputs."""
        cells: list[dict[str, Any]] = self.page.evaluate(CELLS)
        return cells

    def clear_outputs(self) -> None:
        """What the menu's Clear Outputs of All Cells does."""
        command = "() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')"
        self.page.evaluate(command)

    def explorers(self) -> list[ElementHandle]:
        """The explorers' elements, in the order of the page."""
        return self.page.query_selector_all(".course-explorer[data-explorer]")


def open_notebook(browser: Browser, lab: Lab, name: str) -> OpenNotebook:
    """Open `notebooks/name` in a new page; animations wait until they are started."""
    # Whoever asks for reduced motion gets still pictures: only then can a test see a move.
    context = browser.new_context(
        viewport={"width": 1300, "height": 950}, reduced_motion="reduce", locale="en-GB"
    )
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(TRACK_SOUND)
    page = context.new_page()
    opened = OpenNotebook(page)
    page.on("console", lambda message: note_console(opened, message.type, message.text))
    page.on("pageerror", lambda error: note_console(opened, "error", str(error)))
    page.on("request", lambda request: note_address(opened, lab, request.url))
    page.on("websocket", lambda websocket: note_address(opened, lab, websocket.url))
    page.goto(lab.url(f"notebooks/{name}"))
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=KERNEL_TIMEOUT_S * 1000)
    return opened


def note_console(opened: OpenNotebook, kind: str, text: str) -> None:
    if kind == "error" and not any(part in text for part, _ in HARMLESS):
        opened.errors.append(text)


def note_address(opened: OpenNotebook, lab: Lab, url: str) -> None:
    here = (f"http://127.0.0.1:{lab.port}/", f"ws://127.0.0.1:{lab.port}/", "data:", "blob:")
    if not url.startswith(here):
        opened.strangers.append(url)


def until(condition: Callable[[], bool], what: str, timeout_s: float = 5.0) -> None:
    """Wait until `condition()` holds; AssertionError with `what` when it never does."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"{what}: not after {timeout_s:g} s"
        time.sleep(0.05)
