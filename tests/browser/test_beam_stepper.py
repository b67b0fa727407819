"""What the prefix-beam stepper computes in the browser is what `decoding` computes in Python."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import ElementHandle, Page

from course_utils import decoding, widgets
from course_utils.widgets.beam_stepper import Bigrams
from tests.browser import explorers
from tests.browser.driver import until

UNEVEN = [[0.1, 0.6, 0.3], [0.6, 0.4, 0.0], [0.0, 0.7, 0.3], [0.7, 0.0, 0.3]]
EXAMPLES = {
    "uneven": UNEVEN,
    "two frames": [[0.6, 0.4], [0.6, 0.4]],
    "long": np.random.default_rng(5).dirichlet(np.full(20, 0.3), size=30),
}
NAMES = ["-", *"abcdefghijklmnopqrs"]
BIGRAMS = np.log(np.random.default_rng(6).dirichlet(np.ones(20), size=20))

ARITHMETIC = (Path(widgets.__file__).parent / "beam.js").read_text(encoding="utf-8")
DECODE = f"""cases => {{
  {ARITHMETIC}
  return cases.map(([rows, setting]) => {{
    const columns = searchBeam(rows, setting);
    return {{
      beams: columns.map(({{ kept }}) => kept.map((e) => [e.tokens, e.blank, e.label, e.share])),
      sums: columns.slice(1).every(({{ kept, fallen }}) => [...kept, ...fallen].every((entry) => {{
        const all = entry.arrows.reduce((sum, arrow) => sum + arrow.value, 0);
        return Math.abs(all - entry.blank - entry.label) < 1e-12;
      }})),
      answers: answers(rows, columns, setting).map((e) => [e.tokens, e.score]),
      every: everyLabelling(rows, setting)?.map((e) =>
        [e.tokens, e.score, exactly(rows, e.tokens)]),
      path: bestPath(rows),
    }};
  }});
}}"""


def labellings(rows: np.ndarray) -> dict[tuple[int, ...], float]:
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(rows.shape[1]), repeat=len(rows)):
        key = tuple(token for token, _ in itertools.groupby(path) if token)
        p = math.prod(row[token] for row, token in zip(rows, path, strict=True))
        found[key] = found.get(key, 0.0) + p
    return found


def test_the_arithmetic_is_the_decoders(page: Page) -> None:
    """Random cases: each beam with its parts, the answers, all labellings, the best path."""
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(120):
        frames, tokens = rng.integers(1, 7), rng.integers(2, 5)
        rows = rng.dirichlet(np.full(tokens, 0.7), size=frames)
        lm = np.log(rng.dirichlet(np.ones(tokens), size=tokens)) if rng.random() < 0.6 else None
        alpha, beta = (rng.uniform(0, 2), rng.uniform(-1, 3)) if lm is not None else (0.0, 0.0)
        setting = {"lm": lm, "width": int(rng.integers(1, 9)), "alpha": alpha, "beta": beta}
        cases.append((rows, setting))
    plain = [
        [rows.tolist(), {**one, "lm": one["lm"] if one["lm"] is None else one["lm"].tolist()}]
        for rows, one in cases
    ]
    for (rows, setting), found in zip(cases, page.evaluate(DECODE, plain), strict=True):
        lm = None if setting["lm"] is None else Bigrams(setting["lm"])
        log_probs = torch.tensor(np.log(rows))
        weights = {"lm": lm, "alpha": setting["alpha"], "beta": setting["beta"]}
        beams = decoding.prefix_beams(log_probs, setting["width"], **weights)
        for mine, theirs in zip(found["beams"], beams, strict=True):
            kept = {k: p for k, p in theirs.items() if p.total > -math.inf}
            assert [tuple(tokens) for tokens, *_ in mine] == list(kept)
            parts = [[math.exp(p.blank), math.exp(p.label), p.share] for p in kept.values()]
            np.testing.assert_allclose([one[1:] for one in mine], parts, rtol=1e-9, atol=1e-12)
        assert found["sums"]
        best = decoding.prefix_beam_search(log_probs, setting["width"], **weights, top=8)
        assert [tokens for tokens, _ in found["answers"]] == [one.tokens for one in best]
        scores = [one.score for one in best]
        np.testing.assert_allclose([score for _, score in found["answers"]], scores, rtol=1e-9)
        every = labellings(rows)
        assert len(found["every"]) == sum(p > 0 for p in every.values())
        for tokens, score, p in found["every"]:
            assert p == pytest.approx(every[tuple(tokens)], rel=1e-9)
            steps = list(itertools.pairwise((0, *tokens, 0)))
            share = 0.0 if lm is None else sum(setting["lm"][i, j] for i, j in steps)
            share = setting["alpha"] * share + setting["beta"] * len(tokens)
            assert score == pytest.approx(math.log(p) + share, abs=1e-9)
        assert found["path"]["tokens"] == decoding.greedy(log_probs[None])[0]
        assert found["path"]["probability"] == pytest.approx(rows.max(axis=1).prod())


def render(page: Page, lm: bool = False, **traits: object) -> ElementHandle:
    stepper = widgets.BeamStepper(EXAMPLES, NAMES, BIGRAMS if lm else None, **traits)
    return explorers.render(page, stepper)


def probe(element: ElementHandle) -> dict:
    return json.loads(explorers.attribute(element, "probe"))


def value(page: Page, trait: str) -> float:
    return page.evaluate("name => model.get(name)", trait)


def test_what_is_shown_is_the_search(page: Page) -> None:
    traits = {"example": "long", "width": 6, "alpha": 0.6, "beta": 0.5}
    element = render(page, lm=True, **traits)
    explorer = widgets.BeamStepper(EXAMPLES, NAMES, BIGRAMS, **traits)
    for frame in (0, 1, 7, 30):
        explorer.frame = frame
        page.evaluate("frame => model.set('frame', frame)", frame)
        until(lambda frame=frame: probe(element)["frame"] == frame, "the frame")
        found = probe(element)["kept"]
        beam = explorer.beam()
        assert [tuple(one["tokens"]) for one in found] == [tokens for tokens, _ in beam]
        assert [one["score"] for one in found] == pytest.approx([p.score for _, p in beam])
    assert "too many labellings" in element.inner_text()
    best = explorer.answers()[0]
    row = element.query_selector(".beam-result tr:nth-child(2)").inner_text()
    assert row.split()[0] == explorer.spell(best.tokens)
    assert row.split()[-1] == f"{best.score:.2f}".replace("-", "−")


def test_the_sum_of_the_chosen_prefix_is_spelled(page: Page) -> None:
    element = render(page, width=2, frame=3)
    # Of a, only the paths that end in a blank grow a second a.
    sums = element.query_selector(".beam-sums")
    rows = probe(element)["kept"]
    assert ["".join(NAMES[k] for k in one["tokens"]) for one in rows] == ["aa", "ab"]
    assert "pnb′[aa] = pb[a] · y(a) = .360 · .700 = .252" in sums.inner_text().replace("\n", "")
    assert "Only pb[a] grows by another a" in sums.inner_text().replace("\n", "")
    element.query_selector(".beam-stage").focus()
    page.keyboard.press("ArrowDown")
    text = "pnb′[ab] = (pb + pnb)[a] · y(b)"
    until(lambda: text in sums.inner_text().replace("\n", ""), "the sum of the second prefix")


def test_a_wider_beam_is_not_always_better(page: Page) -> None:
    element = render(page, width=3, frame=4)
    result = element.query_selector(".beam-result")
    assert "Best path: a - a -, p = .176. It collapses to aa" in result.inner_text()
    assert "Of all 8 possible labellings the best is ab, p = .263: ✗" in result.inner_text()
    answers = element.query_selector(".beam-widths tr:nth-child(2)").inner_text().split()
    assert answers == ["answer", *["✗", "aa", "✓", "ab", "✗", "aa"], *["✓", "ab"] * 5]
    page.evaluate("() => model.set('width', 2)")
    until(lambda: "✓ this search found it" in result.inner_text(), "found with width 2")
    page.evaluate("() => model.set('frame', 2)")
    until(lambda: "Of all" not in result.inner_text(), "no answer before the end")


def test_steps_by_button_by_key_and_by_mouse(page: Page) -> None:
    element = render(page)
    for action, expected in (("step", 1), ("step", 2), ("back", 1), ("last", 4), ("first", 0)):
        element.query_selector(f"[data-action={action}]").click()
        assert value(page, "frame") == expected, action
    for canvas in (".beam-stage", ".beam-grid"):
        element.query_selector(canvas).focus()
        for key, expected in (
            ("ArrowRight", 1),
            ("End", 4),
            ("ArrowRight", 4),
            ("ArrowLeft", 3),
            ("Home", 0),
            ("ArrowLeft", 0),
        ):
            page.keyboard.press(key)
            assert value(page, "frame") == expected, key
    element.query_selector(".beam-stage").focus()
    for key in ("End", "ArrowLeft"):
        page.keyboard.press(key)
    until(lambda: probe(element)["frame"] == 3, "frame 3")
    for key, expected in (("ArrowUp", 0), ("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1)):
        page.keyboard.press(key)
        assert value(page, "row") == expected, key
    page.keyboard.press("ArrowLeft")
    assert (value(page, "frame"), value(page, "row")) == (2, 0)
    stage = element.query_selector(".beam-stage")
    box = stage.bounding_box()
    stage.click(position={"x": box["width"] - 80, "y": 24 + 35 + 17})
    assert value(page, "row") == 1
    stage.click(position={"x": 20, "y": 60})  # no prefix of this frame lies there
    assert value(page, "row") == 1


def test_pointing_at_a_cell_reads_it_and_dragging_goes_there(page: Page) -> None:
    element = render(page, example="two frames", frame=2)
    grid = element.query_selector(".beam-grid")
    shown = explorers.still(element)
    box = grid.bounding_box()
    page.mouse.move(box["x"] + 140, box["y"] + 60)
    assert explorers.changes(element, shown)  # its number stands above
    assert value(page, "frame") == 2
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 60, steps=3)
    page.mouse.up()
    assert value(page, "frame") == 1
    page.mouse.move(box["x"] + 60, box["y"] - 60)
    grid.focus()
    page.keyboard.press("ArrowRight")
    assert explorers.still(element) == shown


def test_it_plays_to_the_end_and_begins_again(page: Page) -> None:
    element = render(page, example="two frames", frame=1)
    button = element.query_selector("[data-action=play]")
    button.click()
    until(lambda: value(page, "frame") == 2, "the last frame")
    until(lambda: explorers.attribute(element, "playing") == "no", "the end")
    button.click()
    assert value(page, "frame") == 0
    page.keyboard.press("Space")
    assert explorers.attribute(element, "playing") == "no"


@pytest.mark.parametrize("width", [320, 600, 1000])
def test_nothing_is_wider_than_the_page(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    element = render(page, lm=True, example="long", frame=30, width=8, alpha=1, beta=1)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert len(probe(element)["kept"]) == 8
