"""The glossary, and the pages of the web site before Sphinx reads them."""

import base64
import json
import re

import pytest

from course_utils import widgets
from course_utils.exercises import course
from docs.tools import book, glossary, pages

NOTEBOOKS = {one.name: course.path(one) for one in course.NOTEBOOKS if course.path(one).exists()}
# Korean beside no term in bold: a word that 05 introduced, and an example of writing.
NO_TERM = {"07": ["단어 오류율"], "10": ["음절", "한"]}
PIXEL = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (7).to_bytes(4, "big") + (3).to_bytes(4, "big")
).decode()


def markdown_of(name: str) -> list[str]:
    cells = json.loads(NOTEBOOKS[name].read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


@pytest.fixture
def assets(tmp_path) -> pages.Assets:
    return pages.Assets(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("are **beats** (맥놀이).", ("beats", "맥놀이", "")),
        (
            "the **discrete Fourier\ntransform** (이산 푸리에 변환, DFT):",
            ("discrete Fourier transform", "이산 푸리에 변환", "DFT"),
        ),
        ("**Pitch** (음높이) follows", ("pitch", "음높이", "")),
        (
            "**Nyquist frequency** (나이퀴스트 주파수)",
            ("Nyquist frequency", "나이퀴스트 주파수", ""),
        ),
        ("rely on another (**dropout**, 드롭아웃).", ("dropout", "드롭아웃", "")),
        ("its own (a **causal mask**, 인과 마스크), once", ("causal mask", "인과 마스크", "")),
        (
            "**edit distance** (편집 거리, also Levenshtein distance).",
            ("edit distance", "편집 거리", "Levenshtein distance"),
        ),
        (
            "**prefix search** (접두사 탐색; [Hannun](https://a.b))",
            ("prefix search", "접두사 탐색", ""),
        ),
        ("**mel scale** (멜 척도, [Stevens 1937](https://a.b))", ("mel scale", "멜 척도", "")),
        (
            "**6 dB a bit** (SNR is the signal-to-noise ratio, 신호 대 잡음비: it",
            ("signal-to-noise ratio", "신호 대 잡음비", "SNR"),
        ),
        ("**hop** (홉, 프레임 이동 간격)", ("hop", "홉, 프레임 이동 간격", "")),
        ("**RMS** (root mean square, 실효값)", ("RMS", "실효값", "root mean square")),
    ],
)
def test_a_term_is_found_as_notebooks_write_it(text, expected):
    [(*found, start, _)] = glossary.terms_in(text)
    assert tuple(found) == expected
    assert text[start:].startswith("**")


def test_bold_words_without_korean_are_no_terms():
    assert not list(glossary.terms_in("**Predict.** What is heard? (한) and **louder** (see 01)"))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_korean_name_is_missing_from_the_glossary(name):
    """Whatever Korean a notebook holds is a term of the glossary, or listed above."""
    for text in markdown_of(name):
        for *_, start, end in reversed(list(glossary.terms_in(text))):
            text = text[:start] + text[end:]
        for word in NO_TERM.get(name[:2], []):
            text = re.sub(rf"{word}(?![가-힣])", "", text)
        assert not re.findall(r".{0,30}[가-힣]+", text)


def test_terms_are_unique_and_from_every_notebook_that_has_korean():
    terms = glossary.collect()
    assert len({term.anchor for term in terms}) == len(terms)
    used = {term.notebook[:2] for term in terms}
    assert used == {f"{number:02d}" for number in range(1, 14)} & {name[:2] for name in NOTEBOOKS}


def test_each_symbol_stands_in_a_formula_of_the_notebook_of_its_term():
    terms = {term.english.lower(): term for term in glossary.collect()}
    for name, (symbol, unit) in glossary.symbols().items():
        assert name in terms, f"symbols.csv: {name!r} is no term of the glossary"
        assert symbol or unit, name
        text = "\n".join(markdown_of(terms[name].notebook))
        formulas = re.findall(r"\$\$.+?\$\$|\$[^$\n]+\$", text, re.S)
        assert any(symbol in formula for formula in formulas), (name, symbol)


