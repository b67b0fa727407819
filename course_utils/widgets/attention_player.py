"""A player of attention: while a sound plays, the tokens light up that were read at that moment."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils import audio, features, metrics
from course_utils.widgets.base import BLUE, RED, Quantity, Whole, javascript
from course_utils.widgets.clips import (
    LONGEST_S,
    MICROPHONE_RATE,
    SHORTEST_S,
    ClipExplorer,
    check_outside,
)

END_NAME = "END"
MOST_TOKENS = 300  # a loop may write more; the rest is cut, and said to be
TOP = 5  # alternatives of a token
MOST_SAID = 3  # loops and skips that are put into words
MARGIN_S = 0.05  # heard on both sides of what was looked at
NEAR_S = 0.1  # as far from a peak is the same place
# Short words, "set a", are often read from one place; letters of a short word nearly always.
WORDS_AT_A_PLACE, LETTERS_AT_A_PLACE = 3, 8
SKIP_S = 0.4  # shorter unread speech is no skip: one look takes in a whole word
RETURN_S = 0.3  # so far back is a return, not a hesitation
WEIGHT_UNIT = 1 / 65535  # the browser's copy of a weight is a 16-bit number of these


class Loop(NamedTuple):
    """Tokens, one after the other, that looked where an earlier one had looked already."""

    first: int
    last: int
    earlier: int  # who had looked there, where the first of them looked
    start_s: float
    end_s: float
    stuck: bool = False  # they stay where the ones before them were, instead of going back


class Seen(NamedTuple):
    """What a speller wrote of a clip, and where it looked for each token.

    Attributes:
        names: of the tokens, the end included.
        weights: attention, (tokens, places); place j lasts from j to j + 1 times `frame_s`.
        probabilities: of all tokens at each place of the text, (tokens, size of the alphabet).
        chosen: the tokens as numbers, 0 for the end.
        frame_s: seconds from place to place.
        left_out: tokens beyond `MOST_TOKENS`.
    """

    names: list[str]
    weights: np.ndarray
    probabilities: np.ndarray
    chosen: list[int]
    frame_s: float
    left_out: int

    @property
    def peaks_s(self) -> np.ndarray:
        """Where each token's weights are largest, in seconds: the middle of that place."""
        return (self.weights.argmax(axis=1) + 0.5) * self.frame_s

    @property
    def written(self) -> np.ndarray:
        """The weights of the tokens before the end."""
        return self.weights[: len(self.weights) - (self.chosen[-1:] == [0])]


def sharp(weights: np.ndarray, frame_s: float) -> np.ndarray:
    """Which tokens look at one place: half of the weight or more lies at the peak or close by."""
    places = np.arange(weights.shape[1])
    near = np.abs(places - weights.argmax(axis=1)[:, None]) * frame_s <= 1.5 * NEAR_S + 1e-9
    return (weights * near).sum(axis=1) >= 0.5


