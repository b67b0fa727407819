"""Build every notebook as a deck of slides that needs no network: build/slides/NN_name.html.

    make slides                                        # every notebook
    python -m docs.tools.slides notebooks/01_*.ipynb   # some

A deck holds its pictures and sounds; the JavaScript beside it (reveal.js, MathJax) is shared. The
explorers that run in the browser alone are live, from the state that the notebook stored; those
that compute in Python are shown as their still picture. What is shown, and what is left to the
speaker's notes, `lecture` decides.
"""

from __future__ import annotations

import argparse
import base64
import html
import json
import re
import shutil
import struct
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from string import Template

import nbformat
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from course_utils import widgets
from docs.tools import vendor
from docs.tools.execute import ROOT
from docs.tools.lecture import STATE, VIEW, Slide, html_of, plan, text_of, without_marks

TARGET = ROOT / "build" / "slides"
PARTS = ROOT / "docs" / "slides"
COURSE = "From Sound Waves to Speech Recognition"
MOST_TABLE_ROWS = 7
HANGUL = re.compile(r"[\uac00-\ud7a3]+(?:[ ·][\uac00-\ud7a3]+)*")
NOTEBOOK_LINK = re.compile(r"\]\((\d\d_\w+)\.ipynb(?:#[^)]*)?\)")
FILE_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|\d\d_\w+\.html)[^)]*\)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns 1 when a deck could not be built."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all but the solutions")
    parser.add_argument("--out", type=Path, default=TARGET, help="default: build/slides")
    options = parser.parse_args(arguments)
    paths = options.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    try:
        build(paths, options.out)
    except (ValueError, OSError, vendor.VendorError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def build(paths: Sequence[Path], target: Path) -> None:
    """Write a deck for each notebook, what decks share, and a page that lists them.

    Args:
        paths: notebooks, executed.
        target: folder, made when it is not there; other decks in it stay.

    Raises:
        ValueError: a notebook can't be made a lecture; the message begins with its name.
        VendorError: the JavaScript is neither in the cache nor to be fetched.
    """
    target.mkdir(parents=True, exist_ok=True)
    vendor.copy(["reveal.js", "mathjax"], target / "vendor")
    for unused in ("es5/output", "es5/input", "es5/tex-mml-chtml.js"):
        path = target / "vendor" / "mathjax" / unused
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for name in ("deck.css", "deck.js", "speaker.js"):
        shutil.copyfile(PARTS / name, target / name)
    rows = []
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        try:
            slides = plan(notebook)
            page = deck(notebook, slides)
        except (ValueError, KeyError) as error:
            raise ValueError(f"{path.name}: no slides could be made: {error}") from error
        out = target / f"{path.stem}.html"
        out.write_text(page, encoding="utf-8", newline="\n")
        minutes = sum(slide.seconds for slide in slides) / 60
        kinds = Counter(slide.kind for slide in slides)
        shown = ", ".join(f"{kinds[k]} {k}" for k in ("explorer", "figure", "sound") if kinds[k])
        size = out.stat().st_size / 1e6
        print(f"{out.name}: {len(slides)} slides, {minutes:.0f} min, {size:.1f} MB ({shown})")
        rows.append((out.name, slides[0].title, len(slides), minutes))
    (target / "index.html").write_text(index(rows), encoding="utf-8", newline="\n")


def index(rows: Sequence[tuple[str, str, int, float]]) -> str:
    """A page that lists the decks: file, title, slides, minutes."""
    lines = [
        f'<li><a href="{name}">{html.escape(title)}</a> ({count} slides, {minutes:.0f} min)</li>'
        for name, title, count, minutes in rows
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Slides: {COURSE}</title>'
        '<link rel="icon" href="data:,"><style>body{font:18px/1.6 system-ui,sans-serif;'
        "max-width:40em;margin:2em auto;padding:0 1em}</style>"
        f"<h1>{COURSE}: slides</h1><ul>{''.join(lines)}</ul>"
        "<p>In a deck: Space goes on, S opens the speaker's window with notes and clock, F is full "
        "screen, O the overview, ? lists all keys.</p></html>\n"
    )


def deck(notebook: NotebookNode, slides: Sequence[Slide]) -> str:
    """One deck as an HTML page; the files beside it are named relative to it."""
    models: dict[str, str] = {}
    state = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    total = sum(slide.seconds for slide in slides)
    stacks: list[tuple[str, list[str]]] = []
    done = 0
    for slide in slides:
        done += slide.seconds
        text = section(slide, slides[0].title, state, models, (done, total))
        if stacks and slide.section and stacks[-1][0] == slide.section:
            stacks[-1][1].append(text)
        else:
            stacks.append((slide.section, [text]))
    body = [
        parts[0] if len(parts) == 1 else "<section>\n{}\n</section>".format("\n".join(parts))
        for _, parts in stacks
    ]
    template = Template((PARTS / "deck.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=html.escape(f"{slides[0].title} · {COURSE}"),
        slides="\n".join(body),
        models="\n".join(models.values()),
    )


def section(
    slide: Slide, deck_title: str, state: dict, models: dict[str, str], clock: tuple[int, int]
) -> str:
    """One slide with its notes."""
    inside = {
        "title": title_page,
        "quiz": quiz_page,
    }.get(slide.kind, page)(slide, deck_title, state, models)
    return (
        f'<section data-kind="{slide.kind}" data-timing="{slide.seconds}">'
        f'<div class="page {slide.kind}">{inside}</div>'
        f'<aside class="notes">{notes(slide, clock)}</aside></section>'
    )


def title_page(slide: Slide, deck_title: str, state: dict, models: dict[str, str]) -> str:
    """The first slide."""
    return (
        f'<p class="course">{COURSE}</p><h1>{inline(slide.title)}</h1>'
        f'<div class="lead">{markdown(slide.lead)}</div>'
        '<p class="keys"><kbd>Space</kbd> on · <kbd>S</kbd> speaker\'s notes · <kbd>F</kbd> full '
        "screen · <kbd>O</kbd> overview</p>"
    )


def quiz_page(slide: Slide, deck_title: str, state: dict, models: dict[str, str]) -> str:
    """A question with its options; a key later the right one is framed."""
    assert slide.question is not None
    options = "".join(
        f"<li>{html.escape(option['text'])}"
        + ('<span class="right fragment" role="img" aria-label="right"></span>' * option["correct"])
        + "</li>"
        for option in slide.question["options"]
    )
    slide.notes = [
        (
            "text",
            "\n".join(
                f"- **{'ABCDEFGH'[i]}{': right.' if option['correct'] else ': wrong.'}** "
                f"{option['explanation']}"
                for i, option in enumerate(slide.question["options"])
            ),
        )
    ]
    return (
        f'{heading(slide, deck_title)}<div class="lead"><p>{html.escape(slide.lead)}</p></div>'
        f'<ol class="options">{korean(options)}</ol>'
    )


def heading(slide: Slide, deck_title: str) -> str:
    """Where we are, and the title."""
    where = slide.section if slide.title != slide.section else ""
    place = " · ".join(filter(None, [deck_title, where]))
    return f'<header><p class="where">{inline(place)}</p><h2>{inline(slide.title)}</h2></header>'


def page(slide: Slide, deck_title: str, state: dict, models: dict[str, str]) -> str:
    """Any other slide: words, what is shown, what was seen."""
    parts = [heading(slide, deck_title)]
    asks = " ask" if slide.is_prediction else ""
    lead = f'<div class="lead{asks}">{markdown(slide.lead)}</div>' if slide.lead else ""
    take = f'<div class="take fragment">{markdown(slide.take)}</div>' if slide.take else ""
    rows = "".join(f"<li>{inline(item)}</li>" for item in slide.items)
    if slide.kind == "explorer":
        shown = f'<div class="shows">{shows(slide, state, models)}</div>'
        said = "".join([lead, f"<ul>{rows}</ul>" if rows else "", take])
        words = f'<div class="words">{said}</div>' if said else ""
        return f'{parts[0]}<div class="side">{words}{shown}</div>' if words else parts[0] + shown
    words = [f"<ul>{rows}</ul>"] if rows else []
    words += [f'<div class="formula">{markdown(formula)}</div>' for formula in slide.formulas]
    words += [f"<div>{markdown(block)}</div>" for block in slide.blocks]
    if not slide.outputs:
        return f'{parts[0]}{lead}<div class="middle">{"".join(words)}</div>'
    sounds = [html_of(one) for one in slide.outputs if "<audio" in html_of(one)]
    if slide.kind == "figure" and len(sounds) > 1:  # players beside the picture, not above it
        words += [f'<div class="sounds">{"".join(sounds)}</div>']
        slide.outputs = [one for one in slide.outputs if "<audio" not in html_of(one)]
    if slide.kind == "figure" and (len(sounds) > 1 or is_tall(slide.outputs)):
        waits = " fragment" if slide.is_prediction else ""
        said = "".join([lead, *words, take])
        return (
            f'{parts[0]}<div class="side tall"><div class="words">{said}</div>'
            f'<div class="shows{waits}">{shows(slide, state, models)}</div></div>'
        )
    parts += [lead, *words]
    if slide.code:
        parts.append(listing(slide.code))
    if slide.outputs:
        waits = " fragment" if slide.is_prediction else ""
        parts.append(f'<div class="shows{waits}">{shows(slide, state, models)}</div>')
    return "".join([*parts, take])


def shows(slide: Slide, state: dict, models: dict[str, str]) -> str:
    """The outputs of a step: explorer, sounds, pictures, text."""
    pictures, sounds, others = [], [], []
    for output in slide.outputs:
        data = output.get("data", {})
        text = html_of(output)
        if VIEW in data:
            model = state.get(data[VIEW]["model_id"])
            if model is not None and is_live(model):
                identity = f"model-{len(models) + 1}"
                models[identity] = embedded(model, identity)
                label = html.escape(text_of(output), quote=True)
                others.append(
                    f'<div class="live" role="group" aria-label="{label}" '
                    f'data-model="{identity}">{still(output)}</div>'
                )
            elif "image/png" in data:
                others.append(picture(output))
                others.append('<p class="hint">A still picture: it moves in the notebook.</p>')
        elif "image/png" in data:
            pictures.append(picture(output))
        elif "<audio" in text:
            sounds.append(text)
        elif "course-source" in text:
            source = html.unescape(
                re.sub(r"<[^>]+>", "", text.split("<pre", 1)[1].split(">", 1)[1])
            )
            others.append(listing(source.strip("\n")))
        elif "course-caption" in text:
            continue  # the picture's alternative text says it
        elif "<table" in text:
            others.append(without_last_rows(text))
        elif slide.kind in ("print", "code") and text_of(output).strip():
            printed = text_of(output).rstrip()
            wraps = " wrap" if max(map(len, printed.split("\n"))) > 100 else ""
            others.append(f'<pre class="printed{wraps}">{korean(html.escape(printed))}</pre>')
    many = " many" if len(sounds) > 2 else ""
    players = f'<div class="sounds{many}">{"".join(sounds)}</div>' if sounds else ""
    drawn = "".join(pictures)
    if len(pictures) > 2:
        drawn = f'<div class="pictures">{drawn}</div>'
    return players + drawn + "".join(others)


def without_last_rows(table: str) -> str:
    """A table of a few rows, and how many more the notebook has."""
    rows = re.findall(r"<tr>.*?</tr>", table.split("<tbody>", 1)[-1], flags=re.S)
    left_out = rows[MOST_TABLE_ROWS:]
    if not left_out:
        return table
    start = table.index(left_out[0])
    end = start + len("".join(left_out))
    if table[start:end] != "".join(left_out):  # something stands between the rows
        return table
    row = f'<tr><td colspan="9">and {len(left_out)} more rows in the notebook</td></tr>'
    return table[:start] + row + table[end:]


def is_tall(outputs: Sequence[NotebookNode]) -> bool:
    """Whether the picture is better shown beside the words than below them."""
    for output in outputs:
        if "image/png" in output.get("data", {}):
            start = base64.b64decode("".join(output["data"]["image/png"].split())[:64])
            width, height = struct.unpack(">II", start[16:24])
            return width < 1.45 * height
    return False


def picture(output: NotebookNode) -> str:
    """A stored PNG that fills what room there is."""
    return f'<div class="picture">{still(output)}</div>'


def still(output: NotebookNode) -> str:
    """A stored PNG with its alternative text, or nothing where there is none."""
    if "image/png" not in output["data"]:
        return ""
    alt = output.get("metadata", {}).get("image/png", {}).get("alt") or text_of(output)
    source = "".join(output["data"]["image/png"].split())
    label = html.escape(alt, quote=True)
    return f'<img src="data:image/png;base64,{source}" alt="{label}">'


def is_live(model: dict) -> bool:
    """Whether an explorer runs in the browser alone; one that asks Python would be dead."""
    name = str(model["state"].get("_anywidget_id", "")).rsplit(".", 1)[-1]
    asks = getattr(getattr(widgets, name, None), "needs_python", ())
    return bool(model["state"].get("_esm")) and not asks


def embedded(model: dict, identity: str) -> str:
    """A widget's state as JSON in the page."""
    left_out = ("layout", "_anywidget_id", "tabbable", "tooltip", "_dom_classes")
    state = {k: v for k, v in model["state"].items() if k not in left_out}
    buffers = [{"path": b["path"], "data": b["data"]} for b in model.get("buffers", [])]
    for buffer in buffers:
        place = state
        for key in buffer["path"][:-1]:
            place = place[key]
        if isinstance(place, dict):
            place.setdefault(buffer["path"][-1], None)
    text = json.dumps({"state": state, "buffers": buffers}, ensure_ascii=False)
    # "</script>" or "<!--" inside a string must not mean anything to the page.
    text = text.replace("<", r"\u003c")
    return f'<script type="application/json" id="{identity}">{text}</script>'


def listing(source: str) -> str:
    """Python in colours."""
    coloured = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))
    return f'<pre class="listing">{coloured.rstrip()}</pre>'


