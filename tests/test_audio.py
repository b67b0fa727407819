import base64
import html
import io
import os
import re
import struct
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import audio, signals

RATE = 22_050


@pytest.fixture
def sine():
    return signals.tone(440, duration_s=1.0, amplitude=0.5)


def write(path, data, rate=RATE, **options):
    soundfile.write(path, data, rate, **options)
    return path


def noise_file(path, seconds=2.0, **options):
    """A file that no codec can make small, so that half of its bytes are half of its sound."""
    return write(path, signals.noise(seconds, level=0.1, rng=0), **options)


def cut(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def refusal(path, *arguments, error=ValueError, **options):
    """Message of the error that load raises; it always names the file."""
    with pytest.raises(error) as caught:
        audio.load(path, *arguments, **options)
    assert type(caught.value) is error or error is OSError
    assert Path(path).name in str(caught.value)
    return str(caught.value)


# Loading what is right


@pytest.mark.parametrize(
    ("name", "options", "atol"),
    [
        ("a.wav", {}, 4e-5),
        ("a.wav", {"subtype": "PCM_U8"}, 0.01),
        ("a.wav", {"subtype": "PCM_24"}, 1e-6),
        ("a.wav", {"subtype": "FLOAT"}, 0),
        ("a.wav", {"subtype": "DOUBLE"}, 0),
        ("a.wav", {"subtype": "ULAW"}, 0.02),
        ("a.wav", {"endian": "BIG"}, 4e-5),
        ("a.wav", {"format": "RF64"}, 4e-5),
        ("a.wav", {"format": "WAVEX"}, 4e-5),
        ("a.aiff", {}, 4e-5),
        ("a.flac", {}, 4e-5),
        ("a.flac", {"subtype": "PCM_24"}, 1e-6),
        ("a.ogg", {}, 0.02),
        ("a.mp3", {}, 0.02),
        ("without suffix", {"format": "FLAC"}, 4e-5),
        ("소리 – Ton 'é'.flac", {}, 4e-5),
    ],
)
def test_every_format_gives_the_sound_that_was_written(tmp_path, sine, name, options, atol):
    path = write(tmp_path / name, sine, **options)
    waveform, rate = audio.load(path)
    assert rate == RATE
    assert waveform.dtype == np.float32 and waveform.shape == sine.shape
    assert waveform.flags.c_contiguous and waveform.flags.writeable
    np.testing.assert_allclose(waveform[2_000:-2_000], sine[2_000:-2_000], atol=atol)
    assert audio.load(str(path))[0].shape == sine.shape


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_channel_count_becomes_one_channel(tmp_path, rate, channels):
    data = np.random.default_rng(0).uniform(-0.5, 0.5, (rate // 10, channels))
    path = write(tmp_path / "a.wav", data, rate, subtype="FLOAT")
    waveform, got_rate = audio.load(path)
    assert got_rate == rate
    np.testing.assert_allclose(waveform, data.mean(axis=1), atol=1e-7)


def test_values_beyond_full_scale_are_kept(tmp_path):
    path = write(tmp_path / "a.wav", np.array([0.5, 1.7, -3.0]), subtype="FLOAT")
    np.testing.assert_array_equal(audio.load(path)[0], np.float32([0.5, 1.7, -3.0]))


def test_loading_resamples_when_asked(tmp_path, sine):
    path = write(tmp_path / "a.wav", sine, subtype="FLOAT")
    waveform, rate = audio.load(path, sample_rate=8_000)
    assert rate == 8_000
    np.testing.assert_array_equal(waveform, audio.resample(sine, RATE, 8_000))
    assert audio.load(path, np.int64(RATE))[1] == RATE
    assert audio.load(path, 16_000.0)[1] == 16_000  # rate / 2 is a float


def test_a_raw_suffix_does_not_hide_a_sound(tmp_path, sine):
    path = write(tmp_path / "a.wav", sine)
    path.rename(tmp_path / "a.mp3")  # a wrong suffix: what it holds counts
    assert audio.load(tmp_path / "a.mp3")[0].size == RATE


@pytest.mark.parametrize("riff", [0, 36, 0xFFFFFFFF, 0x7FFFF024])
@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 0x7FFFF000])
def test_a_wav_written_into_a_pipe_is_read_to_its_end(tmp_path, sine, riff, length):
    path = write(tmp_path / "a.wav", sine)
    whole = audio.load(path)[0]
    data = bytearray(path.read_bytes())
    start = data.index(b"data")
    data[4:8], data[start + 4 : start + 8] = struct.pack("<I", riff), struct.pack("<I", length)
    path.write_bytes(data)
    np.testing.assert_array_equal(audio.load(path)[0], whole)
    assert "lasts 1.0 s" in refusal(path, max_duration_s=0.9)


def test_chunks_around_the_sound_are_skipped(tmp_path, sine):
    path = write(tmp_path / "a.wav", sine)
    data = bytearray(path.read_bytes())
    extra = b"note" + struct.pack("<I", 5) + b"hello\0"  # an odd length is padded
    data[36:36] = extra
    data += extra
    data[4:8] = struct.pack("<I", len(data) - 8)
    path.write_bytes(data)
    assert audio.load(path)[0].size == RATE
    assert "cut off" in refusal(cut(path, 0.9))


def test_the_longest_duration_is_inclusive(tmp_path, sine):
    path = write(tmp_path / "a.flac", sine)
    assert audio.load(path, max_duration_s=1)[0].size == RATE


# Loading what is wrong


def test_a_missing_file_is_named_with_the_folder_to_look_in(tmp_path):
    says = refusal(tmp_path / "nope.wav", error=FileNotFoundError)
    assert "no such file" in says and str(Path.cwd()) in says


def test_a_folder_is_no_sound(tmp_path):
    assert "is a folder" in refusal(tmp_path, error=IsADirectoryError)


def test_an_empty_file(tmp_path):
    path = tmp_path / "a.mp3"
    path.touch()
    assert "the file is empty" in refusal(path)


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="Windows and root read every file",
)
def test_a_file_without_permission(tmp_path, sine):
    path = write(tmp_path / "a.wav", sine)
    path.chmod(0)
    refusal(path, error=PermissionError)


