"""The only module that reads, writes, resamples and plays sound files.

A sound is a float32 array of shape `(samples,)`, full scale [-1, 1], with its `sample_rate` in Hz.
"""

from __future__ import annotations

import base64
import html
import io
import os
import warnings
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import soundfile

from course_utils import files

MIN_RATE, MAX_RATE = 1_000, 768_000  # Hz; outside lies a typing error, not a sound
MIN_PLAYED_RATE = 3_000  # Hz; browsers built on Chromium refuse anything slower
MAX_PLAYED_S = 120.0
MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
MIME = {"flac": "audio/flac", "mp3": "audio/mpeg"}

# Formats whose length is stored, so that a file that was cut off can be told from a short one.
READABLE = {"WAV", "WAVEX", "RF64", "AIFF", "FLAC", "OGG", "MP3"}
WRITABLE = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
BLOCK = 65_536  # samples a write: libsndfile crashes on millions of Vorbis samples in one call
MP3_SLACK = 2 * 1_152  # samples: decoders differ by the encoder's delay, two MPEG frames at most
OGG_TAIL = 2 * 65_536  # bytes: the last page of an Ogg file has at most 65,307


def load(
    path: str | os.PathLike[str],
    sample_rate: int | None = None,
    max_duration_s: float | None = None,
) -> tuple[np.ndarray, int]:
    """Read a WAV, FLAC, Ogg, MP3 or AIFF file as one channel.

    Channels are averaged. Values above full scale, which lossy and floating-point files can hold,
    are kept. A file shorter than its header says is an error: libsndfile would read it silently.
    A WAV header that was written before the length was known (a recorder's pipe) is no error, and
    neither is an MP3 without a Xing header, which stores no length: both are read to their end.

    Args:
        path: the sound file; what it holds counts, not its suffix.
        sample_rate: rate in Hz to resample to; None keeps the file's.
        max_duration_s: longest sound in seconds that is let in; None is no limit. A longer one is
            refused before it is decoded.

    Returns:
        Waveform, float32 `(samples,)`, and its rate in Hz.

    Raises:
        ValueError: an argument is out of range, or the file is empty, cut off, damaged, too long,
            not a sound, without samples, or holds NaN or infinity. The message names the file.
        OSError: the file is missing, is a folder, or can't be opened. The message names the file.
    """
    target_rate = None if sample_rate is None else _checked_rate(sample_rate)
    if max_duration_s is not None and not (_is_real(max_duration_s) and max_duration_s > 0):
        raise ValueError(
            f"max_duration_s must be a positive number of seconds, got {max_duration_s!r}"
        )
    path = _checked_path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder. Name one sound file inside it.")
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: no such file. Check the spelling; relative paths start at {Path.cwd()}."
        )
    if path.stat().st_size == 0:
        raise ValueError(f"{path}: the file is empty (0 bytes). Copy or download it again.")
    channels, file_rate = _decode(_complete(path), path, max_duration_s)
    if channels.size == 0:
        raise ValueError(f"{path}: holds no samples. Record or export the sound again.")
    if not np.isfinite(channels).all():
        first = int(np.argmin(np.isfinite(channels).all(axis=1)))
        raise ValueError(
            f"{path}: sample {first} is NaN or infinite. Export the sound again, or repair it "
            "with soundfile.read and numpy.nan_to_num."
        )
    # In double precision, for the sum of two huge float32 values is infinite.
    waveform = channels.mean(axis=1, dtype=np.float64).astype(np.float32)
    if target_rate is None or target_rate == file_rate:
        return waveform, file_rate
    try:
        return resample(waveform, file_rate, target_rate), target_rate
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def save(path: str | os.PathLike[str], waveform: np.ndarray, sample_rate: int) -> None:
    """Write a sound; the suffix is the format: .wav and .flac (16 bit), .ogg (Vorbis) or .mp3.

    The file appears whole or not at all: it is written beside its place, then moved there.

    Args:
        path: file to write or to replace; its folder exists.
        waveform: `(samples,)`, floating point, full scale [-1, 1]. A 16-bit file can't hold more
            and refuses it; Ogg and MP3 can, with a warning, for players clip it.
        sample_rate: in Hz.

    Raises:
        ValueError: the suffix is unknown, the format lacks this rate, or the waveform is empty,
            not one-dimensional, not floating point, not finite, or beyond full scale in a 16-bit
            format. The message names the file.
        OSError: the folder is missing or can't be written.
    """
    path = _checked_path(path)
    if path.suffix.lower() not in WRITABLE:
        raise ValueError(
            f"{path}: the suffix names the format and must be one of {', '.join(WRITABLE)}"
        )
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder. Name the file to write inside it.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: the folder {path.parent} does not exist. Create it first")
    container, subtype = WRITABLE[path.suffix.lower()]
    try:
        waveform = checked_waveform(waveform)
        sample_rate = _checked_rate(sample_rate)
        peak = float(np.abs(waveform).max())
        data = _encode(waveform, sample_rate, container, subtype)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if peak > 1:
        warnings.warn(
            f"{path}: its peak of {peak:.4g} is beyond full scale; players will clip it",
            stacklevel=2,
        )
    with files.whole(path) as part:
        part.write_bytes(data)


