"""What of a notebook goes onto slides: a plan of one lecture, chosen by rule.

A notebook is a text of a hundred cells and more; a lecture shows thirty to fifty things. Each code
cell that shows something, with the text around it, is a *step*: the question before it, what it
shows, what was seen. Text with formulas, tables, lists or new terms is a *concept*. Each gets
points for what a class gains from it, and the best ones that fit into the time become slides, in
the notebook's order. Everything else stays in the speaker's notes, so no word is lost.

Where the rules choose badly, a cell's metadata decide: `"slideshow": {"slide_type": "slide"}`
shows a code cell, `"skip"` and `"notes"` leave it to the notes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from nbformat import NotebookNode

VIEW = "application/vnd.jupyter.widget-view+json"  # where a stored notebook shows a widget,
STATE = "application/vnd.jupyter.widget-state+json"  # and where it keeps the state of them all

SHORTEST_S, LONGEST_S = 48 * 60, 70 * 60  # of what is chosen; opening and closing included
MOST_SLIDES = 50
CLOSING = ("Summary", "Quiz", "Exercises", "Further reading")

# Seconds that a lecturer needs for a slide, by what is on it.
SECONDS = {
    "title": 60, "goals": 45, "agenda": 45, "explorer": 210, "figure": 90, "sound": 90,
    "print": 75, "code": 90, "concept": 90, "summary": 120, "quiz": 75, "exercises": 60,
}  # fmt: skip
LEAST_POINTS = 2  # a section with nothing better is left to the notes
POINTS = {"explorer": 10, "figure": 6, "sound": 4, "code": 2, "print": 1.5}

LEAD_LETTERS, TAKE_LETTERS, CONCEPT_LETTERS = 300, 270, 620
BESIDE_PICTURE_LETTERS = 220  # of the question, and of the answer
MOST_CODE_LINES, MOST_SHOWN_LINES, MOST_OUTPUT_LINES = 11, 20, 16

MOST_ROWS, LETTERS_A_ROW = 23, 78  # of code; a row of text is taller

FENCED = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.M | re.S)
DISPLAY = re.compile(r"\$\$.+?\$\$", re.S)
# Nothing in these ends a sentence.
WHOLE = re.compile(r"\$\$.+?\$\$|\$[^$]+\$|`[^`]+`|\[[^\]]*\]\([^)]*\)", re.S)
END = re.compile(r"(?<=[.!?])[\"”'’*_)\]]*\s+(?=[\"“*_(\[\x00A-Z0-9])")
ABBREVIATED = re.compile(r"(?:\.\.\.|\b(?:e\.g|i\.e|vs|Fig|al|cf|no|St|Dr|approx)\.|\b[A-Z]\.)$")
CUE = re.compile(
    r"\*\*(?:Predict|Guess|Compute|Do|Count|Listen|Write|Find|Read|Try|Look|Point|Choose|Wrong idea"
    r"|Say|Draw|Which|Where|What|How|Why)\b"
)
CALL = re.compile(r"\*\*[A-Z]\w+[.:]?\*\*[.:]?")
COMPLETE = re.compile(r"[.!?…][\"”'’*_)\]]*$")
TERM = re.compile(r"\*\*[^*]+\*\*")
EXERCISE = re.compile(r"\s*\([Ee]xercises? [^)]*\)")
POINTER = re.compile(r"\b(?:pictures?|below|next|here|magnified|listen|look)\b", re.I)
MISSING = re.compile(
    r"\b(?:is|are) not here\b|To get (?:it|them)\b|(?:needs? the|where the) recordings\b"
)


@dataclass
class Slide:
    """One slide: what is on it as markdown and outputs, and what the lecturer reads."""

    kind: str  # a key of SECONDS
    section: str
    title: str
    lead: str = ""  # shown at once
    formulas: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)  # a list, shown at once
    blocks: list[str] = field(default_factory=list)  # tables and the like, as they are
    code: str = ""
    outputs: list[NotebookNode] = field(default_factory=list)
    take: str = ""  # shown last
    is_prediction: bool = False  # then the outputs wait for a key
    question: dict | None = None  # of the quiz
    notes: list[tuple[str, str]] = field(default_factory=list)  # ("text" or "code", source)

    @property
    def seconds(self) -> int:
        """How long it is meant to stand."""
        return SECONDS[self.kind]


@dataclass
class Candidate:
    """A slide that may be chosen, with its points; the first of a section always is."""

    slide: Slide
    points: float
    order: int
    forced: bool = False
    barred: bool = False
    text: str = ""  # what a concept is made of; a step beside it has it in its notes as well


@dataclass
class Chunk:
    """Markdown of one piece of text under one heading."""

    level: int
    title: str
    text: str


def plan(notebook: NotebookNode) -> list[Slide]:
    """The slides of a notebook, in order.

    Args:
        notebook: as nbformat reads it, executed.

    Returns:
        Title, goals, agenda, the chosen steps and concepts, summary, quiz, exercises.

    Raises:
        ValueError: it does not begin with a title cell or has no section.
    """
    cells = list(notebook.cells)
    if not cells or not cells[0].source.startswith("# "):
        raise ValueError("the first cell must be markdown that begins with `# Title`")
    end = next(
        (i for i, cell in enumerate(cells) if re.search(r"^## Summary\s*$", cell.source, re.M)),
        len(cells),
    )
    candidates = list(steps(cells[1 : end + 1]))
    if not candidates:
        raise ValueError("a lecture needs at least one `## Section` that shows something")
    first = opening(cells[0].source)
    last = closing(cells[end:], notebook)
    shown = chosen(candidates, [*first, *last])
    agenda = first[-1]
    agenda.items = list(dict.fromkeys(slide.section for slide in shown))
    return [*first, *shown, *last]


def opening(source: str) -> list[Slide]:
    """Title, goals and an agenda that is still empty."""
    text = without_marks(source)
    title = text.split("\n", 1)[0].removeprefix("# ").strip()
    paragraphs = [p.strip() for p in re.split(r"\n\s*\n", text)]
    goals = [EXERCISE.sub("", line) for p in paragraphs for line in bullets(p)]
    front = Slide("title", "", title, lead=paragraphs[1] if len(paragraphs) > 1 else "")
    needs = [p for p in paragraphs if p.startswith(("**You need**", "**Time**"))]
    front.notes = [("text", "\n\n".join(needs))]
    after = Slide("goals", "", "After this lecture you can", items=goals)
    agenda = Slide("agenda", "", "The way there")
    return [front, *([after] if goals else []), agenda]


def closing(cells: list[NotebookNode], notebook: NotebookNode) -> list[Slide]:
    """Summary, one slide for each question of the quiz, the exercises."""
    found: list[Slide] = []
    parts = {c.title: c for cell in cells if cell.cell_type == "markdown" for c in chunks(cell)}
    if "Summary" in parts:
        lines = bullets(parts["Summary"].text) or [parts["Summary"].text]
        found.append(Slide("summary", "", "Summary", items=lines))
    questions = quiz_questions(notebook)
    for number, question in enumerate(questions, 1):
        title = f"Question {number} of {len(questions)}"
        found.append(Slide("quiz", "Quiz", title, lead=question["text"], question=question))
    exercises = [title for title in parts if title.startswith("Exercise ")]
    if exercises:
        slide = Slide("exercises", "", "Now you", items=[e[len("Exercise ") :] for e in exercises])
        slide.lead = "Exercises in the notebook; each has a check that answers, and hints."
        reading = parts.get("Further reading")
        slide.notes = [("text", f"**{e}.** {parts[e].text}") for e in exercises]
        slide.notes += [("text", f"**Further reading**\n\n{reading.text}")] if reading else []
        found.append(slide)
    return found


def quiz_questions(notebook: NotebookNode) -> list[dict]:
    """The questions that the quiz's widget holds."""
    stored = notebook.metadata.get("widgets", {}).get(STATE)
    for model in (stored or {"state": {}})["state"].values():
        if "questions" in model["state"] and "answers" in model["state"]:
            return list(model["state"]["questions"])
    return []