def notes(slide: Slide, clock: tuple[int, int]) -> str:
    """What the lecturer reads: the clock, then the notebook's own text and code."""
    done, total = clock
    lines = [f"<p><b>Until minute {done / 60:.0f} of {total / 60:.0f}.</b></p>"]
    for kind, text in slide.notes:
        if not text.strip():
            continue
        if kind == "code":
            lines.append(f"<pre><code>{html.escape(text.strip())}</code></pre>")
        elif kind == "left out":
            lines.append(f"<p><b>In the notebook, not on a slide: {inline(text)}</b></p>")
        else:
            lines.append(markdown(text))
    return "".join(lines)


def markdown(text: str) -> str:
    """Markdown as HTML; links to notebooks lead to their decks, other files are only named."""
    text = NOTEBOOK_LINK.sub(r"](\1.html)", without_marks(text))
    text = FILE_LINK.sub(r"\1", text)
    rendered = markdown2html_mistune(text)
    rendered = re.sub(r'<a class="anchor-link".*?</a>', "", rendered)
    return korean(re.sub(r'(<h\d) id="[^"]*"', r"\1", rendered))


def inline(text: str) -> str:
    """Markdown of one line, without the paragraph around it."""
    return re.sub(r"^<p>(.*)</p>\s*$", r"\1", markdown(text), flags=re.S)


def korean(text: str) -> str:
    """HTML in which Korean is marked as such, for fonts and screen readers."""
    pieces = re.split(r"(<[^>]+>)", text)
    for i in range(0, len(pieces), 2):
        pieces[i] = HANGUL.sub(r'<span lang="ko">\g<0></span>', pieces[i])
    return "".join(pieces)


if __name__ == "__main__":
    raise SystemExit(main())
