"""A recorder for the learner's own voice: record, trim, listen, keep, and see what models read."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from course_utils import audio, metrics
from course_utils.datasets import preparation, recordings
from course_utils.widgets.base import BLUE, INK, RED, Explorer, Quantities, javascript, style
from course_utils.widgets.clips import sixteen_bits

LONGEST_S = 10.0  # of a take
SHORTEST_PIECE_S = 0.1  # between the two ends of the trim
NEARLY_S = 0.005  # times are rounded to hundredths in the browser
FREE = "your sound"  # the take's name where there are no prompts
SHEET = 24  # prompts that the still picture shows at once

Reader = Callable[[np.ndarray, int], Any]


@dataclass
class Draft:
    """A take that is looked at: kept or not.

    Attributes:
        waveform: float32 (samples,), all that was recorded.
        text: what is said in it, if known; else empty.
        source: where it came from: "the microphone", the name of a file or of a sample.
        suggested: start and end of the speech in seconds, see `preparation.endpoints`.
        trim: start and end in seconds of what counts.
        kept: the trim that was kept, None while none was.
        readings: what the readers made of it, by name.
        failed: why a reader gave up, by name.
        read: the trim that the readings belong to.
    """

    waveform: np.ndarray
    text: str
    source: str
    suggested: tuple[float, float]
    trim: tuple[float, float]
    kept: tuple[float, float] | None = None
    readings: dict[str, Any] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    read: tuple[float, float] | None = None


class Recorder(Explorer):
    """Takes of the learner's voice, prompt by prompt, and what recognisers read in them.

    The microphone, a file or a sample sound gives a take. Where speech begins and ends is
    suggested; both ends can be moved. Every reader transcribes what lies between them: words at
    their times, confidence, other candidates. A take that is kept goes into a WAV file of the
    learner's own folder (`datasets.recordings`). Without prompts there is one take after the other,
    and no file is written.

    Readers run in Python, after each take and each change of its ends.

    Traits:
        prompt: name of the prompt that is shown.
        trim: (start, end) in seconds of the part that counts; (0, 0) without a take.
        problem: what was wrong with the last thing that was tried; else empty.

    Attributes:
        takes: name to (waveform, sample_rate, text) of what is kept, also in earlier sessions;
            without prompts, of the last take, under "your sound".
        folder: where files go.
        kind: "test" or "adaptation".
    """

    _esm = javascript("spectrum.js", "recorder.js", "intake.js", "takes.js", "own_voice.js")
    _css = style("takes.css")
    needs_python = ("_outside",)  # each new sound

    prompt = traitlets.Unicode().tag(sync=True)
    trim = Quantities((0, 0), 0, 60, "s")
    problem = traitlets.Unicode().tag(sync=True)
    _prompts = traitlets.List().tag(sync=True)  # name and text, one a prompt
    _kept = traitlets.List().tag(sync=True)  # names
    _known = traitlets.List().tag(sync=True)  # name and text of each sample sound
    _outside = traitlets.Dict().tag(sync=True)
    _take = traitlets.Dict().tag(sync=True)  # the draft that is shown; empty without one
    _pcm = traitlets.Bytes().tag(sync=True)  # its samples, int16
    _heard = traitlets.Dict().tag(sync=True)  # what the readers say, and of which piece
    _where = traitlets.Unicode().tag(sync=True)  # the folder; told to a browser that asks

    def __init__(
        self,
        prompts: Sequence[str] | Mapping[str, str] | None = None,
        readers: Mapping[str, Reader] | None = None,
        folder: str | os.PathLike[str] | None = None,
        kind: str = "test",
        sample_rate: int = 16_000,
        samples: Mapping[str, tuple] | None = None,
        **traits: Any,
    ) -> None:
        """Show the first prompt that has no take yet.

        Args:
            prompts: what is to be read: texts, named "01", "02" and so on, or name to text. None:
                anything may be said, and no file is written.
            readers: name to a function that takes a waveform and its rate and returns a reading:
                an object with `text`, `words` (text, start_s, end_s, confidence) and `nbest`
                (text, share of the probability).
            folder: where files go; None is `recordings.folder()`.
            kind: "test" or "adaptation".
            sample_rate: of the takes, in Hz.
            samples: name to (waveform, sample_rate) or (waveform, sample_rate, text, ...): sounds
                for those who have no microphone. Without prompts the first one is shown.
            traits: values of the traits, by name.

        Raises:
            ValueError: an argument is not what is said above.
        """
        if kind not in recordings.KINDS:
            known = ", ".join(map(repr, recordings.KINDS))
            raise ValueError(f"kind must be one of {known}, got {kind!r}")
        if not 8_000 <= sample_rate <= 48_000 or sample_rate != int(sample_rate):
            raise ValueError(
                f"sample_rate must be a whole number from 8,000 to 48,000 Hz, got {sample_rate!r}"
            )
        if readers is not None and not isinstance(readers, Mapping):
            raise ValueError('readers must be {"name": function, ...}')
        self.kind, self.sample_rate = kind, int(sample_rate)
        self.folder = recordings.folder() if folder is None else Path(folder).expanduser()
        self.takes: dict[str, tuple[np.ndarray, int, str]] = {}
        self._readers = dict(readers or {})
        self._texts = _checked_prompts(prompts)
        self._free = prompts is None
        self._sounds = {name: _checked_sample(name, s) for name, s in (samples or {}).items()}
        self._drafts: dict[str, Draft] = {}
        self._turn, self._showing = 0, False
        found = self._earlier()
        first = next((name for name in self._texts if name not in self.takes), None)
        super().__init__(
            prompt=traits.pop("prompt", first or next(iter(self._texts))),
            problem=found,
            _prompts=[[name, text] for name, text in self._texts.items()],
            _kept=list(self.takes),
            _known=[[name, text] for name, (_, _, text) in self._sounds.items()],
            _outside={
                "rate": self.sample_rate, "longest_s": LONGEST_S,
                "shortest_s": recordings.SHORTEST_S, "piece_s": SHORTEST_PIECE_S,
                "free": self._free, "readers": list(self._readers), "kind": kind,
            },
        )  # fmt: skip
        self.observe(self._on_prompt, "prompt")
        self.observe(self._on_trim, "trim")
        if self._free and self._sounds:
            self.use(next(iter(self._sounds)))
        else:
            self._show()
        for name, value in traits.items():
            setattr(self, name, value)
        self.on_msg(self._receive)

    def _earlier(self) -> str:
        """Take over what was kept before; returns what was wrong with it, or nothing."""
        if self._free:
            return ""
        try:
            corpus = recordings.load(self.folder, self.kind)
        except recordings.NoRecordingsError:
            return ""
        except (ValueError, OSError) as error:
            return str(error)
        for row, utterance in zip(corpus.table, corpus, strict=True):
            said = utterance.text
            if row["name"] not in self._texts or _plain(said) != _plain(self._texts[row["name"]]):
                continue
            waveform = utterance.waveform
            if utterance.sample_rate != self.sample_rate:
                waveform = audio.resample(waveform, utterance.sample_rate, self.sample_rate)
            self.takes[row["name"]] = waveform, self.sample_rate, said
        return ""

    @property
    def draft(self) -> Draft | None:
        """The take of the prompt that is shown, kept or not."""
        if self.prompt not in self._drafts and self.prompt in self.takes and not self._free:
            waveform, _, said = self.takes[self.prompt]
            whole = 0.0, round(len(waveform) / self.sample_rate, 4)
            self._drafts[self.prompt] = Draft(waveform, said, "kept", whole, whole, whole)
        return self._drafts.get(self.prompt)

    @property
    def readings(self) -> dict[str, Any]:
        """What each reader made of the take that is shown; those that gave up are missing."""
        return dict(self.draft.readings) if self.draft else {}

    @property
    def piece(self) -> np.ndarray:
        """What lies between the ends of the take that is shown, float32 (samples,).

        Raises:
            ValueError: there is no take.
        """
        draft = self._some_draft()
        start, end = (round(second * self.sample_rate) for second in draft.trim)
        return draft.waveform[start:end]

    def add(
        self,
        waveform: np.ndarray,
        sample_rate: int,
        text: str | None = None,
        source: str = "Python",
    ) -> None:
        """Take a sound for the prompt that is shown, as if it had been recorded.

        Args:
            waveform: (samples,), floating point, 10 s at most.
            sample_rate: in Hz; another one than the recorder's is resampled.
            text: what is said in it; None is the prompt.
            source: where it comes from, for the description.

        Raises:
            ValueError: it is too short, silent, too long, or not a sound. The take before stays.
        """
        waveform = audio.checked_waveform(waveform)
        if sample_rate != self.sample_rate:
            waveform = audio.resample(waveform, sample_rate, self.sample_rate)
        if len(waveform) > (LONGEST_S + 0.5) * self.sample_rate:
            raise ValueError(
                f"it lasts {len(waveform) / self.sample_rate:.1f} s; {LONGEST_S:.0f} s is the "
                "most. Cut one sentence out of it."
            )
        found = recordings.fault(waveform, self.sample_rate)
        if found is not None and found.kind != "clipped":
            raise ValueError(found.message)
        ends = preparation.endpoints(waveform, self.sample_rate)
        suggested = round(ends[0], 2), round(ends[1], 2)
        said = self._texts[self.prompt] if text is None else " ".join(text.split())
        draft = Draft(waveform.copy(), said, source, suggested, suggested)
        self._drafts[self.prompt] = draft
        self._show()

    def use(self, sample: str) -> None:
        """Take one of the sample sounds.

        Raises:
            ValueError: there is no such sample, or it can't be a take.
        """
        if sample not in self._sounds:
            known = ", ".join(map(repr, self._sounds)) or "none"
            raise ValueError(f"the samples are {known}; got {sample!r}")
        waveform, rate, text = self._sounds[sample]
        self.add(waveform, rate, text, f"the sample {sample!r}")

    def keep(self, insist: bool = False) -> Path:
        """Save what lies between the ends of the take that is shown.

        Args:
            insist: also when it is clipped.

        Returns:
            The file.

        Raises:
            ValueError: there is no take, there are no prompts, another text is said in it, or it is
                too short, silent, or clipped.
            OSError: the file can't be written; an earlier take is still there.
        """
        draft, name = self._some_draft(), self.prompt
        if reason := self._refusal(draft):
            raise ValueError(reason)
        found = recordings.fault(self.piece, self.sample_rate)
        if found is not None and not (found.kind == "clipped" and insist):
            raise ValueError(found.message)
        said, rate = self._texts[name], self.sample_rate
        path = recordings.save(self.piece, rate, said, name, self.kind, self.folder)
        self.takes[name] = audio.load(path)[0], rate, said
        draft.kept = draft.trim
        with self.hold_sync():
            self._kept = [known for known in self._texts if known in self.takes]
            self._take = self._state(draft)
        return path

    def _refusal(self, draft: Draft) -> str:
        """Why a take is not kept, whatever it sounds like."""
        if self._free:
            return "Without prompts no file is written: the take is in `takes`."
        if _plain(draft.text) != _plain(self._texts[self.prompt]):
            said = f"“{draft.text}”" if draft.text else "something else"
            return f"In this sound {said} is said, not the prompt: it can be looked at, not kept."
        return ""

    def _some_draft(self) -> Draft:
        if self.draft is None:
            raise ValueError(f"prompt {self.prompt!r} has no take yet: record one")
        return self.draft

    @traitlets.validate("prompt")
    def _check_prompt(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] not in self._texts:
            known = ", ".join(map(repr, self._texts))
            raise traitlets.TraitError(f"prompt must be one of {known}, got {proposal['value']!r}")
        return proposal["value"]

    @traitlets.validate("trim")
    def _check_trim(self, proposal: dict[str, Any]) -> tuple[float, float]:
        start, end = proposal["value"]
        if self._showing or (start, end) == (0.0, 0.0) == self.trim:
            return start, end
        if self.draft is None:
            raise traitlets.TraitError("trim needs a take: record one first")
        duration_s = len(self.draft.waveform) / self.sample_rate
        if end > duration_s + NEARLY_S or end - start < SHORTEST_PIECE_S - 1e-6:
            raise traitlets.TraitError(
                f"trim must be two times with {SHORTEST_PIECE_S} s between them, at most "
                f"{duration_s:.2f} s, got {start:g} and {end:g} s"
            )
        return start, min(end, duration_s)

    def _on_prompt(self, _: object) -> None:
        self.problem = ""
        self._show()

    def _on_trim(self, change: dict[str, Any]) -> None:
        if self._showing or self.draft is None:
            return
        self.draft.trim = change["new"]
        self.problem = ""
        self._take = self._state(self.draft)
        self._read()

    def _show(self) -> None:
        """Tell the browser of the draft, and let it be read."""
        draft = self.draft
        self._turn += 1
        self._showing = True
        try:
            with self.hold_sync():
                self._take = {} if draft is None else self._state(draft)
                self._pcm = b"" if draft is None else sixteen_bits(draft.waveform)[1]
                self._heard = {}
                self.trim = (0.0, 0.0) if draft is None else draft.trim
        finally:
            self._showing = False
        if draft is not None:
            self._read()

    def _state(self, draft: Draft) -> dict[str, Any]:
        found = recordings.fault(self.piece, self.sample_rate)
        return {
            "turn": self._turn,
            "name": self.prompt,
            "count": len(draft.waveform),
            "unit": sixteen_bits(draft.waveform)[0],
            "source": draft.source,
            "said": draft.text,
            "suggested": list(draft.suggested),
            "kept": draft.kept is not None and draft.kept == draft.trim,
            "fault": None if found is None else list(found),
            "refusal": "" if self._free else self._refusal(draft),
        }

    def _read(self) -> None:
        """Let every reader read the piece, and tell the browser after each of them."""
        draft, piece = self._some_draft(), self.piece
        if draft.read != draft.trim:
            draft.readings, draft.failed, draft.read = {}, {}, draft.trim
            self._heard = self._told(draft)
            for name, reader in self._readers.items():
                try:
                    draft.readings[name] = reader(piece, self.sample_rate)
                except Exception as error:  # a reader is someone else's code; the learner sees it
                    kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
                    draft.failed[name] = f"{kind}{error}"
                self._heard = self._told(draft)
        else:
            self._heard = self._told(draft)
        if self._free:
            self.takes[self.prompt] = piece, self.sample_rate, draft.text

    def _told(self, draft: Draft) -> dict[str, Any]:
        """What the readers have said so far, for the browser."""
        rows = []
        for name in self._readers:
            row: dict[str, Any] = {"reader": name, "state": "waiting"}
            if name in draft.failed:
                row |= {"state": "failed", "text": draft.failed[name]}
            elif name in draft.readings:
                row |= {"state": "done", **_told(draft.readings[name], draft.text)}
            rows.append(row)
        return {"turn": self._turn, "trim": list(draft.trim), "rows": rows}

    def _receive(self, _: object, content: dict[str, Any], buffers: Sequence[Any]) -> None:
        """What the browser asks for."""
        kind = content.get("kind")
        if kind == "hello":
            self._where = _short(self.folder)
            return
        self.problem = ""
        try:
            if kind == "sound":
                waveform = np.frombuffer(bytes(buffers[0]), dtype="<f4")
                self.add(waveform, int(content["rate"]), source=str(content.get("source", "")))
            elif kind == "sample":
                self.use(str(content["name"]))
            elif kind == "go":
                self.prompt = str(content["name"])
            elif kind == "trim":
                if content["turn"] == self._turn:  # else it was meant for a take that is gone
                    self.trim = content["trim"]
            elif kind == "keep":
                self.keep(insist=bool(content.get("insist")))
                self._next()
        except (ValueError, OSError, traitlets.TraitError) as error:
            self.problem = str(error)

    def _next(self) -> None:
        """Go to the next prompt that has no take, if there is one."""
        names = list(self._texts)
        here = names.index(self.prompt)
        for name in names[here + 1 :] + names[:here]:
            if name not in self.takes:
                self.prompt = name
                return

    def describe(self) -> str:
        """The state in a few sentences, with its numbers."""
        names, draft = list(self._texts), self.draft
        start = ""
        if not self._free:
            here = names.index(self.prompt) + 1
            start = (
                f'{len(self.takes)} of {len(names)} prompts kept as "{self.kind}" recordings. '
                f'Prompt {here}, "{self._texts[self.prompt]}": '
            )
        if draft is None:
            return f"{start}no take yet."
        seconds = len(draft.waveform) / self.sample_rate
        state = "" if self._free else ", kept" if draft.kept == draft.trim else ", not kept"
        text = (
            f"{start}a take of {seconds:.2f} s, used from {draft.trim[0]:.2f} to "
            f"{draft.trim[1]:.2f} s{state}."
        )
        for row in self._told(draft)["rows"]:
            if row["state"] == "done":
                text += f' {row["reader"]} reads "{row["text"]}"'
                if row["wrong"] is not None:
                    text += f", {row['wrong']} of {row['of']} words wrong"
                text += "."
            elif row["state"] == "failed":
                text += f" {row['reader']} gave up: {row['text']}"
        return text

    def draw(self, figure: Figure) -> None:
        """Waveform with the ends of the trim; below it the words of each reader.

        Without a take: what is to be read, and what is kept.
        """
        draft = self.draft
        if draft is None:
            self._draw_prompts(figure)
            return
        said = draft.text or self._texts[self.prompt]
        title = f"“{said}”" if said else "your sound"
        rows = [row for row in self._told(draft)["rows"] if row["state"] == "done"]
        count = max(1, len(rows))
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 0.4 + count])
        t = np.arange(len(draft.waveform)) / self.sample_rate
        top.plot(t, draft.waveform, color=BLUE, linewidth=0.6)
        for edge, other in zip(draft.trim, (0, t[-1]), strict=True):
            top.axvline(edge, color=RED, linewidth=1.2)
            top.axvspan(*sorted((edge, other)), color="#999999", alpha=0.3, linewidth=0)
        top.set_title(_cut(title, 80), fontsize=10)
        top.set_ylabel("amplitude", fontsize=8)
        top.tick_params(labelsize=8)
        for number, row in enumerate(rows):
            times = [(start, end) for _, start, end, *_ in row["words"]]
            ends = [-draft.trim[0], *(end for _, end in times)]
            starts = [*(start for start, _ in times[1:]), t[-1] - draft.trim[0]]
            for place, (word, start, end, confidence, *_) in enumerate(row["words"]):
                at = draft.trim[0] + start
                shade = 0.5 if confidence is None else confidence
                box = {"alpha": 0.1 + 0.5 * shade, "color": BLUE, "linewidth": 0}
                below.broken_barh([(at, max(0.02, end - start))], (-number - 0.4, 0.8), **box)
                percent = "?" if confidence is None else f"{100 * confidence:.0f} %"
                middle = at + (end - start) / 2
                # Of a word: up to its neighbours, in points over a letter's width.
                half_s = min((start + end) / 2 - ends[place], starts[place] - (start + end) / 2)
                room = 600 * max(end - start, 1.8 * half_s) / t[-1]
                size = float(np.clip(room / max(1, len(word)), 4, 8))
                below.text(middle, -number + 0.1, word, ha="center", va="center", fontsize=size)
                below.text(middle, -number - 0.25, percent, ha="center", va="center", fontsize=6)
        below.set_yticks(-np.arange(len(rows)), [row["reader"] for row in rows], fontsize=8)
        below.set(ylim=(0.6 - count, 0.5), xlim=(0, t[-1]), xlabel="time in s")
        below.tick_params(labelsize=8)

    def _draw_prompts(self, figure: Figure) -> None:
        """What is to be read, in two columns: kept, shown now, or still to come."""
        axes = figure.subplots()
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.set_axis_off()
        if self._free:
            text = "Press Record and say something, and see what is read."
            axes.text(0.5, 0.5, text, ha="center", va="center")
            return
        names = list(self._texts)
        here = names.index(self.prompt)
        axes.set_title(f"Read aloud: “{_cut(self._texts[self.prompt], 55)}”", fontsize=12)
        first = max(0, min(here - SHEET // 2, len(names) - SHEET))
        shown = names[first : first + SHEET]
        columns = 1 if len(shown) <= 6 else 2
        rows = math.ceil(len(shown) / columns)
        for number, name in enumerate(shown):
            column, row = divmod(number, rows)
            x, y = column / columns, 1 - (row + 0.5) / max(6, rows)
            now, kept = name == self.prompt, name in self.takes
            look = {"color": RED if now else BLUE if kept else INK, "va": "center", "fontsize": 8}
            axes.text(x, y, "▶" if now else "✓" if kept else "○", **look)
            text = f"{first + number + 1}  {_cut(self._texts[name], 55)}"
            axes.text(x + 0.03, y, text, weight="bold" if now else "normal", **look)
        figure.supxlabel(
            f"{len(self.takes)} of {len(names)} kept (✓) as “{self.kind}” recordings. Each: "
            "● Record, read, Stop; move the ends; listen; ✓ Keep.",
            fontsize=8,
        )


def _cut(text: str, most: int) -> str:
    """At most so many letters of a text."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _checked_prompts(prompts: Sequence[str] | Mapping[str, str] | None) -> dict[str, str]:
    """Name to text, at least one."""
    if prompts is None:
        return {FREE: ""}
    if isinstance(prompts, str):
        raise ValueError(f"prompts must be a list of texts, got one text: {prompts!r:.60}")
    if not isinstance(prompts, Mapping):
        texts = list(prompts)
        width = max(2, len(str(len(texts))))
        prompts = {f"{number:0{width}d}": text for number, text in enumerate(texts, start=1)}
    if not prompts:
        raise ValueError("prompts must hold at least one text; without prompts, give None")
    for name, text in prompts.items():
        recordings.check_name(name)
        if not isinstance(text, str) or not text.split():
            raise ValueError(f"prompt {name!r} must be a text to read aloud, got {text!r:.60}")
    return {name: " ".join(text.split()) for name, text in prompts.items()}


