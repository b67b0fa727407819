"""How any explorer is moved, by mouse and by keyboard, and what must be seen then.

An explorer is an element `.course-explorer[data-explorer=NAME]`. Its pictures are canvases; what
can be dragged there has the class `course-draggable`; its controls are native: range inputs, check
boxes, buttons with `data-action`. So new explorers are tested without a line here. What only one
of them can do stands in SPECIAL, what one of them needs before it can be moved in FIRST.
"""

import base64
import json
import time
from collections.abc import Callable

from anywidget import AnyWidget
from playwright.sync_api import ElementHandle, Page

from course_utils.datasets import commands
from tests.browser.driver import until

Move = Callable[[Page, ElementHandle], None]

PICTURE = (
    """root => [...root.querySelectorAll('canvas')].map(canvas => canvas.toDataURL()).join()"""
)
# Buttons that start and end an animation, and those that start and end a sound.
PLAYS = "[data-action=play], [data-action=sweep]"
SOUNDS = "[data-action=sound], [data-action^=hear]"
VALUE = "input => Number(input.value)"

# Traits in a map, changes told to whoever listens, messages to Python kept in `sent`: as much of a
# widget's model as explorers use.
RENDER = """async ([source, state, buffers]) => {
  const values = {...state};
  for (const [name, text] of Object.entries(buffers))
    values[name] = new DataView(Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer);
  const handlers = new Map();
  window.sent = [];
  const model = window.model = {
    get: name => values[name],
    set: (name, value) => {
      values[name] = value;
      for (const handler of handlers.get(`change:${name}`) ?? []) handler();
      for (const handler of handlers.get('change') ?? []) handler();
    },
    save_changes() {},
    send: (content, callbacks, [buffer]) => sent.push([content, [...new Float32Array(buffer)]]),
    on: (event, handler) => handlers.set(event, [...(handlers.get(event) ?? []), handler]),
    off: () => {},
  };
  const address = URL.createObjectURL(new Blob([source], {type: 'text/javascript'}));
  const module = await import(address);
  module.default.render({model, el: document.body});
}"""


def render(page: Page, widget: AnyWidget, address: str = "about:blank") -> ElementHandle:
    """Draw a widget's own JavaScript on a bare page, with a stand-in for its model."""
    state = {k: v for k, v in widget.get_state().items() if not k.startswith("_anywidget")}
    source, style = state.pop("_esm"), state.pop("_css")
    names = [name for name, value in state.items() if isinstance(value, bytes | memoryview)]
    buffers = {name: base64.b64encode(state.pop(name)).decode("ascii") for name in names}
    page.goto(address)
    page.set_content(f"<style>{style}</style><p class=jp-Cell>a text</p>")
    page.evaluate(RENDER, [source, json.loads(json.dumps(state, default=str)), buffers])
    explorer = page.query_selector(".course-explorer")
    assert explorer is not None, "nothing was drawn"
    show(page, explorer)
    return explorer


def attribute(explorer: ElementHandle, name: str) -> str:
    return explorer.get_attribute(f"data-{name}") or ""


def frames(explorer: ElementHandle) -> int:
    return int(attribute(explorer, "frames") or 0)


def picture(explorer: ElementHandle) -> str:
    """All canvases of an explorer, as text."""
    text: str = explorer.evaluate(PICTURE)
    return text


def show(page: Page, explorer: ElementHandle) -> None:
    """Bring an explorer on the screen, and wait for its first picture."""

    def drawn() -> bool:
        # Pictures and formulas that load above it push it away again.
        explorer.scroll_into_view_if_needed()
        return frames(explorer) > 0

    until(drawn, "first picture", timeout_s=15)
    assert picture(explorer), "an explorer without a canvas"


def still(explorer: ElementHandle) -> str:
    """The picture once it rests; an explorer that moves by itself is never still."""
    before = ""
    for _ in range(20):
        now = picture(explorer)
        if now == before:
            return now
        before = now
        time.sleep(0.15)
    raise AssertionError("the picture moves by itself although less motion is wanted")


def changes(explorer: ElementHandle, before: str) -> bool:
    """Whether the picture becomes another one within two seconds."""
    end = time.monotonic() + 2
    while time.monotonic() < end:
        if picture(explorer) != before:
            return True
        time.sleep(0.03)
    return False


