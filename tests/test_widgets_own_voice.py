"""The recorder's Python side: takes, ends, readings, and what it refuses."""

import io
import json
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import traitlets
from matplotlib.figure import Figure
from PIL import Image

from course_utils import audio, widgets
from course_utils.datasets import recordings
from course_utils.widgets import own_voice

RATE = 16_000
PROMPTS = ["call nine one", "stop", "what time is it"]


class Word(NamedTuple):
    text: str
    start_s: float
    end_s: float
    confidence: float


class Reading(NamedTuple):
    text: str
    words: list[Word]
    nbest: list[tuple[str, float]]


def voice(seconds: float = 1.0, level: float = 0.3, pause_s: float = 0.5) -> np.ndarray:
    """A tone that swells and fades, in the noise of a room."""
    t = np.arange(round(seconds * RATE)) / RATE
    tone = level * np.sin(2 * np.pi * 180 * t) * np.sqrt(np.hanning(len(t)))
    room = np.zeros(round(pause_s * RATE))
    sound = np.concatenate([room, tone, room])
    return (sound + 1e-4 * np.random.default_rng(0).standard_normal(len(sound))).astype(np.float32)


def reader(waveform: np.ndarray, sample_rate: int) -> Reading:
    """Reads "call" and how many tenths of a second it got."""
    seconds = len(waveform) / sample_rate
    text = f"call {round(10 * seconds)}"
    half = seconds / 2
    words = [Word("call", 0.0, half, 0.9), Word(text.split()[1], half, seconds, 0.25)]
    return Reading(text, words, [(text, 0.7), ("stop", 0.2)])


def broken(waveform: np.ndarray, sample_rate: int) -> Reading:
    raise RuntimeError("no <b>good</b>")


def recorder(folder, prompts=PROMPTS, **others):
    return widgets.Recorder(prompts, {"tenths": reader}, folder=folder, **others)


def receive(one, content, samples=None):
    """As if the browser had sent it."""
    buffers = [] if samples is None else [memoryview(np.asarray(samples, "<f4").tobytes())]
    one._handle_custom_msg(content, buffers)


def test_prompts_are_numbered_or_named(tmp_path):
    assert [name for name, _ in recorder(tmp_path)._prompts] == ["01", "02", "03"]
    one = recorder(tmp_path, {"a": "x", "b": "  y \n z"})
    assert one._prompts == [["a", "x"], ["b", "y z"]]
    assert one.prompt == "a"
    assert recorder(tmp_path, prompt="02").prompt == "02"
    with pytest.raises(traitlets.TraitError, match="prompt must be one of '01', '02', '03'"):
        one = recorder(tmp_path)
        one.prompt = "04"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"prompts": "call"}, "a list of texts, got one text"),
        ({"prompts": []}, "at least one text"),
        ({"prompts": ["a", " "]}, "prompt '02' must be a text"),
        ({"prompts": {"../a": "a"}}, "the name of a take"),
        ({"kind": "train"}, "kind must be one of 'test', 'adaptation'"),
        ({"sample_rate": 16.0}, "sample_rate must be"),
        ({"readers": reader}, "readers must be"),
        ({"samples": {"x": voice()}}, "sample 'x' must be"),
        ({"samples": {"x": (voice().astype(int), RATE)}}, "sample 'x' must be .*floating point"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, arguments, problem):
    with pytest.raises(ValueError, match=problem):
        widgets.Recorder(**{"prompts": PROMPTS, "folder": tmp_path, **arguments})


def test_a_take_is_trimmed_as_suggested_and_read(tmp_path):
    one = recorder(tmp_path)
    assert (one.draft, one.readings, one.trim) == (None, {}, (0.0, 0.0))
    receive(one, {"kind": "sound", "rate": RATE, "source": "the microphone"}, voice())
    assert one.problem == ""
    assert one.trim == pytest.approx((0.3, 1.7), abs=0.08)
    assert one.readings["tenths"].text == f"call {round(10 * (one.trim[1] - one.trim[0]))}"
    assert not one.takes and not list(tmp_path.iterdir())
    np.testing.assert_array_equal(one.draft.waveform, voice())
    sent = np.frombuffer(one._pcm, "<i2") * one._take["unit"]
    np.testing.assert_allclose(sent, voice(), atol=one._take["unit"])
    (row,) = one._heard["rows"]
    assert row["state"] == "done" and row["wrong"] == 2 and row["of"] == 3
    assert [word[4] for word in row["words"]] == [False, True]
    assert one._heard["trim"] == list(one.trim)


