"""What is done: a table of every exercise and quiz of the course."""

import html
from typing import Any

from course_utils.exercises import store
from course_utils.exercises.framework import catalogue

_COLUMNS = ("Notebook", "Exercise", "State")
_LEFT = 'style="text-align: left"'  # JupyterLab aligns tables to the right, as for numbers
_CAPTION = "Your progress: every exercise and quiz"


class Table:
    """The table of progress: shown by a notebook as HTML, elsewhere as aligned text.

    Args:
        rows: (notebook, exercise, state).
        closing: lines that stand under it: the total, and a notice where there is one.
    """

    def __init__(self, rows: list[tuple[str, str, str]], closing: list[str]) -> None:
        """Keep what is to be shown."""
        self.rows = rows
        self.closing = closing

    def __repr__(self) -> str:
        """Aligned text."""
        listed = [_COLUMNS, *self.rows]
        first, second, _ = (max(map(len, column)) for column in zip(*listed, strict=True))
        lines = [f"{a:<{first}}  {b:<{second}}  {c}" for a, b, c in listed]
        return "\n".join([*lines, *self.closing])

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._html()}

    def _html(self) -> str:
        head = "".join(f'<th scope="col" {_LEFT}>{name}</th>' for name in _COLUMNS)
        body = "".join(
            f"<tr><td {_LEFT}>{html.escape(notebook)}</td>"
            f'<th scope="row" {_LEFT}>{html.escape(title)}</th>'
            f"<td {_LEFT}>{html.escape(state)}</td></tr>"
            for notebook, title, state in self.rows
        )
        closing = "".join(f"<p>{html.escape(line)}</p>" for line in self.closing)
        return (
            f"<table><caption>{_CAPTION}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>{closing}"
        )


def table() -> Table:
    """The progress so far.

    Returns:
        A table that a notebook shows; it holds no dates, so two runs of one state are equal.
    """
    items, notice = store.load()
    rows, done = [], 0
    for number, notebook in catalogue().items():
        name = f"{number:02d} {notebook.title}"
        titles = {key: exercise.title for key, exercise in notebook.exercises.items()}
        if notebook.questions:
            titles["quiz"] = "Quiz"
        for key, title in titles.items():
            item = items.get(notebook.key(key), {})
            done += item.get("state") == "done"
            rows.append((name, title, _state(item)))
    total = f"{done} of {len(rows)} done."
    return Table(rows, [total, notice] if notice else [total])


def reset() -> None:
    """Start afresh. The file so far is kept beside the new one, under the name that is printed."""
    print(store.reset())


def _state(item: dict[str, Any]) -> str:
    """An item's state in words, with the score where it has one."""
    score = f", {item.get('right', 0)} of {item['of']} right" if item.get("of") else ""
    return item.get("state", "not attempted") + score