@pytest.mark.parametrize("share", [0.999, 0.9, 0.6, 0.01])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.wav", {}),
        ("a.wav", {"subtype": "FLOAT"}),
        ("a.wav", {"endian": "BIG"}),
        ("a.wav", {"format": "RF64"}),
        ("a.aiff", {}),
        ("a.flac", {}),
        ("a.ogg", {}),
        ("a.ogg", {"subtype": "OPUS", "rate": 24_000}),
    ],
)
def test_a_file_that_was_cut_off_is_not_read_short(tmp_path, name, options, share):
    x = signals.noise(2, level=0.1, rng=0)
    path = write(tmp_path / name, x, **options)
    assert audio.load(path)[0].size >= x.size
    says = refusal(cut(path, share))
    assert "cut off" in says or ("damaged" in says and share == 0.01)
    assert "again" in says or "convert" in says


@pytest.mark.parametrize("share", [0.9, 0.6, 0.2])
def test_an_mp3_that_was_cut_off_is_not_read_short(tmp_path, share):
    says = refusal(cut(noise_file(tmp_path / "a.mp3"), share))
    assert re.search(r"cut off; it has [\d,]+ of the [\d,]+ bytes of sound", says)


@pytest.mark.parametrize("share", [0.95, 0.5])
def test_a_short_digit_that_was_cut_off_is_not_read_short(tmp_path, share):
    digit = Path(__file__).parents[1] / "data" / "digits" / "david" / "zero_1.mp3"
    (tmp_path / "zero.mp3").write_bytes(digit.read_bytes())
    assert len(audio.load(tmp_path / "zero.mp3")[0]) == len(audio.load(digit)[0])
    assert "cut off" in refusal(cut(tmp_path / "zero.mp3", share))