def _checked_sample(name: str, sound: Sequence[Any]) -> tuple[np.ndarray, int, str]:
    """Waveform, rate and text ("" where unknown) of a sample."""
    try:
        waveform, rate, *rest = sound
        waveform = audio.checked_waveform(waveform)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"sample {name!r} must be (waveform, sample_rate) or (waveform, sample_rate, text): "
            f"{error}"
        ) from error
    return waveform, rate, rest[0] if rest and isinstance(rest[0], str) else ""


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _number(value: Any) -> float | None:
    """A number that JSON can hold; None for one that is none."""
    number = float(value)
    return number if math.isfinite(number) else None


def _told(reading: Any, said: str) -> dict[str, Any]:
    """A reading for the browser; which words are wrong where it is known what was said."""
    written = reading.text.split()
    wrong = of = None
    marks = [False] * len(written)
    if said:
        pairs = metrics.alignment(_plain(said).split(), _plain(reading.text).split())
        wrong, of = sum(a != b for a, b in pairs), len(said.split())
        marks = [a != b for a, b in pairs if b is not None]
    words = [
        [str(w.text), float(w.start_s), float(w.end_s), _number(w.confidence)]
        for w in reading.words
    ]
    if len(marks) == len(words):
        words = [[*word, mark] for word, mark in zip(words, marks, strict=True)]
    best = [[str(text), _number(share)] for text, share in reading.nbest]
    return {"text": str(reading.text), "words": words, "nbest": best, "wrong": wrong, "of": of}


def _short(path: Path) -> str:
    """A folder as it is shown: the home folder as ~."""
    try:
        return str(Path("~") / path.absolute().relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(path.absolute())
