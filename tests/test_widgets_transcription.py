"""The transcription explorer: texts, places and errors in Python, and sounds from outside."""

import io
import types

import numpy as np
import pytest
import torch
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from course_utils import audio, ctc, decoding, widgets
from course_utils.datasets.text import Alphabet
from course_utils.recipes import recognition
from course_utils.recipes.frames import Sound, frames_of
from course_utils.widgets.clips import MICROPHONE_RATE
from course_utils.widgets.transcription import MOST_ROWS, shown

RATE = 8000
TONES = {"a": 400, "b": 1000, "c": 2400}  # Hz; of a language whose letters are tones


class ToneRecogniser:
    """A recogniser without learning: it writes the tone of each 40 ms, and a pause as the blank."""

    def __init__(self, alphabet: Alphabet | None = None, rate: int = RATE) -> None:
        self.alphabet = alphabet or Alphabet(" abc")
        self.recipe = types.SimpleNamespace(sound=Sound(sample_rate=rate))
        self.frame_s, self.calls = 0.04, 0

    def log_probs(self, waveform, sample_rate, resample=False):
        assert not resample
        self.calls += 1
        frames_of(waveform, sample_rate, self.recipe.sound)  # its messages
        step = round(self.frame_s * sample_rate)
        padded = np.pad(np.asarray(waveform, np.float64), (step // 2, step))
        pieces = padded[: len(padded) // step * step].reshape(-1, step)
        t = np.arange(step) / sample_rate
        parts = [np.abs(pieces @ np.exp(-2j * np.pi * f * t)) / step for f in TONES.values()]
        other = np.sqrt(np.mean(pieces**2, axis=1)) * 0.3 + 0.01
        first = len(self.alphabet.symbols) - 2
        logits = np.full((len(pieces), self.alphabet.size), -8.0)
        logits[:, 0] = np.log(other)
        logits[:, first:] = np.log(np.stack(parts, axis=1) + 1e-4)
        return torch.log_softmax(4 * torch.tensor(logits), dim=-1)


def speak(text: str, rate: int = RATE, tone_s: float = 0.16) -> np.ndarray:
    """A text of tones, each followed by a pause; a space is a longer pause."""
    t = np.arange(round(tone_s * rate)) / rate
    pause = np.zeros(round(0.12 * rate))
    parts = [pause]
    for letter in text:
        tone = 0.3 * np.sin(2 * np.pi * TONES[letter] * t) if letter in TONES else pause
        parts += [tone, pause]
    return np.concatenate(parts).astype(np.float32)


CLIPS = {
    "right": (speak("abcab"), RATE, "abcab"),
    "wrong": (speak("abc"), RATE, "ab abc"),
    "unknown": (speak("ca"), RATE),
}


def explorer(**traits: object) -> widgets.TranscriptionExplorer:
    return widgets.TranscriptionExplorer(ToneRecogniser(), CLIPS, **traits)


def test_the_text_and_where_it_is_written():
    one = explorer()
    assert (one.text, one.said, one.problem) == ("abcab", "abcab", "")
    names, starts, ends = zip(*one.spans(), strict=True)
    assert "".join(names) == "abcab"
    # Tone n begins at 0.12 + 0.28 n seconds and lasts 0.16.
    np.testing.assert_allclose(starts, 0.12 + 0.28 * np.arange(5), atol=0.03)
    np.testing.assert_allclose(ends, 0.28 + 0.28 * np.arange(5), atol=0.03)
    assert 'greedy writes "abcab"' in one.describe()
    assert "0 errors in 1 word." in one.describe()
    assert one.probabilities.shape == (len(one._heard["path"]), 5)


def test_errors_are_counted_in_words():
    one = explorer(clip="wrong")
    assert one.pairs() == [("ab", None), ("abc", "abc")]
    assert '1 error in 2 words: "ab" deleted.' in one.describe()
    one.clip = "unknown"
    assert (one.text, one.said, one._heard["pairs"]) == ("ca", None, None)
    assert "Said" not in one.describe()
    with pytest.raises(ValueError, match="not known what was said"):
        one.pairs()


def test_noise_spoils_the_text_and_is_the_same_each_time():
    one = explorer()
    texts = {}
    for snr_db in (40.0, 20.0, -10.0, 20.0, 40.0):
        one.snr_db = snr_db
        assert texts.setdefault(snr_db, (one.text, one._noisy)) == (one.text, one._noisy)
    assert texts[40.0] == ("abcab", b"")
    assert texts[20.0][0] == "abcab" != texts[-10.0][0]
    one.snr_db = 5
    noisy = np.frombuffer(one._noisy, "<i2") * one._heard["unit"]
    clean = one.waveform * np.dot(noisy, one.waveform) / np.dot(one.waveform, one.waveform)
    ratio = 10 * np.log10(np.mean(clean**2) / np.mean((noisy - clean) ** 2))
    assert ratio == pytest.approx(5, abs=0.3)
    one.snr_db = -10
    assert one._heard["unit"] * 32767 <= 1, "louder than what can be played"


def test_decoders_get_log_probabilities_and_their_tokens_are_placed():
    def wrong(log_probs):
        assert log_probs.shape[1] == 5
        torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(len(log_probs)).double())
        return [2, 4]

    decoders = {"greedy": lambda x: decoding.greedy(x[None])[0], "own": wrong}
    recogniser = ToneRecogniser()
    one = widgets.TranscriptionExplorer(recogniser, CLIPS, decoders, decoder="own")
    assert one.text == "ac"
    best = [list(span[:3]) for span in ctc.forced_align(one._kept[1].log_probs, [2, 4])]
    assert one._heard["spans"] == best
    assert (one._heard["greedy"], one._heard["decoder"]) == ("abcab", "own")
    calls = recogniser.calls
    one.decoder = "greedy"
    assert one.text == "abcab"
    assert recogniser.calls == calls, "another decoder needs no new listening"


def test_greedy_spans_are_the_runs_of_the_path():
    one = explorer()
    path = one._heard["path"]
    for token, start, end in one._heard["spans"]:
        assert set(path[start:end]) == {token}
        assert path[start - 1] != token != path[end]


def test_the_browser_gets_all_numbers():
    one = explorer(clip="wrong", snr_db=10)
    frames, size = one._heard["frames"], len(one._names)
    p = np.frombuffer(one._p, "<u2").reshape(frames, size) / 65535
    np.testing.assert_allclose(p, one.probabilities, atol=1e-5)
    assert len(one._levels) == np.prod(one._heard["steps"])
    assert max(one._levels) == 255
    assert len(one._noisy) == 2 * len(one.waveform)
    assert one._names == ["blank", "␣", "a", "b", "c"]


def test_other_rates_are_resampled_and_said():
    one = widgets.TranscriptionExplorer(ToneRecogniser(), {"high": (speak("cab", 22_050), 22_050)})
    assert (one.text, one.sample_rate) == ("cab", RATE)
    assert one._heard["note"] == "Resampled from 22,050 to 8,000 Hz. "


def test_a_long_sound_is_cut_and_compared_with_nothing():
    long = np.tile(speak("ab"), 30)
    one = widgets.TranscriptionExplorer(ToneRecogniser(), {"long": (long, RATE, "ab")})
    assert one.duration_s == 15.0
    assert one.said is None


def send(one, samples, rate=MICROPHONE_RATE):
    one._handle_custom_msg({"kind": "sound", "rate": rate}, [memoryview(samples)])


def test_a_sound_from_the_browser_is_transcribed_and_shown():
    one = explorer()
    send(one, speak("cb", MICROPHONE_RATE))
    assert (one.clip, one.text, one.problem, one.said) == (one.YOURS, "cb", "", None)
    assert "from 16,000 to 8,000" in one._heard["note"]
    assert len(one._clips) == 4
    send(one, speak("bbc", MICROPHONE_RATE))
    assert (one.clip, one.text) == (one.YOURS, "bbc")
    assert len(one._clips) == 4, "only the last sound from outside is kept"
    one.add("mine", speak("ab"), RATE, "ab")
    assert (one.clip, one.said, one.pairs()) == ("mine", "ab", [("ab", "ab")])


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(8000, np.float32), "the waveform is silent"),
        (speak("a", MICROPHONE_RATE)[:200], "at least 200 of them"),
        (np.full(8000, np.nan, np.float32), "NaN"),
        (np.zeros(0, np.float32), "no samples"),
    ],
)
def test_a_sound_that_cannot_be_transcribed_is_told_and_changes_nothing(samples, message):
    one = explorer()
    before = (one.clip, one._clips, one._heard)
    send(one, samples)
    assert message in one.problem
    assert (one.clip, one._clips, one._heard) == before
    send(one, speak("b", MICROPHONE_RATE))
    assert (one.problem, one.text) == ("", "b")