def test_tags_around_an_mp3_do_not_count_as_its_sound(tmp_path):
    whole = noise_file(tmp_path / "a.mp3").read_bytes()
    tag = b"ID3\x04\x00\x00\x00\x00\x02\x00" + bytes(256)
    (tmp_path / "tagged.mp3").write_bytes(tag + whole + b"TAG" + bytes(125))
    assert len(audio.load(tmp_path / "tagged.mp3")[0]) == len(audio.load(tmp_path / "a.mp3")[0])
    (tmp_path / "cut.mp3").write_bytes(tag + whole[:-100])
    assert "cut off" in refusal(tmp_path / "cut.mp3")


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.aiff"])
def test_a_cut_anywhere_in_the_header_is_an_error(tmp_path, name):
    whole = noise_file(tmp_path / name, seconds=0.2).read_bytes()
    for length in range(1, 120):
        (tmp_path / name).write_bytes(whole[:length])
        refusal(tmp_path / name)


def test_a_damaged_flac_is_an_error(tmp_path):
    path = noise_file(tmp_path / "a.flac")
    data = bytearray(path.read_bytes())
    data[40_000:42_000] = bytes(2_000)
    path.write_bytes(data)
    assert "damaged or cut off" in refusal(path) or "is cut off" in refusal(path)


def test_a_flac_of_unknown_length_is_refused(tmp_path):
    path = noise_file(tmp_path / "a.flac")
    data = bytearray(path.read_bytes())
    field = int.from_bytes(data[18:26], "big") >> 36 << 36  # 36 bits: total samples
    data[18:26] = field.to_bytes(8, "big")
    path.write_bytes(data)
    assert "does not say how long it is" in refusal(path)


def test_a_flac_that_promises_more_than_it_holds_is_refused(tmp_path):
    path = noise_file(tmp_path / "a.flac")
    data = bytearray(path.read_bytes())
    total = int.from_bytes(data[18:26], "big") + 4_096
    data[18:26] = total.to_bytes(8, "big")
    path.write_bytes(data)
    assert "cut off" in refusal(path)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.raw", "a.txt"])
def test_what_is_no_sound(tmp_path, name):
    path = tmp_path / name
    path.write_text("This is text, not sound. " * 400, encoding="utf-8")
    assert "is not a sound" in refusal(path)


@settings(deadline=None, max_examples=60)
@given(
    head=st.sampled_from(
        [b"", b"RIFF\x24\0\0\0WAVE", b"fLaC", b"OggS\0\4", b"FORM", b"RF64", b"ID3"]
    ),
    body=st.binary(min_size=1, max_size=400),
)
def test_only_value_errors_leave_load_whatever_the_bytes(tmp_path_factory, head, body):
    path = tmp_path_factory.mktemp("bytes") / "a.wav"
    path.write_bytes(head + body)
    try:
        waveform, rate = audio.load(path)
    except ValueError as error:
        assert "a.wav" in str(error)
    else:
        assert waveform.size > 0 and rate > 0


