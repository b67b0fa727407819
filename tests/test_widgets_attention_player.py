"""The attention player: what it computes in Python, and what it does with bad input."""

import base64
import io
import json
import re
from typing import Any, NamedTuple

import numpy as np
import pytest
import traitlets
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure
from PIL import Image

from course_utils import widgets
from course_utils.datasets.text import Alphabet
from course_utils.recipes import spelling
from course_utils.widgets.attention_player import (
    MOST_TOKENS,
    Loop,
    find_loops,
    find_skips,
    find_speech,
)
from course_utils.widgets.clips import MICROPHONE_RATE

RATE = 8000
LETTERS = "abcdefgh"
STEP_S = 0.2  # of one letter
FRAME_S = 0.05


def sound(text: str, rate: int = RATE) -> np.ndarray:
    """One tone a letter, 0.2 s each; a space is silent."""
    t = np.arange(round(STEP_S * rate)) / rate
    fade = np.minimum(1, 40 * np.minimum(t, t[::-1]))
    tones = [
        0 * t if letter == " " else 0.3 * fade * np.sin(2 * np.pi * pitch(letter) * t)
        for letter in text
    ]
    return np.concatenate(tones).astype(np.float32)


def pitch(letter: str) -> float:
    return 400 + 200 * LETTERS.index(letter)


class Look(NamedTuple):
    tokens: list[str]
    attention: np.ndarray
    distribution: np.ndarray


class Speller:
    """A speller without learning: it reads each fifth of a second by its pitch.

    `way` is in which order it reads; a wider beam reads what the greedy search leaves out.
    """

    alphabet = Alphabet(LETTERS + " ")
    frame_s = FRAME_S

    def __init__(self, way: str = "right") -> None:
        self.way = way
        self.asked: list[dict[str, Any]] = []

    def look(
        self, waveform: np.ndarray, sample_rate: int, text: str | None = None, **search: Any
    ) -> Look:
        self.asked.append({"text": text, **search})
        if sample_rate != RATE:
            raise ValueError(f"expected {RATE} Hz, got {sample_rate}")
        step = round(STEP_S * RATE)
        pieces = len(waveform) // step
        order = list(range(pieces))
        if self.way == "loop":
            order = [*order[:6], *order[1:6], *order[6:]]
        if self.way == "skip" and search.get("beam_size") == 1:
            order = [*order[:1], *order[5:]]
        if self.way == "forever":
            order = order[:3] * 200
        heard = [self.read(waveform[step * k : step * (k + 1)]) for k in order]
        tokens = [*(heard if text is None else self.alphabet.encode(text)), 0]
        order = [*(order + [pieces - 1] * len(tokens))[: len(tokens) - 1], pieces - 1]
        probabilities = np.full((len(tokens), self.alphabet.size), 0.02)
        attention = np.zeros((len(tokens), int(np.ceil(len(waveform) / RATE / FRAME_S))))
        for u, place in enumerate(order):
            sure = heard[u] if u < len(heard) else 0
            probabilities[u, sure] += 1 - probabilities[u].sum()
            attention[u, 4 * place : 4 * place + 4] = 0.1, 0.5, 0.3, 0.1
        if self.way == "flat":
            attention[:] = 1 / attention.shape[1]
        names = [*(self.alphabet.names[token] for token in tokens[:-1]), "END"]
        return Look(names, attention, probabilities)

    def read(self, piece: np.ndarray) -> int:
        spectrum = np.abs(np.fft.rfft(piece))
        if spectrum.max() < 1:
            return self.alphabet.encode(" ")[0]
        hz = spectrum.argmax() / STEP_S * len(piece) / (STEP_S * RATE)
        return int(np.argmin([abs(hz - pitch(letter)) for letter in LETTERS])) + 1


SPELLERS = {way: Speller(way) for way in ("right", "loop", "skip", "flat", "forever")}
LONG = "abcd efgh"


def player(**traits: object) -> widgets.AttentionPlayer:
    clips = {
        "long": (sound(LONG), RATE, LONG),
        "short": (sound("bad"), RATE, "bed"),
        "unknown": (sound("face"), RATE),
    }
    return widgets.AttentionPlayer({way: Speller(way) for way in SPELLERS}, clips, **traits)


