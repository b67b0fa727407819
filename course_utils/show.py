"""The source of the package, shown in a notebook: what is read is what is tested."""

from __future__ import annotations

import ast
import html
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """Python source in a notebook: coloured where HTML is shown, plain elsewhere.

    Attributes:
        location: file inside the project, with forward slashes.
        code: the source, without indentation.
    """

    location: str
    code: str

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Both forms of the source for IPython, which takes what it can show."""
        # Only a notebook needs the colours, and `import course_utils` stays quick.
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer

        # Both colours are set, or a dark theme would put its light text on the light background.
        formatter = HtmlFormatter(
            style="default",
            noclasses=True,
            cssstyles="background: #f8f8f8; color: #1b1b1b; padding: 0.5em; overflow-x: auto",
        )
        location = html.escape(self.location)
        return {
            "text/html": (
                f'<figure class="course-source" style="margin: 0.5em 0">'
                f"<figcaption><code>{location}</code></figcaption>"
                f"{highlight(self.code, PythonLexer(), formatter)}</figure>"
            ),
            "text/plain": f"# {self.location}\n\n{self.code}",
        }


def show(obj: Callable) -> Source:
    """Source of a function, method or class of course_utils, docstrings cut to their first line.

    A notebook's text says what a function is for; `help(fourier.fft)` prints the whole docstring.

    Args:
        obj: the thing itself, `show(fourier.fft)`; not its name and not a call of it.

    Returns:
        Object that Jupyter shows as coloured code; in plain text its first line is its file.

    Raises:
        ValueError: it is no function or class, or not one of course_utils.
    """
    target = inspect.unwrap(obj) if callable(obj) else obj
    if not (inspect.isroutine(target) or inspect.isclass(target)):
        raise ValueError(
            f"show() takes a function or class of course_utils, got {type(obj).__name__}. Name it "
            "without quotes and without calling it: show(fourier.fft)."
        )
    module = getattr(target, "__module__", None) or "Python itself"
    if module.partition(".")[0] != "course_utils":
        raise ValueError(
            f"show() takes a function or class of course_utils; {target.__qualname__} comes from "
            f"{module}. In a notebook, type its name followed by ?? to see what there is."
        )
    try:
        code = _without_details(textwrap.dedent(inspect.getsource(target)).rstrip() + "\n")
    except (OSError, TypeError) as error:
        raise ValueError(
            f"{target.__qualname__} of {module} was made by Python, not written in a file. Show "
            "the class that it belongs to."
        ) from error
    # The file, not the module's name: a package's own code lies in its __init__.py.
    file = inspect.getsourcefile(target).replace("\\", "/")
    return Source("course_utils/" + file.rpartition("/course_utils/")[2], code)


def _without_details(code: str) -> str:
    """Code whose docstrings end after their first line."""
    lines = code.splitlines(keepends=True)
    described = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, described)]
    for node in sorted(nodes, key=lambda node: node.body[0].lineno, reverse=True):
        text = node.body[0]
        if ast.get_docstring(node) is not None and text.end_lineno > text.lineno:
            first = lines[text.lineno - 1].rstrip()
            lines[text.lineno - 1 : text.end_lineno] = [first + '"""\n']
    return "".join(lines)
