"""Which parts of a notebook become slides: short, in order, nothing lost, a lecture's length."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from docs.tools import lecture, slides
from docs.tools.execute import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LECTURES = [path for path in NOTEBOOKS if not path.name.startswith("00")]


def printed(text: str) -> list:
    return [new_output("stream", name="stdout", text=text)]


def drawn(alt: str) -> list:
    return [new_output("display_data", data={"image/png": "iVBORw0KGgo=", "text/plain": alt})]


def notebook(*cells) -> nbformat.NotebookNode:
    opening = "# 01 Waves\n\nYou hear a wave.\n\n**You will be able to**\n\n- *hear* (exercise 1.1)"
    summary = new_markdown_cell("## Summary\n\n- Waves wave.")
    return new_notebook(cells=[new_markdown_cell(opening), *cells, summary])


def content(found: list[lecture.Slide]) -> list[lecture.Slide]:
    return [slide for slide in found if slide.section]


def output_is_explorer(cell: nbformat.NotebookNode) -> bool:
    data = [output.get("data", {}) for output in cell.get("outputs", [])]
    return any(slides.VIEW in one and "image/png" in one for one in data)


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_each_notebook_makes_a_lecture(path: Path) -> None:
    found = lecture.plan(nbformat.read(path, as_version=4))
    minutes = sum(slide.seconds for slide in found) / 60
    assert 45 <= minutes <= 75, f"{minutes:.0f} minutes"
    assert 28 <= len(found) <= 50, f"{len(found)} slides"
    kinds = [slide.kind for slide in found]
    assert kinds[:3] == ["title", "goals", "agenda"] and kinds[-1] == "exercises"
    assert kinds.count("quiz") >= 4
    if any(output_is_explorer(cell) for cell in nbformat.read(path, as_version=4).cells):
        assert kinds.count("explorer") >= 1
    asked = [slide for slide in found if slide.is_prediction]
    assert len(asked) >= 6, "a lecture asks its listeners"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_slides_are_short(path: Path) -> None:
    for slide in content(lecture.plan(nbformat.read(path, as_version=4))):
        words = lecture.length([slide.lead, slide.take])
        assert words <= 760, f"{slide.title}: {words} letters"
        assert slide.lead.count("**") % 2 == slide.take.count("**") % 2 == 0, slide.title
        assert slide.lead.count("$") % 2 == slide.take.count("$") % 2 == 0, slide.title


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_no_word_of_a_notebook_is_lost(path: Path) -> None:
    # What is on no slide stands in the notes, up to the summary.
    cells = nbformat.read(path, as_version=4).cells
    found = lecture.plan(nbformat.read(path, as_version=4))
    kept = " ".join(
        part
        for slide in found
        for part in [slide.title, slide.lead, slide.take, *slide.items, *slide.formulas]
        + slide.blocks
        + [text for _, text in slide.notes]
    )
    kept = re.sub(r"\W+", " ", kept)
    end = next(i for i, cell in enumerate(cells) if re.search(r"^## Summary", cell.source, re.M))
    missing = [
        sentence
        for cell in cells[1:end]
        if cell.cell_type == "markdown"
        for chunk in lecture.chunks(cell)
        for paragraph in lecture.paragraphs(chunk.text)
        for sentence in lecture.sentences(paragraph)
        if re.sub(r"\W+", " ", sentence).strip() not in kept
    ]
    assert len(missing) <= 2, missing


def test_question_output_and_answer_come_from_around_the_cell() -> None:
    found = lecture.plan(
        notebook(
            new_markdown_cell("## 1 Beats\n\nTwo forks. **Predict.** One note, or two?"),
            new_code_cell("play(1)", outputs=drawn("a curve")),
            new_markdown_cell("One note that **beats**. It swells. Now look below:"),
            new_code_cell("play(2)", outputs=drawn("another curve")),
        )
    )
    first, second = content(found)
    assert first.lead == "Two forks. **Predict.** One note, or two?" and first.is_prediction
    assert first.take == "One note that **beats**. It swells."
    assert second.lead == "Now look below:" and not second.is_prediction
    assert [slide.kind for slide in found] == [
        "title", "goals", "agenda", "figure", "figure", "summary",
    ]  # fmt: skip
    assert found[1].items == ["*hear*"] and found[2].items == ["1 Beats"]


def test_a_question_that_opens_a_text_is_asked_of_the_next_step() -> None:
    found = lecture.plan(
        notebook(
            new_markdown_cell("## 1 Means\n\nTwo rows of numbers. Look at both:"),
            new_code_cell("draw(1)", outputs=drawn("two rows")),
            new_markdown_cell("Do they differ? Their means, one by one."),
            new_code_cell("draw(2)", outputs=drawn("two means")),
            new_markdown_cell("Which is larger? **Predict**, then run."),
            new_code_cell("draw(3)", outputs=drawn("the larger one")),
        )
    )
    first, second, third = content(found)
    assert not first.take and not second.take
    assert second.lead == "Do they differ? Their means, one by one." and second.is_prediction
    assert third.lead == "Which is larger? **Predict**, then run." and third.is_prediction


def test_a_formula_brings_its_weight_to_the_step_that_shows_it() -> None:
    text = new_markdown_cell("## 1 Sums\n\nThe sum is\n$$s = a + b.$$")
    alone = lecture.concept(lecture.chunks(text)[0].text, "1 Sums", "1 Sums", 0)
    (together,) = lecture.steps([text, new_code_cell("print(3)", outputs=printed("3\n"))])
    assert together.slide.kind == "print" and together.slide.formulas
    assert together.points > alone.points


@pytest.mark.parametrize(
    ("asked", "is_shown"), [("slide", True), ("skip", False), ("notes", False)]
)
def test_metadata_overrule_the_rules(asked: str, is_shown: bool) -> None:
    cell = new_code_cell("print(1)" if is_shown else "draw()")
    cell.outputs = printed("1\n") if is_shown else drawn("a curve")
    cell.metadata["slideshow"] = {"slide_type": asked}
    other = new_code_cell("draw(2)", outputs=drawn("another"))
    found = lecture.plan(
        notebook(new_markdown_cell("## 1 One\n\nText."), other, new_markdown_cell("More."), cell)
    )
    shown = [slide for slide in content(found) if slide.outputs == cell.outputs]
    assert bool(shown) is is_shown
    notes = [text for slide in found for kind, text in slide.notes if kind == "code"]
    assert cell.source in notes


def test_what_is_not_there_and_what_only_tests_is_left_out() -> None:
    cells = [
        new_markdown_cell("## 1 One\n\nText."),
        new_code_cell("draw()", outputs=drawn("a curve")),
        new_markdown_cell("Seen."),
        new_code_cell("real()", outputs=printed("FSDD is not here. To get it, run ...\n")),
        new_markdown_cell("So."),
        new_code_cell("assert x > 1\nprint('it grows')", outputs=printed("it grows\n")),
        new_markdown_cell("Next."),
        new_code_cell("fit()", outputs=[]),
    ]
    assert [slide.kind for slide in content(lecture.plan(notebook(*cells)))] == ["figure"]


def test_sentences_stay_whole() -> None:
    text = "It is 3.5 dB, e.g. $a. B$ here. **One. Two.** (Not. Now.) See [A. B](x). `a. B` ends."
    assert lecture.sentences(text) == [
        "It is 3.5 dB, e.g. $a. B$ here.",
        "**One. Two.**",
        "(Not. Now.)",
        "See [A. B](x).",
        "`a. B` ends.",
    ]
    assert lecture.sentences("**Predict.** What is it? Look.") == [
        "**Predict.** What is it?",
        "Look.",
    ]


def test_a_notebook_without_sections_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one `## Section`"):
        lecture.plan(notebook())
    with pytest.raises(ValueError, match="must be markdown that begins with"):
        lecture.plan(new_notebook(cells=[new_code_cell("1")]))


def test_a_broken_notebook_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slides.vendor, "copy", lambda names, folder: None)
    path = tmp_path / "99_broken.ipynb"
    nbformat.write(notebook(), path)
    with pytest.raises(ValueError, match=r"99_broken\.ipynb: no slides could be made"):
        slides.build([path], tmp_path / "out")


def test_state_of_a_widget_cannot_end_its_script() -> None:
    model = {
        "state": {"text": "</script><script>alert(1)</script><!--", "_esm": "export default {}"}
    }
    embedded = slides.embedded(model, "model-1")
    assert embedded.count("<") == 2 and "\\u003c/script>" in embedded


def test_links_lead_to_decks_and_korean_is_marked() -> None:
    shown = slides.markdown("[03](03_x.ipynb) and [data](../data/README.md), **beats** (맥놀이)")
    assert 'href="03_x.html"' in shown and "README" not in shown
    assert '<span lang="ko">맥놀이</span>' in shown


def test_a_long_table_is_cut() -> None:
    rows = "".join(f"<tr><td>{i}</td></tr>" for i in range(10))
    table = f"<table><thead><tr><th>n</th></tr></thead><tbody>{rows}</tbody></table>"
    cut = slides.without_last_rows(table)
    assert cut.count("<tr>") == 1 + slides.MOST_TABLE_ROWS + 1 and "and 3 more rows" in cut
    assert slides.without_last_rows(cut) != table