def test_other_ends_are_read_anew_and_cut_the_take(tmp_path):
    one = recorder(tmp_path)
    one.add(voice(), RATE)
    one.trim = (0.2, 0.7)
    assert one.readings["tenths"].text == "call 5"
    assert len(one.piece) == RATE // 2
    path = one.keep()
    np.testing.assert_allclose(audio.load(path)[0], voice()[3200:11200], atol=1 / 32_768)
    assert one._take["kept"]
    one.trim = (0.2, 1.7)
    assert not one._take["kept"]
    assert "not kept" in one.describe()
    for wrong in ((0.5, 0.55), (0.7, 0.2), (0, 2.1), (0, 0)):
        with pytest.raises(traitlets.TraitError, match=r"0\.1 s between them, at most 2\.00 s"):
            one.trim = wrong
    assert one.trim == (0.2, 1.7)
    one.prompt = "02"
    with pytest.raises(traitlets.TraitError, match="trim needs a take"):
        one.trim = (0, 1)


def test_the_same_ends_are_not_read_twice(tmp_path):
    calls = []
    one = widgets.Recorder(
        PROMPTS, {"count": lambda *a: calls.append(1) or reader(*a)}, folder=tmp_path
    )
    one.add(voice(), RATE)
    one.prompt = "02"
    one.prompt = "01"
    assert len(calls) == 1
    assert one._heard["rows"][0]["state"] == "done"
    one.add(voice(), RATE)
    assert len(calls) == 2, "another take is read, though its ends are the same"


def test_what_is_kept_is_there_the_next_day_and_goes_on_with_the_next_prompt(tmp_path):
    one = recorder(tmp_path)
    receive(one, {"kind": "sound", "rate": RATE}, voice())
    receive(one, {"kind": "keep"})
    assert (one.problem, one.prompt) == ("", "02")
    assert one._kept == ["01"]
    receive(one, {"kind": "sound", "rate": RATE}, voice(0.6))
    receive(one, {"kind": "keep"})
    assert (one._kept, one.prompt) == (["01", "02"], "03")
    waveform, rate, text = one.takes["01"]
    assert (rate, text) == (RATE, "call nine one")

    other = recorder(tmp_path)
    assert (other.prompt, other._kept) == ("03", ["01", "02"])
    np.testing.assert_array_equal(other.takes["01"][0], waveform)
    other.prompt = "01"
    assert other.draft.source == "kept" and other._take["kept"]
    assert "kept. tenths reads" in other.describe()
    corpus = recordings.load(tmp_path, "test")
    np.testing.assert_array_equal(corpus[0].waveform, waveform)
    assert recorder(tmp_path, kind="adaptation")._kept == []
    assert recorder(tmp_path, ["another text", "stop"])._kept == ["02"], "the text must be the same"
    assert len(recorder(tmp_path, sample_rate=8000).takes["01"][0]) == len(waveform) // 2


def test_the_browser_moves_prompt_and_ends_by_messages(tmp_path):
    one = recorder(tmp_path)
    receive(one, {"kind": "go", "name": "02"})
    assert one.prompt == "02"
    receive(one, {"kind": "go", "name": "none"})
    assert "prompt must be one of" in one.problem
    receive(one, {"kind": "sound", "rate": RATE}, voice())
    turn, suggested = one._turn, one.trim
    receive(one, {"kind": "trim", "turn": turn, "trim": [0.2, 1.0]})
    assert (one.trim, one.problem) == ((0.2, 1.0), "")
    receive(one, {"kind": "trim", "turn": turn, "trim": [0.2, 9]})
    assert "at most 2.00 s" in one.problem
    receive(one, {"kind": "sound", "rate": RATE}, voice())
    receive(one, {"kind": "trim", "turn": turn, "trim": [0.2, 1.0]})
    assert one.trim == suggested, "these ends were meant for the take before"


def test_the_last_prompt_stays(tmp_path):
    one = recorder(tmp_path, ["stop"])
    one.add(voice(), RATE)
    receive(one, {"kind": "keep"})
    assert one.prompt == "01" and one._take["kept"]


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (np.zeros(RATE), "is silent"),
        (voice()[:3000], "lasts 0.19 s"),
        (np.full(RATE, np.nan), "NaN or infinite"),
        (np.zeros(0), "no samples"),
        (np.tile(voice(), 6), "lasts 12.0 s; 10 s is the most"),
    ],
)
def test_what_is_no_take_is_told_and_the_take_before_stays(tmp_path, samples, problem):
    one = recorder(tmp_path)
    receive(one, {"kind": "sound", "rate": RATE}, voice())
    before = one._pcm
    receive(one, {"kind": "sound", "rate": RATE}, samples)
    assert problem in one.problem
    assert one._pcm == before and one.draft is not None
    receive(one, {"kind": "sound", "rate": RATE}, voice())
    assert one.problem == ""