def test_a_broken_transfer_is_told():
    one = explorer()
    one._handle_custom_msg({"kind": "sound", "rate": MICROPHONE_RATE}, [b"123"])
    assert one.problem


def test_a_clip_that_the_recogniser_refuses_is_told_when_it_is_chosen():
    clips = {**CLIPS, "silent": (np.zeros(4000, np.float32), RATE, "a")}
    one = widgets.TranscriptionExplorer(ToneRecogniser(), clips)
    one.clip = "silent"
    assert "the waveform is silent" in one.problem
    assert (one.text, one.spans(), one._p) == ("", [], b"")
    assert "no text. the waveform is silent" in one.describe()
    one.draw(Figure())
    one.snr_db = 10
    assert "silent" in one.problem
    one.clip = "unknown"
    assert one.problem == ""
    assert one.text


def test_a_decoder_that_writes_no_tokens_is_told():
    one = widgets.TranscriptionExplorer(ToneRecogniser(), CLIPS, {"bad": lambda x: [0]})
    assert "the blank: collapse the path first" in one.problem


def test_wrong_values_are_refused():
    with pytest.raises(traitlets.TraitError, match=r"snr_db must be a number from -10 to 40 dB"):
        explorer(snr_db=50)
    with pytest.raises(traitlets.TraitError, match="clip must be one of"):
        explorer(clip="none")
    with pytest.raises(traitlets.TraitError, match="decoder must be one of 'greedy'"):
        explorer(decoder="none")
    with pytest.raises(ValueError, match="with at least one"):
        widgets.TranscriptionExplorer(ToneRecogniser(), {})
    with pytest.raises(ValueError, match="with at least one"):
        widgets.TranscriptionExplorer(ToneRecogniser(), CLIPS, {})
    with pytest.raises(ValueError, match=r"one: expected \(waveform, sample_rate\) or"):
        widgets.TranscriptionExplorer(ToneRecogniser(), {"one": 3})
    with pytest.raises(ValueError, match="one: "):
        widgets.TranscriptionExplorer(ToneRecogniser(), {"one": (np.zeros((2, 99)), 16_000)})


