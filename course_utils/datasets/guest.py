"""A stand-in for you: one synthetic voice, hard to understand, that reads 40 commands.

The voice was found too unclear for the other corpora, and is in none of them. Its sentences are of
the commands' test, so no recogniser of the course was trained on them.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from course_utils import audio
from course_utils.datasets import augmentation, bundled
from course_utils.datasets import recordings as own
from course_utils.datasets.items import Corpus, Utterance

SPLITS = MappingProxyType({"test": "test", "adaptation": "train"})
ROOM_S = 0.25  # reverberation time of the room in which it is heard


def load(kind: str | None = None) -> Corpus:
    """The recordings as they were made.

    Args:
        kind: "test" or "adaptation"; None is both.

    Raises:
        ValueError: there is no such kind.
        FileNotFoundError: the folder data/ of the repository is not there.
    """
    if kind is not None and kind not in SPLITS:
        raise ValueError(f"kind must be {' or '.join(SPLITS)}, got {kind!r}")
    return bundled.load("guest", SPLITS.get(kind))


def prompts(kind: str) -> list[str]:
    """What is to be read, 20 sentences a kind; none is in both.

    Args:
        kind: "test" or "adaptation".

    Raises:
        ValueError, FileNotFoundError: as `load`.
    """
    if kind is None:
        raise ValueError("kind must be test or adaptation, got None")
    return [row["text"] for row in load(kind).table]


def recordings(kind: str, rt60_s: float | None = ROOM_S) -> list[Utterance]:
    """The recordings, heard in a room, the same for all.

    Args:
        kind: "test" or "adaptation".
        rt60_s: its reverberation time in s; None: no room.

    Raises:
        ValueError, FileNotFoundError: as `load`.
    """
    found = list(load(kind))
    if rt60_s is None:
        return found
    return [
        one._replace(
            waveform=augmentation.reverberate(
                one.waveform, one.sample_rate, rt60_s, np.random.default_rng(1)
            )
        )
        for one in found
    ]


def sets(
    who: str = "guest", sample_rate: int = 8000, fewest: int = 5
) -> dict[str, list[Utterance]]:
    """What a recogniser is tested on and what it learns from: the guest's recordings, or yours.

    Args:
        who: "guest", or "you" for what was kept in `recordings.folder()`.
        sample_rate: to which they are brought, in Hz.
        fewest: recordings that there must be of each kind.

    Returns:
        "test" and "adaptation".

    Raises:
        ValueError: `who` is neither, there are too few recordings of a kind (the message says what
            to do), or a sentence is in both.
    """
    if who not in ("guest", "you"):
        raise ValueError(f'who must be "guest" or "you", got {who!r}')
    found = {}
    for kind in SPLITS:
        if who == "guest":
            some = recordings(kind)
        else:
            try:
                some = list(own.load(kind=kind))
            except own.NoRecordingsError:
                some = []
        if len(some) < fewest:
            raise ValueError(
                f"{len(some)} recordings of the kind {kind!r}, at least {fewest} are needed: "
                f"record more with widgets.Recorder(guest.prompts({kind!r}), kind={kind!r}), and "
                "press Keep after each"
            )
        found[kind] = [
            one._replace(
                waveform=audio.resample(one.waveform, one.sample_rate, sample_rate),
                sample_rate=sample_rate,
            )
            if one.sample_rate != sample_rate
            else one
            for one in some
        ]
    both = {one.text for one in found["test"]} & {one.text for one in found["adaptation"]}
    if both:
        raise ValueError(
            f"{sorted(both)[0]!r} is in both sets: what was learned is no test. Record other "
            "sentences for one of them"
        )
    return found
