"""A transcription explorer: what a recogniser writes of a sound, and at which frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils import audio, metrics
from course_utils.datasets.augmentation import add_noise
from course_utils.datasets.text import BLANK
from course_utils.widgets.base import BLUE, RED, Quantity, javascript
from course_utils.widgets.clips import LONGEST_S, MICROPHONE_RATE, ClipExplorer

if TYPE_CHECKING:
    from torch import Tensor

    from course_utils.recipes.recognition import Recogniser

LONGEST_GIVEN_S = 15.0  # of a sound that is not from outside
NO_NOISE_DB = 40.0  # the slider's end: nothing is added
SHOWN = 0.1  # a token that is this probable in some frame has a row in the picture
MOST_ROWS = 24
FULL = 65_535  # a probability of 1 on its way to the browser

Decode = Callable[["Tensor"], Sequence[int]]


class Heard(NamedTuple):
    """What a recogniser makes of one sound.

    Attributes:
        waveform: what it got, noise included, at its own sample rate.
        levels: its frames, log-mel (steps, bands).
        log_probs: its answer, (frames, tokens).
        path: the most probable token of each frame.
    """

    waveform: np.ndarray
    levels: np.ndarray
    log_probs: Tensor
    path: list[int]


class TranscriptionExplorer(ClipExplorer):
    """From the sound to the text on one time axis.

    Mel spectrogram, probability of each token in each frame, the path of the most probable tokens
    with its repeats and blanks, and the text, each token under the frames that wrote it. Where it
    is known what was said, the errors are marked. Noise is added, and another decoder chosen, while
    one looks on. Besides the clips that it is given, it transcribes a sound that is recorded or
    opened in the browser; the last one is kept as the clip `YOURS`.

    Recogniser and decoders run in Python, whenever clip, noise or decoder change.

    Traits:
        clip: name of the sound.
        decoder: name of what turns probabilities into text; the first one unless given.
        snr_db: ratio of the sound to the white noise that is added, -10 to 40 dB; 40 adds none.
        time_s: where the cursor stands.
        problem: why there is no text, or what was wrong with the last sound from outside; else
            empty.
    """

    _esm = javascript(
        "spectrum.js", "stft.js", "recorder.js", "intake.js", "transcript.js", "transcription.js"
    )
    needs_python = ("clip", "decoder", "snr_db")
    YOURS = "your sound"

    decoder = traitlets.Unicode().tag(sync=True)
    snr_db = Quantity(NO_NOISE_DB, -10.0, NO_NOISE_DB, "dB")
    time_s = Quantity(0, 0, 60, "s")
    problem = traitlets.Unicode().tag(sync=True)
    _names = traitlets.List().tag(sync=True)
    _decoders = traitlets.List().tag(sync=True)
    _outside = traitlets.Dict().tag(sync=True)  # limits for sounds from outside
    # What is looked at: the state that it belongs to, shapes, path, spans, texts.
    _heard = traitlets.Dict().tag(sync=True)
    _p = traitlets.Bytes().tag(sync=True)  # uint16 (frames, tokens)
    _levels = traitlets.Bytes().tag(sync=True)  # uint8 (steps, bands), from softest to loudest
    _noisy = traitlets.Bytes().tag(sync=True)  # int16 (samples,); empty without noise

    def __init__(
        self,
        recogniser: Recogniser,
        clips: Mapping[str, tuple],
        decoders: Mapping[str, Decode] | None = None,
        **traits: Any,
    ) -> None:
        """Take the sounds over; the first one is transcribed.

        Args:
            recogniser: a trained one, of `recipes.recognition`.
            clips: name to (waveform, sample_rate) or (waveform, sample_rate, text, ...), as an
                `Utterance` is; the text is what was said. Other sample rates than the recogniser's
                are resampled, and the explorer says so; what is longer than 15 s is cut.
            decoders: name to a function that takes log-probabilities (frames, tokens) and returns
                tokens; greedy decoding unless given.
            traits: values of the traits, by name.

        Raises:
            ValueError: a sound is not what an explorer can play, or there is no decoder.
        """
        if decoders is not None and not decoders:
            raise ValueError('decoders must be {"name": function, ...} with at least one')
        self._recogniser, self._decode = recogniser, dict(decoders or {"greedy": _best_path})
        self._rate = recogniser.recipe.sound.sample_rate
        self.LONGEST = int(LONGEST_GIVEN_S * self._rate)
        self._texts: dict[str, str] = {}
        self._notes: dict[str, str] = {}
        self._kept: tuple[tuple[str, float], Heard] | None = None
        self._result: tuple[list[int], list[tuple[int, int, int]]] = ([], [])
        if isinstance(clips, Mapping):
            clips = {name: self._admit(name, sound) for name, sound in clips.items()}
        super().__init__(
            clips,
            _names=["blank", *recogniser.alphabet.names[1:]],
            _decoders=list(self._decode),
            _outside={
                "rate": MICROPHONE_RATE, "longest_s": LONGEST_S, "shortest_s": 0,
                "name": self.YOURS, "shown": SHOWN, "most_rows": MOST_ROWS,
            },
            decoder=traits.pop("decoder", next(iter(self._decode))),
            **traits,
        )  # fmt: skip
        self._renew()
        self.observe(lambda _: self._renew(), list(self.needs_python))
        self.on_msg(self._take)

    def _admit(self, name: str, sound: Sequence[Any]) -> tuple[ArrayLike, float]:
        """A sound at the recogniser's rate, its text and a note on the rate kept."""
        try:
            waveform, rate, *rest = sound
        except (TypeError, ValueError):
            raise ValueError(
                f"{name}: expected (waveform, sample_rate) or (waveform, sample_rate, text), "
                f"got {sound!r:.60}"
            ) from None
        said = bool(rest) and isinstance(rest[0], str)
        note = ""
        if rate != self._rate:
            try:
                waveform = audio.resample(np.asarray(waveform), rate, self._rate)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
            note = f"Resampled from {rate:,.0f} to {self._rate:,} Hz. "
        if said and len(waveform) <= self.LONGEST:
            self._texts[name] = " ".join(rest[0].split())
        else:
            self._texts.pop(name, None)
        self._notes[name] = note
        return waveform, self._rate

    def add(
        self, name: str, waveform: ArrayLike, sample_rate: float, text: str | None = None
    ) -> None:
        """Take another sound (or another one under the same name), transcribe it and show it.

        Args:
            name: of the sound.
            waveform: (samples,).
            sample_rate: in Hz; resampled where it is not the recogniser's.
            text: what was said, if known.

        Raises:
            ValueError: the recogniser does not take it, or an explorer can't play it.
        """
        before = self._texts.get(name), self._notes.get(name)
        try:
            sound = self._admit(name, (waveform, sample_rate, text))
            self._recogniser.log_probs(np.asarray(sound[0])[: self.LONGEST], self._rate)
            with self.hold_sync():
                self._extend({name: sound})
                self._kept = None
                self.time_s = 0.0
                if self.clip == name:
                    self._renew()
                self.clip = name
        except ValueError:
            for kept, old in zip((self._texts, self._notes), before, strict=True):
                kept.pop(name, None)
                if old is not None:
                    kept[name] = old
            raise

    def _take(self, _: object, content: dict[str, Any], buffers: Sequence[Any]) -> None:
        """A sound from the browser: float32 samples."""
        self.problem = ""
        try:
            waveform = np.frombuffer(bytes(buffers[0]), dtype="<f4")
            self.add(self.YOURS, waveform, int(content["rate"]))
        except ValueError as error:
            self.problem = str(error)

    @traitlets.validate("decoder")
    def _check_decoder(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] not in self._decode:
            known = ", ".join(map(repr, self._decode))
            raise traitlets.TraitError(f"decoder must be one of {known}, got {proposal['value']!r}")
        return proposal["value"]

    def _listen(self) -> Heard:
        """The clip and its noise through the recogniser; another decoder needs no second time."""
        key = (self.clip, self.snr_db)
        if self._kept is None or self._kept[0] != key:
            import torch  # only here: it is heavy

            from course_utils.recipes.frames import frames_of

            waveform = self.waveform
            if self.snr_db < NO_NOISE_DB:
                waveform = add_noise(waveform, self.snr_db, np.random.default_rng(0))
            log_probs = torch.as_tensor(self._recogniser.log_probs(waveform, self._rate))
            levels = frames_of(waveform, self._rate, self._recogniser.recipe.sound)
            self._kept = key, Heard(waveform, levels, log_probs, log_probs.argmax(-1).tolist())
        return self._kept[1]

    def _renew(self) -> None:
        """Transcribe, and tell the browser."""
        state = {"clip": self.clip, "decoder": self.decoder, "snr_db": self.snr_db}
        try:
            heard = self._listen()
            tokens = [int(token) for token in self._decode[self.decoder](heard.log_probs)]
            self._recogniser.alphabet.decode(tokens)  # names a token that is none
            self._result = tokens, _spans(heard, tokens)
        except ValueError as error:
            self._kept, self._result = None, ([], [])
            with self.hold_sync():
                self._heard, self._p, self._levels, self._noisy = state, b"", b"", b""
                self.problem = str(error)
            return
        noisy = b""
        if self.snr_db < NO_NOISE_DB:
            loudest = float(np.abs(heard.waveform).max())
            noisy = np.round(heard.waveform / loudest * 32767).astype("<i2").tobytes()
            state["unit"] = min(1.0, loudest) / 32767  # not louder than what can be played
        levels = heard.levels - heard.levels.min()
        state |= {
            "note": self._notes[self.clip],
            "frame_s": self._recogniser.frame_s,
            "frames": len(heard.path),
            "steps": list(levels.shape),
            "step_s": _step_s(),
            "path": heard.path,
            "spans": [list(span) for span in self._result[1]],
            "text": self.text,
            "greedy": self._spell(_best_path(heard.log_probs)),
            "said": self.said,
            "pairs": None if self.said is None else [list(pair) for pair in self.pairs()],
        }
        with self.hold_sync():
            self._heard, self._noisy = state, noisy
            self._p = np.round(self.probabilities * FULL).astype("<u2").tobytes()
            self._levels = np.round(255 * levels / (levels.max() or 1)).astype(np.uint8).tobytes()
            self.problem = ""

    def _spell(self, tokens: Sequence[int]) -> str:
        return self._recogniser.alphabet.decode(tokens)

    @property
    def probabilities(self) -> np.ndarray:
        """Of each token in each frame, (frames, tokens); token 0 is the blank.

        Raises:
            ValueError: the recogniser does not take this sound.
        """
        return self._listen().log_probs.exp().numpy()

    @property
    def text(self) -> str:
        """What the chosen decoder writes; empty where there is a `problem`."""
        return self._spell(self._result[0])

    @property
    def said(self) -> str | None:
        """What was said, if known."""
        return self._texts.get(self.clip)

    def spans(self) -> list[tuple[str, float, float]]:
        """Each token of the text, and from when to when it is written, in seconds."""
        step = self._recogniser.frame_s
        return [
            (self._names[token], max(0.0, start - 0.5) * step, (end - 0.5) * step)
            for token, start, end in self._result[1]
        ]

    def pairs(self) -> list[tuple[str | None, str | None]]:
        """Words said and written side by side, see `metrics.alignment`.

        Raises:
            ValueError: it is not known what was said.
        """
        if self.said is None:
            raise ValueError(f"it is not known what was said in {self.clip!r}")
        return metrics.alignment(self.said.split(), self.text.split())

    def describe(self) -> str:
        """The state in a few sentences, with its numbers."""
        noise = "no noise" if self.snr_db >= NO_NOISE_DB else f"noise at {self.snr_db:g} dB SNR"
        start = f'"{self.clip}", {self.duration_s:.1f} s, {noise}'
        if self._kept is None:
            return f"{start}: no text. {self.problem}"
        text = f'{start}. {self.decoder} writes "{self.text}".'
        if self.said is not None:
            wrong = [_error(pair) for pair in self.pairs() if pair[0] != pair[1]]
            errors, count = f"{len(wrong)} error{'s'[: len(wrong) != 1]}", len(self.said.split())
            text += f' Said: "{self.said}"; {errors} in {count} word{"s"[: count != 1]}'
            text += f": {', '.join(wrong)}." if wrong else "."
        return text

    def draw(self, figure: Figure) -> None:
        """Spectrogram, probabilities and text over time."""
        top, middle, below = figure.subplots(3, 1, sharex=True, height_ratios=[3, 7, 1.3])
        title = self.text or "(nothing)"
        if self._kept is None:
            top.set_title(self.problem, fontsize=8, wrap=True)
            return
        heard, p, step = self._kept[1], self.probabilities, self._recogniser.frame_s
        side = {"origin": "lower", "aspect": "auto", "interpolation": "nearest"}
        edge = _step_s() * (np.array([0, len(heard.levels)]) - 0.5)
        top.imshow(heard.levels.T, cmap="magma", extent=[*edge, 0, heard.levels.shape[1]], **side)
        top.set(yticks=[], ylabel="mel bands")
        top.set_title(title if len(title) < 80 else f"{title[:79]}…", fontsize=10)
        rows = [BLANK, *reversed(shown(p))]
        edge = step * (np.array([0, len(p)]) - 0.5)
        extent = [*edge, -0.5, len(rows) - 0.5]
        middle.imshow(p[:, rows].T, cmap="Blues", vmin=0, vmax=1, extent=extent, **side)
        size = min(8, 100 / len(rows))
        middle.set_yticks(range(len(rows)), [self._names[row] for row in rows], fontsize=size)
        for name, start, end in self.spans():
            middle_s = max((start + end) / 2, 0.008 * self.duration_s)  # not over the left edge
            below.text(middle_s, 0.55, name, ha="center", va="center", fontsize=9, color=BLUE)
            below.plot([start, end], [0.1, 0.1], color=RED, linewidth=2)
        below.set(yticks=[], ylim=(0, 1), xlim=(0, self.duration_s), xlabel="time in s")
        below.set_ylabel("text", rotation=0, ha="right", va="center")
        for axes in (top, middle, below):
            axes.axvline(self.time_s, color=RED, linewidth=0.8, linestyle=":")


