"""Fixtures of the browser tests: without Chromium skipped, or failed where it is required."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from docs.tools.execute import ROOT
from tests.browser.driver import (
    CHROMIUM_ARGUMENTS,
    TRACK_SOUND,
    TRACK_STARTS,
    Lab,
    is_root,
    jupyterlab,
)

RESULTS = ROOT / "test-results"
REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[REPORT] = report
    return report


def chromium() -> str | None:
    """Path of the system's Chromium or Chrome; COURSE_BROWSER names another one."""
    names = [os.environ.get("COURSE_BROWSER", ""), "chromium", "chromium-browser"]
    names += ["google-chrome", "chrome", "msedge"]
    # Neither macOS nor Windows puts Chrome on the path.
    names.append("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
    programs = os.environ.get("PROGRAMFILES", "")
    names.append(str(Path(programs) / "Google" / "Chrome" / "Application" / "chrome.exe"))
    found = [shutil.which(name) for name in names if name]
    return next(filter(None, found), None)


def is_required() -> bool:
    """Whether a missing browser is a failure: in CI, or with COURSE_REQUIRE_BROWSER=1."""
    said = [os.environ.get(name, "").lower() for name in ("CI", "COURSE_REQUIRE_BROWSER")]
    return any(value in ("1", "true", "yes") for value in said)


def missing(reason: str) -> NoReturn:
    """Skip, or fail where the browser is required."""
    if is_required():
        pytest.fail(f"{reason}, and the browser tests are required here")
    pytest.skip(f"{reason} (COURSE_REQUIRE_BROWSER=1 makes this a failure)")


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[[list[str]], Browser]]:
    """Start the system's Chromium, without a window, with these arguments; close it yourself."""
    path = chromium()
    if path is None:
        missing("no Chromium found")
    sandbox = ["--no-sandbox"] if is_root() else []  # Chromium refuses root with its sandbox
    with sync_playwright() as playwright:
        yield lambda arguments: playwright.chromium.launch(
            executable_path=path, args=[*arguments, *sandbox]
        )


@pytest.fixture(scope="session")
def browser(launch: Callable[[list[str]], Browser]) -> Iterator[Browser]:
    """The browser of nearly all tests."""
    browser = launch(CHROMIUM_ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """An empty page of the size that the file's VIEWPORT says; an error in it fails the test."""
    width, height = getattr(request.module, "VIEWPORT", (1000, 900))
    context = browser.new_context(
        viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    context.add_init_script(TRACK_SOUND + TRACK_STARTS)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []
    context.close()


@pytest.fixture(scope="session")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab for all tests; it needs a browser, so that nothing starts without one."""
    with jupyterlab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture(autouse=True)
def screenshot(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a failed test: the page as it is, in test-results/."""
    yield
    report = request.node.stash.get(REPORT, None)
    opened = request.node.funcargs.get("opened")
    if report is not None and report.failed and opened is not None:
        picture(opened.page, request.node.name)


def picture(page: Page, name: str) -> None:
    """Save a page's picture as test-results/NAME.png."""
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / f"{re.sub(r'[^A-Za-z0-9.-]+', '_', name)}.png")
