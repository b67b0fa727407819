"""From a notebook to a page of the web site: stored outputs only, nothing is executed.

Pictures and sounds become files, explorers and quizzes a stage on which the browser brings them to
life (docs/site/_static/course.js), progress bars go, and links to what is not on the site become
links to the repository, or plain text as long as that has no public address.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import html
import json
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from course_utils import widgets
from course_utils.exercises.quiz import QuizWidget
from course_utils.widgets.base import Explorer
from docs.tools import glossary
from docs.tools.lecture import STATE, VIEW

SOUND = re.compile(r'src="data:(audio/[a-z0-9]+);base64,([^"]+)"')
SUFFIX = {"audio/flac": "flac", "audio/mpeg": "mp3", "audio/wav": "wav", "audio/ogg": "ogg"}
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)\s]+)\)")


@dataclass
class Assets:
    """Files that pages refer to: written once each, named by their content."""

    folder: Path  # the site's _static
    prefix: str = "../_static"  # from a notebook's page to it
    kinds: set[str] = field(default_factory=set)

    def keep(self, place: str, content: bytes, suffix: str) -> str:
        """Write a file, unless it is there; returns its address from a page."""
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.{suffix}"
        path = self.folder / place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return f"{self.prefix}/{place}/{name}"

    def code(self, kind: str, widget: type) -> None:
        """The JavaScript and the style of one kind of widget, as a plain script.

        Plain, not a module: browsers load no modules from a folder (file://).
        """
        if kind in self.kinds:
            return
        self.kinds.add(kind)
        source = str(widget._esm)  # the package's, tested, not the copy in the notebook
        body, found = re.subn(r"^export default\b", "return", source, flags=re.M)
        if found != 1:
            raise ValueError(f"{kind}: its JavaScript must have one line `export default ...`")
        style = json.dumps(str(getattr(widget, "_css", "")))
        text = f"courseKind({json.dumps(kind)}, {style}, () => {{\n"
        path = self.folder / "kinds" / f"{kind}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}{body}\n}});\n", encoding="utf-8", newline="\n")


def page(
    notebook: dict[str, Any], name: str, assets: Assets, elsewhere: Callable[[str], str | None]
) -> dict[str, Any]:
    """The notebook as the site shows it.

    Args:
        notebook: as it lies in the repository; it is not changed.
        name: its file name without suffix.
        assets: where pictures, sounds and states go.
        elsewhere: the address of a file that is not on the site, by its path in the repository;
            None when there is none.

    Returns:
        A notebook whose outputs are HTML or plain text.
    """
    states = notebook["metadata"].get("widgets", {}).get(STATE, {}).get("state", {})
    first: dict[int, list[glossary.Term]] = {}
    for term in glossary.collect_cached():
        if term.notebook == name:
            first.setdefault(term.cell, []).append(term)
    cells = []
    for number, cell in enumerate(notebook["cells"]):
        if cell["metadata"].get("slideshow", {}).get("slide_type") == "notes":
            continue
        cell = copy.deepcopy(cell)
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            cell["source"] = markdown(mark_terms(source, first.get(number, [])), elsewhere)
        elif cell["cell_type"] == "code":
            cell["source"] = source
            cell["outputs"] = outputs(cell["outputs"], states, assets)
        cell["metadata"] = {}
        cells.append(cell)
    kept = {key: notebook["metadata"][key] for key in ("kernelspec", "language_info")}
    return {**notebook, "metadata": kept, "cells": cells}


def heading_slug(title: str) -> str:
    """Anchor of a heading as JupyterLab makes it, for links that notebooks hold."""
    return title.replace(" ", "-")


def own_anchors(text: str) -> str:
    """Links of a page to its own headings, from GitHub's anchors to `heading_slug`."""
    titles = re.findall(r"^#+ (.+)$", text, flags=re.M)
    slugs = {re.sub(r"[^\w -]", "", x).lower().replace(" ", "-"): heading_slug(x) for x in titles}
    return re.sub(r"\]\(#([^)]+)\)", lambda x: f"](#{slugs.get(x[1], x[1])})", text)


def mark_terms(text: str, terms: list[glossary.Term]) -> str:
    """A place to link to, before each term of the glossary that is first used here."""
    for term in sorted(terms, key=lambda term: term.start, reverse=True):
        text = f'{text[: term.start]}<span id="{term.anchor}"></span>{text[term.start :]}'
    return text


def markdown(text: str, elsewhere: Callable[[str], str | None]) -> str:
    """Markdown without the marks of the tests, its links made for the site."""
    text = re.sub(r"^(Before|Next): .*Solutions: .*$", "", text, flags=re.M)
    text = re.sub(r"<!-- badges -->.*", "", text)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)

    def relink(found: re.Match[str]) -> str:
        picture, label, target = found.groups()
        if re.fullmatch(r"\d\d_\w+\.ipynb(#.*)?", target):
            return found[0]
        address = elsewhere("notebooks/" + target)
        return f"{picture}[{label}]({address})" if address else label

    return LINK.sub(relink, text)


