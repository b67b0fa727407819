"""The web site: every page, at the width of a desk and of a phone, with nothing but localhost.

The site is built once for this file, from the notebooks as they are stored, and read from a plain
static server. Whatever leads outside is not followed.
"""

import functools
import http.server
import importlib
import inspect
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request

from course_utils.exercises import course
from docs.tools import book, glossary, vendor
from tests.browser import explorers
from tests.browser.conftest import REPORT, missing, picture
from tests.browser.driver import until
from tests.browser.test_notebooks import DURATION

DESK, PHONE = (1280, 850), (390, 844)
# Each stage comes to life when it is near; what is below it moves then.
ENLIVEN = """async () => {
  for (const stage of document.querySelectorAll('.course-stage')) {
    stage.scrollIntoView();
    for (let i = 0; i < 100 && !stage.dataset.alive; i += 1)
      await new Promise(resolve => setTimeout(resolve, 30));
  }
  return [...document.querySelectorAll('.course-stage')]
    .filter(stage => !stage.dataset.alive).map(stage => stage.dataset.kind);
}"""
# Formulas are pictures, and all code has the colours of one style: for axe, most pages lose their
# ten thousand nodes of both, and the code of a few is judged.
CODE_JUDGED = ("run.html", "notebooks/00_start_here.html", "notebooks/02_fourier.html")
AXE = """async emptied => {
  for (const node of document.querySelectorAll(emptied)) node.replaceChildren();
  return (await axe.run({resultTypes: ['violations'], preload: false})).violations
    .filter(one => ['serious', 'critical'].includes(one.impact))
    .map(one => `${one.id}: ` + one.nodes.slice(0, 3)
      .map(node => `${node.target} ${node.failureSummary}`).join(' | '));
}"""
WIDER = """() => document.documentElement.scrollWidth > innerWidth
  ? [...document.querySelectorAll('body *')]
    .filter(node => node.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 5).map(node => `${node.tagName}.${node.className}`) : []"""