def find_loops(weights: np.ndarray, frame_s: float, most: int) -> list[Loop]:
    """Where a speller reads again what it has read.

    A token reads again when it goes back by more than 0.3 s from the farthest place so far, to a
    place that earlier tokens have read, and so do those after it, up to that place; or when `most`
    tokens have looked at its place already. Tokens that look at no one place are left out.

    Args:
        weights: attention without the end's, (tokens, places).
        frame_s: seconds from place to place.
        most: tokens that one place may have, by the units of the text.
    """
    peaks = weights.argmax(axis=1)
    clear = sharp(weights, frame_s)
    near = max(1, round(NEAR_S / frame_s))
    read = np.zeros(weights.shape[1])
    farthest = until = -1  # until where a loop lasts
    again: list[tuple[int, int, bool]] = []
    for u, peak in enumerate(peaks):
        if clear[u]:
            same = np.flatnonzero(
                clear[:u] & (np.minimum(weights[:u], weights[u]).sum(axis=1) >= 0.5)
            )
            if (farthest - peak) * frame_s > RETURN_S + 1e-9:
                until = farthest
            elif peak > until:
                until = -1
            if peak <= until and read[max(0, peak - near) : peak + near + 1].sum() >= 0.5:
                again.append((u, int(np.abs(peaks[:u] - peak).argmin()), False))
            elif len(same) >= most:
                again.append((u, int(same[0]), True))
            farthest = max(farthest, peak)
        read += weights[u]
    runs: list[list[tuple[int, int, bool]]] = []
    for u, earlier, stuck in again:
        if runs and u - runs[-1][-1][0] <= 2 and stuck == runs[-1][-1][2]:
            runs[-1].append((u, earlier, stuck))
        else:
            runs.append([(u, earlier, stuck)])
    loops = []
    for run in runs:
        (first, earlier, stuck), last = run[0], run[-1][0]
        places = peaks[[u for u, *_ in run]]
        span = (float(places.min() * frame_s), float((places.max() + 1) * frame_s))
        loops.append(Loop(first, last, earlier, *span, stuck))
    return loops


def find_skips(
    weights: np.ndarray, frame_s: float, speech: np.ndarray, shortest_s: float
) -> list[tuple[float, float]]:
    """Stretches of speech that no token looks at, (start, end) in seconds.

    A place is read when the weights of all tokens on it sum to a tenth or more, or those of a
    place that is at most 0.1 s away.

    Args:
        weights: attention without the end's, (tokens, places).
        frame_s: seconds from place to place.
        speech: which places hold speech, bool (places,).
        shortest_s: of the speech in a stretch; shorter ones are no skips.
    """
    read = weights.sum(axis=0) >= 0.1
    near = round(NEAR_S / frame_s)
    read = np.convolve(read, np.ones(2 * near + 1), mode="same") > 0
    skips = []
    edges = np.flatnonzero(np.diff(np.concatenate([[True], read, [True]])))
    for start, end in edges.reshape(-1, 2):
        held = start + np.flatnonzero(speech[start:end])
        if len(held) * frame_s >= shortest_s - 1e-9:
            skips.append((float(held[0] * frame_s), float((held[-1] + 1) * frame_s)))
    return skips


def find_speech(
    waveform: np.ndarray, sample_rate: float, frame_s: float, places: int
) -> np.ndarray:
    """Which places hold speech, by their level: at most 30 dB under the loudest, and nearer to
    the loudest than to the softest.
    """
    edges = np.minimum(np.round(np.arange(places + 1) * frame_s * sample_rate), len(waveform))
    edges = edges.astype(int)
    power = np.concatenate([[0.0], np.cumsum(waveform.astype(np.float64) ** 2)])
    mean = (power[edges[1:]] - power[edges[:-1]]) / np.maximum(1, np.diff(edges))
    level_db = 10 * np.log10(np.maximum(mean, 1e-10))
    low, high = np.quantile(level_db, [0.05, 0.95])
    return level_db > max(high - 30, (low + high) / 2)