def outputs(
    stored: list[dict[str, Any]], states: dict[str, Any], assets: Assets
) -> list[dict[str, Any]]:
    """A cell's outputs as HTML, streams and plain text."""
    shown: list[dict[str, Any]] = []
    for output in stored:
        data = {kind: _text(value) for kind, value in output.get("data", {}).items()}
        if VIEW in data:
            model = states.get(output["data"][VIEW]["model_id"], {})
            if model.get("model_name") != "AnyModel":
                continue  # a progress bar: it is finished
            text = stage(model, data, assets)
        elif "image/png" in data:
            alt = _text(output.get("metadata", {}).get("image/png", {}).get("alt", ""))
            text = picture(data["image/png"], alt or data.get("text/plain", ""), assets)
        elif "text/html" in data:
            text = data["text/html"]
            if shown and "course-caption" in text and "course-picture" in _html_of(shown[-1]):
                caption = re.sub(r"</?p[^>]*>|</?em>", "", text).strip()
                before = _html_of(shown[-1]).removesuffix("</figure>")
                text = f"{before}<figcaption>{caption}</figcaption></figure>"
                shown.pop()
            text = sounds(coloured(text), assets)
        else:
            shown.append(output)
            continue
        shown.append({"output_type": "display_data", "metadata": {}, "data": {"text/html": text}})
    return shown


def _text(value: Any) -> Any:
    return "".join(value) if isinstance(value, list) else value


def _html_of(output: dict[str, Any]) -> str:
    return str(output.get("data", {}).get("text/html", ""))


def picture(png: str, alt: str, assets: Assets, inside: str = "") -> str:
    """A figure with a file; its size is named, so that nothing jumps when it arrives."""
    content = base64.b64decode(png)
    width, height = struct.unpack(">II", content[16:24])
    address = assets.keep("pictures", content, "png")
    return (
        f'<figure class="course-picture"><img src="{address}" alt="{html.escape(alt)}" '
        f'width="{width}" height="{height}" loading="lazy">{inside}</figure>'
    )


def sounds(text: str, assets: Assets) -> str:
    """HTML whose sounds are files."""

    def replace(found: re.Match[str]) -> str:
        content = base64.b64decode(found[2])
        address = assets.keep("sounds", content, SUFFIX[found[1]])
        return f'preload="metadata" src="{address}"'

    return SOUND.sub(replace, html.unescape(text) if "&#x27;data:" in text else text)


def coloured(text: str) -> str:
    """Source code that `show` put into a notebook, in the site's own colours."""
    found = re.fullmatch(
        r'(<figure class="course-source".*?</figcaption>)(.*)</figure>', text, re.S
    )
    if not found:
        return text
    code = html.unescape(re.sub(r"<[^>]+>", "", found[2]))
    shown = highlight(code, PythonLexer(), HtmlFormatter())
    return f'{found[1]}<div class="highlight-python notranslate">{shown}</div></figure>'


def stage(model: dict[str, Any], data: dict[str, str], assets: Assets) -> str:
    """Where an explorer or a quiz comes to life; until then, its still form."""
    state = model["state"]
    kind = "QuizWidget" if "questions" in state else data["text/plain"].partition(":")[0]
    widget = QuizWidget if kind == "QuizWidget" else getattr(widgets, kind)
    assets.code(kind, widget)
    kept = {k: v for k, v in state.items() if k == "_limits" or not _is_of_jupyter(k)}
    content = {"state": kept, "buffers": model.get("buffers", [])}
    script = f"courseState({json.dumps(content, ensure_ascii=False, separators=(',', ':'))});\n"
    address = assets.keep("states", script.encode(), "js")
    asks = " ".join(widget.needs_python) if issubclass(widget, Explorer) else ""
    if "image/png" in data:
        note = "<figcaption>A still picture of the explorer.</figcaption>"
        still = picture(data["image/png"], data["text/plain"], assets, note)
    else:
        still = data["text/html"]
    return (
        f'<div class="course-stage" data-kind="{kind}" data-state="{address}" '
        f'data-asks="{html.escape(asks)}">{still}</div>'
    )


def _is_of_jupyter(trait: str) -> bool:
    names = ("_model", "_view", "_dom", "_esm", "_css", "_anywidget")
    return trait.startswith(names) or trait in ("layout", "tabbable", "tooltip")