def move_by_keyboard(page: Page, explorer: ElementHandle) -> None:
    """Arrow keys move every range input, and some of them the picture."""
    inputs = explorer.query_selector_all("input[type=range]")
    moved = 0
    before = still(explorer)
    for control in inputs:
        label = control.get_attribute("aria-label")
        assert label, "a range input without a label"
        control.focus()
        value = control.evaluate(VALUE)
        high = control.evaluate("input => Number(input.value) >= Number(input.max)")
        for _ in range(3):
            page.keyboard.press("ArrowLeft" if high else "ArrowRight")
        assert control.evaluate(VALUE) != value, f"the arrow keys do not move {label!r}"
        # One change of the picture is enough: a volume, for one, is not to be seen.
        if not moved and changes(explorer, before):
            moved += 1
    if not inputs:
        focusable = explorer.query_selector("button, [tabindex='0']")
        assert focusable, "nothing in the explorer takes the keyboard"
        focusable.focus()
        for key in ("ArrowRight", "ArrowRight", "Enter"):
            page.keyboard.press(key)
        moved = changes(explorer, before)
    assert moved, "no key changes the picture"


def move_by_mouse(page: Page, explorer: ElementHandle) -> None:
    """Dragging over each draggable canvas, or else over a slider, changes the picture."""
    targets = explorer.query_selector_all(".course-draggable")
    targets = targets or explorer.query_selector_all("input[type=range]")[:1]
    assert targets, "nothing in the explorer can be dragged"
    for target in targets:
        target.scroll_into_view_if_needed()
        before = still(explorer)
        box = target.bounding_box()
        assert box, "what is to be dragged is hidden"
        x, y = box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"]
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 0.4 * box["width"], y - 0.2 * box["height"], steps=10)
        page.mouse.up()
        assert changes(explorer, before), "dragging does not change the picture"


def play_and_pause(page: Page, explorer: ElementHandle) -> None:
    """A button starts each animation and ends it, by keyboard; off the screen it rests."""
    for button in explorer.query_selector_all(PLAYS):
        explorer.scroll_into_view_if_needed()
        before = still(explorer)
        button.focus()
        page.keyboard.press("Space")
        until(lambda: attribute(explorer, "playing") == "yes", "playing")
        assert changes(explorer, before), "playing does not change the picture"
        scroll_away(page)
        rests(explorer, "the animation goes on off the screen")
        explorer.scroll_into_view_if_needed()
        button.focus()
        if attribute(explorer, "playing") == "yes":
            page.keyboard.press("Space")
        still(explorer)


def sound_on_and_off(page: Page, explorer: ElementHandle) -> None:
    """A button starts each sound and ends it, by keyboard; off the screen the sound ends."""
    for button in explorer.query_selector_all(SOUNDS):
        for end in (lambda: page.keyboard.press("Space"), lambda: scroll_away(page)):
            explorer.scroll_into_view_if_needed()
            button.focus()
            page.keyboard.press("Space")
            until(lambda: attribute(explorer, "sound") != "off", "sound on")
            until(lambda: sounding(page) == 1, "one running audio context")
            end()
            until(lambda: attribute(explorer, "sound") == "off", "sound off")
            until(lambda: sounding(page) == 0, "the audio context closed")


def sounding(page: Page) -> int:
    """How many audio contexts are not closed."""
    count: int = page.evaluate("() => courseContexts.filter(c => c.state !== 'closed').length")
    return count


def scroll_away(page: Page) -> None:
    """Bring the notebook's other end on the screen: the explorer leaves it."""
    page.evaluate(
        """() => {
          const cells = [...document.querySelectorAll('.jp-Notebook .jp-Cell')];
          const middle = innerHeight / 2;
          const away = cell => Math.abs(cell.getBoundingClientRect().top - middle);
          cells.sort((a, b) => away(b) - away(a))[0].scrollIntoView();
        }"""
    )


def rests(explorer: ElementHandle, problem: str) -> None:
    """No more frames are drawn, a moment for the last one allowed."""
    time.sleep(0.4)
    count = frames(explorer)
    time.sleep(0.4)
    assert frames(explorer) == count, problem


