"""Rows of the yardstick that need a browser: from start to first picture, from key to new picture.

JupyterLab runs on this machine on a copy of the notebooks; of those that train for long, the
explorers only. An explorer counts its pictures, `data-frames`: a key's answer is there when the
counter moves. Some explorers ask Python, the others draw in the browser alone.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import ElementHandle, Page, sync_playwright

from docs.tools.execute import ROOT
from tests.browser import explorers
from tests.browser.conftest import chromium
from tests.browser.driver import CHROMIUM_ARGUMENTS, is_root, jupyterlab, open_notebook

PRESSES = 15
TIMEOUT_S = 300
# Milliseconds from the key to the picture after it; null where a second passes without one.
ANSWER = """(root) => new Promise(yes => {
  const began = performance.now(), before = root.dataset.frames;
  const seen = new MutationObserver(() => {
    if (root.dataset.frames === before) return;
    seen.disconnect();
    requestAnimationFrame(() => yes(performance.now() - window.coursePressed));
  });
  seen.observe(root, {attributes: true, attributeFilter: ['data-frames']});
  setTimeout(() => { seen.disconnect(); yes(null); }, 1000);
})"""
PRESSED = "addEventListener('keydown', () => { window.coursePressed = performance.now(); }, true);"


def answers(page: Page, explorer: ElementHandle) -> list[float]:
    """Milliseconds from a key on the first slider that moves the picture to the new picture."""
    for control in explorer.query_selector_all("input[type=range]"):
        control.focus()
        taken = []
        for press in range(PRESSES):
            page.evaluate(f"root => {{ window.courseAnswer = ({ANSWER})(root); }}", explorer)
            page.keyboard.press("ArrowRight" if press % 2 == 0 else "ArrowLeft")
            found = page.evaluate("() => window.courseAnswer")
            if found is None:
                break
            taken.append(found)
            page.wait_for_timeout(60)
        if len(taken) == PRESSES:
            return taken
    return []


def rows() -> Iterator[dict[str, Any]]:
    """A row for the start, and one for each explorer that has a slider."""
    path = chromium()
    if path is None:
        raise FileNotFoundError("no Chromium found: install it, or name one with COURSE_BROWSER")
    sandbox = ["--no-sandbox"] if is_root() else []
    seen: set[str] = set()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=[*CHROMIUM_ARGUMENTS, *sandbox]
        )
        began = time.perf_counter()
        with jupyterlab(Path(scratch)) as lab:
            for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
                opened = open_notebook(browser, lab, notebook.name)
                opened.page.evaluate(PRESSED)
                opened.run_all(TIMEOUT_S)
                for explorer in opened.explorers():
                    explorers.show(opened.page, explorer)
                    name = explorers.attribute(explorer, "explorer")
                    if not seen:
                        yield {
                            "task": "JupyterLab, from start to the first explorer's picture",
                            "size": 1, "unit": "start", "repeats": 1,
                            "ours_ms": f"{1e3 * (time.perf_counter() - began):.0f}",
                        }  # fmt: skip
                    if name in seen:
                        continue
                    seen.add(name)
                    explorers.still(explorer)
                    if taken := answers(opened.page, explorer):
                        yield {
                            "task": f"explorer {name}, key to picture", "size": 1, "unit": "key",
                            "repeats": len(taken), "ours_ms": f"{statistics.median(taken):.3g}",
                        }  # fmt: skip
                opened.page.context.close()
        browser.close()