def test_the_table_escapes_what_would_end_a_cell():
    terms = [term for term in glossary.collect() if term.english == "magnitude"]
    row = glossary.table(terms).splitlines()[2]
    assert len(re.findall(r"(?<!\\)\|", row)) == 6


def test_a_picture_and_its_caption_are_one_figure(assets, tmp_path):
    stored = [
        {
            "output_type": "display_data",
            "data": {"image/png": PIXEL, "text/plain": "<Figure>"},
            "metadata": {"image/png": {"alt": 'a "tone"'}},
        },
        {
            "output_type": "display_data",
            "data": {"text/html": '<p class="course-caption"><em>a &quot;tone&quot;</em></p>'},
            "metadata": {},
        },
    ]
    [shown] = pages.outputs(stored, {}, assets)
    text = shown["data"]["text/html"]
    assert 'alt="a &quot;tone&quot;" width="7" height="3"' in text
    assert text.endswith("<figcaption>a &quot;tone&quot;</figcaption></figure>")
    [name] = re.findall(r"pictures/\w+\.png", text)
    assert (tmp_path / name).read_bytes() == base64.b64decode(PIXEL)


def test_a_sound_becomes_a_file(assets, tmp_path):
    from course_utils import audio, signals

    bundle = audio.play(signals.tone(440, 0.1), 22050, "a 'tone'")._repr_mimebundle_()
    text = pages.sounds(bundle["text/html"], assets)
    [name] = re.findall(r'preload="metadata" src="\.\./_static/(sounds/\w+\.flac)"', text)
    assert (tmp_path / name).read_bytes()[:4] == b"fLaC"
    assert "base64" not in text


def test_progress_bars_go_and_text_stays(assets):
    bar = {
        "output_type": "display_data",
        "data": {pages.VIEW: {"model_id": "x"}, "text/plain": "training"},
    }
    text = {"output_type": "stream", "name": "stdout", "text": ["done\n"]}
    states = {"x": {"model_name": "HBoxModel", "state": {}}}
    assert pages.outputs([bar, text], states, assets) == [text]


def test_an_explorer_takes_its_state_and_the_code_of_the_package(assets, tmp_path):
    explorer = widgets.AirExplorer(frequency_hz=200)
    state = {k: v for k, v in explorer.get_state().items() if k != "layout"}
    model = {"model_name": "AnyModel", "state": {**state, "_esm": "old"}}
    html = pages.stage(model, {"text/plain": repr(explorer), "image/png": PIXEL}, assets)
    [name] = re.findall(r'data-state="\.\./_static/(states/\w+\.js)"', html)
    stored = (tmp_path / name).read_text(encoding="utf-8")
    content = json.loads(stored.removeprefix("courseState(").removesuffix(");\n"))
    assert content["state"]["frequency_hz"] == 200 and "_esm" not in content["state"]
    code = (tmp_path / "kinds" / "AirExplorer.js").read_text(encoding="utf-8")
    assert "return { render" in code and "export" not in code and ".course-explorer" in code


def test_what_only_python_answers_is_named_by_traits():
    for name in widgets.__all__:
        kind = getattr(widgets, name)
        for trait in getattr(kind, "needs_python", ()):
            assert trait in kind.class_trait_names(), (name, trait)
    assert widgets.TranscriptionExplorer.needs_python and not widgets.AirExplorer.needs_python