def steps(cells: list[NotebookNode]) -> list[Candidate]:
    """Every step and concept between the title and the summary, with points."""
    found: list[Candidate] = []
    section = title = ""
    after: Candidate | None = None  # the step whose result is being talked about
    pending: list[str] = []  # text before the next step
    for cell in cells:
        if cell.cell_type == "code":
            candidate = step(cell, section, title, "\n\n".join(pending), len(found))
            if candidate is None:
                if found:
                    found[-1].slide.notes += [("text", "\n\n".join(pending)), ("code", cell.source)]
                    after = None
                    pending = []
                continue
            found.append(candidate)
            after, pending = candidate, []
            continue
        if cell.cell_type != "markdown" or kind_of(cell) == "skip":
            continue
        parts = chunks(cell)
        for chunk in parts:
            if chunk.title in CLOSING:
                return merged(found)
            if chunk.level == 2:
                section, title = chunk.title, chunk.title
            elif chunk.level:
                title = chunk.title
            if chunk.level and pending and found:
                found[-1].slide.notes.append(("text", "\n\n".join(pending)))
                pending = []
            text = chunk.text
            if not chunk.level and after is not None:
                # A heading behind it: nothing here leads to the next step.
                seen, text = (text, "") if len(parts) > 1 else divide(text)
                beside = after.slide.kind == "figure"
                letters = BESIDE_PICTURE_LETTERS if beside else TAKE_LETTERS
                after.slide.take = shortest_take(seen, letters)
                after.slide.notes.append(("text", seen))
                idea = concept(seen, after.slide.section, after.slide.title, len(found))
                if idea is not None:
                    found.append(idea)
            after = None
            idea = concept(text, section, title, len(found))
            if idea is not None:
                found.append(idea)
            if text.strip():
                pending.append(text)
    return merged(found)