def test_rows_are_the_most_probable_tokens():
    p = np.full((3, 60), 0.001)
    p[0, [5, 9, 0]] = [0.5, 0.0999, 0.9]
    assert shown(p) == [5]
    p[1, 1:] = 0.1 + np.arange(59) / 1000
    assert shown(p) == [5, *range(60 - MOST_ROWS + 1, 60)]


def test_the_still_picture_shows_the_state():
    one = explorer()
    pictures = {one.still_png()}
    for name, value in {"clip": "wrong", "snr_db": 0, "time_s": 0.5}.items():
        setattr(one, name, value)
        picture = one.still_png()
        assert Image.open(io.BytesIO(picture)).size == (700, 330)
        pictures.add(picture)
    assert len(pictures) == 4


def test_a_letter_at_the_very_beginning_is_not_cut():
    one = explorer()
    one._result = one._result[0], [(1, 0, 1), *one._result[1][1:]]
    figure = Figure(figsize=(7.0, 3.3), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    one.draw(figure)
    figure.canvas.draw()
    below = figure.axes[2]
    assert below.texts[0].get_window_extent().x0 > below.bbox.x0


@pytest.mark.parametrize("running", [False, True])
def test_a_recogniser_of_the_recipes(running):
    """An untrained network: the explorer shows what it gives, its best path among it."""
    recipe = recognition.RECIPES["digits-streaming" if running else "commands"]
    recipe = recognition.changed(recipe, hidden_size=8)
    alphabet = Alphabet(recognition.CHARACTERS)
    recogniser = recognition.Recogniser(recognition.build(recipe, alphabet), alphabet, recipe)
    sound = (audio.resample(speak("abcab"), RATE, 16_000), 16_000, "six")
    one = widgets.TranscriptionExplorer(recogniser, {"clip": sound})
    assert one.text == recogniser.transcribe(one.waveform, RATE)
    log_probs = recogniser.log_probs(one.waveform, RATE)
    np.testing.assert_allclose(one.probabilities, log_probs.exp(), atol=1e-6)
    assert one._heard["frame_s"] == recogniser.frame_s
    one.snr_db = 3
    assert one.problem == ""
