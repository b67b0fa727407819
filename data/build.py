"""Make the bundled corpora again: digits, commands, showcase, guest.

    python data/build.py                 everything, into this folder (a few minutes)
    python data/build.py --out DIR       somewhere else
    python data/build.py --only digits   one corpus
    python data/build.py --check 20      make 20 random files of each corpus again and compare

Needs the package espeakng-loader in the pinned version (pip install "course-utils[data]"). Each
utterance is spoken by a fresh process, so the samples do not depend on order or on the number of
processes. A corpus appears whole or not at all.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import hashlib
import importlib.metadata
import io
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import espeakng_loader
import numpy as np
import soundfile
import soxr
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
LOADER_VERSION = "0.2.4"
ENGINE_VERSION = "1.52.0"
ENGINE_RATE = 22_050
TELEPHONE_RATE = 8_000
SEED = 1
PEAK = 0.7  # at level 0 dB; the codec overshoots
COLUMNS = (
    *("file", "text", "voice", "accent", "split", "rate_wpm", "pitch", "level_db"),
    *("duration_s", "espeak_sha256"),
)


class Voice(NamedTuple):
    """One speaker: a variant of espeak-ng (timbre and pitch) with an accent (phonemes)."""

    variant: str
    accent: str

    @property
    def name(self) -> str:
        """As it stands in paths and tables."""
        return self.variant.lower().replace(" ", "_")


# Clearly different voices only; README.md says how that was judged. Beside each its pitch.
VOICES: dict[str, tuple[Voice, ...]] = {
    "train": (
        Voice("david", "en"),  # 77 Hz
        Voice("ian", "en-us"),  # 88 Hz
        Voice("m8", "en-029"),  # 89 Hz
        Voice("mike2", "en-gb-scotland"),  # 93 Hz
        Voice("Gene", "en-gb-x-gbclan"),  # 97 Hz
        Voice("Lee", "en-gb-x-gbcwmd"),  # 98 Hz
        Voice("victor", "en-gb-x-rp"),  # 98 Hz
        Voice("Andy", "en-us-nyc"),  # 99 Hz
        Voice("quincy", "en"),  # 103 Hz
        Voice("norbert", "en-us"),  # 104 Hz
        Voice("Tweaky", "en-029"),  # 104 Hz
        Voice("klatt2", "en-gb-scotland"),  # 105 Hz
        Voice("kaukovalta", "en-gb-x-gbclan"),  # 105 Hz
        Voice("benjamin", "en-gb-x-gbcwmd"),  # 105 Hz
        Voice("iven4", "en-gb-x-rp"),  # 107 Hz
        Voice("robert", "en-us-nyc"),  # 107 Hz
        Voice("travis", "en"),  # 111 Hz
        Voice("m7", "en-us"),  # 111 Hz
        Voice("Hugo", "en-029"),  # 114 Hz
        Voice("Michael", "en-gb-scotland"),  # 114 Hz
        Voice("antonio", "en-gb-x-gbclan"),  # 116 Hz
        Voice("pablo", "en-gb-x-gbcwmd"),  # 118 Hz
        Voice("Gene2", "en-gb-x-rp"),  # 118 Hz
        Voice("Reed", "en-us-nyc"),  # 121 Hz
        Voice("Jacky", "en"),  # 123 Hz
        Voice("rob", "en-us"),  # 123 Hz
        Voice("Marco", "en-029"),  # 136 Hz
        Voice("aunty", "en-gb-scotland"),  # 178 Hz
        Voice("shelby", "en-gb-x-gbclan"),  # 186 Hz
        Voice("steph2", "en-gb-x-gbcwmd"),  # 195 Hz
        Voice("grandma", "en-gb-x-rp"),  # 205 Hz
        Voice("f5", "en-us-nyc"),  # 211 Hz
        Voice("linda", "en"),  # 235 Hz
        Voice("anika", "en-029"),  # 286 Hz
        Voice("zac", "en-gb-scotland"),  # 364 Hz
    ),
    "dev": (
        Voice("paul", "en-us"),  # 90 Hz
        Voice("m2", "en-gb-x-gbclan"),  # 103 Hz
        Voice("iven2", "en-us-nyc"),  # 107 Hz
        Voice("gustave", "en-029"),  # 116 Hz
        Voice("Nguyen", "en-gb-x-gbcwmd"),  # 160 Hz
        Voice("Annie", "en"),  # 242 Hz
    ),
    "test": (
        Voice("Storm", "en"),  # 89 Hz
        Voice("Mike", "en-gb-scotland"),  # 94 Hz
        Voice("AnxiousAndy", "en-gb-x-rp"),  # 103 Hz
        Voice("Mr serious", "en-us"),  # 104 Hz
        Voice("max", "en-gb-x-gbclan"),  # 107 Hz
        Voice("boris", "en-us-nyc"),  # 108 Hz
        Voice("miguel", "en-029"),  # 114 Hz
        Voice("Mario", "en-gb-x-gbcwmd"),  # 118 Hz
        Voice("ed", "en"),  # 131 Hz
        Voice("f1", "en-gb-scotland"),  # 182 Hz
        Voice("belinda", "en-gb-x-rp"),  # 235 Hz
        Voice("Andrea", "en-us"),  # 250 Hz
    ),
}
GUEST = Voice("Alicia", "en-us")  # in no other corpus: too unclear for them
ALL_VOICES = {voice.name: voice for voices in VOICES.values() for voice in voices}

ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

DIGIT_TAKES = 2
GUEST_PROMPTS = 20  # for a test, and as many others to adapt with
COMMANDS_PER_VOICE = {"train": 32, "dev": 30, "test": 32}
SENTENCES = {"train": 900, "dev": 120, "test": 240}


@dataclass(frozen=True)
class Clip:
    """One file to make."""

    file: str
    text: str
    voice: Voice
    split: str
    rate_wpm: int
    pitch: int
    level_db: int
    sample_rate: int = TELEPHONE_RATE
    silence_s: tuple[float, float] = (0.0, 0.0)
    phonemes: str = ""


def number(value: int) -> str:
    """0 to 99 in words."""
    if value < 20:
        return (ONES + TEENS)[value]
    tens, ones = divmod(value, 10)
    return TENS[tens - 2] + (f" {ONES[ones]}" if ones else "")


def grammar(rng: random.Random) -> dict[str, list[str]]:
    """All sentences of the household and telephone grammar, by kind; strings of digits drawn."""
    rooms = ["kitchen", "bedroom", "bathroom", "hall", "garage"]
    people = ["anna", "david", "maria", "the office", "the doctor", "my mother"]
    days = ["today", "tonight", "tomorrow", "on monday", "on friday", "on sunday"]
    hours = [number(hour) for hour in range(1, 13)]
    clock = [f"{hour} {minute}" for hour in hours for minute in ("fifteen", "thirty", "forty five")]
    clock += [f"{hour} o'clock" for hour in hours]
    strings = {" ".join(rng.choice(ONES) for _ in range(length)) for length in (3, 4, 5) * 200}
    ends = ("", " please", " now", " again")
    orders = ["stop the timer", "stop the music", "stop the radio", "what time is it"]
    orders += ["what day is it", "cancel the alarm", "cancel the timer", "read my messages"]
    orders += ["repeat that", "answer the call", "repeat my messages", "turn the volume up"]
    orders += ["tell me the time", "tell me the day", "send that message"]
    orders += ["turn the volume down", "turn the heating down", "turn the heating up"]
    items = ["milk", "bread", "eggs", "coffee", "rice", "apples", "butter", "soap"]
    pairs = [f"{first} and {second}" for first in items for second in items if first != second]
    lamps = [f"the {room} light" for room in rooms] + ["all the lights"]
    units = [(unit, value) for unit in ("second", "minute", "hour") for value in range(2, 61)]
    kinds = {
        "call": [f"{verb} {digits}" for verb in ("call", "dial") for digits in strings],
        "people": [
            f"call {person}{end}" for person in people for end in (*ends, " at home", " tonight")
        ]
        + [f"{verb} a message to {person}" for verb in ("read", "send") for person in people],
        "timer": [
            f"{start} a timer for {number(value)} {unit}s"
            for start in ("set", "start")
            for unit, value in units
        ],
        "alarm": [f"wake me up at {time}" for time in clock]
        + [f"set an alarm for {time} {day}" for time in clock for day in ("today", "tomorrow")],
        "light": [f"turn {lamp_state} {lamp}" for lamp_state in ("on", "off") for lamp in lamps]
        + [f"dim {lamp} to {number(value)} percent" for lamp in lamps for value in range(5, 95, 5)],
        "heating": [
            f"set the heating{where} to {number(value)} degrees"
            for where in ("", *(f" in the {room}" for room in rooms))
            for value in range(12, 29)
        ],
        "shopping": [f"add {item} to the shopping list" for item in items + pairs]
        + [f"take {item} off the shopping list" for item in items],
        "weather": [
            f"{ask} the weather {day}{part}"
            for ask in ("what's", "how is")
            for day in days
            for part in ("", " in the morning", " in the evening")
            if not (day == "tonight" and part)
        ]
        + [f"will it rain {day}" for day in days],
        "music": [
            f"play {what}{where}"
            for what in ("some music", "the radio", "my favorite song", "channel four")
            for where in ("", " please", *(f" in the {room}" for room in rooms))
        ]
        + [f"set the volume to {number(value)}" for value in range(1, 100)],
        "house": [
            f"{verb} the {thing}{where}"
            for verb in ("open", "close")
            for thing in ("door", "window")
            for where in ("", *(f" in the {room}" for room in rooms))
        ],
        "short": [f"{order}{end}" for order in orders for end in ends],
    }
    return {kind: sorted(set(sentences)) for kind, sentences in kinds.items()}


def sentences_by_split() -> dict[str, list[str]]:
    """Sentences to be spoken in each split, all different; each kind gets a similar share."""
    rng = random.Random(f"{SEED} sentences")
    by_kind = grammar(rng)
    for sentences in by_kind.values():
        rng.shuffle(sentences)
    wanted = sum(SENTENCES.values())
    chosen: list[str] = []
    while len(chosen) < wanted:  # one of each kind in turn, as long as it has any
        for sentences in by_kind.values():
            if sentences and len(chosen) < wanted:
                chosen.append(sentences.pop())
    rng.shuffle(chosen)
    splits, start = {}, 0
    for split, count in SENTENCES.items():
        splits[split] = chosen[start : start + count]
        start += count
    heard = {word for sentence in splits["train"] for word in sentence.split()}
    for sentence in splits["dev"] + splits["test"]:
        if unheard := set(sentence.split()) - heard:
            raise RuntimeError(f"no training sentence has {unheard}: change the grammar or SEED")
    return splits


def _voiced(voice: Voice, file: str, text: str, split: str, silence: tuple[int, int]) -> Clip:
    """A clip with rate, pitch, level and silences drawn by its name alone."""
    rng = random.Random(f"{SEED} {file}")
    return Clip(
        file=file,
        text=text,
        voice=voice,
        split=split,
        rate_wpm=rng.randrange(145, 216),
        pitch=rng.randrange(35, 66),
        level_db=-rng.randrange(0, 13),
        silence_s=(rng.randrange(*silence) / 1000, rng.randrange(*silence) / 1000),
    )


def plan_digits() -> list[Clip]:
    """Ten words by each voice in several takes."""
    return [
        _voiced(voice, f"{voice.name}/{word}_{take}.mp3", word, split, (10, 11))
        for split, voices in VOICES.items()
        for voice in voices
        for word in ONES
        for take in range(1, DIGIT_TAKES + 1)
    ]


def plan_commands() -> list[Clip]:
    """Sentences of the grammar: those of a split in turn, by the voices of that split in turn."""
    sentences = sentences_by_split()
    clips = []
    for split, voices in VOICES.items():
        for place in range(COMMANDS_PER_VOICE[split] * len(voices)):
            voice, text = voices[place % len(voices)], sentences[split][place % SENTENCES[split]]
            file = f"{voice.name}/{place // len(voices) + 1:02d}.mp3"
            clips.append(_voiced(voice, file, text, split, (50, 121)))
    return clips


def plan_showcase() -> list[Clip]:
    """A few clear recordings in the full band of the engine, for the pictures of 01 to 03."""
    sentence = "she takes six cups of tea to the beach at sunset"
    low, middle, high = ALL_VOICES["ian"], Voice("m3", "en-us"), ALL_VOICES["belinda"]
    words = {word: word for word in ["see", "sue", "seashells", "stop", "zoo"]}
    vowels = {"ah": "[[A:]]", "eh": "[[E:]]", "ee": "[[i:]]", "oh": "[[o:]]", "oo": "[[u:]]"}
    makings = [("sentence", sentence, middle, 150, ""), ("sentence_low", sentence, low, 150, "")]
    makings += [("sentence_high", sentence, high, 150, "")]
    makings += [(word, text, middle, 120, "") for word, text in words.items()]
    makings += [(vowel, vowel, middle, 80, phonemes) for vowel, phonemes in vowels.items()]
    makings += [("vowels", " ".join(vowels), middle, 80, " ".join(vowels.values()))]
    return [
        Clip(f"{name}.flac", text, voice, "", rate, 50, 0, ENGINE_RATE, (0.1, 0.1), phonemes)
        for name, text, voice, rate, phonemes in makings
    ]


def plan_guest() -> list[Clip]:
    """Sentences of the commands' test by one voice: a test, and "train" to adapt with.

    Those for the test are drawn; of the others, those to adapt with hold as many different words as
    one gets by taking the sentence with the most new ones, again and again.
    """
    rng = random.Random(f"{SEED} guest")
    others = sorted(sentences_by_split()["test"])
    rng.shuffle(others)
    test, others = others[:GUEST_PROMPTS], others[GUEST_PROMPTS:]
    train: list[str] = []
    heard: set[str] = set()
    while len(train) < GUEST_PROMPTS:
        train.append(max(others, key=lambda text: len(set(text.split()) - heard)))
        others.remove(train[-1])
        heard |= set(train[-1].split())
    rng.shuffle(train)
    return [
        _voiced(GUEST, f"{GUEST.name}/{place:02d}.mp3", text, split, (50, 121))
        for place, (text, split) in enumerate(
            [(text, "test") for text in test] + [(text, "train") for text in train], start=1
        )
    ]


PLANS: dict[str, Callable[[], list[Clip]]] = {
    "digits": plan_digits,
    "commands": plan_commands,
    "showcase": plan_showcase,
    "guest": plan_guest,
}


def check_engine() -> None:
    """Stop when another engine than the pinned one is installed: its samples would differ."""
    found = importlib.metadata.version("espeakng-loader")
    engine = ctypes.CDLL(espeakng_loader.get_library_path())
    engine.espeak_Info.restype = ctypes.c_char_p
    version = engine.espeak_Info(None).decode()
    if (found, version) != (LOADER_VERSION, ENGINE_VERSION):
        raise SystemExit(
            f"the corpora are exact for espeakng-loader {LOADER_VERSION} (espeak-ng "
            f"{ENGINE_VERSION}), but {found} ({version}) is installed. Run: "
            f"pip install espeakng-loader=={LOADER_VERSION}"
        )


def speak(clip: Clip) -> np.ndarray:
    """What the engine says, int16 at 22,050 Hz, from a fresh process.

    Raises:
        RuntimeError: no such variant, or the engine failed; the message names the file.
    """
    data = Path(espeakng_loader.get_data_path())
    if not (data / "voices" / "!v" / clip.voice.variant).is_file():
        raise RuntimeError(f"{clip.file}: espeak-ng has no variant {clip.voice.variant}")
    done = subprocess.run(
        [
            *(sys.executable, "-I", "-S", str(HERE / "speak.py")),
            *(espeakng_loader.get_library_path(), str(data)),
            f"{clip.voice.accent}+{clip.voice.variant}",
            *(str(clip.rate_wpm), str(clip.pitch), clip.phonemes or clip.text),
        ],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise RuntimeError(f"{clip.file}: speak.py ended with {done.returncode}: {reason}")
    return np.frombuffer(done.stdout, np.int16)


def finish(clip: Clip, spoken: np.ndarray) -> np.ndarray:
    """Level, rate and silences: float32 `(samples,)` from what the engine said."""
    waveform = spoken / 32_768
    if clip.sample_rate != ENGINE_RATE:
        waveform = soxr.resample(waveform, ENGINE_RATE, clip.sample_rate, quality="VHQ")
    waveform *= PEAK * 10 ** (clip.level_db / 20) / np.abs(waveform).max()
    before, after = (round(silence * clip.sample_rate) for silence in clip.silence_s)
    return np.pad(waveform, (before, after)).astype(np.float32)


def render(clip: Clip) -> tuple[bytes, dict[str, object]]:
    """The finished file's bytes and its row of the metadata."""
    spoken = speak(clip)
    waveform = finish(clip, spoken)
    row = {
        "file": clip.file,
        "text": clip.text,
        "voice": clip.voice.name,
        "accent": clip.voice.accent,
        "split": clip.split,
        "rate_wpm": clip.rate_wpm,
        "pitch": clip.pitch,
        "level_db": clip.level_db,
        "duration_s": f"{len(waveform) / clip.sample_rate:.6f}",
        "espeak_sha256": hashlib.sha256(spoken.astype("<i2").tobytes()).hexdigest()[:16],
    }
    return encode(waveform, clip.sample_rate, Path(clip.file).suffix), row