def merged(found: list[Candidate]) -> list[Candidate]:
    """Put a lone formula onto the slide of the step that follows, where there is room.

    And now that it is known what was seen in each step: points for it, and words for a picture
    that nobody talks about.
    """
    kept: list[Candidate] = []
    for candidate in found:
        words = candidate.slide
        candidate.points += 0.7 * bool(TERM.search(words.take))
        if words.outputs and not words.take and not words.lead:
            candidate.points -= 2
            if words.kind == "figure":
                words.take = shortest_take(caption(words.outputs), BESIDE_PICTURE_LETTERS)
        last = kept[-1] if kept else None
        slide = candidate.slide
        if last is not None and is_lone_formula(last.slide) and has_room(last.slide, slide):
            saying = "".join(f"{one} " for one in last.slide.items if one not in slide.lead)
            slide.formulas = [saying + last.slide.formulas[0]]
            slide.notes = [*last.slide.notes, *slide.notes]
            candidate.points = max(candidate.points, last.points) + 2
            kept.pop()
        if last is not None and are_tasks_for(last.slide, slide):
            slide.items = last.slide.items
            kept.pop()
        if last is not None and is_answered_later(last.slide, slide):
            slide.lead = f"{last.slide.lead} {slide.lead}".strip()
            slide.is_prediction = True
            candidate.points += 3
            last.points -= 5
        make_room(slide)
        kept.append(candidate)
    return kept


def are_tasks_for(tasks: Slide, slide: Slide) -> bool:
    """Whether a list before an explorer says what to try in it, and fits beside it."""
    is_list = tasks.kind == "concept" and not tasks.formulas and not tasks.blocks
    is_next = slide.kind == "explorer" and slide.section == tasks.section and not slide.items
    return is_list and is_next and length([slide.lead, slide.take, *tasks.items]) < 560


def is_answered_later(asking: Slide, following: Slide) -> bool:
    """Whether a cell that only computes stands between a prediction and the step that shows it."""
    says_nothing = asking.kind == "print" and asking.is_prediction and not asking.take
    takes_over = following.kind in ("figure", "sound", "print") and not following.is_prediction
    is_short = length([asking.lead, following.lead]) < 330
    return asking.section == following.section and says_nothing and takes_over and is_short


