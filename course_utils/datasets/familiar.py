"""The few clips that come back in every notebook from 05 on, so that models can be compared.

Nobody who speaks in them is to be in a training set: their bundled voices are of the test split,
the real one is `REAL_SPEAKER`.
"""

from __future__ import annotations

import numpy as np

from course_utils import signals
from course_utils.datasets import commands, digits, fsdd
from course_utils.datasets.connected_digits import ConnectedDigits
from course_utils.datasets.items import Corpus, Utterance

COMMAND = "f1/01"  # "call five nine six seven six"
REAL_SPEAKER = "theo"  # of FSDD: leave him out of training
NOISE_SNR_DB = 5.0


def clips() -> dict[str, Utterance]:
    """The familiar clips, at 8 kHz, in the order in which they are shown.

    Returns:
        "command", a sentence of the bundled commands; "digits", a string of bundled digits with
        the place of each word; "noisy", another one under white noise at 5 dB SNR; and, where FSDD
        is on this machine, "real", a string of a real voice's digits.
    """
    found = {"command": _by_id(commands.load("test"), COMMAND)}
    strings = ConnectedDigits(digits.load("test"), 8, digits=(4, 5), seed=7)
    found["digits"] = strings[0]
    clean = strings[7]
    found["noisy"] = clean._replace(waveform=_noisy(clean.waveform, clean.sample_rate))
    if fsdd.available():
        takes = fsdd.load().filter(speaker=REAL_SPEAKER, split="test")
        found["real"] = ConnectedDigits(takes, 1, digits=(4, 4), seed=7)[0]
    return found


def _by_id(corpus: Corpus, name: str) -> Utterance:
    index = next(i for i, row in enumerate(corpus.table) if row["id"] == name)
    return corpus[index]


def _noisy(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """The waveform with white noise, whose power is that of the speech less `NOISE_SNR_DB`."""
    duration_s = len(waveform) / sample_rate
    hiss = signals.noise(duration_s, rng=np.random.default_rng(5), sample_rate=sample_rate)
    hiss = hiss[: len(waveform)]
    level = signals.rms(waveform) / signals.rms(hiss) * 10 ** (-NOISE_SNR_DB / 20)
    return (waveform + level * hiss).astype(np.float32)
