"""Every slide of every deck at 1280 x 720: nothing overflows, fails to load or reports an error.

The decks are built here from the notebooks, and shown from files: what they need lies beside them.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from docs.tools import slides
from docs.tools.execute import ROOT
from tests.browser.driver import until

VIEWPORT = (1280, 720)
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
READY = "document.documentElement.dataset.ready === 'yes'"
ALLOWED = re.compile(r"^(file|blob|data|about):|^http://127\.0\.0\.1:\d+/")

WALK = Path(__file__).with_name("walk_slides.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def decks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All decks, built once."""
    folder = tmp_path_factory.mktemp("slides")
    slides.build(NOTEBOOKS, folder)
    return folder


@pytest.fixture
def deck(browser: Browser) -> Iterator[Page]:
    """A page that may load files and localhost only; whatever goes wrong in it fails the test."""
    context = browser.new_context(
        viewport={"width": VIEWPORT[0], "height": VIEWPORT[1]}, reduced_motion="reduce"
    )
    wrong: list[str] = []

    def guard(route: Route) -> None:
        if ALLOWED.match(route.request.url):
            route.continue_()
        else:
            wrong.append(f"asked the network for {route.request.url}")
            route.abort()

    context.route("**/*", guard)
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url[:100]}"))
    page.on(
        "console",
        lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None,
    )
    yield page
    assert wrong == []
    context.close()