def make_room(slide: Slide) -> None:
    """Leave the code to the notes where it would make everything else too small."""
    code = slide.code.count("\n") + 1 if slide.code else 0
    printed = sum(text_of(one).rstrip().count("\n") + 1 for one in slide.outputs)
    words = [slide.lead, slide.take, *slide.items, *(DISPLAY.sub("", f) for f in slide.formulas)]
    rows = sum(-(-len(plain(one)) // LETTERS_A_ROW) for one in words if one)
    rows += 3 * len(slide.formulas)
    if slide.kind == "print" and code + printed + 1.4 * rows > MOST_ROWS:
        slide.code = ""


def is_lone_formula(slide: Slide) -> bool:
    """Whether a concept is one formula with at most a sentence."""
    few = len(slide.formulas) == 1 and len(slide.items) <= 1 and not slide.blocks
    return slide.kind == "concept" and few and length([*slide.items, *slide.formulas]) < 330


def has_room(idea: Slide, slide: Slide) -> bool:
    """Whether a step can show a formula too."""
    if slide.section != idea.section or slide.kind not in ("figure", "sound", "print"):
        return False
    lines = slide.code.count("\n") + sum(text_of(one).count("\n") for one in slide.outputs)
    words = length([slide.lead, slide.take, *idea.items, DISPLAY.sub("", idea.formulas[0])])
    return words < 270 if slide.kind == "figure" else words < 560 and lines < 12


def step(cell: NotebookNode, section: str, title: str, before: str, order: int) -> Candidate | None:
    """A code cell with what it shows, or None when it shows nothing."""
    outputs = visible(cell)
    kind = kind_of_outputs(outputs)
    if kind is None or not section:
        return None
    letters = BESIDE_PICTURE_LETTERS if kind == "figure" else LEAD_LETTERS
    lead, is_prediction = leading(before, letters)
    slide = Slide(kind, section, title, lead, outputs=outputs, is_prediction=is_prediction)
    slide.notes = [("text", before), ("code", cell.source)]
    lines = cell.source.strip().count("\n") + 1
    if kind == "print" and lines <= MOST_CODE_LINES:
        slide.code = cell.source.strip()
    points = POINTS[kind] + 3 * bool(CUE.search(before)) + 0.5 * is_prediction
    points += sum(bool("<table" in html_of(one)) for one in outputs) * 3
    if kind == "print":
        printed = sum(text_of(one).count("\n") for one in outputs)
        points -= 9 * (printed > MOST_OUTPUT_LINES) + (lines > MOST_CODE_LINES)
        # A cell for the tests: it asserts, and says a sentence that is always the same.
        points -= 4 * ("assert " in cell.source and not re.search(r"\bf[\"']", cell.source))
    if kind == "code":
        points -= 4 * (max(html_of(one).count("\n") for one in outputs) > MOST_SHOWN_LINES)
    unavailable = any(MISSING.search(text_of(one)) for one in outputs)
    wanted = kind_of(cell)
    return Candidate(
        slide,
        points,
        order,
        forced=wanted in ("slide", "subslide", "fragment"),
        barred=unavailable or wanted in ("skip", "notes"),
    )


def concept(text: str, section: str, title: str, order: int) -> Candidate | None:
    """Text that deserves a slide of its own: formulas, a table, a list, new terms."""
    if not section:
        return None
    formulas, sayings, blocks, items = [], [], [], []
    terms = 0
    for paragraph in paragraphs(text):
        if paragraph.startswith("|"):
            blocks.append(paragraph)
        elif bullets(paragraph):
            items += [shortened(one, 200) for one in bullets(paragraph)]
        elif not paragraph.startswith(("```", "~~~", "![", "<")):
            for sentence in sentences(paragraph):
                if DISPLAY.search(sentence):
                    formulas.append(sentence)
                elif TERM.search(sentence) and not CUE.search(sentence):
                    terms += len(TERM.findall(sentence))
                    sayings.append(sentence)
    if not (formulas or blocks or len(items) > 1 or terms > 1):
        return None
    points = 5.5 * bool(formulas) + 5 * bool(blocks) + 3 * (len(items) > 1) + 0.8 * min(terms, 4)
    kept, letters = [], 0
    for sentence in sayings:
        letters += len(plain(sentence))
        if letters <= CONCEPT_LETTERS - 120 * len(formulas) - 60 * len(items):
            kept.append(sentence)
    slide = Slide("concept", section, title, formulas=formulas[:3], items=[*kept, *items][:7])
    slide.blocks = blocks[:1]
    return Candidate(slide, points - 0.5, order, text=text)


def chosen(candidates: list[Candidate], fixed: list[Slide]) -> list[Slide]:
    """The candidates with the most points that fit into the lecture, in order; notes of the rest.

    Args:
        candidates: in order.
        fixed: slides that are shown anyway and take their time.
    """
    left_s = LONGEST_S - sum(slide.seconds for slide in fixed)
    left = MOST_SLIDES - len(fixed)
    first_of = {c.slide.section: c for c in reversed(candidates) if not c.barred}
    taken: set[int] = set()
    ranked = sorted(
        (c for c in candidates if not c.barred),
        key=lambda c: (not c.forced, -c.points - 2.5 * (first_of[c.slide.section] is c), c.order),
    )
    best_of: dict[str, Candidate] = {}
    for candidate in ranked:
        if candidate.points >= LEAST_POINTS:
            best_of.setdefault(candidate.slide.section, candidate)
    for candidate in [*best_of.values(), *ranked]:
        is_short = LONGEST_S - left_s < SHORTEST_S
        is_worth_it = candidate.forced or candidate.points >= (0 if is_short else LEAST_POINTS)
        if (
            id(candidate) in taken
            or not is_worth_it
            or candidate.slide.seconds > left_s
            or not left
        ):
            continue
        taken.add(id(candidate))
        left_s -= candidate.slide.seconds
        left -= 1
    slides: list[Slide] = []
    before: list[tuple[str, str]] = []  # of what comes before the first slide
    for candidate in candidates:
        slide = candidate.slide
        if id(candidate) in taken:
            slide.notes = [*before, ("text", candidate.text), *slide.notes]
            before = []
            slides.append(slide)
        elif slide.notes:
            notes = slides[-1].notes if slides else before
            notes += [("left out", slide.title), *slide.notes]
    return slides


def kind_of(cell: NotebookNode) -> str:
    """The slide type that the cell's metadata ask for, or an empty text."""
    return str(cell.metadata.get("slideshow", {}).get("slide_type", "")).strip("-")


def visible(cell: NotebookNode) -> list[NotebookNode]:
    """Outputs that are worth a look: no progress bars, no object addresses."""
    kept = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            kept += [output] if output.name == "stdout" and output.text.strip() else []
        elif output.output_type in ("display_data", "execute_result"):
            data = output.data
            is_widget = VIEW in data
            if "image/png" in data or "text/html" in data or (not is_widget and text_of(output)):
                kept.append(output)
    return kept


def kind_of_outputs(outputs: list[NotebookNode]) -> str | None:
    """What a step is about, the richest first."""
    if any(VIEW in o.get("data", {}) for o in outputs):
        return "explorer"
    if any("image/png" in o.get("data", {}) for o in outputs):
        return "figure"
    if any("<audio" in html_of(o) for o in outputs):
        return "sound"
    if any("course-source" in html_of(o) for o in outputs):
        return "code"
    return "print" if outputs else None


def html_of(output: NotebookNode) -> str:
    """An output's HTML, or an empty text."""
    return str(output.get("data", {}).get("text/html", ""))


def text_of(output: NotebookNode) -> str:
    """An output's plain text, or an empty text."""
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


def caption(outputs: list[NotebookNode]) -> str:
    """What the first picture shows, in words."""
    pictures = [one for one in outputs if "image/png" in one.get("data", {})]
    return text_of(pictures[0]) if pictures else ""


def chunks(cell: NotebookNode) -> list[Chunk]:
    """A markdown cell, cut at its headings; text before the first has level 0."""
    text = without_marks(cell.source)
    fenced = {(m.start(), m.end()) for m in FENCED.finditer(text)}
    headings = [
        m
        for m in re.finditer(r"^(#{1,6})\s+(.+?)\s*#*$", text, re.M)
        if not any(a <= m.start() < b for a, b in fenced)
    ]
    found = [Chunk(0, "", text[: headings[0].start()] if headings else text)]
    for heading, following in pairwise([*headings, None]):
        assert heading is not None
        stop = following.start() if following else len(text)
        body = text[heading.end() : stop].strip()
        found.append(Chunk(len(heading[1]), heading[2], body))
    return [c for c in found if c.level or c.text.strip()]


def without_marks(text: str) -> str:
    """Markdown without comments, which only the tests read."""
    return re.sub(r"<!--.*?-->", "", text, flags=re.S)


def paragraphs(text: str) -> list[str]:
    """Paragraphs, lists and tables of a text, each as one piece; fenced code stays whole."""
    kept: list[str] = []
    for piece in re.split(r"\n\s*\n", text):
        lines = piece.strip("\n").split("\n")
        start = 0
        for i, line in enumerate(lines):
            begins = i > 0 and is_item(line) and not any(is_item(x) for x in lines[start:i])
            if begins and not lines[start].startswith(("```", "|")):
                kept.append("\n".join(lines[start:i]))
                start = i
        kept.append("\n".join(lines[start:]))
    return [piece for piece in kept if piece.strip()]


def is_item(line: str) -> bool:
    """Whether a line begins an item of a list."""
    return bool(re.match(r"(?:[-*]|\d+\.)\s+", line))


def bullets(paragraph: str) -> list[str]:
    """The items of a list, or nothing when the paragraph is not one."""
    lines = paragraph.strip("\n").split("\n")
    if not is_item(lines[0]):
        return []
    items: list[str] = []
    for line in lines:
        if is_item(line):
            items.append(re.sub(r"^(?:[-*]|\d+\.)\s+", "", line))
        else:
            items[-1] += " " + line.strip()
    return items


def sentences(paragraph: str) -> list[str]:
    """The sentences of a paragraph; formulas, code, links, emphasis and brackets stay whole."""
    wholes: list[str] = []

    def hide(match: re.Match[str]) -> str:
        wholes.append(match[0])
        return f"\x00{len(wholes) - 1}\x00"

    hidden = WHOLE.sub(hide, paragraph.strip())
    pieces, start = [], 0
    for match in END.finditer(hidden):
        piece = hidden[start : match.end()]
        if ABBREVIATED.search(piece.rstrip()) or is_open(piece):
            continue
        pieces.append(piece.strip())
        start = match.end()
    pieces.append(hidden[start:].strip())
    shown = [re.sub(r"\x00(\d+)\x00", lambda m: wholes[int(m[1])], piece) for piece in pieces]
    kept: list[str] = []
    for piece in filter(None, shown):
        if kept and CALL.fullmatch(kept[-1]):  # "**Predict.**" belongs to what follows
            kept[-1] += " " + piece
        else:
            kept.append(piece)
    return kept


def is_open(piece: str) -> bool:
    """Whether an emphasis or a bracket begins here that has not ended."""
    return piece.count("**") % 2 == 1 or piece.count("(") > piece.count(")")


def divide(text: str) -> tuple[str, str]:
    """Text between two code cells: what was seen in the first, what leads to the second."""
    pieces = [(number, s) for number, p in enumerate(paragraphs(text)) for s in whole(p)]
    if len(pieces) < 2:
        return ("", text) if pieces and is_leading(pieces[0][1]) else (text, "")
    at = next((i for i, (_, s) in enumerate(pieces) if CUE.search(s)), None)
    if at is None:
        asked = [i for i, (_, s) in enumerate(pieces) if i and is_question(s)]
        at = asked[-1] if asked else None
    if at is None and is_question(pieces[0][1]) and pieces[-1][0] == 0:
        return "", text  # it was not seen: it is asked of the next step
    if at is None and pieces[-1][0] > 0:
        at = next(i for i, (number, _) in enumerate(pieces) if number == pieces[-1][0])
    if at is None and (is_leading(pieces[-1][1]) or POINTER.search(pieces[-1][1])):
        at = len(pieces) - 1
    if at is None:
        return text, ""
    # The sentence before a question often says what it is about, or is the question itself.
    asks = CUE.search(pieces[at][1]) or is_question(pieces[at][1])
    before = pieces[at - 1] if at else (-1, "")
    if asks and before[0] == pieces[at][0] and (at > 1 or is_question(before[1])):
        at -= 1
    return joined(pieces[:at]), joined(pieces[at:])


def whole(paragraph: str) -> list[str]:
    """Sentences, or a list, a table, a picture, a listing as one piece."""
    if paragraph.startswith(("|", "```", "~~~", "![", "<")) or bullets(paragraph):
        return [paragraph]
    return sentences(paragraph)


def joined(pieces: list[tuple[int, str]]) -> str:
    """Sentences put together again, paragraph by paragraph."""
    rows: dict[int, list[str]] = {}
    for number, sentence in pieces:
        rows.setdefault(number, []).append(sentence)
    return "\n\n".join(" ".join(row) for row in rows.values())


def is_question(sentence: str) -> bool:
    """Whether a sentence asks."""
    return sentence.rstrip("*_ ").endswith("?")


def is_leading(sentence: str) -> bool:
    """Whether a sentence points forward."""
    return sentence.rstrip("*_ ").endswith((":", "?")) or bool(CUE.search(sentence))


def leading(text: str, letters: int) -> tuple[str, bool]:
    """What to say before the outputs appear, and whether it asks for a prediction."""
    pieces = [
        s
        for p in paragraphs(text)
        if not p.startswith(("|", "```", "~~~", "![", "<")) and not bullets(p)
        for s in sentences(p)
        if not DISPLAY.search(s) and not is_aside(s)
    ]
    if not pieces:
        return "", False
    cued = next((i for i, s in enumerate(pieces) if CUE.search(s)), None)
    asked = [i for i, s in enumerate(pieces) if is_question(s)]
    at = cued if cued is not None else asked[-1] if asked else None
    is_prediction = at is not None
    if at is None:
        at = len(pieces) - 1 if is_leading(pieces[-1]) or len(pieces) == 1 else 0
    kept = [shortened(pieces[at], letters)]
    if at and length(kept) + length([pieces[at - 1]]) < letters * 0.8:
        kept.insert(0, pieces[at - 1])
    for sentence in pieces[at + 1 :]:
        if length([*kept, sentence]) > letters:
            break
        kept.append(sentence)
    return EXERCISE.sub("", " ".join(kept)), is_prediction


def shortest_take(text: str, letters: int) -> str:
    """What was seen: the first sentence, and those that hold something in bold."""
    pieces = [
        EXERCISE.sub("", s)
        for p in paragraphs(text)
        if not p.startswith(("|", "```", "~~~", "![", "<")) and not bullets(p)
        for s in sentences(p)
        if not DISPLAY.search(s) and not is_aside(s)
    ]
    pieces = [s for s in pieces if COMPLETE.search(s)]
    # A quotation in bold is a wrong idea that is tested next.
    wanted = [s for s in pieces if not s.startswith('**"')]
    wanted = [s for i, s in enumerate(wanted) if i == 0 or TERM.search(s)]
    kept: list[str] = []
    for sentence in [*wanted, *pieces[1:2]]:
        if sentence not in kept and length([*kept, sentence]) <= letters:
            kept.append(sentence)
    kept.sort(key=pieces.index)
    return " ".join(kept)


def is_aside(sentence: str) -> bool:
    """Whether a sentence stands in brackets."""
    return sentence.startswith("(") and sentence.rstrip(".").endswith(")")


def shortened(text: str, letters: int) -> str:
    """As many first sentences as fit; the first one always."""
    pieces = sentences(text)
    kept = pieces[:1]
    for sentence in pieces[1:]:
        if length([*kept, sentence]) > letters:
            break
        kept.append(sentence)
    return " ".join(kept)


def length(pieces: list[str]) -> int:
    """Letters that are seen."""
    return sum(len(plain(piece)) + 1 for piece in pieces)


def plain(text: str) -> str:
    """Markdown without the addresses of links and without signs of emphasis."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("**", "").replace("`", "")