@pytest.mark.parametrize(
    ("text", "url", "expected"),
    [
        ("see [01](01_sound_waves.ipynb)", None, "see [01](01_sound_waves.ipynb)"),
        ("the [solution](solutions/00_start_here.ipynb)", None, "the solution"),
        (
            "[data](../data/README.md)",
            "https://github.com/a/b",
            "[data](https://github.com/a/b/blob/main/data/README.md)",
        ),
        ("[x](https://a.b/c) 4.0<!--out--> dB", None, "[x](https://a.b/c) 4.0 dB"),
        (
            "Before: [00](00_start_here.ipynb) · Solutions: [s](solutions/01_sound_waves.ipynb)",
            None,
            "",
        ),
    ],
)
def test_links_are_made_for_the_site(text, url, expected):
    assert pages.markdown(text, book.Address(url).file) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[01](../notebooks/01_sound_waves.ipynb)", "[01](notebooks/01_sound_waves.ipynb)"),
        ("[the map](../README.md)", "[the map](https://github.com/a/b/blob/main/README.md)"),
        ("[run](runs/esc10.csv)", "[run](https://github.com/a/b/blob/main/docs/runs/esc10.csv)"),
    ],
)
def test_links_of_the_teaching_guide_are_made_for_the_site(text, expected):
    assert pages.markdown(text, book.outside(book.Address("https://github.com/a/b"))) == expected


def test_links_to_own_headings_take_the_anchors_of_the_site():
    text = "[a](#00-start-here) [b](#what-is-run-and-so-on) [c](#gone)\n\n## 00 Start here\n"
    text += "\n### What is run, and so on\n"
    changed = pages.own_anchors(text)
    assert changed.splitlines()[0] == "[a](#00-Start-here) [b](#What-is-run,-and-so-on) [c](#gone)"
    assert changed.splitlines()[1:] == text.splitlines()[1:]


def test_speaker_notes_and_metadata_stay_away(assets):
    notes = {"cell_type": "markdown", "metadata": {"slideshow": {"slide_type": "notes"}}}
    cells = [
        {**notes, "source": ["say this"]},
        {"cell_type": "markdown", "metadata": {"tags": ["x"]}, "source": ["read this"]},
        {"cell_type": "raw", "metadata": {}, "source": ["raw"]},
    ]
    metadata = {"kernelspec": {}, "language_info": {}, "widgets": {}}
    shown = pages.page({"cells": cells, "metadata": metadata}, "14_x", assets, lambda _: None)
    assert [cell["source"] for cell in shown["cells"]] == ["read this", ["raw"]]
    assert shown["cells"][0]["metadata"] == {} and "widgets" not in shown["metadata"]


def test_launch_links_need_an_address():
    assert book.Address(None).launch("01_sound_waves") == {}
    found = book.Address("https://github.com/a/b").launch("01_sound_waves")
    assert found["colab"].endswith("/github/a/b/blob/main/notebooks/01_sound_waves.ipynb")
    assert found["binder"].endswith("/gh/a/b/main?urlpath=lab/tree/notebooks/01_sound_waves.ipynb")


def test_the_page_on_running_has_a_place_for_each_way():
    readme = (book.ROOT / "README.md").read_text(encoding="utf-8")
    for where in (book.Address(None), book.Address("https://github.com/a/b")):
        text = book.run_page(readme, where)
        assert "make lab" in text and "## Windows, without make" in text
        assert "<details" not in text and "(colab)=" in text
        assert ("(binder)=" in text) == (where.url is None)
        assert ("[docs/slides/README.md](https://github.com/a/b/blob/" in text) == bool(where.url)
        assert "](docs/" not in text
    assert "git clone --depth 1 https://github.com/a/b course" in text


def test_every_notebook_stands_on_the_map():
    readme = (book.ROOT / "README.md").read_text(encoding="utf-8")
    text = book.course_map(readme, {"01_sound_waves": "_static/pictures/a.png"})
    assert text.count('class="course-card-title"'.replace('"', "'")) == len(course.NOTEBOOKS)
    assert text.count("<a ") == 1 and text.count("course-soon") == len(course.NOTEBOOKS) - 1


def test_the_api_leaves_out_only_what_holds_answers():
    names = book.public_modules()
    assert "course_utils.ctc" in names and "course_utils.decoding.frames" in names
    assert "course_utils.exercises.framework" in names
    assert not [name for name in names if re.search(r"nb\d\d$", name)]