@dataclass
class Site:
    """The built site, and where it is served."""

    folder: Path
    base: str
    axe: str  # source of axe-core
    pages: list[str] = field(default_factory=list)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: the browser tells what failed."""


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site, built anew; it needs a browser, so that nothing is built in vain."""
    scratch = tmp_path_factory.mktemp("site")
    try:
        vendor.copy(["axe-core"], scratch)
        warnings = book.build()
    except vendor.VendorError as error:
        missing(str(error))
    assert warnings == 0, "the build warns; `make book` shows of what"
    handler = functools.partial(Quiet, directory=str(book.OUT))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = sorted(path.relative_to(book.OUT).as_posix() for path in book.OUT.rglob("*.html"))
        axe = (scratch / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
        yield Site(book.OUT, f"http://127.0.0.1:{server.server_address[1]}/", axe, found)
        server.shutdown()


@pytest.fixture
def visit(browser: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Opens pages of the site; what they complain about fails the test."""
    complaints: list[str] = []
    contexts = []

    def open_page(name: str) -> Page:
        context = browser.new_context(
            viewport={"width": DESK[0], "height": DESK[1]},
            color_scheme="light",
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()

        def note(what: str, text: str) -> None:
            complaints.append(f"{page.url}: {what} {text[:300]}")

        page.on("console", lambda said: said.type == "error" and note("console", said.text))
        page.on("pageerror", lambda error: note("error", str(error)))
        page.on("requestfailed", lambda asked: is_missing(asked) and note("failed", asked.url))
        page.on("response", lambda got: got.status >= 400 and note(str(got.status), got.url))
        page.on("request", lambda asked: is_outside(site, asked.url) and note("asks", asked.url))
        page.goto(site.base + name)
        return page

    yield open_page
    report = request.node.stash.get(REPORT, None)
    if report is not None and report.failed and contexts:
        picture(contexts[-1].pages[0], request.node.name)
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)


def is_outside(site: Site, url: str) -> bool:
    return not url.startswith((site.base, "data:", "blob:"))


def is_missing(asked: Request) -> bool:
    """Whether a request failed, and not because the page was left or a sound's duration known."""
    return asked.failure != "net::ERR_ABORTED"


def names(site: Site, part: str) -> list[str]:
    return [name for name in site.pages if part in name]


@pytest.mark.timeout(600)
def test_every_page_is_whole_and_accessible(site: Site, visit) -> None:
    """No error, nothing wider than the page, all explorers alive, axe finds nothing serious.

    Each page is loaded once and seen at both widths; axe judges every other one on a dark phone.
    """
    problems = []
    page = visit("index.html")
    for number, name in enumerate(site.pages):
        scheme, widths = ("dark", (DESK, PHONE)) if number % 2 else ("light", (PHONE, DESK))
        page.emulate_media(color_scheme=scheme)
        resize(page, widths[0])
        page.goto(site.base + name)
        assert page.evaluate("() => document.documentElement.dataset.theme") == scheme
        dead = page.evaluate(ENLIVEN)
        problems += [f"{name}: {kind} stays a picture" for kind in dead]
        page.evaluate("() => window.MathJax?.startup?.promise")
        for size in widths:
            resize(page, size)
            wide = page.evaluate(WIDER)
            problems += [f"{name}: wider than {size[0]} px: {wide}"] if wide else []
        page.wait_for_timeout(600)  # the theme makes what scrolls focusable 300 ms after a resize
        page.evaluate(site.axe)
        emptied = "mjx-container" + ("" if name in CODE_JUDGED else ", .highlight pre")
        problems += [f"{name}, {scheme}: {fault}" for fault in page.evaluate(AXE, emptied)]
    assert not problems, "\n".join(problems)


def resize(page: Page, size: tuple[int, int]) -> None:
    """Give the page another size, and the explorers a frame to follow."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")


class Anchors(HTMLParser):
    """Collects what a page links to, and the places in it that can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if value is None:
                continue
            if name in ("href", "src") or (tag == "div" and name == "data-state"):
                self.links.append(value)
            if name == "id" or (tag == "a" and name == "name"):
                self.ids.add(value)


def test_no_link_inside_is_dead(site: Site) -> None:
    parsed = {}
    for name in site.pages:
        parsed[name] = Anchors()
        parsed[name].feed((site.folder / name).read_text(encoding="utf-8"))
    dead = []
    for name, anchors in parsed.items():
        for link in anchors.links:
            if urlsplit(link).scheme in ("http", "https", "mailto", "data"):
                continue
            target, place = urldefrag(urljoin(f"/{name}", link))
            target = unquote(urlsplit(target).path).lstrip("/") or "index.html"
            if not (site.folder / target).is_file():
                dead.append(f"{name}: {link}")
            elif place and target in parsed and unquote(place) not in parsed[target].ids:
                dead.append(f"{name}: no such place: {link}")
    assert not dead, "\n".join(dead)
    assert sum(len(anchors.links) for anchors in parsed.values()) > 1000


def test_no_markdown_is_left_in_the_text(site: Site) -> None:
    """Bold words are bold, and formulas are formulas, also those inside a paragraph."""
    for name in names(site, "notebooks/"):
        text = (site.folder / name).read_text(encoding="utf-8").split("<article", 1)[1]
        text = re.sub(r"(?s)<(pre|code|script|figure)\b.*?</\1>", "", text)
        text = re.sub(r"(?s)\\\(.*?\\\)|\\\[.*?\\\]", "", text)
        text = re.sub(r"<[^>]*>", "", text)
        left = re.findall(r".{0,60}(?:\*\*|\$|&lt;span).{0,40}", text)
        assert not left, (name, left)


def test_every_notebook_has_its_page_its_launch_links_and_no_solution(site: Site) -> None:
    written = [one.name for one in course.NOTEBOOKS if course.path(one).exists()]
    assert names(site, "notebooks/") == [f"notebooks/{name}.html" for name in written]
    for name in site.pages:
        text = (site.folder / name).read_text(encoding="utf-8")
        if name == "search.html":
            continue
        for label in ("JupyterLab", "Colab", "Binder"):
            assert re.search(rf"<a [^>]*>{label}</a>", text), f"{name}: no link to {label}"
    for name in written:
        copy = site.folder / "downloads" / f"{name}.ipynb"
        assert copy.read_bytes() == (book.ROOT / "notebooks" / copy.name).read_bytes()
    assert not list(site.folder.rglob("solutions*"))


def test_the_api_has_every_public_function_and_class(site: Site) -> None:
    absent = []
    for name in book.public_modules():
        page = (site.folder / "api" / f"{name.split('.')[1]}.html").read_text(encoding="utf-8")
        for attribute, value in vars(importlib.import_module(name)).items():
            own = getattr(value, "__module__", None) == name and not attribute.startswith("_")
            told = own and (inspect.isfunction(value) or inspect.isclass(value)) and value.__doc__
            if told and f'id="{name}.{attribute}"' not in page:
                absent.append(f"{name}.{attribute}")
    assert not absent


def test_search_finds_words_in_both_languages(site: Site, visit) -> None:
    for word, expected in (("aliasing", "01 Sound waves"), ("에일리어싱", "Glossary")):
        page = visit(f"search.html?q={word}")
        page.wait_for_selector("#search-results ul.search li a")
        found = page.locator("#search-results ul.search li a").all_inner_texts()
        assert any(expected in title for title in found), (word, found)


def test_dark_mode_toggles_and_explorers_follow(site: Site, visit) -> None:
    page = visit("notebooks/01_sound_waves.html")
    page.evaluate(ENLIVEN)
    explorer = page.query_selector(".course-explorer")
    explorer.scroll_into_view_if_needed()
    until(lambda: explorers.attribute(explorer, "tone") == "light", "light")
    page.locator(".theme-switch-button:visible").first.click()
    page.locator(".theme-change-button[data-mode=dark]:visible").first.click()
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    until(lambda: explorers.attribute(explorer, "tone") == "dark", "dark")
    page.reload()
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"


@pytest.mark.timeout(600)
def test_every_explorer_answers_to_keys(site: Site, visit) -> None:
    """All kinds, each once; what only Python answers is locked and says so."""
    seen: dict[str, bool] = {}
    for name in ["index.html", *names(site, "notebooks/")]:
        text = (site.folder / name).read_text(encoding="utf-8")
        kinds = set(re.findall(r'class="course-stage" data-kind="(\w+)"', text)) - {"QuizWidget"}
        if not kinds - seen.keys():
            continue
        page = visit(name)
        assert page.evaluate(ENLIVEN) == []
        for stage in page.query_selector_all(".course-stage"):
            kind = stage.get_attribute("data-kind")
            explorer = stage.query_selector(".course-explorer")
            if explorer is None or kind in seen:
                continue
            explorers.show(page, explorer)
            move_something(page, explorer)
            asks = stage.get_attribute("data-asks")
            seen[kind] = bool(asks)
            for trait in asks.split():
                for control in stage.query_selector_all(f'[data-trait="{trait}"]'):
                    assert control.is_disabled(), f"{kind}: {trait}"
            assert bool(asks) <= ("asks Python" in stage.inner_text())
    assert len(seen) >= 16
    assert any(seen.values()) and not all(seen.values())


def move_something(page: Page, explorer: Any) -> None:
    """An arrow key on a picture or a slider changes what is drawn."""
    before = explorers.still(explorer)
    kinds = ("canvas[tabindex='0']", "input[type=range]:not(:disabled)", "[tabindex='0']")
    for control in [one for kind in kinds for one in explorer.query_selector_all(kind)]:
        control.focus()
        for key in ("ArrowRight", "ArrowLeft"):
            page.keyboard.press(key)
            if explorers.changes(explorer, before):
                return
    raise AssertionError("no key moves it")


def test_quiz_answers_and_sounds_have_a_duration_and_equations_are_set(site: Site, visit) -> None:
    page = visit("notebooks/01_sound_waves.html")
    assert page.evaluate(ENLIVEN) == []
    players = page.query_selector_all("figure.course-sound audio")
    assert len(players) >= 10
    for player in players:
        assert 0 < player.evaluate(DURATION) < 60
    quiz = page.query_selector(".course-quiz")
    quiz.scroll_into_view_if_needed()
    quiz.query_selector("input").focus()
    page.keyboard.press("Space")
    said = quiz.query_selector("[role=status]")
    until(lambda: len(said.inner_text()) > 20, "the explanation")
    page.wait_for_selector("mjx-container svg")
    until(lambda: page.query_selector("span.math") is not None, "equations")
    assert "\\lambda" not in page.inner_text("article")


def test_pages_can_be_read_from_a_folder(site: Site, browser: Browser) -> None:
    """Without any server: pictures, an explorer, a sound, equations, the search."""
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((site.folder / "notebooks" / "01_sound_waves.html").as_uri())
    assert page.evaluate(ENLIVEN) == []
    assert page.query_selector("figure.course-sound audio").evaluate(DURATION) > 0
    page.wait_for_selector("mjx-container svg")
    page.goto((site.folder / "search.html").as_uri() + "?q=aliasing")
    page.wait_for_selector("#search-results ul.search li a")
    assert not errors
    page.close()


def test_the_glossary_leads_to_first_uses_and_filters(site: Site, visit) -> None:
    page = visit("glossary.html")
    rows = page.locator("article table tbody tr")
    assert rows.count() == len(glossary.collect())
    page.fill("#course-filter", "맥놀이")
    until(lambda: page.locator("article table tbody tr:visible").count() == 1, "one row")
    page.locator("article table tbody tr:visible a").click()
    page.wait_for_url("**/01_sound_waves.html#term-beats")


def test_a_broken_explorer_leaves_its_picture(site: Site, browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    shutil.copytree(site.folder, folder, ignore=shutil.ignore_patterns("downloads", "api"))
    (folder / "_static" / "kinds" / "AirExplorer.js").write_text("throw new Error('broken')")
    page = browser.new_page()
    page.goto((folder / "notebooks" / "01_sound_waves.html").as_uri())
    alive = page.evaluate(ENLIVEN)
    assert alive == ["AirExplorer"]
    still = page.query_selector(".course-stage[data-kind=AirExplorer] img")
    assert still.get_attribute("alt").startswith("AirExplorer: a sound wave")
    page.close()
