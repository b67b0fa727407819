import ast
import html
import importlib.util
import inspect
import json
import re
import subprocess
import sys
import textwrap
from functools import lru_cache, wraps

import pytest

import course_utils
from course_utils import audio, fourier, show, signals


def bundle(obj):
    return show(obj)._repr_mimebundle_()


def test_plain_text_is_the_source_below_its_file():
    first, blank, code = bundle(signals.rms)["text/plain"].split("\n", 2)
    assert first == "# course_utils/signals.py"
    assert blank == ""
    assert code == inspect.getsource(signals.rms)


def undocumented(code):
    """Syntax tree of code without its docstrings."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return ast.dump(tree)


@pytest.mark.parametrize(
    "thing", [signals.tone, signals.quantise, audio.Player, audio.load, fourier.bluestein]
)
def test_docstrings_are_cut_to_their_first_line_and_nothing_else_is(thing):
    code = show(thing).code
    assert ast.get_docstring(ast.parse(code).body[0]) == inspect.getdoc(thing).splitlines()[0]
    assert undocumented(code) == undocumented(inspect.getsource(thing))
    assert len(code.splitlines()) < len(inspect.getsource(thing).splitlines())


def test_a_class_and_its_method_are_shown_without_indentation():
    assert "\nclass Player:" in show(audio.Player).code
    method = show(audio.Player._repr_mimebundle_).code
    assert method.startswith("def _repr_mimebundle_(self")
    assert method == textwrap.dedent(inspect.getsource(audio.Player._repr_mimebundle_))


def test_a_package_is_located_by_its_file(tmp_path):
    # Twice the package's name, as in a clone into a folder that is called like it.
    file = tmp_path / "course_utils" / "course_utils" / "inner" / "__init__.py"
    file.parent.mkdir(parents=True)
    file.write_text("def one():\n    return 1\n", encoding="utf-8")
    spec = importlib.util.spec_from_file_location("course_utils.inner", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert show(module.one).location == "course_utils/inner/__init__.py"


def test_html_is_coloured_escaped_and_readable_on_a_dark_page():
    markup = bundle(audio.play)["text/html"]
    assert "<code>course_utils/audio.py</code>" in markup
    assert "&lt;figure" not in markup
    assert "<span style=" in markup
    assert "background: #f8f8f8; color: #1b1b1b" in markup
    escaped = bundle(audio.Player._repr_mimebundle_)["text/html"]
    assert "&lt;figure class=" in escaped
    assert escaped.count("<figure ") == 1


def test_html_holds_the_whole_source():
    markup = bundle(signals.quantise)["text/html"].partition("</figcaption>")[2]
    text = html.unescape(re.sub(r"<[^>]+>", "", markup))
    assert text.strip() == show(signals.quantise).code.strip()


def test_a_wrapped_function_shows_what_was_written():
    wrapped = lru_cache(signals.rms)
    assert show(wrapped).code == inspect.getsource(signals.rms)

    @wraps(signals.rms)
    def outer(x):
        return signals.rms(x)

    assert show(outer).code == inspect.getsource(signals.rms)


class Stranger:
    pass


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (len, "len comes from builtins"),
        (dict.get, "dict.get comes from Python itself"),
        (json.dumps, "dumps comes from json"),
        (Stranger, "Stranger comes from tests.test_show"),
        (signals, "got module"),
        ("fourier.fft", "without quotes"),
        (3.0, "got float"),
        (Stranger(), "got Stranger"),
        (audio.Player.__init__, "not written in a file"),
    ],
)
def test_what_has_no_source_here_is_refused_with_the_remedy(wrong, says):
    with pytest.raises(ValueError, match=says):
        show(wrong)


def test_show_is_the_function_in_every_way_of_importing():
    import course_utils.show
    from course_utils.show import show as direct

    assert course_utils.show is direct is show


def run_python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, encoding="utf-8", check=True
    )


def test_importing_the_package_loads_nothing_heavy():
    heavy = ["torch", "librosa", "matplotlib", "scipy", "numpy", "IPython", "soundfile", "pygments"]
    code = f"import sys, course_utils; print([m for m in {heavy} if m in sys.modules])"
    assert run_python("-c", code).stdout.strip() == "[]"


def test_importing_the_package_is_quick():
    def cumulative_us():
        for line in run_python("-X", "importtime", "-c", "import course_utils").stderr.splitlines():
            fields = line.removeprefix("import time:").split("|")
            if fields[-1].strip() == "course_utils":
                return int(fields[1])
        raise AssertionError("course_utils is not in the list of imports")

    # The best of three, for another process may hold the machine up.
    assert min(cumulative_us() for _ in range(3)) < 200_000


def test_the_version_can_be_read():
    assert course_utils.__version__.count(".") == 2