def test_what_it_reads_and_where():
    one = player()
    assert one.spelled() == LONG
    assert one.seen.names == [*"abcd", "␣", *"efgh", "END"]
    assert one.errors() == 0
    assert (one.loops(), one.skips()) == ([], [])
    assert (
        one.report()
        == f'It wrote "{LONG}", 0 errors in 9 letters. No loop, and no skip of 0.4 s or more.'
    )
    np.testing.assert_allclose(one.seen.peaks_s[:3], [0.075, 0.275, 0.475])
    one.token = 1
    assert one.stretch_s() == (pytest.approx(0.15), pytest.approx(0.45))
    assert "Token 2, b, p = 0.82, is read at 0.15 to 0.45 s." in one.describe()
    one.token = 200
    assert one.row == 9
    assert one.stretch_s()[1] == pytest.approx(one.duration_s)


def test_errors_are_counted_against_the_right_text_and_marked():
    one = player(clip="short")
    assert (one.errors(), one.wrong()) == (1, [False, True, False, False])
    one.text = "bad"
    assert one.errors() == 0
    one.clip = "unknown"
    assert (one.text, one.errors()) == ("", None)
    assert one.report().startswith('It wrote "face". No loop, and')
    one.clip = "short"
    assert one.text == "bed", "the known text comes back with its clip"


def test_told_the_right_text_it_says_what_it_would_have_chosen():
    one = player(clip="short", told=True)
    assert one.spelled() == "bed"
    assert one.wrong() == [False, True, False, False]
    assert "At 1 of 4 places" in one.report()
    assert "token 2: a instead of e" in one.report()
    assert one.errors() is None
    tokens = one._answer["tokens"]
    assert tokens[1][6][0][0] == "a"
    assert tokens[1][1] == pytest.approx(0.02)
    one.text = "bad"
    assert "would have been the same" in one.report()


def test_a_loop_a_skip_and_a_spread_look_are_told_apart():
    one = player(speller="loop")
    assert one.spelled() == "abcd ebcd efgh"
    assert one.loops() == [Loop(6, 10, 1, pytest.approx(0.25), pytest.approx(1.1))]
    assert "Loop: tokens 7 to 11 (bcd␣e) look at 0.25 to 1.10 s, where token 2" in one.report()
    assert one.skips() == []
    one.speller = "skip"
    assert one.spelled() == "aefgh"
    assert one.loops() == []
    ((start, end),) = one.skips()
    assert 0.2 <= start < 0.4
    assert 0.7 < end <= 0.8
    assert "Skip: there is speech at" in one.report()
    one.beam_size = 4
    assert (one.spelled(), one.skips()) == (LONG, [])
    one.speller = "flat"
    assert (one.loops(), one.skips()) == ([], [])
    assert one.is_vague()
    assert "9 of 9 tokens look at no one place" in one.report()
    assert "are not lined up" in one.report()


def test_a_speller_that_never_ends_is_cut():
    one = player(speller="forever")
    assert len(one.seen.names) == MOST_TOKENS
    assert "301 more tokens are not shown" in one.report()
    assert one.loops()[0].first == 3
    assert len(one._answer["tokens"]) == MOST_TOKENS


def staircase(places: list[int], count: int = 40) -> np.ndarray:
    weights = np.zeros((len(places), count))
    weights[np.arange(len(places)), places] = 1
    return weights


def test_what_is_a_loop():
    forward = staircase([0, 4, 8, 8, 12, 16])
    assert find_loops(forward, 0.04, 6) == []
    hesitating = staircase([0, 8, 2, 10, 18])
    assert find_loops(hesitating, 0.04, 6) == [], "0.24 s back is no return"
    again = staircase([0, 10, 20, 0, 10, 20, 30])
    assert find_loops(again, 0.04, 6) == [Loop(3, 5, 0, 0.0, pytest.approx(0.84))]
    unread = staircase([0, 20, 10, 30])
    assert find_loops(unread, 0.04, 6) == [], "going back for what was left out is no loop"
    standing = staircase([0, 5, 5, 5, 10])
    assert find_loops(standing, 0.04, 6) == []
    assert find_loops(standing, 0.04, 1) == [Loop(2, 3, 1, 0.2, pytest.approx(0.24), stuck=True)]
    assert find_loops(np.zeros((0, 5)), 0.04, 1) == []


def test_what_is_a_skip():
    speech = np.zeros(40, dtype=bool)
    speech[5:35] = True
    weights = staircase([6, 10, 14, 18, 33])
    assert find_skips(weights, 0.04, speech, 0.3) == [(pytest.approx(0.84), pytest.approx(1.24))]
    assert find_skips(weights, 0.04, speech, 0.5) == []
    assert find_skips(weights, 0.04, np.zeros(40, dtype=bool), 0.3) == []
    early = find_skips(staircase([6, 10]), 0.04, speech, 0.3)
    assert early == [(pytest.approx(0.52), pytest.approx(1.4))]
    nothing = find_skips(np.zeros((0, 40)), 0.04, speech, 0.3)
    assert nothing == [(pytest.approx(0.2), pytest.approx(1.4))]