def drag_harmonics(page: Page, explorer: ElementHandle) -> None:
    """One stroke of the pointer over the columns sets several harmonics."""
    bars = explorer.query_selector(".wave-bars")
    assert bars, "the columns of the harmonics are missing"
    bars.scroll_into_view_if_needed()
    values = "root => [...root.querySelectorAll('input[type=range]')].map(i => Number(i.value))"
    before = bars.evaluate(values)
    shown = still(explorer)
    box = bars.bounding_box()
    assert box, "the columns are hidden"
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.35 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.65 * box["height"], steps=30)
    page.mouse.up()
    after = bars.evaluate(values)
    moved = sum(one != other for one, other in zip(before, after, strict=True))
    assert moved >= 3, f"one stroke moved {moved} harmonics"
    assert changes(explorer, shown), "new harmonics do not change the picture"


def wind_by_keyboard(page: Page, explorer: ElementHandle) -> None:
    """An arrow key winds 1 Hz faster, Page Up 10 Hz, and the numbers follow."""
    slider = explorer.query_selector("[data-trait=frequency_hz]")
    assert slider, "the slider of the winding frequency is missing"
    slider.focus()
    expected = 0
    for key, step in (("Home", 0), ("PageUp", 10), ("ArrowRight", 1), ("Shift+ArrowLeft", -10)):
        page.keyboard.press(key)
        expected += step
        until(lambda hz=expected: abs(probe(explorer, "hz") - hz) < 0.01, f"{key}: {expected} Hz")


def point_at_the_spectrogram(page: Page, explorer: ElementHandle) -> None:
    """A click puts the cross-hair there, arrow keys move it on."""
    canvas = explorer.query_selector("canvas")
    assert canvas, "the picture is missing"
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box, "the picture is hidden"
    places = []
    for x, y in ((0.3, 0.8), (0.6, 0.5)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        time.sleep(0.3)
        places.append((probe(explorer, "time"), probe(explorer, "hz")))
    assert places[1] > places[0], "the cross-hair does not follow the click"
    assert places[1][1] > places[0][1], "the cross-hair does not rise with the click"
    canvas.focus()
    for key, name in (("ArrowRight", "time"), ("ArrowUp", "hz")):
        before = probe(explorer, name)
        page.keyboard.press(key)
        until(
            lambda name=name, before=before: probe(explorer, name) > before,
            f"{key} moves the cross-hair",
        )


def filter_by_presets(page: Page, explorer: ElementHandle) -> None:
    """Each preset is heard: the filtered sound has another level."""
    buttons = explorer.query_selector_all("[data-action^=preset]")
    assert len(buttons) >= 3, "fewer than three presets"
    levels = [float("nan")]
    for button in buttons:
        button.focus()
        page.keyboard.press("Space")
        until(lambda: probe(explorer, "rms") not in levels, "a level that no preset had before")
        still(explorer)
        levels.append(probe(explorer, "rms"))


def give_it_a_sound(page: Page, explorer: ElementHandle) -> None:
    """A recorder without a take has nothing that moves: open a file in it, and let it be read."""

    def told() -> dict:
        return json.loads(attribute(explorer, "voice"))

    until(lambda: attribute(explorer, "voice") != "", "its state", timeout_s=20)
    if told()["trim"] is None:
        opener = explorer.query_selector("input[type=file]")
        assert opener, "no file can be opened"
        opener.set_input_files(commands.load("test").path(0))
    until(lambda: told()["trim"] is not None, "a take", timeout_s=20)
    until(lambda: "waiting" not in told()["texts"].values(), "its readings", timeout_s=60)
    show(page, explorer)


def probe(explorer: ElementHandle, name: str) -> float:
    """A number that the explorer gives for tests, as JSON in data-probe."""
    return float(json.loads(attribute(explorer, "probe"))[name])


GENERIC: list[Move] = [move_by_keyboard, move_by_mouse, play_and_pause, sound_on_and_off]
FIRST: dict[str, Move] = {"voice": give_it_a_sound}
SPECIAL: dict[str, list[Move]] = {
    "wave": [drag_harmonics],
    "winding": [wind_by_keyboard],
    "filter": [filter_by_presets],
    "spectrogram": [point_at_the_spectrogram],
}
