"""Splits for training and testing, and what leaks from one into the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from course_utils import audio, features
from course_utils.datasets.items import Corpus

RATE = 6_000  # Hz, at which recordings are compared: coders keep what is below half of it
COLOUR = 0.8  # long-term spectra that correlate less belong to different recordings
SAME = 0.9  # waveforms that correlate more are one recording
N_FFT = 768  # 128 ms at RATE: harmonics of a voice are told apart


class Leak(NamedTuple):
    """Something on both sides of a split."""

    kind: str  # a column's name, or "near-duplicate"
    train_id: str
    test_id: str
    detail: str


def by_group(
    corpus: Corpus, test_share: float, column: str = "speaker", seed: int = 0
) -> tuple[Corpus, Corpus]:
    """Train and test, drawn group by group: all files with one value of `column` stay together.

    Args:
        corpus: what is to be split.
        test_share: of the groups, not of the files.
        column: of the corpus' table.
        seed: another seed, other groups.

    Raises:
        ValueError: there is no such column, or a side would be empty.
    """
    groups = _groups(corpus, column)
    order = np.random.default_rng(seed).permutation(len(groups))
    test = {groups[i] for i in order[: round(test_share * len(groups))]}
    return _sides(corpus, [row[column] in test for row in corpus.table])


def folds(
    corpus: Corpus, count: int, column: str = "speaker", seed: int = 0
) -> list[tuple[Corpus, Corpus]]:
    """Cross-validation: `count` pairs of train and test; each group is tested exactly once.

    Args:
        corpus: what is to be split.
        count: of folds, at least 2.
        column: of the corpus' table; all files with one value of it stay together.
        seed: another seed, other folds.

    Raises:
        ValueError: there is no such column, or there are fewer groups than folds.
    """
    groups = _groups(corpus, column)
    if not 2 <= count <= len(groups):
        raise ValueError(f"count must be 2 to {len(groups)}, the values of {column}, got {count}")
    order = np.random.default_rng(seed).permutation(len(groups))
    fold_of = {groups[i]: place % count for place, i in enumerate(order)}
    return [
        _sides(corpus, [fold_of[row[column]] == fold for row in corpus.table])
        for fold in range(count)
    ]


def _groups(corpus: Corpus, column: str) -> list:
    if not corpus.table or column not in corpus.table[0]:
        names = ", ".join(corpus.table[0]) if corpus.table else "no rows"
        raise ValueError(f"corpus {corpus.name} has no column {column!r}, it has: {names}")
    return sorted({row[column] for row in corpus.table}, key=str)


def _sides(corpus: Corpus, is_test: Sequence[bool]) -> tuple[Corpus, Corpus]:
    sides = tuple(
        Corpus(
            corpus.name,
            corpus.folder,
            [row for row, tested in zip(corpus.table, is_test, strict=True) if tested == side],
        )
        for side in (False, True)
    )
    if not all(map(len, sides)):
        raise ValueError(
            f"a split of {len(corpus)} files into {len(sides[0])} and {len(sides[1])}: no side may "
            "be empty. Change test_share, or use more files or groups."
        )
    return sides


def find_leaks(
    train: Corpus,
    test: Corpus,
    columns: Sequence[str] = ("speaker",),
    listen: bool = True,
) -> list[Leak]:
    """What is on both sides: the same speaker or source, and the same sound under another name.

    Args:
        train: one side.
        test: the other side.
        columns: of both tables, whose values must not be shared: "speaker", "source" ... Blanks
            around them and capitals make no difference.
        listen: compare the sounds as well, see `near_duplicates`.

    Returns:
        One leak for each shared value, with a file of each side as an example, and one for each
        pair of near-duplicates.

    Raises:
        ValueError: a table lacks a column. Files that can't be read raise what `audio.load` raises.
    """
    leaks = []
    for column in columns:
        ours, theirs = _members(train, column), _members(test, column)
        for value in sorted(ours.keys() & theirs.keys()):
            one, other = ours[value], theirs[value]
            detail = f"{value}: {len(one)} files in train, {len(other)} in test"
            leaks.append(Leak(column, one[0], other[0], detail))
    if listen:
        sounds = [
            {side.table[i]["id"]: audio.load(side.path(i)) for i in range(len(side))}
            for side in (train, test)
        ]
        for one, other, likeness in near_duplicates(*sounds):
            leaks.append(
                Leak("near-duplicate", one, other, f"waveforms correlate by {likeness:.2f}")
            )
    return leaks


def _members(corpus: Corpus, column: str) -> dict[str, list[str]]:
    """The ids of each value of a column; " F02" is "f02"."""
    found: dict[str, list[str]] = {}
    _groups(corpus, column)  # the column is there
    for row in corpus.table:
        found.setdefault(str(row[column]).strip().casefold(), []).append(row["id"])
    return found


def near_duplicates(
    train: dict[str, tuple[np.ndarray, int]], test: dict[str, tuple[np.ndarray, int]]
) -> list[tuple[str, str, float]]:
    """Pairs that are one recording: at another level, shifted, resampled, coded, or trimmed.

    First every pair's long-term spectra are compared, which a shift does not change; then, for
    the pairs that are alike, the second differences of their samples, at every shift. Two takes of
    one word by one speaker have like spectra, but not like waveforms; a synthesiser, though, can
    say a word twice in almost the same way, and is then named. Not found are copies at another
    speed, or under much reverberation or noise.

    Args:
        train: name to (waveform, sample_rate).
        test: likewise.

    Returns:
        (train name, test name, correlation from SAME to 1), the most alike first.
    """
    ours, theirs = ([_comparable(*sound) for sound in side.values()] for side in (train, test))
    if not ours or not theirs:
        return []
    colours = [np.array([colour for _, colour in side]) for side in (ours, theirs)]
    pairs = np.argwhere(colours[0] @ colours[1].T > COLOUR)
    names = list(train), list(test)
    found = []
    for i, j in pairs:
        likeness = correlation(ours[i][0], theirs[j][0])
        if likeness > SAME:
            found.append((names[0][i], names[1][j], likeness))
    return sorted(found, key=lambda pair: -pair[2])


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Largest magnitude of the normalised correlation of two waveforms over all shifts, 0 to 1.

    Shifts are tried in quarters of a sample: an inverse transform that is four times as long fills
    in the places between the samples.
    """
    size = 1 << (len(one) + len(other) - 1).bit_length()
    product = np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size))
    norm = np.linalg.norm(one) * np.linalg.norm(other)
    return float(4 * np.abs(np.fft.irfft(product, 4 * size)).max() / norm) if norm > 0 else 0.0


def _comparable(waveform: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Second differences of the samples at RATE; long-term log spectrum, mean 0, norm 1."""
    x = audio.resample(waveform, sample_rate, RATE) if sample_rate != RATE else waveform
    x = (x - x.mean()).astype(np.float32)
    power = (np.abs(features.stft(x, N_FFT, N_FFT // 4)) ** 2).mean(axis=0)
    level = np.log(np.maximum(power[3:-30], 1e-5 * power.max() + 1e-20))  # no DC, no filter's edge
    level -= level.mean()
    # Differences weigh the high frequencies more, and there two takes differ most.
    return np.diff(x, n=2), level / max(np.linalg.norm(level), 1e-12)