def test_speech_is_found_under_noise():
    rng = np.random.default_rng(0)
    wave = np.concatenate([np.zeros(4000), sound("abc"), np.zeros(4000)])
    for noise in (0, 0.05):
        noisy = wave + noise * rng.standard_normal(len(wave))
        found = find_speech(noisy, RATE, 0.05, 32)
        assert found[10:22].mean() > 0.9
        assert not found[:9].any()
        assert not found[23:].any()


def test_the_search_is_passed_on_and_answers_are_kept():
    one = player()
    speller = one._named["right"]
    greedy = [{"text": None, "beam_size": 1}]
    assert speller.asked == greedy
    one.coverage = 0.1
    assert speller.asked == greedy, "the greedy search has no weights"
    one.beam_size = 8
    search = {"beam_size": 8, "length_normalisation": 0.0, "coverage": 0.1}
    assert speller.asked[-1] == {"text": None, **search}
    one.told = True
    assert speller.asked[-1] == {"text": LONG}
    asked = len(speller.asked)
    one.told, one.beam_size = False, 1
    one.beam_size = 8
    assert len(speller.asked) == asked
    assert one._answer["key"] == ["long", "right", False, LONG, 8, 0.0, 0.1]


def test_the_browser_gets_tokens_weights_and_picture():
    one = player()
    answer = one._answer
    count, places = len(answer["tokens"]), answer["places"]
    weights = np.frombuffer(one._weights, "<u2").reshape(count, places) / 65535
    np.testing.assert_allclose(weights, one.seen.weights, atol=1e-4)
    assert len(one._levels) == np.prod(answer["picture"])
    assert max(one._levels) == 255
    for name, p, wrong, peak, start, end, best in answer["tokens"]:
        assert start < peak < end
        assert best[0] == [name, pytest.approx(p)]
        assert [q for _, q in best] == sorted((q for _, q in best), reverse=True)
        assert not wrong
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize(
    ("text", "message"),
    [("b<b>d</b>", "not in the alphabet"), ("", "not known: type it"), ("  ", "not known")],
)
def test_a_text_that_cannot_be_told_is_said(text, message):
    one = player(clip="short")
    one.text, one.told = text, True
    assert message in one.problem
    assert message in one.describe()
    assert one._answer["tokens"] == []
    one.told = False
    assert one.problem == ""


def test_a_sound_from_the_browser_is_read():
    one = player(told=True, token=5)
    wave = sound("cafe", MICROPHONE_RATE)
    one._handle_custom_msg({"kind": "sound", "rate": MICROPHONE_RATE}, [memoryview(wave)])
    assert one.problem == ""
    assert (one.clip, one.text, one.told, one.token) == (one.YOURS, "", False, 0)
    assert one.spelled() == "cafe"
    assert one.sample_rate == RATE
    assert one._answer["key"][0] == one.YOURS
    again = sound("head", MICROPHONE_RATE)
    one._handle_custom_msg({"kind": "sound", "rate": MICROPHONE_RATE}, [again.tobytes()])
    assert one.spelled() == "head"
    assert len(one._clips) == 4, "only the last sound from outside is kept"


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(16_000, np.float32), "silent"),
        (sound("a", MICROPHONE_RATE), "must last 0.3 s at least"),
        (np.full(16_000, np.nan, np.float32), "silent"),
        (np.where(np.arange(16_000) == 5, np.inf, 0.1).astype(np.float32), "NaN or infinity"),
        (np.zeros(0, np.float32), "must last"),
    ],
)
def test_a_sound_that_cannot_be_read_is_told_and_changes_nothing(samples, message):
    one = player()
    before = (one.clip, one._clips, one._weights)
    one._handle_custom_msg({"kind": "sound", "rate": MICROPHONE_RATE}, [samples.tobytes()])
    assert message in one.problem
    assert (one.clip, one._clips, one._weights) == before
    one._handle_custom_msg({"kind": "sound", "rate": MICROPHONE_RATE}, [b"123"])
    assert one.problem
    one.clip = "short"
    assert one.problem == ""


