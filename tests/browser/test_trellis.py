"""The trellis explorer in the browser: its numbers are Python's, and everything in it moves."""

import json
import math

import numpy as np
import pytest
import torch
from playwright.sync_api import ElementHandle, Page

from course_utils import ctc, widgets
from tests.browser import explorers
from tests.browser.driver import until
from tests.test_widgets_trellis import explorer

TARGETS = [[1, 2], [1, 1], [1] * 4]


VIEWPORT = (1000, 1100)


def probe(element: ElementHandle) -> dict:
    return json.loads(explorers.attribute(element, "probe"))


def trait(page: Page, name: str) -> object:
    return page.evaluate("name => model.get(name)", name)


def after(element: ElementHandle, action: object) -> dict:
    """What the explorer says once something was done to it."""
    count = explorers.frames(element)
    action()
    until(lambda: explorers.frames(element) > count, "a new picture")
    return probe(element)


def run(page: Page, body: str, argument: object) -> object:
    """A line of JavaScript with the explorer's own functions around it."""
    source = explorer()._esm.replace("export default { render };", "")
    return page.evaluate(f"argument => {{ {source}\nreturn {body}; }}", argument)


def random_cases() -> list[tuple[np.ndarray, list[int]]]:
    rng = np.random.default_rng(5)
    cases = []
    for index in range(120):
        frames, tokens = int(rng.integers(1, 13)), int(rng.integers(2, 7))
        y = rng.dirichlet(np.full(tokens, 0.5), frames)
        if index % 4 == 0:  # some zeros
            y[y < 0.1] = 0
            y /= y.sum(axis=1, keepdims=True)
        cases.append((y, rng.integers(1, tokens, rng.integers(0, 7)).tolist()))
    return cases


def test_every_number_is_that_of_the_course_and_of_torch(page: Page) -> None:
    cases = random_cases()
    found = run(
        page,
        "argument.map(([y, target]) => trellis(y, target))",
        [[y.tolist(), target] for y, target in cases],
    )
    possible = 0
    for (y, target), one in zip(cases, found, strict=True):
        explorer = widgets.TrellisExplorer(y, target)
        expected = explorer.trellis
        for name in ("alpha", "beta"):
            values = getattr(expected, name).exp().numpy()
            np.testing.assert_allclose(one[name], values, rtol=1e-9, atol=1e-300)
        np.testing.assert_allclose(one["occupancy"], expected.occupancy.numpy(), atol=1e-9)
        assert one["rows"] == expected.labels.tolist()
        assert one["p"] == pytest.approx(math.exp(expected.log_prob), rel=1e-9)
        assert one["count"] == ctc.count_alignments(target, len(y))
        assert one["needed"] == ctc.frames_needed(target)
        path, best = explorer.best_path()
        assert one["best"] == pytest.approx(best, rel=1e-9)
        if not path:
            assert one["path"] is None
            continue
        possible += 1
        # Two paths may be equally good; whatever path is shown has that probability.
        shown = math.prod(y[t, one["rows"][s]] for t, s in enumerate(one["path"]))
        assert shown == pytest.approx(best, rel=1e-9)
        np.testing.assert_allclose(one["sums"], one["p"], rtol=1e-9)
        log_probs = torch.tensor(y).log()[:, None]
        lengths = torch.tensor([len(y)]), torch.tensor([len(target)])
        loss = torch.nn.functional.ctc_loss(
            log_probs, torch.tensor([target]), *lengths, reduction="sum"
        )
        assert one["loss"] == pytest.approx(float(loss), rel=1e-9, abs=1e-12)
    assert 30 < possible < 110


def test_a_cell_is_alive_when_a_whole_path_goes_through_it(page: Page) -> None:
    for y, target in random_cases()[:40]:
        even = torch.full(y.shape, -math.log(y.shape[1]), dtype=torch.float64)
        alive = run(page, "trellis(...argument).alive", [y.tolist(), target])
        assert alive == (ctc.trellis(even, target).occupancy > 0).tolist()


def test_a_training_step_is_a_step_of_gradient_descent_on_the_logits(page: Page) -> None:
    rng = np.random.default_rng(8)
    for target in ([1, 2], [2, 2, 1], []):
        logits = torch.tensor(rng.normal(size=(6, 3)), requires_grad=True)
        log_probs = logits.log_softmax(dim=-1)
        loss = torch.nn.functional.ctc_loss(
            log_probs[:, None],
            torch.tensor([target]),
            torch.tensor([6]),
            torch.tensor([len(target)]),
            reduction="sum",
        )
        loss.backward()
        expected = (logits.detach() - 0.7 * logits.grad).softmax(dim=-1).numpy()
        y = log_probs.exp().tolist()
        moved = run(page, "descend(argument[0], trellis(...argument).wanted, 0.7)", [y, target])
        np.testing.assert_allclose(moved, expected, atol=1e-9)