def to_flac(waveform: np.ndarray, sample_rate: int) -> bytes:
    """A sound as the bytes of a 16-bit FLAC file; arguments and ValueErrors as `save`."""
    return _encode(checked_waveform(waveform), _checked_rate(sample_rate), "FLAC", "PCM_16")


def from_flac(data: bytes, name: str) -> tuple[np.ndarray, int]:
    """The sound of a FLAC file whose bytes are in memory; `name` is for messages.

    Returns:
        Waveform, float32 `(samples,)`, and its rate in Hz.

    Raises:
        ValueError: it is damaged, cut off, or no sound; the message begins with `name`.
    """
    channels, sample_rate = _decode(io.BytesIO(data), Path(name), None)
    return channels.mean(axis=1, dtype=np.float64).astype(np.float32), sample_rate


def resample(waveform: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Change the sample rate; what lies above half the lower rate is filtered out first.

    Args:
        waveform: `(samples,)`, floating point.
        from_rate: its rate in Hz.
        to_rate: the wanted rate in Hz.

    Returns:
        New float32 array, `(round(samples * to_rate / from_rate),)`. Near sharp edges it can
        overshoot the original's peak.

    Raises:
        ValueError: a rate is out of range, the waveform is not a sound, or too short for one
            sample at the new rate.

    Source: soxr, the SoX resampler, at its "very high quality" setting (flat to 91 % of half the
    lower rate, aliases below -140 dB).
    """
    import soxr

    waveform = checked_waveform(waveform)
    from_rate = _checked_rate(from_rate, "from_rate")
    to_rate = _checked_rate(to_rate, "to_rate")
    if from_rate == to_rate:
        return waveform.copy()
    resampled = soxr.resample(waveform, from_rate, to_rate, quality="VHQ")
    if resampled.size == 0:
        raise ValueError(
            f"{waveform.size} samples at {from_rate:,} Hz are too short to be resampled to "
            f"{to_rate:,} Hz. Use a longer sound."
        )
    return resampled


@dataclass(frozen=True)
class Player:
    """A sound in a notebook: a player with a visible caption; the caption alone as plain text.

    Attributes:
        data: the encoded file.
        mime: its media type.
        caption: what is to be heard, for those who can't hear it.
    """

    data: bytes = field(repr=False)
    mime: str
    caption: str

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Both forms of the sound for IPython, which takes what it can show."""
        caption = html.escape(self.caption)
        source = f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"
        return {
            "text/html": (
                '<figure class="course-sound" style="margin: 0.5em 0">'
                f'<audio controls aria-label="{caption}" src="{html.escape(source)}"></audio>'
                f"<figcaption>{caption}</figcaption></figure>"
            ),
            "text/plain": self.caption,
        }


def play(
    waveform: np.ndarray,
    sample_rate: int,
    caption: str | None = None,
    format: Literal["flac", "mp3"] = "flac",
) -> Player:
    """Player of a sound for a notebook cell.

    The sound is never rescaled: what lies beyond full scale is clipped, as any sound card does,
    and the caption says so.

    Args:
        waveform: `(samples,)`, floating point, full scale [-1, 1]; 120 s at most.
        sample_rate: in Hz, 3,000 at least, for browsers play nothing slower.
        caption: what is to be heard; None names duration and rate.
        format: "flac" keeps every one of 16 bits, without dither; "mp3" is a fraction of its size,
            for speech. A rate that MP3 lacks is resampled to the next one that it has.

    Returns:
        Object that Jupyter shows as a player.

    Raises:
        ValueError: an argument is out of range, or the waveform is not a sound.
    """
    waveform = checked_waveform(waveform)
    sample_rate = _checked_rate(sample_rate)
    if sample_rate < MIN_PLAYED_RATE:
        raise ValueError(
            f"sample_rate must be {MIN_PLAYED_RATE:,} Hz or more for a browser to play it, got "
            f"{sample_rate:,}. Resample first: audio.resample(waveform, {sample_rate}, 8_000)."
        )
    if format not in MIME:
        raise ValueError(f'format must be "flac" or "mp3", got {format!r}')
    duration_s = waveform.size / sample_rate
    if duration_s > MAX_PLAYED_S:
        raise ValueError(
            f"the sound lasts {duration_s:,.0f} s; a notebook holds players of {MAX_PLAYED_S:.0f} "
            "s at most. Play a part of it: waveform[: 30 * sample_rate]."
        )
    caption = str(caption or "").strip() or f"Sound, {duration_s:.1f} s, {sample_rate:,} Hz"
    beyond = float((np.abs(waveform) > 1).mean())
    if beyond > 0:
        share = f"{beyond:.1%}" if beyond >= 0.001 else "under 0.1%"
        caption += f" ({share} of the samples are beyond full scale and clipped)"
    waveform = np.clip(waveform, -1, 1)
    if format == "mp3" and sample_rate not in MP3_RATES:
        allowed = next((rate for rate in MP3_RATES if rate >= sample_rate), MP3_RATES[-1])
        waveform = np.clip(resample(waveform, sample_rate, allowed), -1, 1)
        sample_rate = allowed
    data = _encode(waveform, sample_rate, *WRITABLE[f".{format}"])
    return Player(data, MIME[format], caption)


def _is_real(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _checked_rate(rate: int, name: str = "sample_rate") -> int:
    """The rate as an int; 16000.0 counts as whole, for rate / 2 is a float."""
    if not _is_real(rate) or not MIN_RATE <= rate <= MAX_RATE or rate != int(rate):
        raise ValueError(
            f"{name} must be a whole number of Hz from {MIN_RATE:,} to {MAX_RATE:,}, got {rate!r}"
        )
    return int(rate)


def _checked_path(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, str | os.PathLike) or "\0" in os.fspath(path):
        raise ValueError(f"path must be the name of a sound file, got {path!r}")
    return Path(path)


def checked_waveform(waveform: np.ndarray) -> np.ndarray:
    """The waveform as float32 `(samples,)`.

    Raises:
        ValueError: it is empty, not one-dimensional, not real, not floating point, or not finite;
            the message says what it is instead, and what to do.
    """
    try:
        array = np.asarray(waveform)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"waveform can't be read as an array: {error}") from error
    if array.ndim != 1:
        raise ValueError(
            f"waveform must have one dimension (samples,), got shape {array.shape}. Average "
            "channels first: waveform.mean(axis=...) over the axis of the channels."
        )
    if array.size == 0:
        raise ValueError("waveform holds no samples. Check the slice that made it.")
    if np.iscomplexobj(array):
        raise ValueError("waveform must be real, got complex values. Take waveform.real.")
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"waveform must be floating point with full scale 1.0, got {array.dtype}. Convert "
            "first; 16-bit integers: waveform / 32768."
        )
    with np.errstate(over="ignore"):  # the check below finds what is too large for float32
        array = array.astype(np.float32, copy=False)
    if not np.isfinite(array).all():
        raise ValueError(
            f"waveform sample {int(np.argmin(np.isfinite(array)))} is NaN or infinite. Look for a "
            "division by zero or a logarithm of zero."
        )
    return array