def test_a_clipped_take_is_kept_only_when_one_insists(tmp_path):
    one = recorder(tmp_path)
    receive(one, {"kind": "sound", "rate": RATE}, np.clip(9 * voice(), -1, 1))
    assert one._take["fault"][0] == "clipped"
    receive(one, {"kind": "keep"})
    assert "clipped" in one.problem and not one.takes
    receive(one, {"kind": "keep", "insist": True})
    assert one.problem == "" and list(one.takes) == ["01"]


def test_a_piece_that_is_silent_or_too_short_is_never_kept(tmp_path):
    one = recorder(tmp_path)
    one.add(voice(), RATE)
    for trim, kind in (((0, 0.4), "silent"), ((0.8, 1.0), "too short")):
        one.trim = trim
        assert one._take["fault"][0] == kind
        receive(one, {"kind": "keep", "insist": True})
        assert one.problem and not one.takes


def test_a_full_disk_is_told_and_the_old_take_survives(tmp_path, monkeypatch):
    one = recorder(tmp_path)
    one.add(voice(), RATE)
    one.keep()
    old = one.takes["01"][0]
    one.add(voice(0.6), RATE)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(audio, "save", full)
        receive(one, {"kind": "keep"})
    assert "No space left" in one.problem and "Free some space" in one.problem
    assert one.takes["01"][0] is old
    assert not one._take["kept"] and one.prompt == "01"
    np.testing.assert_array_equal(recordings.load(tmp_path)[0].waveform, old)
    receive(one, {"kind": "keep"})
    assert one.problem == "" and len(one.takes["01"][0]) != len(old)


def test_what_is_broken_in_the_folder_is_told_at_the_start(tmp_path):
    (tmp_path / recordings.TABLE).write_text("{")
    assert "is damaged" in recorder(tmp_path).problem
    assert recorder(tmp_path, None).problem == ""


def test_a_reader_that_gives_up_does_not_stop_the_others(tmp_path):
    readers = {"broken": broken, "tenths": reader}
    one = widgets.Recorder(PROMPTS, readers, folder=tmp_path)
    one.add(voice(), RATE)
    assert [row["state"] for row in one._heard["rows"]] == ["failed", "done"]
    assert list(one.readings) == ["tenths"]
    assert "broken gave up: RuntimeError: no <b>good</b>" in one.describe()
    one.keep()


def test_readings_reach_the_browser_one_by_one(tmp_path):
    one = widgets.Recorder(PROMPTS, {"a": reader, "b": reader}, folder=tmp_path)
    seen = []
    one.observe(
        lambda change: seen.append([r["state"] for r in change.new.get("rows", [])]), "_heard"
    )
    one.add(voice(), RATE)
    assert seen[-3:] == [["waiting", "waiting"], ["done", "waiting"], ["done", "done"]]


def test_odd_numbers_of_a_reader_can_be_sent(tmp_path):
    nan = float("nan")
    odd = Reading(
        "a", [Word("a", np.float32(0), np.float64(1), nan)], [("a", nan), ("b", np.float32(1))]
    )
    one = widgets.Recorder(["a"], {"odd": lambda *_: odd}, folder=tmp_path)
    one.add(voice(), RATE)
    text = json.dumps(one._heard, allow_nan=False)
    assert json.loads(text)["rows"][0]["words"] == [["a", 0, 1, None, False]]
    one.draw(Figure())


