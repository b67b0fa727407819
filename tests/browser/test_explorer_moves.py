"""The moves are proved: explorers made badly on purpose fail, a good one passes."""

import pytest
from playwright.sync_api import Page

from tests.browser import explorers

# A canvas, a slider, a play button and a sound button, in the least JavaScript that does it right.
GOOD = """
<div style="height: 3000px" class="jp-Notebook"><p class="jp-Cell">before</p>
<section class="course-explorer" data-explorer="toy" data-frames="0" data-sound="off"
  data-playing="no">
  <canvas width="200" height="50"></canvas>
  <input type="range" min="0" max="50" value="10" aria-label="Size">
  <button data-action="play">Play</button> <button data-action="sound">Sound</button>
</section><p class="jp-Cell" style="margin-top: 2500px">after</p></div>
<script>
const root = document.querySelector('section'), pen = root.querySelector('canvas').getContext('2d');
const [play, sound] = root.querySelectorAll('button'), slider = root.querySelector('input');
let shift = 0, context = null, seen = true;
function draw() {
  pen.clearRect(0, 0, 200, 50);
  pen.fillRect(shift % 100, 0, Number(slider.value), 50);
  root.dataset.frames = Number(root.dataset.frames) + 1;
}
function loop() {
  if (root.dataset.playing === 'yes' && seen) { shift += 1; draw(); }
  requestAnimationFrame(loop);
}
function silence() {
  context?.close();
  context = null;
  root.dataset.sound = 'off';
}
slider.oninput = draw;
play.onclick = () => { root.dataset.playing = root.dataset.playing === 'yes' ? 'no' : 'yes'; };
sound.onclick = () => {
  if (context) return silence();
  context = new AudioContext();
  root.dataset.sound = 'on';
};
new IntersectionObserver(entries => {
  seen = entries.at(-1).isIntersecting;
  if (!seen) silence();
}).observe(root);
draw();
loop();
</script>
"""

BROKEN = {
    "dead slider": ("slider.oninput = draw", "", "no key changes the picture"),
    "slider without label": ('aria-label="Size"', "", "without a label"),
    "keys taken away": (
        "slider.oninput = draw;",
        "slider.oninput = draw; slider.onkeydown = event => event.preventDefault();",
        "the arrow keys do not move",
    ),
    "plays unasked": ('data-playing="no"', 'data-playing="yes"', "moves by itself"),
    "dead play button": ("shift += 1", "shift += 0", "playing does not change"),
    "plays off the screen": ("=== 'yes' && seen", "=== 'yes'", "goes on off the screen"),
    "sounds off the screen": ("if (!seen) silence()", "", "sound off"),
    "context left open": ("context?.close();", "", "the audio context closed"),
}


VIEWPORT = (900, 600)


def move_all(page: Page, markup: str) -> None:
    page.goto("about:blank")
    page.set_content(markup)
    explorer = page.query_selector(".course-explorer")
    explorers.show(page, explorer)
    for move in explorers.GENERIC:
        move(page, explorer)


def test_good_explorer_passes(page: Page) -> None:
    move_all(page, GOOD)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_explorer_fails(page: Page, name: str) -> None:
    old, new, reason = BROKEN[name]
    assert old in GOOD
    with pytest.raises(AssertionError, match=reason):
        move_all(page, GOOD.replace(old, new))
