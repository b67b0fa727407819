"""What the driver makes of a notebook before a browser sees it."""

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.browser.driver import explorers_only


def test_only_imports_explorers_and_quiz_are_left() -> None:
    cells = [
        new_markdown_cell("# Title"),
        new_code_cell("import time"),
        new_code_cell("train()"),
        new_code_cell("Explorer()", metadata={"tags": ["browser"]}),
        new_code_cell("from somewhere import quiz\n\nquiz()"),
        new_code_cell("check.answer(quiz)"),
    ]
    left = explorers_only(new_notebook(cells=cells)).cells
    assert left == [cells[index] for index in (0, 1, 3, 4)]
