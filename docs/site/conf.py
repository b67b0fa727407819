"""Sphinx configuration of the course's web site; docs/tools/book.py writes the pages beside it."""

import re
import sys
from pathlib import Path

# This file is copied to build/book; the package and its tools lie two folders above.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import course_utils
from docs.tools import book

project = "From Sound Waves to Speech Recognition"
author = "The authors of From Sound Waves to Speech Recognition"
copyright = "the authors: text and figures CC BY 4.0, code MIT, bundled audio CC0 1.0"
version = release = course_utils.__version__
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_static", "extra"]
templates_path = ["_templates"]

nb_execution_mode = "off"
suppress_warnings = ["ref.python"]  # two classes of one name in a signature: neither is linked
nb_ipywidgets_js = {}  # course.js brings explorers to life, without require.js
myst_enable_extensions = ["dollarmath", "amsmath", "attrs_inline"]
myst_dmath_double_inline = True  # a displayed formula goes on in its paragraph
myst_heading_anchors = 4
myst_heading_slug_func = "docs.tools.pages.heading_slug"

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
add_module_names = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_include_init_with_doc = True  # most classes tell their arguments there
napoleon_custom_sections = [("Traits", "params_style")]

mathjax_path = "vendor/mathjax/es5/tex-svg.js"
mathjax3_config = {"options": {"enableMenu": False}, "svg": {"fontCache": "global"}}

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_extra_path = ["extra"]
html_css_files = ["course.css"]
html_js_files = [("course.js", {"defer": "defer"})]
html_favicon = "_static/logo.svg"
html_use_index = False  # the search does it better
html_domain_indices = False
html_copy_source = False
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_sidebars = {"index": [], "run": [], "glossary": [], "teaching": []}
html_theme_options = {
    "logo": {"text": project, "image_light": "_static/logo.svg", "image_dark": "_static/logo.svg"},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "navigation_with_keys": False,
    "article_header_end": ["launch"],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 1,
    "back_to_top_button": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def in_restructured_text(app, what, name, obj, options, lines):
    """Docstrings are plain text: `code`, |a| and a * b mean nothing else; code is indented."""
    code = -1  # indentation of the paragraph that code belongs to
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent <= code:
            code = -1
        if code >= 0:
            continue
        pieces = re.split(r"(`[^`]+`)", line)
        lines[number] = "".join(
            f"`{piece}`" if piece.startswith("`") else re.sub(r"([|*])", r"\\\1", piece)
            for piece in pieces
        )
        after = [*lines[number + 1 : number + 3], "", ""]
        if line.endswith(":") and not after[0] and after[1].startswith(" " * (indent + 1)):
            lines[number] += ":"
            code = indent


def leave_out_fields(app, what, name, obj, skip, options):
    """Fields of a NamedTuple say nothing of their own; the class tells what they are."""
    return True if (getattr(obj, "__doc__", "") or "").startswith("Alias for field") else None


def add_launch(app, pagename, templatename, context, doctree):
    """What the links above each page lead to."""
    name = pagename.removeprefix("notebooks/") if pagename.startswith("notebooks/") else None
    context["launch"] = {"notebook": name, **book.address().launch(name)}


def setup(app):
    """Connect the functions above."""
    app.connect("autodoc-process-docstring", in_restructured_text, priority=400)
    app.connect("autodoc-skip-member", leave_out_fields)
    app.connect("html-page-context", add_launch)