@pytest.mark.parametrize("name", ["a.w64", "a.au", "a.caf"])
def test_a_format_that_can_be_cut_off_unseen_is_refused(tmp_path, sine, name):
    assert "Convert it to WAV, FLAC, Ogg or MP3" in refusal(write(tmp_path / name, sine))


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.ogg"])
def test_no_samples(tmp_path, name):
    assert "holds no samples" in refusal(write(tmp_path / name, np.zeros(0)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channels", [1, 2])
def test_nan_and_infinity_are_refused_with_their_place(tmp_path, value, channels):
    data = np.zeros((100, channels))
    data[42, -1] = value
    path = write(tmp_path / "a.wav", data, subtype="FLOAT")
    assert "sample 42 is NaN or infinite" in refusal(path)


def test_huge_values_do_not_become_infinite(tmp_path):
    data = np.full((3, 2), 3e38)
    path = write(tmp_path / "a.wav", data, subtype="FLOAT")
    np.testing.assert_allclose(audio.load(path)[0], 3e38, rtol=1e-6)


@pytest.mark.parametrize("rate", [1, 999, 2_000_000_000])
def test_an_absurd_rate_in_the_header(tmp_path, sine, rate):
    path = write(tmp_path / "a.wav", sine)
    data = bytearray(path.read_bytes())
    data[24:28] = struct.pack("<I", rate)
    path.write_bytes(data)
    assert f"claims {rate:,} Hz" in refusal(path)


@pytest.mark.parametrize(
    "rate", [-8_000, 0, 8_000.5, 1e12, 999, float("nan"), float("inf"), "16000", True]
)
def test_a_rate_that_is_no_rate(tmp_path, sine, rate):
    path = write(tmp_path / "a.wav", sine)
    for call in (
        lambda: audio.load(path, rate),
        lambda: audio.play(sine, rate),
        lambda: audio.save(path, sine, rate),
    ):
        with pytest.raises(
            ValueError, match=r"sample_rate must be a whole number of Hz from 1,000"
        ):
            call()
    with pytest.raises(ValueError, match="from_rate must be a whole number"):
        audio.resample(sine, rate, 8_000)
    with pytest.raises(ValueError, match="to_rate must be a whole number"):
        audio.resample(sine, 8_000, rate)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_a_sound_that_is_too_long_is_refused_before_it_is_decoded(tmp_path, monkeypatch, name):
    path = noise_file(tmp_path / name, seconds=3)
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *_, **__: pytest.fail("decoded"))
    assert "lasts 3.0 s, expected at most 2.5 s" in refusal(path, max_duration_s=2.5)


@pytest.mark.parametrize("limit", [0, -1, float("nan"), "10", True])
def test_a_limit_that_is_no_limit(tmp_path, sine, limit):
    path = write(tmp_path / "a.wav", sine)
    with pytest.raises(ValueError, match="max_duration_s must be a positive number of seconds"):
        audio.load(path, max_duration_s=limit)


@pytest.mark.parametrize("path", [None, 3, b"a.wav", "a\0.wav"])
def test_a_path_that_is_no_path(path):
    with pytest.raises(ValueError, match="path must be the name of a sound file"):
        audio.load(path)


def test_a_file_too_short_to_be_resampled(tmp_path):
    path = write(tmp_path / "a.wav", np.zeros(1), 48_000)
    assert "too short to be resampled" in refusal(path, 8_000)


# Saving


@pytest.mark.parametrize(("suffix", "atol"), [("wav", 0.6 / 32_768), ("flac", 0.6 / 32_768)])
def test_sixteen_bits_round_trip_to_half_a_step(tmp_path, sine, suffix, atol):
    audio.save(tmp_path / f"a.{suffix}", sine, RATE)
    waveform, rate = audio.load(tmp_path / f"a.{suffix}")
    assert rate == RATE
    np.testing.assert_allclose(waveform, sine, atol=atol)
    # What lies on a 16-bit level comes back exactly, and so it can be saved again without loss.
    audio.save(tmp_path / f"b.{suffix}", waveform, RATE)
    np.testing.assert_array_equal(audio.load(tmp_path / f"b.{suffix}")[0], waveform)


@pytest.mark.parametrize("suffix", ["ogg", "mp3", "MP3"])
def test_lossy_formats_round_trip_nearly(tmp_path, sine, suffix):
    audio.save(str(tmp_path / f"ein Ton 소리.{suffix}"), sine, RATE)
    waveform, _ = audio.load(tmp_path / f"ein Ton 소리.{suffix}")
    assert signals.snr_db(sine[2_000:-2_000], waveform[2_000:-2_000]) > 30


def test_a_long_vorbis_file_is_written_in_blocks(tmp_path):
    long = signals.noise(110, level=0.1, rng=0)  # 2.4 million samples crash libsndfile in one call
    audio.save(tmp_path / "a.ogg", long, RATE)
    assert audio.load(tmp_path / "a.ogg")[0].size == long.size


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_sixteen_bits_refuse_what_they_would_clip(tmp_path, sine, suffix):
    path = tmp_path / f"a.{suffix}"
    with pytest.raises(
        ValueError, match=rf"a\.{suffix}: its peak of 1\.5 .* Scale it .*signals\.clip"
    ):
        audio.save(path, 3 * sine, RATE)
    assert list(tmp_path.iterdir()) == []
    audio.save(path, sine / np.abs(sine).max(), RATE)  # full scale itself is fine
    assert np.abs(audio.load(path)[0]).max() >= 32_767 / 32_768


@pytest.mark.parametrize("suffix", ["ogg", "mp3"])
def test_lossy_formats_warn_of_what_players_clip(tmp_path, sine, suffix):
    with pytest.warns(UserWarning, match=r"its peak of 1\.5 is beyond full scale; players will"):
        audio.save(tmp_path / f"a.{suffix}", 3 * sine, RATE)
    assert np.abs(audio.load(tmp_path / f"a.{suffix}")[0]).max() > 1.3


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, sine, monkeypatch):
    path = tmp_path / "a.wav"
    audio.save(path, sine, RATE)
    before = path.read_bytes()

    def disk_full(self, data):
        with self.open("wb") as file:
            file.write(data[:100])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", disk_full)
        with pytest.raises(OSError, match="No space left"):
            audio.save(path, sine[:100], RATE)

    def in_use(self, target):
        raise OSError("in use")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", in_use)
        with pytest.raises(OSError, match="in use"):
            audio.save(path, sine[:100], RATE)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]
    audio.save(path, sine[:100], RATE)
    assert audio.load(path)[0].size == 100
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_where_nothing_can_be_saved(tmp_path, sine):
    with pytest.raises(FileNotFoundError, match=r"a\.wav: the folder .*new does not exist"):
        audio.save(tmp_path / "new" / "a.wav", sine, RATE)
    (tmp_path / "a.wav").mkdir()
    with pytest.raises(IsADirectoryError, match=r"a\.wav: is a folder"):
        audio.save(tmp_path / "a.wav", sine, RATE)
    for name in ("a", "a.txt", "a.aiff"):
        with pytest.raises(ValueError, match=r"must be one of \.wav, \.flac, \.ogg, \.mp3"):
            audio.save(tmp_path / name, sine, RATE)
    with pytest.raises(ValueError, match=r"b\.mp3: MP3 can't store .* 96,000 Hz.* audio\.resample"):
        audio.save(tmp_path / "b.mp3", sine, 96_000)