def _encode(waveform: np.ndarray, sample_rate: int, container: str, subtype: str) -> bytes:
    """The bytes of a sound file; a ValueError when 16 bits would clip it."""
    if subtype == "PCM_16":
        if (peak := float(np.abs(waveform).max())) > 1:
            raise ValueError(
                f"its peak of {peak:.4g} is beyond full scale, and 16 bits would clip it. Scale it "
                "(waveform / abs(waveform).max()), or clip it on purpose (signals.clip)."
            )
        # Rounded here: libsndfile scales by 32,767 and truncates, which shifts every sample.
        scaled = np.round(waveform.astype(np.float64) * 32_768)
        waveform = np.clip(scaled, -32_768, 32_767).astype(np.int16)
    buffer = io.BytesIO()
    try:
        with soundfile.SoundFile(
            buffer, "w", sample_rate, 1, subtype=subtype, format=container
        ) as file:
            for start in range(0, waveform.size, BLOCK):
                file.write(waveform[start : start + BLOCK])
    except soundfile.SoundFileError as error:
        rates = f" MP3 has the rates {', '.join(map(str, MP3_RATES))}." * (container == "MP3")
        raise ValueError(
            f"{container} can't store this sound at {sample_rate:,} Hz.{rates} "
            "Use audio.resample first."
        ) from error
    return buffer.getvalue()