def test_an_edited_frame_sums_to_1_and_keeps_proportions(page: Page) -> None:
    for frame, token, value, expected in (
        ([0.5, 0.3, 0.2], 0, 0.75, [0.75, 0.15, 0.1]),
        ([0.5, 0.3, 0.2], 2, 0.0, [0.625, 0.375, 0]),
        ([0.5, 0.3, 0.2], 1, 1.0, [0, 1, 0]),
        ([0.0, 1.0, 0.0], 1, 0.4, [0.3, 0.4, 0.3]),
        ([0.0, 1.0, 0.0], 0, 0.4, [0.4, 0.6, 0]),
        ([1.0, 0.0], 0, 0.0, [0, 1]),
    ):
        found = run(page, "edited(...argument)", [frame, token, value])
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_picture_says_pythons_numbers(page: Page) -> None:
    for traits in (
        {},
        {"target": [1, 1, 2], "shown": "beta", "frame": 3, "place": 4},
        {"target": [], "shown": "occupancy", "frame": 11, "place": 12},
    ):
        one = explorer(**traits)
        element = explorers.render(page, one)
        found = probe(element)
        assert found["p"] == pytest.approx(math.exp(one.trellis.log_prob))
        assert found["sum"] == pytest.approx(found["p"])
        assert found["path"] == one.best_path()[0]
        assert found["cell"] == pytest.approx(one.values()[one.cell])


@pytest.mark.parametrize(
    ("traits", "lines"),
    [
        (
            {"frame": 3, "place": 3},
            [
                "α₃(3) = (α₂(3) + α₂(2) + α₂(1)) · y₃(b)",
                "= (0.132 + 0.315 + 0.216) · 0.6 = 0.398",
                "Three terms",
            ],
        ),
        (
            {"frame": 1, "place": 3, "target": [1, 1]},
            ["α₁(3) = (α₀(3) + α₀(2)) · y₁(a)", "= (0 + 0) · 0.6 = 0", "labels are equal"],
        ),
        (
            {"frame": 1, "place": 2},
            ["α₁(2) = (α₀(2) + α₀(1)) · y₁(-)", "= (0 + 0.3) · 0.3 = 0.09", "leave out a label"],
        ),
        ({"frame": 0, "place": 1}, ["α₀(1) = y₀(a)", "= 0.3", "Paths begin"]),
        ({"frame": 0, "place": 2}, ["α₀(2) = 0", "", "Paths begin"]),
        (
            {"frame": 4, "place": 3, "shown": "beta"},
            ["β₄(3) = (β₅(3) + β₅(4)) · y₄(b)", "= (0.1 + 0.8) · 0.4 = 0.36", "Graves"],
        ),
        ({"frame": 5, "place": 4, "shown": "beta"}, ["β₅(4) = y₅(-)", "= 0.8", "Paths end"]),
        (
            {"frame": 3, "place": 3, "shown": "occupancy"},
            ["occupancy₃(3) = α₃(3) · β₃(3) / (y₃(b) · p)", "= 0.398 · ", "share of p"],
        ),
    ],
)
def test_the_sum_of_the_chosen_cell_is_spelled_out(page: Page, traits: dict, lines: list) -> None:
    element = explorers.render(page, explorer(**traits))
    said = element.query_selector(".trellis-equation").query_selector_all("div")
    for node, expected in zip(said, lines, strict=True):
        text = node.text_content()
        assert expected in text if expected else text == ""


def test_bars_are_dragged_and_the_frame_still_sums_to_1(page: Page) -> None:
    element = explorers.render(page, explorer())
    before = trait(page, "probabilities")
    box = element.query_selector(".trellis-bars").bounding_box()
    height, column = 54, (box["width"] - 66 - 4) / 6
    x, y = box["x"] + 66 + 2.5 * column, box["y"] + 38 + 1.5 * height
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 100, y - 300, steps=4)  # beside and above: it still holds the same bar
    page.mouse.up()
    until(lambda: probe(element)["token"] == 1, "the bar that was touched")
    rows = trait(page, "probabilities")
    assert rows[2] == [0, 1, 0]
    assert [*rows[:2], *rows[3:]] == [*before[:2], *before[3:]]
    assert trait(page, "frame") == 2
    # The name before the bars is not a bar.
    page.mouse.click(box["x"] + 20, y)
    assert trait(page, "probabilities") == rows


def test_bars_are_moved_by_keys(page: Page) -> None:
    element = explorers.render(page, explorer(frame=0, place=0))
    element.query_selector(".trellis-bars").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowUp", "+", "+"):
        page.keyboard.press(key)
    assert trait(page, "frame") == 1
    row = trait(page, "probabilities")[1]
    np.testing.assert_allclose(row, [0.3 * 0.75, 0.7, 0.1 * 0.75])
    page.keyboard.press("-")
    page.keyboard.press("Shift+ArrowDown")
    np.testing.assert_allclose(trait(page, "probabilities")[1], [0.3, 0.6, 0.1])
    page.keyboard.press("End")
    assert trait(page, "probabilities")[1] == [0, 1, 0]
    page.keyboard.press("Home")
    assert trait(page, "probabilities")[1] == [0.5, 0, 0.5]