BAD_WAVEFORMS = [
    (np.zeros((2, 100)), r"one dimension \(samples,\), got shape \(2, 100\)"),
    (np.float64(0.5), r"one dimension"),
    (np.zeros(0), "holds no samples"),
    (np.array([0, 0.5, np.nan]), "sample 2 is NaN or infinite"),
    (np.array([0, np.inf]), "sample 1 is NaN or infinite"),
    (np.array([0, 1e300]), "sample 1 is NaN or infinite"),
    (np.zeros(10, dtype=np.int16), "got int16. Convert .* waveform / 32768"),
    (np.zeros(10, dtype=complex), "Take waveform.real"),
    (["a", "b"], "must be floating point"),
    ([[1.0], [1.0, 2.0]], "can't be read as an array"),
    (None, "one dimension"),
]


@pytest.mark.parametrize(("wrong", "says"), BAD_WAVEFORMS)
def test_what_is_no_waveform_is_neither_played_nor_saved_nor_resampled(tmp_path, wrong, says):
    with pytest.raises(ValueError, match=says):
        audio.play(wrong, RATE)
    with pytest.raises(ValueError, match=rf"a\.wav: .*{says}"):
        audio.save(tmp_path / "a.wav", wrong, RATE)
    with pytest.raises(ValueError, match=says):
        audio.resample(wrong, RATE, 8_000)
    assert list(tmp_path.iterdir()) == []


# Resampling