def test_bad_input_is_refused_by_name():
    good = (sound("bad"), RATE)
    with pytest.raises(ValueError, match="one: expected 8000 Hz, got 16000"):
        widgets.AttentionPlayer(Speller(), {"one": (sound("bad", 16_000), 16_000)})
    with pytest.raises(ValueError, match="the clips must be"):
        widgets.AttentionPlayer(Speller(), {})
    with pytest.raises(ValueError, match=r"b: a speller has alphabet, .*, got str"):
        widgets.AttentionPlayer({"a": Speller(), "b": "las"}, {"one": good})
    with pytest.raises(ValueError, match="at least one speller"):
        widgets.AttentionPlayer({}, {"one": good})
    with pytest.raises(ValueError, match="one: the waveform holds NaN"):
        widgets.AttentionPlayer(Speller(), {"one": (np.full(800, np.nan, np.float32), RATE)})
    with pytest.raises(ValueError, match=r"one: .*must give attention \(tokens, places\)"):
        wrong = Speller()
        wrong.look = lambda *_, **__: Look(["a", "END"], np.zeros(5), np.zeros((2, 10)))
        widgets.AttentionPlayer(wrong, {"one": good})
    for trait, value in (
        ("clip", "none"),
        ("speller", "none"),
        ("beam_size", 0),
        ("beam_size", 2.5),
        ("coverage", -1),
        ("length_normalisation", np.nan),
        ("token", -1),
    ):
        with pytest.raises(traitlets.TraitError, match=f"{trait} must be"):
            player(**{trait: value})


def test_one_speller_needs_no_name():
    one = widgets.AttentionPlayer(Speller(), {"one": (sound("bad"), RATE)})
    assert (one.speller, one.spelled()) == ("speller", "bad")


def test_it_takes_a_speller_of_the_course():
    recipe = spelling.RECIPES["digits"]
    alphabet = Alphabet(["one", "two"], separator=" ")
    speller = spelling.Speller(spelling.build(recipe, alphabet), alphabet, recipe)
    clips = {"one": (sound("bad"), RATE, "two one"), "fast": (sound("bad", 16_000), 16_000)}
    one = widgets.AttentionPlayer(speller, clips, told=True)
    assert one.seen.names == ["two", "one", "END"]
    assert one.seen.chosen == [2, 1, 0]
    np.testing.assert_allclose(one.seen.weights.sum(axis=1), 1, rtol=1e-4)
    np.testing.assert_allclose(one.seen.probabilities.sum(axis=1), 1, rtol=1e-4)
    for beam_size, search in ((1, {}), (4, {"length_normalisation": 1.0, "coverage": 0.1})):
        one.told, one.beam_size = False, beam_size
        for name, value in search.items():
            setattr(one, name, value)
        own = {"beam_size": beam_size, **search}
        assert one.spelled() == speller.transcribe(*clips["one"][:2], **own)
    one.told, one.text = True, "three"
    assert "not in the alphabet" in one.problem
    one.told, one.clip = False, "fast"
    assert "8000" in one.problem, "another rate is refused"
    assert one._answer["tokens"] == []


@pytest.mark.parametrize("change", [{"clip": "short"}, {"speller": "loop"}, {"token": 2}])
def test_the_still_picture_and_the_text_follow_the_traits(change):
    before, after = player(), player(**change)
    assert before.still_png() != after.still_png()
    assert repr(before) != repr(after)


def test_the_output_carries_widget_picture_and_description():
    one = player(token=1)
    data, _ = DisplayFormatter().format(one)
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == one.model_id
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert (picture.format, picture.size) == ("PNG", (700, 330))
    assert data["text/plain"] == f"AttentionPlayer: {one.describe()}"
    assert len(one.still_png()) < 100_000
    one.draw(Figure())


def test_the_browser_side_names_only_traits_that_exist_and_asks_nobody():
    one = player()
    named = re.findall(r'model\.get\("(\w+)"\)|trait: "(\w+)"|ui\.set\("(\w+)"', one._esm)
    names = {name for group in named for name in group if name}
    assert names <= set(one.keys)
    assert {"clip", "speller", "told", "text", "token", "slow"} <= names
    # Advice to those whose microphone the browser refuses names the own computer, and https.
    script = one._esm.replace("as http://127.0.0.1 on", "").replace("by plain http from", "")
    script = script.replace("or by https;", "")
    for word in ("http", "//cdn", "fetch(", "import", "XMLHttp", "WebSocket", "url(", "eval("):
        assert word not in script, word
    assert "innerHTML" not in one._esm