def _decode(
    source: Path | BinaryIO, path: Path, max_duration_s: float | None
) -> tuple[np.ndarray, int]:
    """Samples `(samples, channels)` and rate of a file, as many as its header promises."""
    try:
        file = soundfile.SoundFile(source)
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a suffix of .raw
        raise ValueError(
            f"{path}: is not a sound that can be read, or is damaged. Check that it plays, then "
            "convert it to WAV, FLAC, Ogg or MP3."
        ) from error
    with file:
        if file.format not in READABLE:
            raise ValueError(
                f"{path}: is a {file.format} file. Convert it to WAV, FLAC, Ogg or MP3."
            )
        if not MIN_RATE <= file.samplerate <= MAX_RATE:
            raise ValueError(
                f"{path}: its header claims {file.samplerate:,} Hz, which is no rate of a sound. "
                "Its header is damaged: export the sound again."
            )
        promised = file.frames
        if promised > 2**40:
            raise ValueError(
                f"{path}: its header does not say how long it is, as when it was encoded on the "
                "fly. Encode it again into a file."
            )
        duration_s = promised / file.samplerate
        if max_duration_s is not None and duration_s > max_duration_s:
            raise ValueError(
                f"{path}: lasts {duration_s:,.1f} s, expected at most {max_duration_s:,.1f} s. "
                "Cut it, or raise max_duration_s."
            )
        try:
            channels = file.read(dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise ValueError(
                f"{path}: is damaged or cut off; its sound can't be decoded to the end. Copy or "
                "download it again."
            ) from error
        except MemoryError as error:
            raise ValueError(
                f"{path}: lasts {duration_s:,.0f} s by its header, too long for this computer's "
                "memory. Cut it, or copy it again if it should be short."
            ) from error
        missing = promised - len(channels)
        if missing > (MP3_SLACK if file.format == "MP3" else 0):
            raise _cut_off(path, f"{len(channels):,} of the {promised:,} samples")
        return channels, file.samplerate


def _cut_off(path: Path, found: str) -> ValueError:
    return ValueError(
        f"{path}: is cut off; it has {found} that its header promises. Copy or download it again."
    )


def _complete(path: Path) -> Path | BinaryIO:
    """What to decode, once it is known to be as long as it says; libsndfile does not look."""
    with path.open("rb") as stream:
        magic = stream.read(4)
        if magic in (b"RIFF", b"RIFX", b"RF64", b"FORM"):
            return _complete_chunks(stream, path, magic)
        if magic == b"OggS":
            _check_last_page(stream, path)
        if magic[:3] == b"ID3" or magic[:2] >= b"\xff\xe0":
            _check_mp3_length(stream, path)
    return path


def _complete_chunks(stream: BinaryIO, path: Path, magic: bytes) -> Path | BinaryIO:
    """A WAV or AIFF file: chunks of name (4 bytes), length (4 bytes), content, padded to even.

    A header that says "length unknown" is filled in, in a copy in memory.

    Source: Multimedia Programming Interface and Data Specifications 1.0 (IBM and Microsoft, 1991);
    for RF64, EBU Tech 3306.
    """
    order = "big" if magic in (b"RIFX", b"FORM") else "little"
    file_size = stream.seek(0, os.SEEK_END)
    stream.seek(4)
    claimed_size = int.from_bytes(stream.read(4), order) + 8
    long_length = None
    position = 12
    while position + 8 <= file_size:
        stream.seek(position)
        name, length = stream.read(4), int.from_bytes(stream.read(4), order)
        position += 8
        if name == b"ds64":
            long_length = int.from_bytes(stream.read(16)[8:], order)
        if name in (b"data", b"SSND"):
            break
        position += length + length % 2
    else:
        return path  # no sound in it: libsndfile refuses it
    if long_length is not None:
        length = long_length
    available = file_size - position
    # Written into a pipe: ffmpeg puts 2^32 - 1, sox and espeak-ng 0x7FFFF000, others zero.
    piped = length & 0x7FFF_F000 == 0x7FFF_F000 or (length == 0 and claimed_size != file_size)
    if piped and long_length is None:
        stream.seek(0)
        patched = bytearray(stream.read())
        patched[4:8] = min(file_size - 8, 2**32 - 1).to_bytes(4, order)
        patched[position - 4 : position] = min(available, 2**32 - 1).to_bytes(4, order)
        return io.BytesIO(patched)
    if length > available:
        raise _cut_off(path, f"{available:,} of the {length:,} bytes of sound")
    return path


def _check_mp3_length(stream: BinaryIO, path: Path) -> None:
    """Most encoders put a frame without sound first, which says how many bytes there are.

    Source: the Xing header, as LAME writes it; flag 1 says that the number of frames stands before
    the number of bytes, flag 2 that the number of bytes is there.
    """
    file_size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    start = 0
    if (tag := stream.read(10))[:3] == b"ID3" and len(tag) == 10:
        start = 10 + sum((tag[6 + i] & 0x7F) << 7 * (3 - i) for i in range(4))
    stream.seek(start)
    frame = stream.read(200)
    header = max(frame.find(b"Xing"), frame.find(b"Info"))
    flags = int.from_bytes(frame[header + 4 : header + 8], "big")
    if header < 0 or not flags & 2:
        return
    position = header + 8 + 4 * (flags & 1)
    promised = int.from_bytes(frame[position : position + 4], "big")
    if file_size - start < promised:
        raise _cut_off(path, f"{file_size - start:,} of the {promised:,} bytes of sound")


def _check_last_page(stream: BinaryIO, path: Path) -> None:
    """An Ogg file ends with a whole page that is marked as the last (RFC 3533, section 6)."""
    stream.seek(-min(OGG_TAIL, stream.seek(0, os.SEEK_END)), os.SEEK_END)
    tail = stream.read()
    page = tail[tail.rfind(b"OggS\0") :]
    is_last = len(page) >= 27 and page[5] & 4
    if not is_last or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]]):
        raise ValueError(
            f"{path}: is cut off; its last Ogg page is missing. Copy or download it again."
        )