def encode(waveform: np.ndarray, sample_rate: int, suffix: str) -> bytes:
    """MP3 at 24 kbit/s for telephone speech, FLAC for what is looked at closely.

    Below 24 kbit/s the header that lets a decoder remove the encoder's delay no longer fits into
    a frame, and every file would begin 1,105 samples late.
    """
    options = (
        {"format": "FLAC", "subtype": "PCM_16", "compression_level": 1.0}
        if suffix == ".flac"
        else {
            **{"format": "MP3", "subtype": "MPEG_LAYER_III"},
            **{"bitrate_mode": "CONSTANT", "compression_level": 0.7},
        }
    )
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", sample_rate, 1, **options) as file:
        file.write(waveform)
    return buffer.getvalue()


def rendered(clips: list[Clip], name: str) -> Iterator[tuple[Clip, bytes, dict[str, object]]]:
    """Render clips in parallel, in order, with a progress bar; each waits for its own process."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            bar = tqdm(pool.map(render, clips), desc=name, total=len(clips), unit="file")
            for clip, (data, row) in zip(clips, bar, strict=True):
                yield clip, data, row
        finally:
            pool.shutdown(cancel_futures=True)


def build(name: str, out: Path) -> None:
    """Make one corpus in `out`/`name`; the old one is replaced when the new one is complete."""
    part, final, old = out / f"{name}.part", out / name, out / f"{name}.old.part"
    for folder in (part, old):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        rows = []
        for clip, data, row in rendered(PLANS[name](), name):
            path = part / clip.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            rows.append(row)
        with (part / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        if final.exists():
            final.rename(old)
        part.rename(final)
    finally:
        if old.exists() and not final.exists():
            old.rename(final)
        for folder in (part, old):
            shutil.rmtree(folder, ignore_errors=True)
    size = sum(path.stat().st_size for path in final.rglob("*") if path.is_file())
    print(f"{name}: {len(rows):,} files, {size / 1e6:.2f} MB in {final}")


def differences(name: str, folder: Path, clips: list[Clip]) -> list[str]:
    """What is not the same, file by file, when clips of a corpus are made again."""
    with (folder / "metadata.csv").open(encoding="utf-8", newline="") as file:
        stored = {row["file"]: row for row in csv.DictReader(file)}
    found = []
    for clip, data, row in rendered(clips, f"checking {name}"):
        if {key: str(value) for key, value in row.items()} != stored.get(clip.file):
            found.append(f"{name}/{clip.file}: another row: {row}, was {stored.get(clip.file)}")
            continue
        before, _ = soundfile.read(folder / clip.file, dtype="float32")
        after, _ = soundfile.read(io.BytesIO(data), dtype="float32")
        if before.shape != after.shape:
            found.append(f"{name}/{clip.file}: {after.size:,} samples, was {before.size:,}")
        elif largest := float(np.abs(before - after).max()):
            found.append(f"{name}/{clip.file}: samples differ by up to {largest:.1e}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Build or check; the exit status is 1 when a check finds a difference."""
    parser = argparse.ArgumentParser(description="Make the bundled corpora with espeak-ng.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the corpora")
    parser.add_argument("--only", choices=PLANS, help="one corpus instead of all")
    parser.add_argument("--check", type=int, metavar="N", help="compare N random files of each")
    options = parser.parse_args(arguments)
    if options.check is not None and options.check < 1:
        parser.error(f"--check needs at least 1 file, got {options.check}")
    check_engine()
    names = [options.only] if options.only else list(PLANS)
    if options.check is None:
        options.out.mkdir(parents=True, exist_ok=True)
        for name in names:
            build(name, options.out)
        return 0
    found = []
    for name in names:
        clips = PLANS[name]()
        clips = random.sample(clips, min(options.check, len(clips)))
        found += differences(name, options.out / name, clips)
    print("\n".join(found) or f"identical: {options.check} files each of {', '.join(names)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