def shown(probabilities: np.ndarray) -> list[int]:
    """Tokens that have a row in the picture, the blank apart: the most probable, in their order."""
    peaks = probabilities.max(axis=0)
    found = [token for token in range(len(peaks)) if token != BLANK and peaks[token] >= SHOWN]
    return sorted(sorted(found, key=lambda token: -peaks[token])[:MOST_ROWS])


def _best_path(log_probs: Tensor) -> list[int]:
    """Greedy decoding: the most probable token of each frame, repeats merged, blanks dropped."""
    return [token for token, _ in groupby(log_probs.argmax(-1).tolist()) if token != BLANK]


def _spans(heard: Heard, tokens: list[int]) -> list[tuple[int, int, int]]:
    """Token, first frame and the frame after the last one, of each token of a text.

    The most probable path that writes this text decides.
    """
    if tokens != _best_path(heard.log_probs):
        from course_utils import ctc

        return [tuple(span[:3]) for span in ctc.forced_align(heard.log_probs, tokens)]
    spans, t = [], 0
    for token, run in groupby(heard.path):
        start, t = t, t + len(list(run))
        if token != BLANK:
            spans.append((token, start, t))
    return spans


def _step_s() -> float:
    from course_utils.recipes.frames import HOP_S

    return HOP_S


def _error(pair: tuple[str | None, str | None]) -> str:
    said, written = pair
    if said is None:
        return f'"{written}" inserted'
    if written is None:
        return f'"{said}" deleted'
    return f'"{written}" for "{said}"'