def test_without_prompts_there_is_one_take_and_no_file(tmp_path):
    samples = {"one": (voice(), RATE, "call 14"), "two": (voice(0.5), RATE)}
    one = recorder(tmp_path, None, samples=samples)
    assert one.readings and one.draft.source == "the sample 'one'"
    assert list(one.takes) == [own_voice.FREE]
    assert "0 of 2 words wrong" in one.describe()
    receive(one, {"kind": "sample", "name": "two"})
    assert one._heard["rows"][0]["wrong"] is None, "it is not known what is said"
    one.trim = (0.4, 0.9)
    waveform, rate, text = one.takes[own_voice.FREE]
    assert (len(waveform), rate, text) == (RATE // 2, RATE, "")
    receive(one, {"kind": "keep"})
    assert "no file is written" in one.problem
    assert not list(tmp_path.iterdir())
    receive(one, {"kind": "sample", "name": "three"})
    assert "the samples are 'one', 'two'" in one.problem


def test_a_sample_of_another_text_can_be_looked_at_but_not_kept(tmp_path):
    samples = {"other": (voice(), RATE, "stop"), "same": (voice(), RATE, "Call nine  one")}
    one = recorder(tmp_path, samples=samples)
    one.use("other")
    assert "“stop” is said, not the prompt" in one._take["refusal"]
    receive(one, {"kind": "keep"})
    assert "not the prompt" in one.problem and not one.takes
    one.use("same")
    assert one._take["refusal"] == ""
    one.keep()
    assert one.takes["01"][2] == "call nine one"


def test_other_rates_are_resampled(tmp_path):
    one = recorder(tmp_path, sample_rate=8000)
    receive(one, {"kind": "sound", "rate": RATE}, voice())
    assert len(one.draft.waveform) == len(voice()) // 2
    assert one._outside["rate"] == 8000


def test_the_folder_is_told_to_a_browser_only(tmp_path, monkeypatch):
    one = recorder(tmp_path)
    one.add(voice(), RATE)
    state = json.dumps({k: v for k, v in one.get_state().items() if k != "_esm"}, default=str)
    assert str(tmp_path) not in state + repr(one)
    receive(one, {"kind": "hello"})
    assert one._where == str(tmp_path)
    monkeypatch.setattr(Path, "home", lambda: tmp_path.parent)
    assert own_voice._short(tmp_path) == str(Path("~") / tmp_path.name)


def test_it_tells_and_draws_its_state(tmp_path):
    one = recorder(tmp_path)
    assert one.describe() == (
        '0 of 3 prompts kept as "test" recordings. Prompt 1, "call nine one": no take yet.'
    )
    pictures = [one.still_png()]
    one.add(voice(), RATE)
    start, end = one.trim
    assert one.describe() == (
        '0 of 3 prompts kept as "test" recordings. Prompt 1, "call nine one": a take of 2.00 s, '
        f"used from {start:.2f} to {end:.2f} s, not kept. "
        f'tenths reads "{one.readings["tenths"].text}", 2 of 3 words wrong.'
    )
    pictures.append(one.still_png())
    one.trim = (0.1, 1.2)
    pictures.append(one.still_png())
    one.keep()
    one.prompt = "02"
    pictures.append(one.still_png())
    for picture in pictures:
        assert Image.open(io.BytesIO(picture)).size == (700, 330)
        assert len(picture) < 40_000
    assert len(set(pictures)) == 4
    one.prompt = "01"
    figure = Figure()
    one.draw(figure)
    _, words = figure.axes
    texts = [text.get_text() for text in words.texts]
    assert texts == ["call", "90 %", "11", "25 %"]
    assert words.texts[0].get_position()[0] == pytest.approx(0.1 + 1.1 / 4)


def test_without_a_take_the_still_picture_is_the_list_of_what_is_to_be_read(tmp_path):
    one = recorder(tmp_path, [f"call {n}" for n in range(40)])
    one.add(voice(), RATE)
    one.keep()
    one.prompt = "03"
    figure = Figure()
    one.draw(figure)
    (axes,) = figure.axes
    assert axes.get_title() == "Read aloud: “call 2”"
    texts = [text.get_text() for text in axes.texts]
    assert texts[1::2] == [f"{n + 1}  call {n}" for n in range(own_voice.SHEET)]
    assert texts[:8:2] == ["✓", "○", "▶", "○"]
    assert "1 of 40 kept" in figure.get_supxlabel()
    one.prompt = "40"
    figure = Figure()
    one.draw(figure)
    assert figure.axes[0].texts[-1].get_text() == "40  call 39", "the end of a long list"
    figure = Figure()
    recorder(tmp_path, None).draw(figure)
    assert "say something" in figure.axes[0].texts[0].get_text()


def test_the_browser_side_is_small_and_names_only_what_exists(tmp_path):
    one = recorder(tmp_path)
    named = set(re.findall(r'model\.get\("(\w+)"\)|ui\.set\("(\w+)"', one._esm))
    names = {name for group in named for name in group if name}
    assert names <= set(one.keys) | {"_clips", "_samples"}  # the latter are readClips's
    assert one._css.startswith(".course") or "take-prompt" in one._css
    for word in ("//cdn", "fetch(", "import(", "XMLHttp", "WebSocket", "eval(", "innerHTML"):
        assert word not in one._esm, word
