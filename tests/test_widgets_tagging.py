"""The tagging explorer: what it says in Python, and what it does with a sound from outside."""

import io

import numpy as np
import pytest
import traitlets
from matplotlib.figure import Figure
from PIL import Image

from course_utils import widgets
from course_utils.metrics import Event
from course_utils.widgets.clips import MICROPHONE_RATE

RATE = 8000
NAMES = ("low", "high")


def tone(frequency_hz: float, duration_s: float = 1.0, rate: int = RATE) -> np.ndarray:
    t = np.arange(round(duration_s * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * frequency_hz * t)).astype(np.float32)


def listen(waveform: np.ndarray, rate: float) -> widgets.Tagged:
    """A tagger without learning: in each tenth of a second, the share of power above 1 kHz."""
    step = round(rate / 10)
    pieces = waveform[: len(waveform) // step * step].reshape(-1, step)
    power = np.abs(np.fft.rfft(pieces, axis=1)) ** 2 + 1e-9
    high = power[:, 100:].sum(axis=1) / power.sum(axis=1)
    frames = np.stack([1 - high, high], axis=1)
    return widgets.Tagged(frames.mean(axis=0), frames, 0.1, np.log(power[:, ::10]))


def explorer(**traits: object) -> widgets.TaggingExplorer:
    both = np.concatenate([tone(200), tone(2000, 0.5)])
    clips = {"both": (both, RATE), "low": (tone(200), RATE)}
    return widgets.TaggingExplorer(clips, listen, NAMES, **traits)


def test_tags_and_events_follow_the_threshold():
    one = explorer()
    assert one.tags() == ["low"]
    assert one.events() == [
        Event("low", 0.0, pytest.approx(0.95)),
        Event("high", pytest.approx(0.95), pytest.approx(1.45)),
    ]
    one.threshold = 0.3
    assert one.tags() == ["low", "high"]
    assert "at the threshold 0.30: low 0.67, high 0.33" in one.describe()
    one.clip = "low"
    assert one.tags() == ["low"]
    one.threshold = 0.99
    assert "In time: low 0.0 to 1.0 s." in one.describe()


def test_what_reaches_the_threshold_exactly_is_on():
    def half(waveform: np.ndarray, rate: float) -> widgets.Tagged:
        frames = np.full((10, 2), (0.5, 0.25), dtype=np.float32)
        return widgets.Tagged(frames[0], frames, 0.1, np.zeros((10, 4)))

    one = widgets.TaggingExplorer({"one": (tone(200), RATE)}, half, NAMES, threshold=0.5)
    assert one.tags() == ["low"] and [event.label for event in one.events()] == ["low"]
    one.threshold = 0.51
    assert one.tags() == [] and one.events() == []


def test_the_browser_gets_frames_and_pictures_of_all_clips():
    one = explorer(clip="low", threshold=0.4)
    assert (one.clip, one.threshold) == ("low", 0.4)
    frames = np.frombuffer(one._frames, "<f4").reshape(-1, 2)
    rows = one._tagged
    assert [row[1] for row in rows] == [15, 10]
    assert len(frames) == 25
    np.testing.assert_allclose(frames[15:], one.tagged.frames, atol=1e-6)
    assert len(one._levels) == sum(steps * bands for *_, steps, bands in rows)
    assert max(one._levels) == 255


def test_a_sound_from_the_browser_is_tagged_and_shown():
    one = explorer()
    sound = tone(3000, 2.0, MICROPHONE_RATE)
    one._handle_custom_msg({"kind": "sound", "rate": MICROPHONE_RATE}, [memoryview(sound)])
    assert one.problem == ""
    assert one.clip == one.YOURS
    assert one.tags() == ["high"]
    assert len(one._tagged) == len(one._clips) == 3
    np.testing.assert_array_equal(one.waveform, sound)
    again = tone(100, 1.0, MICROPHONE_RATE)
    one._handle_custom_msg({"kind": "sound", "rate": MICROPHONE_RATE}, [again.tobytes()])
    assert one.tags() == ["low"]
    assert len(one._clips) == 3, "only the last sound from outside is kept"
    assert len(np.frombuffer(one._samples, "<i2")) == sum(row[2] for row in one._clips)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(8000, np.float32), "silent"),
        (tone(200, 0.1), "must last 0.3 s at least"),
        (np.full(8000, np.nan, np.float32), "silent"),
        (np.where(np.arange(8000) == 5, np.inf, 0.1).astype(np.float32), "NaN or infinity"),
        (np.zeros(0, np.float32), "must last"),
    ],
)
def test_a_sound_that_cannot_be_tagged_is_told_and_changes_nothing(samples, message):
    one = explorer()
    before = (one.clip, one._clips, one._tagged)
    one._handle_custom_msg({"kind": "sound", "rate": MICROPHONE_RATE}, [samples.tobytes()])
    assert message in one.problem
    assert (one.clip, one._clips, one._tagged) == before
    one._handle_custom_msg({"kind": "sound", "rate": RATE}, [tone(300).tobytes()])
    assert one.problem == ""


def test_a_broken_transfer_is_told():
    one = explorer()
    one._handle_custom_msg({"kind": "sound", "rate": MICROPHONE_RATE}, [b"123"])
    assert one.problem


def test_wrong_values_are_refused():
    with pytest.raises(traitlets.TraitError, match=r"threshold must be a number from 0\.01 to"):
        explorer(threshold=0)
    with pytest.raises(traitlets.TraitError, match="clip must be one of"):
        explorer(clip="none")
    with pytest.raises(ValueError, match=r"one: frames must be \(frames, 3\)"):
        widgets.TaggingExplorer({"one": (tone(200), RATE)}, listen, ("a", "b", "c"))


def test_the_still_picture_shows_the_state():
    one = explorer()
    pictures = set()
    for threshold in (0.2, 0.5):
        one.threshold = threshold
        picture = one.still_png()
        assert Image.open(io.BytesIO(picture)).size == (700, 330)
        pictures.add(picture)
    one.clip = "low"
    pictures.add(one.still_png())
    assert len(pictures) == 3
    one.draw(Figure())