@pytest.mark.parametrize(("from_rate", "to_rate"), [(8_000, 22_050), (44_100, 16_000)])
def test_resampling_keeps_what_fits_as_scipy_does(from_rate, to_rate):
    x = signals.tone(1_000, 1.0, 0.5, sample_rate=from_rate)
    y = audio.resample(x, from_rate, to_rate)
    assert y.dtype == np.float32 and y.size == to_rate
    expected = signals.tone(1_000, 1.0, 0.5, sample_rate=to_rate)
    middle = slice(to_rate // 10, -to_rate // 10)
    assert signals.snr_db(expected[middle], y[middle]) > 100
    divisor = np.gcd(from_rate, to_rate)
    scipys = scipy.signal.resample_poly(x, to_rate // divisor, from_rate // divisor)
    assert signals.snr_db(scipys[middle], y[middle]) > 30


def test_resampling_removes_what_would_alias():
    x = signals.tone(6_000, 1.0, 0.5, sample_rate=22_050)  # above half of 8,000 Hz
    y = audio.resample(x, 22_050, 8_000)
    assert signals.amplitude_to_db(signals.rms(y[800:-800])) < -100


def test_resampling_is_flat_almost_up_to_half_the_lower_rate():
    # Half the lower rate is 4000 Hz: up to 91 % of it nothing is lost, just above it all is.
    for frequency_hz, least_db, most_db in ((3600, -0.01, 0.01), (4100, -np.inf, -100)):
        x = signals.tone(frequency_hz, 1.0, 0.5, sample_rate=16_000)
        y = audio.resample(x, 16_000, 8_000)
        change_db = signals.amplitude_to_db(signals.rms(y[800:-800]) / signals.rms(x))
        assert least_db <= change_db <= most_db, frequency_hz


def test_resampling_gives_a_new_array_and_keeps_what_overshoots():
    x = signals.tone(440, 0.1)
    same = audio.resample(x, RATE, RATE)
    np.testing.assert_array_equal(same, x)
    assert not np.shares_memory(same, x)
    square = np.sign(signals.tone(100, 0.5, phase=0.1))
    assert np.abs(audio.resample(square, RATE, 16_000)).max() > 1.05


@settings(deadline=None, max_examples=40)
@given(
    samples=st.integers(200, 3_000),
    from_rate=st.sampled_from([8_000, 11_025, 16_000, 44_100]),
    to_rate=st.integers(4_000, 50_000),
)
def test_resampling_keeps_the_duration(samples, from_rate, to_rate):
    size = audio.resample(np.zeros(samples), from_rate, to_rate).size
    assert abs(size - samples * to_rate / from_rate) <= 0.5 + 1e-6


# Playing


class Tags(HTMLParser):
    """Every tag with its attributes, and the text of the page."""

    def __init__(self, markup):
        super().__init__()
        self.tags, self.text = {}, ""
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        assert tag not in self.tags
        self.tags[tag] = dict(attrs)

    def handle_data(self, data):
        self.text += data


def played(player):
    """Samples and rate of what a player plays, and its parsed page."""
    page = Tags(player._repr_mimebundle_()["text/html"])
    head, _, data = page.tags["audio"]["src"].partition(";base64,")
    assert head == f"data:{player.mime}"
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="float32")
    return samples, rate, page


def test_a_player_has_a_visible_caption_in_both_forms(sine):
    player = audio.play(sine, RATE, "A tone of 440 Hz")
    samples, rate, page = played(player)
    assert set(page.tags) == {"figure", "audio", "figcaption"}
    assert "controls" in page.tags["audio"]
    assert page.tags["audio"]["aria-label"] == "A tone of 440 Hz"
    assert page.text == "A tone of 440 Hz"
    assert player._repr_mimebundle_()["text/plain"] == "A tone of 440 Hz"
    assert rate == RATE and samples.size == sine.size


@pytest.mark.parametrize("caption", [None, "", "  "])
def test_without_a_caption_there_is_one(sine, caption):
    assert audio.play(np.tile(sine, 2), RATE, caption).caption == "Sound, 2.0 s, 22,050 Hz"


@given(caption=st.text(min_size=1))
@settings(deadline=None, max_examples=50)
def test_captions_are_escaped(caption):
    player = audio.play(np.zeros(100), RATE, f"x{caption}x")
    markup = player._repr_mimebundle_()["text/html"]
    assert f"<figcaption>{html.escape(f'x{caption}x')}</figcaption>" in markup


def test_a_caption_can_not_break_out(sine):
    evil = '"><script>alert("소리")</script><b onload=\'x\'>'
    page = played(audio.play(sine, RATE, evil))[2]
    assert set(page.tags) == {"figure", "audio", "figcaption"}
    assert page.tags["audio"]["aria-label"] == evil and page.text == evil


@settings(deadline=None, max_examples=30)
@given(level=st.sampled_from([1e-4, 0.01, 0.3, 1.0]), seed=st.integers(0, 1_000))
def test_flac_keeps_sixteen_bits_and_the_level(level, seed):
    x = np.random.default_rng(seed).uniform(-level, level, 500)
    samples, _, page = played(audio.play(x, RATE, "x"))
    expected = np.clip(np.round(x.astype(np.float32) * 32_768.0), -32_768, 32_767) / 32_768
    np.testing.assert_array_equal(samples, expected.astype(np.float32))
    assert page.text == "x"


def test_flac_adds_no_dither():
    steps = signals.quantise(signals.tone(440, 0.5, 0.9), 8)
    np.testing.assert_array_equal(played(audio.play(steps, RATE))[0], steps)
    silence = played(audio.play(np.zeros(1_000), RATE))[0]
    np.testing.assert_array_equal(silence, 0)


@pytest.mark.parametrize("format", ["flac", "mp3"])
def test_what_is_beyond_full_scale_is_clipped_not_rescaled(sine, format):
    samples, _, page = played(audio.play(4 * sine, RATE, "Too loud", format))
    share = np.mean(np.abs(4 * sine) > 1)
    assert page.text == f"Too loud ({share:.1%} of the samples are beyond full scale and clipped)"
    atol = 1e-4 if format == "flac" else 0.15
    np.testing.assert_allclose(
        samples[2_000:-2_000], np.clip(4 * sine, -1, 1)[2_000:-2_000], atol=atol
    )


def test_a_rare_overshoot_is_told_and_full_scale_is_not(sine):
    x = sine.copy()
    x[100] = 1.01
    assert "under 0.1% of the samples" in audio.play(x, RATE, "x").caption
    x[100] = -1.0
    assert audio.play(x, RATE, "x").caption == "x"


@pytest.mark.parametrize(
    ("rate", "encoded"),
    [
        (3_000, 8_000),
        (8_000, 8_000),
        (9_000, 11_025),
        (22_050, 22_050),
        (46_000, 48_000),
        (48_000, 48_000),
        (96_000, 48_000),
    ],
)
def test_mp3_takes_the_next_rate_that_it_has(rate, encoded):
    x = signals.tone(440, 1.0, 0.5, sample_rate=rate)
    samples, got, page = played(audio.play(x, rate, None, "mp3"))
    assert got == encoded and page.text == f"Sound, 1.0 s, {rate:,} Hz"
    expected = signals.tone(440, 1.0, 0.5, sample_rate=encoded)
    assert samples.size == expected.size
    middle = slice(encoded // 4, -encoded // 4)
    assert signals.snr_db(expected[middle], samples[middle]) > 25


def test_players_are_small():
    def size(x, format):
        return len(audio.play(x, RATE, None, format)._repr_mimebundle_()["text/html"])

    loud_noise = np.random.default_rng(0).uniform(-1, 1, 3 * RATE)
    assert size(loud_noise, "flac") < 200_000
    assert size(signals.tone(440, 3.0, 0.5), "flac") < 60_000
    assert size(0.1 * loud_noise, "mp3") < 60_000


def test_what_can_not_be_played(sine):
    with pytest.raises(ValueError, match=r"lasts 121 s; .* 120 s at most\. Play a part of it"):
        audio.play(np.zeros(121 * RATE), RATE)
    with pytest.raises(
        ValueError, match=r"3,000 Hz or more .* audio\.resample\(waveform, 2000, 8_0"
    ):
        audio.play(sine, 2_000)
    with pytest.raises(ValueError, match='format must be "flac" or "mp3", got \'wav\''):
        audio.play(sine, RATE, format="wav")


def test_playing_leaves_the_waveform_alone(sine):
    x = 4 * sine
    before = x.copy()
    audio.play(x, RATE)
    np.testing.assert_array_equal(x, before)