class AttentionPlayer(ClipExplorer):
    """Hear a clip and see how it is read: the letters light up where the attention is just then.

    On one time axis stand the mel spectrogram and the attention of every token that was written.
    Each token can be chosen: it is heard what it looked at, its weights are drawn as a curve, and
    its best alternatives are listed with their probabilities. The speller can be told another
    text, the right one for instance: then its attention for that text is shown, and what it would
    have chosen instead at each place. Where it reads something again (a loop), or leaves speech
    unread (a skip), is marked and said.

    Besides the clips that it is given, it takes a sound that is recorded or opened in the browser;
    the last one is kept as the clip `YOURS`. The speller works in Python, whenever a clip, a
    speller or the search is chosen.

    Of each clip the first 240,000 samples are taken, 30 s at 8 kHz.

    Traits:
        clip: name of the sound.
        speller: name of the speller.
        told: whether it is told `text` instead of its own letters.
        text: the right text of the clip, as far as it is known; errors are counted against it.
        beam_size: texts that the search keeps, 1 to 32; 1 is the greedy search.
        length_normalisation, coverage: of the beam search, see `decoding.attention_beam_search`.
        token: number of the token, from 0; lowered where fewer were written.
        slow: play at half the speed, and so an octave lower.
    """

    _esm = javascript(
        "spectrum.js",
        "stft.js",
        "recorder.js",
        "intake.js",
        "attention_stage.js",
        "attention_player.js",
    )
    needs_python = (
        "clip", "speller", "told", "text", "beam_size", "length_normalisation", "coverage",
    )  # fmt: skip
    LONGEST = 240_000
    YOURS = "your sound"

    speller = traitlets.Unicode().tag(sync=True)
    told = traitlets.Bool(False).tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    beam_size = Whole(1, 1, 32, "texts")
    length_normalisation = Quantity(0, 0, 2)
    coverage = Quantity(0, 0, 2)
    token = Whole(0, 0, MOST_TOKENS, "")
    slow = traitlets.Bool(False).tag(sync=True)
    _spellers = traitlets.List().tag(sync=True)
    _outside = traitlets.Dict().tag(sync=True)  # limits for sounds from outside
    _answer = traitlets.Dict().tag(sync=True)  # see `_reply`
    _weights = traitlets.Bytes().tag(sync=True)
    _levels = traitlets.Bytes().tag(sync=True)  # one byte each, 0 is 80 dB under the loudest

    def __init__(
        self,
        spellers: Any,
        clips: Mapping[str, Sequence[Any]],
        **traits: Any,
    ) -> None:
        """Take spellers and sounds over, and let the first read the first.

        Args:
            spellers: one, or name to speller. A speller has an `alphabet`, `frame_s`, the seconds
                from one place to the next, and `look(waveform, sample_rate, text=None, **search)`
                as that of `recipes.spelling.Speller`, which gives the names of its `tokens`, "END"
                for the end, their `attention` (tokens, places), and the `distribution` that each
                was chosen from (tokens, size of the alphabet).
            clips: name to (waveform, sample_rate) or (waveform, sample_rate, text), with the text
                that is said; an `Utterance` will do.
            traits: values of the traits, by name.

        Raises:
            ValueError: a sound cannot be played, the chosen one cannot be read, or what was given
                are no spellers.
        """
        named = dict(spellers) if isinstance(spellers, Mapping) else {"speller": spellers}
        for name, one in named.items():
            if not all(hasattr(one, part) for part in ("alphabet", "frame_s", "look")):
                raise ValueError(
                    f"{name}: a speller has alphabet, frame_s and look(), got {type(one).__name__}"
                )
        if not named:
            raise ValueError("at least one speller is needed")
        self._named, self._known, self._started = named, {}, False
        self._pictures: dict[str, np.ndarray] = {}
        if not isinstance(clips, Mapping) or not clips:
            raise ValueError(f"the clips must be {{name: ...}}, got {type(clips).__name__}")
        self._texts = {
            name: str(sound[2]) if len(sound) > 2 else "" for name, sound in clips.items()
        }
        traits.setdefault("speller", next(iter(named)))
        traits.setdefault("text", self._texts.get(traits.get("clip", next(iter(clips))), ""))
        outside = {"rate": MICROPHONE_RATE, "longest_s": LONGEST_S, "shortest_s": SHORTEST_S}
        super().__init__(
            {name: tuple(sound[:2]) for name, sound in clips.items()},
            _spellers=list(named),
            _outside=outside,
            **traits,
        )
        self._started = True
        self._follow()
        if self.problem:
            raise ValueError(f"{self.clip}: {self.problem}")
        self.on_msg(self._take)

    @traitlets.validate("speller")
    def _check_speller(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] not in self._named:
            names = ", ".join(map(repr, self._named))
            raise traitlets.TraitError(f"speller must be one of {names}, got {proposal['value']!r}")
        return proposal["value"]

    @traitlets.observe("clip")
    def _take_text(self, _: object) -> None:
        if self._started:
            self.text = self._texts.get(self.clip, "")

    @traitlets.observe(*needs_python)
    def _follow(self, _: object = None) -> None:
        """Let it be read as the traits say, and tell the browser."""
        if not self._started or self._answer.get("key") == self._key:
            return
        self._reply()

    @property
    def _key(self) -> list[Any]:
        return [getattr(self, name) for name in self.needs_python]

    def _reply(self) -> None:
        """The answer for the browser: numbers of each token, weights, what is to be said."""
        answer: dict[str, Any] = {"key": self._key, "problem": "", "tokens": [], "said": ""}
        weights = bytes(2)  # an empty buffer does not reach every browser
        picture = self._picture()
        try:
            seen = self.seen
            spans = self._spans()
            for u, wrong in enumerate(self.wrong()):
                p = seen.probabilities[u]
                best = [[self._name(int(k)), round(float(p[k]), 4)] for k in np.argsort(-p)[:TOP]]
                peak_s, (start, end) = float(seen.peaks_s[u]), spans[u]
                own = float(p[seen.chosen[u]])
                answer["tokens"].append([seen.names[u], own, wrong, peak_s, start, end, best])
            answer |= {"places": seen.weights.shape[1], "frame_s": seen.frame_s}
            answer |= {"loops": [list(loop) for loop in self.loops()], "skips": self.skips()}
            answer |= {"said": self.report(), "log_p": self.log_probability()}
            answer |= {"errors": self.errors(), "end": END_NAME}
            answer["words"] = bool(self._by.alphabet.separator)
            weights = np.round(seen.weights / WEIGHT_UNIT).astype("<u2").tobytes()
        except (ValueError, RuntimeError) as error:
            answer |= {"problem": str(error), "tokens": []}
        answer["picture"] = list(picture.shape)
        with self.hold_sync():
            self._weights, self._levels = weights, picture.tobytes()
            self._answer = answer

    @property
    def problem(self) -> str:
        """What was wrong with the last sound or text; empty when nothing was."""
        return self._answer.get("problem", "")

    @property
    def _by(self) -> Any:
        return self._named[self.speller]

    def _name(self, token: int) -> str:
        return END_NAME if token == 0 else self._by.alphabet.names[token]

    @property
    def search(self) -> dict[str, Any]:
        """What the speller's search is told."""
        if self.told:
            return {}
        if self.beam_size == 1:
            return {"beam_size": 1}
        names = ("beam_size", "length_normalisation", "coverage")
        return {name: getattr(self, name) for name in names}

    @property
    def seen(self) -> Seen:
        """What the chosen speller makes of the chosen clip.

        Raises:
            ValueError: it cannot be read, or the text it is told cannot be written.
        """
        if self.told and not self.text.strip():
            raise ValueError("The right text of this clip is not known: type it, and press Enter.")
        text = self.text.strip() if self.told else None
        key = (self.clip, self.speller, text, *self.search.items())
        if key not in self._known:
            while len(self._known) >= 64:
                self._known.pop(next(iter(self._known)))
            found = self._by.look(self.waveform, self._rate, text=text, **self.search)
            self._known[key] = self._checked(found)
        return self._known[key]

    @property
    def _rate(self) -> int | float:
        rate = self.sample_rate
        return int(rate) if rate == int(rate) else rate

    def _checked(self, found: Any) -> Seen:
        numbers = {name: k for k, name in enumerate(self._by.alphabet.names)}
        tokens = [0 if name == END_NAME else numbers[name] for name in found.tokens]
        both = (found.attention, found.distribution)
        parts = [np.asarray(part, dtype=np.float64) for part in both]
        size = self._by.alphabet.size
        if not tokens or any(len(part) != len(tokens) or part.ndim != 2 for part in parts):
            shapes = " and ".join(str(part.shape) for part in parts)
            raise ValueError(
                f"look() must give attention (tokens, places) and distribution (tokens, {size}) "
                f"for its {len(tokens)} tokens, got {shapes}"
            )
        kept = tokens[:MOST_TOKENS]
        weights, p = (part[:MOST_TOKENS] for part in parts)
        names = [self._name(token) for token in kept]
        left_out = len(tokens) - len(kept)
        return Seen(names, np.clip(weights, 0, 1), p, kept, float(self._by.frame_s), left_out)

    def _spans(self) -> list[tuple[float, float]]:
        """From when to when each token looked: around its peak, above a tenth of it."""
        seen, spans = self.seen, []
        for row, peak in zip(seen.weights, seen.weights.argmax(axis=1), strict=True):
            outside = np.flatnonzero(row < row[peak] / 10)
            first = max([-1, *outside[outside < peak]]) + 1
            last = min([len(row), *outside[outside > peak]])
            start = max(0.0, first * seen.frame_s - MARGIN_S)
            end = min(self.duration_s, last * seen.frame_s + MARGIN_S)
            # The last place may begin where the sound has ended.
            spans.append((min(start, max(0.0, end - 2 * MARGIN_S)), end))
        return [(float(start), float(end)) for start, end in spans]

    @property
    def row(self) -> int:
        """The chosen token, or the last one where there are fewer."""
        return min(self.token, len(self.seen.names) - 1)

    def stretch_s(self) -> tuple[float, float]:
        """From when to when it looked for the chosen token, in seconds, as it is heard."""
        return self._spans()[self.row]

    def spelled(self) -> str:
        """What was written (or told), as a text."""
        return self._by.alphabet.decode([token for token in self.seen.chosen if token])

    def wrong(self) -> list[bool]:
        """Which tokens are wrong: none where the right text is not known.

        Where it is told the text: for which of its tokens it would have chosen another one.
        """
        seen = self.seen
        if self.told:
            return (seen.probabilities.argmax(axis=1) != seen.chosen).tolist()
        if not self.text.strip():
            return [False] * len(seen.names)
        mine = [self._by.alphabet.symbols[token - 1] for token in seen.chosen if token]
        # From the end on: what was written twice is right the first time.
        pairs = metrics.alignment(self._right()[::-1], mine[::-1])[::-1]
        marks = [right != got for right, got in pairs if got is not None]
        return marks + [False] * (len(seen.names) - len(marks))

    def _right(self) -> list[str]:
        separator = self._by.alphabet.separator
        return self.text.split() if separator == " " else list(self.text.strip())

    def errors(self) -> int | None:
        """Edit distance to the right text; None where that is not known, or was told."""
        if self.told or not self.text.strip():
            return None
        mine = [self._by.alphabet.symbols[token - 1] for token in self.seen.chosen if token]
        return metrics.edit_distance(self._right(), mine)

    def log_probability(self) -> float:
        """Natural log of the probability of the text with its end, as far as it is shown."""
        p = self.seen.probabilities[np.arange(len(self.seen.chosen)), self.seen.chosen]
        return float(np.log(np.maximum(p, 1e-30)).sum())

    def is_vague(self) -> bool:
        """Whether most tokens look at no one place: text and sound are not lined up."""
        clear = sharp(self.seen.written, self.seen.frame_s)
        return bool(clear.size) and clear.mean() < 0.5

    def loops(self) -> list[Loop]:
        """Where it read again what it had read; none where `is_vague`."""
        if self.is_vague():
            return []
        most = WORDS_AT_A_PLACE if self._by.alphabet.separator else LETTERS_AT_A_PLACE
        return find_loops(self.seen.written, self.seen.frame_s, most)

    def skips(self) -> list[tuple[float, float]]:
        """Stretches of speech that it left unread, in seconds; none where `is_vague`."""
        if self.is_vague():
            return []
        seen = self.seen
        speech = find_speech(self.waveform, self.sample_rate, seen.frame_s, seen.weights.shape[1])
        return find_skips(seen.written, seen.frame_s, speech, SKIP_S)

    def report(self) -> str:
        """What was written and what went wrong, in a few sentences with numbers."""
        seen, written = self.seen, self.seen.written
        unit = "words" if self._by.alphabet.separator else "letters"
        parts = []
        if self.told:
            other = sum(self.wrong())
            first = next((u for u, wrong in enumerate(self.wrong()) if wrong), None)
            parts.append(f'Told "{_shortened(self.spelled())}".')
            if first is None:
                parts.append("Each of its own choices would have been the same.")
            else:
                mine = self._name(int(seen.probabilities[first].argmax()))
                parts.append(
                    f"At {other} of {len(seen.names)} places it would have chosen another one, "
                    f"first at token {first + 1}: {mine} instead of {seen.names[first]}."
                )
        else:
            errors = self.errors()
            count = len(self._right())
            wrong = (
                "" if errors is None else f", {errors} error{'s' * (errors != 1)} in {count} {unit}"
            )
            parts.append(f'It wrote "{_shortened(self.spelled())}"{wrong}.')
        loops, skips = self.loops(), self.skips()
        for loop in loops[:MOST_SAID]:
            who, verbs = f"token {loop.first + 1}", ("looks", "stays")
            if loop.last > loop.first:
                who, verbs = f"tokens {loop.first + 1} to {loop.last + 1}", ("look", "stay")
            text = self._by.alphabet.separator.join(seen.names[loop.first : loop.last + 1])
            span = f"{loop.start_s:.2f} to {loop.end_s:.2f} s"
            parts.append(
                f"{'Stuck' if loop.stuck else 'Loop'}: {who} ({_shortened(text)}) "
                f"{verbs[loop.stuck]} at {span}, where token {loop.earlier + 1} had looked already."
            )
        if len(loops) > MOST_SAID:
            parts.append(f"And {len(loops) - MOST_SAID} more of this kind.")
        if skips:
            spans = ", ".join(f"{start:.2f} to {end:.2f} s" for start, end in skips[:MOST_SAID])
            more = f" and {len(skips) - MOST_SAID} more places" if len(skips) > MOST_SAID else ""
            parts.append(f"Skip: there is speech at {spans}{more}, and no token looks there.")
        vague = int((~sharp(written, seen.frame_s)).sum()) if len(written) else 0
        if vague:
            parts.append(
                f"{vague} of {len(written)} tokens look at no one place: their weight is spread"
                + (", text and sound are not lined up." if self.is_vague() else ".")
            )
        if seen.left_out:
            parts.append(f"{seen.left_out} more tokens are not shown.")
        elif seen.chosen[-1] != 0:
            parts.append("It never wrote the end.")
        if not loops and not skips and not vague:
            parts.append(f"No loop, and no skip of {SKIP_S:g} s or more.")
        return " ".join(parts)

    def describe(self) -> str:
        """The state in a few sentences, with its numbers."""
        if self.problem:
            return f'"{self.clip}": {self.problem}'
        how = "told the text" if self.told else "greedy"
        if self.beam_size > 1 and not self.told:
            how = f"beam {self.beam_size}, length normalisation {self.length_normalisation:g}, "
            how += f"coverage {self.coverage:g}"
        seen, row, (start, end) = self.seen, self.row, self.stretch_s()
        p = seen.probabilities[row, seen.chosen[row]]
        return (
            f'"{self.clip}", {self.speller}, {how}. {self.report()} Token {row + 1}, '
            f"{seen.names[row]}, p = {p:.2f}, is read at {start:.2f} to {end:.2f} s."
        )

    def _picture(self) -> np.ndarray:
        """The mel spectrogram of the chosen clip, bytes (frames, bands)."""
        if self.clip not in self._pictures:
            rate = self.sample_rate
            size = 2 ** int(np.ceil(np.log2(0.025 * rate)))
            mel = features.log_mel(self.waveform, self._rate, size, round(0.01 * rate), 40)
            # Natural logarithms of power: 80 dB are 18.4.
            shade = 255 * (1 + (mel - mel.max()) / (8 * np.log(10)))
            self._pictures[self.clip] = np.clip(np.round(shade), 0, 255).astype(np.uint8)
        return self._pictures[self.clip]

    def add(self, name: str, waveform: ArrayLike, sample_rate: float, text: str = "") -> None:
        """Take another sound (or another one under the same name), and show how it is read.

        Args:
            name: of the sound.
            waveform: (samples,), full scale 1.
            sample_rate: in Hz, one that the spellers take.
            text: what is said in it, if known.

        Raises:
            ValueError: it is too short, silent, or not what an explorer can play.
        """
        waveform = check_outside(name, waveform, sample_rate)
        with self.hold_sync():
            self._extend({name: (waveform, sample_rate)})
            self._texts[name] = text
            self._known = {key: seen for key, seen in self._known.items() if key[0] != name}
            self._pictures.pop(name, None)
            self._started = False
            self.clip, self.text, self.told, self.token = name, text, False, 0
            self._started = True
            self._reply()

    def _take(self, _: object, content: dict[str, Any], buffers: Sequence[Any]) -> None:
        """A sound from the browser, float32 samples; it gets the first clip's rate."""
        self._answer = {**self._answer, "problem": ""}  # the same problem again is told again
        try:
            waveform = np.frombuffer(bytes(buffers[0]), dtype="<f4")
            rate = next(iter(self._sounds.values())).sample_rate
            if waveform.size and np.isfinite(waveform).all():
                waveform = audio.resample(waveform, round(float(content["rate"])), round(rate))
            self.add(self.YOURS, waveform, rate)
        except ValueError as error:
            self._answer = {**self._answer, "problem": str(error)}

    def draw(self, figure: Figure) -> None:
        """The spectrogram, the attention of all tokens, and the chosen one's weights."""
        seen, row = self.seen, self.row
        above, middle, below = figure.subplots(3, 1, sharex=True, height_ratios=[2, 4, 1])
        extent = (0, self.duration_s, -0.5, self._picture().shape[1] - 0.5)
        above.imshow(self._picture().T, origin="lower", aspect="auto", cmap="magma", extent=extent)
        for start, end in self.skips():
            above.axvspan(start, end, fill=False, edgecolor="white", hatch="//", linewidth=0)
        above.set(yticks=[])
        count, places = seen.weights.shape
        middle.imshow(
            seen.weights,
            aspect="auto",
            cmap="Greys",
            extent=(0, places * seen.frame_s, count - 0.5, -0.5),
            interpolation="none",
        )
        middle.axhspan(row - 0.5, row + 0.5, fill=False, edgecolor=RED, linewidth=1.5)
        size = max(2.0, min(8.0, 110 / count))
        middle.set_yticks(range(count), seen.names, fontsize=size)
        for loop in self.loops():
            middle.plot(loop.start_s, (loop.first + loop.last) / 2, "<", color=RED, markersize=6)
        times_s = (np.arange(places) + 0.5) * seen.frame_s
        below.plot(times_s, seen.weights[row], color=BLUE)
        below.set(xlim=(0, self.duration_s), yticks=[], xlabel="time in s", ylabel=seen.names[row])
        for axes in (above, middle):
            axes.tick_params(labelbottom=False)


def _shortened(text: str) -> str:
    """The beginning and the end of a text that is too long for a sentence."""
    return text if len(text) <= 100 else f"{text[:70]} … {text[-25:]}"