def open_deck(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_function(READY, timeout=60_000)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_slide_fits(deck: Page, decks: Path, notebook: Path) -> None:
    open_deck(deck, (decks / f"{notebook.stem}.html").as_uri())
    walk = deck.evaluate(WALK)
    assert walk["problems"] == []
    assert walk["slides"] == walk["total"]
    assert walk["steps"] > walk["slides"], "nothing waits for a key"
    for kind in ("title", "goals", "agenda", "summary", "quiz", "exercises"):
        assert walk["kinds"].get(kind), f"no slide of kind {kind}"


def test_explorers_move_and_are_dragged_where_the_pointer_is(deck: Page, decks: Path) -> None:
    # Reveal scales the slide to the window; the explorer must still know where the pointer is.
    deck.set_viewport_size({"width": 1600, "height": 900})
    open_deck(deck, (decks / "01_sound_waves.html").as_uri())
    go_to(deck, "[aria-label^=AirExplorer]")
    explorer = deck.locator("[aria-label^=AirExplorer] .course-explorer")
    until(lambda: int(explorer.get_attribute("data-frames") or 0) > 0, "first picture")
    slider = explorer.locator("[data-trait=cursor_m]")
    follow = explorer.locator("[data-trait=follow_crest]")
    if follow.is_checked():
        follow.uncheck()
    canvas = explorer.locator("canvas.course-draggable").first
    box = canvas.bounding_box()
    assert box
    places = []
    for share in (0.35, 0.65):
        deck.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        places.append(
            float(slider.evaluate("input => (input.value - input.min) / (input.max - input.min)"))
        )
    # The tube does not fill the canvas from edge to edge, so that only the distance is known well.
    assert 0.28 < places[1] - places[0] < 0.42, places
    before = Page.evaluate(deck, "() => Reveal.getIndices().h")
    slider.press("ArrowRight")
    assert Page.evaluate(deck, "() => Reveal.getIndices().h") == before, "an arrow left the slide"


def test_an_explorer_that_does_not_start_is_a_still_picture(decks: Path, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": VIEWPORT[0], "height": VIEWPORT[1]})
    text = (decks / "00_start_here.html").read_text("utf-8")
    (decks / "still.html").write_text(text.replace('"_esm": "', '"_esm": "throw Error();'), "utf-8")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    open_deck(page, (decks / "still.html").as_uri())
    assert any("shown as a still picture" in text for text in said)
    go_to(page, ".live")
    assert page.evaluate(WALK)["problems"] == []
    assert page.locator(".live img").count() == 1
    page.close()


def test_a_player_plays_and_ends_with_its_slide(deck: Page, decks: Path) -> None:
    open_deck(deck, (decks / "01_sound_waves.html").as_uri())
    go_to(deck, "audio")
    audio = deck.locator("section.present:not(.stack) audio").first
    audio.evaluate("async player => { player.muted = true; await player.play(); }")
    until(lambda: audio.evaluate("player => player.currentTime") > 0, "sound")
    handle = audio.element_handle()
    assert handle
    deck.evaluate(
        "() => { while (Reveal.availableFragments().next) Reveal.next(); Reveal.next(); }"
    )
    until(lambda: handle.evaluate("player => player.paused"), "silence")


def test_predictions_are_asked_before_the_answer_is_shown(deck: Page, decks: Path) -> None:
    open_deck(deck, (decks / "01_sound_waves.html").as_uri())
    go_to(deck, ".lead.ask ~ .shows")
    shown = deck.locator("section.present:not(.stack) .shows")
    assert shown.evaluate("part => getComputedStyle(part).visibility") == "hidden"
    deck.keyboard.press("Space")
    until(
        lambda: shown.evaluate("part => getComputedStyle(part).visibility") == "visible", "answer"
    )


def test_the_speakers_window_has_notes_the_next_slide_and_a_clock(deck: Page, decks: Path) -> None:
    open_deck(deck, (decks / "01_sound_waves.html").as_uri())
    go_to(deck, "[data-kind=figure] img")
    with deck.expect_popup() as opened:
        deck.keyboard.press("s")
    speaker = opened.value
    notes = speaker.locator("#notes")
    until(lambda: "Until minute" in (notes.text_content() or ""), "notes")
    before = notes.text_content()
    assert speaker.locator("#next .page").count() == 1
    times = "Reveal.getSlides().reduce((sum, one) => sum + Number(one.dataset.timing), 0)"
    minutes, seconds = divmod(Page.evaluate(deck, times), 60)
    assert f"of {minutes}:{seconds:02d}:" in (speaker.locator("#pace").text_content() or "")
    speaker.locator("#on").click()
    deck.evaluate("() => { while (Reveal.availableFragments().next) Reveal.next(); }")
    speaker.keyboard.press("PageDown")
    until(lambda: notes.text_content() != before, "notes of the next slide")
    speaker.close()


def go_to(page: Page, selector: str) -> None:
    """Show the first slide that holds something."""
    page.evaluate(
        """selector => {
          const slide = document.querySelector(`.slides ${selector}`).closest('section');
          const {h, v} = Reveal.getIndices(slide);
          Reveal.slide(h, v, -1);
        }""",
        selector,
    )


def test_decks_hold_no_address_that_is_loaded(decks: Path) -> None:
    for path in decks.glob("*.html"):
        page = re.sub(
            r"<script type=\"application/json\".*?</script>",
            "",
            path.read_text("utf-8"),
            flags=re.S,
        )
        loaded = re.findall(
            r"<(?:script|link|img|audio|iframe)[^>]*?(?:src|href)=\"(https?:[^\"]*)", page
        )
        assert loaded == [], path.name


def test_what_a_deck_shows_is_in_its_notebook(decks: Path) -> None:
    notebook = json.loads((ROOT / "notebooks" / "02_fourier.ipynb").read_text("utf-8"))
    pictures = {
        "".join(output["data"]["image/png"].split())
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    }
    page = (decks / "02_fourier.html").read_text("utf-8")
    shown = re.findall(r"src=\"data:image/png;base64,([^\"]+)", page)
    assert shown and set(shown) <= pictures


def test_the_walk_finds_what_is_wrong(deck: Page, decks: Path) -> None:
    # A test that can't fail is a defect: one fault of each kind, and each must be reported.
    page = (decks / "00_start_here.html").read_text("utf-8")
    faults = "<p>one line more</p>" * 60 + "<p>**not** rendered, $x^2$ aside</p>"
    faults += '<p style="font-size:9px">small</p><img src="data:image/svg+xml,'
    faults += "%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/%3E\">"
    assert '<div class="take fragment">' in page
    broken = page.replace('<div class="take fragment">', f'<div class="take fragment">{faults}', 1)
    broken = re.sub(r"<aside class=\"notes\">.*?</aside>", "", broken, count=1, flags=re.S)
    (decks / "broken.html").write_text(broken, "utf-8")
    open_deck(deck, (decks / "broken.html").as_uri())
    problems = "\n".join(deck.evaluate(WALK)["problems"])
    for said in ("leaves the screen", "not rendered: **", "9 px", "without a text", "no notes"):
        assert said in problems, said