def test_cells_are_chosen_by_pointing_and_by_keys(page: Page) -> None:
    element = explorers.render(page, explorer(frame=0, place=0))
    canvas = element.query_selector(".trellis-cells")
    box = canvas.bounding_box()
    column = (box["width"] - 66 - 4) / 6
    page.mouse.move(box["x"] + 66 + 3.5 * column, box["y"] + 24 + 46 * 2.5)
    until(lambda: (trait(page, "frame"), trait(page, "place")) == (3, 2), "the cell (3, 2)")
    canvas.focus()
    for key, expected in (
        ("ArrowRight", (4, 2)),
        ("ArrowDown", (4, 3)),
        ("ArrowLeft", (3, 3)),
        ("ArrowUp", (3, 2)),
    ):
        page.keyboard.press(key)
        assert (trait(page, "frame"), trait(page, "place")) == expected, key


def test_the_target_is_typed_or_taken_from_a_button(page: Page) -> None:
    element = explorers.render(page, explorer(targets=TARGETS))
    field = element.query_selector("[data-action=target]")
    assert field.input_value() == "ab"
    one = explorer(target=[1, 1, 2])
    found = after(element, lambda: field.fill("aab"))
    assert trait(page, "target") == [1, 1, 2]
    assert found["p"] == pytest.approx(math.exp(one.trellis.log_prob))
    assert found["count"] == 28
    for text, message in (
        ("aabc", "c is not among a, b."),
        ("a-b", "- is the blank: it is put in by itself."),
        ("abababa", "At most 6 symbols."),
    ):
        after(element, lambda text=text: field.fill(text))
        assert message in element.inner_text()
        assert field.get_attribute("aria-invalid") == "true"
        assert trait(page, "target") == [1, 1, 2]
    after(element, element.query_selector("[data-action=target-1]").click)
    assert trait(page, "target") == [1, 1]
    assert field.input_value() == "aa"
    assert field.get_attribute("aria-invalid") is None
    after(element, lambda: field.fill(""))
    assert trait(page, "target") == []


def test_names_of_several_characters_are_typed_with_spaces(page: Page) -> None:
    element = explorers.render(page, explorer(names=["-", "one", "two"]))
    field = element.query_selector("[data-action=target]")
    assert field.input_value() == "one two"
    field.focus()
    page.keyboard.press("End")
    page.keyboard.type(" one")
    until(lambda: trait(page, "target") == [1, 2, 1], "the typed words")


def test_an_impossible_target_says_why_and_cannot_be_trained(page: Page) -> None:
    element = explorers.render(page, explorer(targets=TARGETS))
    after(element, element.query_selector("[data-action=target-2]").click)
    text = element.inner_text()
    assert (
        "No path fits: 4 labels and 3 blanks between equal ones need 7 frames, there are 6." in text
    )
    assert "∞" in text
    for action in ("step", "play"):
        assert element.query_selector(f"[data-action={action}]").is_disabled()
    assert probe(element)["count"] == 0
    element = explorers.render(page, explorer(probabilities=[[1, 0, 0]] * 4))
    assert "every path meets a probability of 0" in element.inner_text()


def test_training_lowers_the_loss_until_peaks_stand_and_reset_undoes_it(page: Page) -> None:
    element = explorers.render(page, explorer())
    step, play, reset = (
        element.query_selector(f"[data-action={name}]") for name in ("step", "play", "reset")
    )
    losses = [-math.log(probe(element)["p"])]
    for count in range(1, 6):
        found = after(element, step.click)
        assert found["steps"] == count
        losses.append(-math.log(found["p"]))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] - 0.3
    play.click()
    until(lambda: probe(element)["steps"] >= 12, "seven more steps", timeout_s=15)
    play.click()
    rows = trait(page, "probabilities")
    np.testing.assert_allclose(np.sum(rows, axis=1), 1)
    widgets.TrellisExplorer(rows, [1, 2])  # Python takes them
    found = after(element, reset.click)
    assert found["steps"] == 0
    assert trait(page, "probabilities") == explorer().probabilities


def test_the_largest_trellis_fits_a_narrow_page_and_is_drawn_in_a_frame(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 1500})
    rng = np.random.default_rng(2)
    one = widgets.TrellisExplorer(rng.dirichlet(np.ones(6), 12), [1, 2, 3, 4, 5, 5])
    element = explorers.render(page, one)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    costs_ms = []
    for _ in range(30):
        after(element, element.query_selector("[data-action=step]").click)
        costs_ms.append(float(explorers.attribute(element, "frame-ms")))
    # The first frame is slow, and so is a machine where others work: the mean at its best counts.
    assert min(costs_ms) < 16


def test_the_generic_moves_pass(page: Page) -> None:
    element = explorers.render(page, explorer())
    page.evaluate(
        """() => {
          const far = document.createElement('p');
          Object.assign(far, {className: 'jp-Cell', textContent: 'far away'});
          far.style.marginTop = '3000px';
          document.body.append(far);
          document.body.classList.add('jp-Notebook');
        }"""
    )
    for move in explorers.GENERIC:
        move(page, element)
