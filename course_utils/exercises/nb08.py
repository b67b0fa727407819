"""Exercises and quiz of notebook 08, The audio data pipeline."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from course_utils.exercises.framework import Case, Notebook, WrongAnswer
from course_utils.exercises.quiz import Option, Question

notebook = Notebook(8, "The audio data pipeline")


def _waves(samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return 0.3 * rng.standard_normal(samples), 2.0 * rng.standard_normal(samples) + 0.5


def _scaled(signal: np.ndarray, noise: np.ndarray, factor: float) -> np.ndarray:
    return signal + factor * noise


def _power(x: np.ndarray) -> float:
    return float(np.mean(x**2))


@notebook.function(
    cases=[
        (np.array([1.0, -1.0, 1.0, -1.0]), np.array([2.0, 2.0, -2.0, -2.0]), 0.0),
        (np.array([3.0, 0.0, 3.0, 0.0]), np.array([1.0, 1.0, -1.0, -1.0]), 20.0),
        (np.array([0.2, 0.1, -0.3]), np.array([0.0, 0.5, 0.0]), -6.0),
        Case((*_waves(800, 1), 10.0), "800 samples of both, 10"),
    ],
    mistakes=[
        (
            "The noise is added as it is: it needs a factor.",
            lambda s, n, db: s + n,
        ),
        (
            "That is an amplitude ratio of 10 ** (snr_db / 10). Powers go with 10, amplitudes with "
            "20: the factor is the square root of a ratio of powers.",
            lambda s, n, db: _scaled(s, n, np.sqrt(_power(s) / _power(n)) / 10 ** (db / 10)),
        ),
        (
            "The factor is a ratio of powers; the noise's power grows with its square: take the "
            "square root.",
            lambda s, n, db: _scaled(s, n, _power(s) / _power(n) / 10 ** (db / 10)),
        ),
        (
            "The sign of the decibels is the other way round: a higher SNR means less noise.",
            lambda s, n, db: _scaled(s, n, np.sqrt(_power(s) / _power(n)) * 10 ** (db / 20)),
        ),
        (
            "The ratio is upside down: the power of the signal stands above that of the noise.",
            lambda s, n, db: _scaled(s, n, np.sqrt(_power(n) / _power(s)) / 10 ** (db / 20)),
        ),
        (
            "The signal's power is missing: 10 dB below full scale is not 10 dB below the signal.",
            lambda s, n, db: _scaled(s, n, 10 ** (-db / 20)),
        ),
        (
            "The signal's power is missing: the noise is brought to the power 10 ** (-snr_db / "
            "10), whatever the signal's is.",
            lambda s, n, db: _scaled(s, n, 10 ** (-db / 20) / np.sqrt(_power(n))),
        ),
        (
            "The noise's own power is missing: divide by it, or the SNR depends on how loud the "
            "noise came.",
            lambda s, n, db: _scaled(s, n, np.sqrt(_power(s)) / 10 ** (db / 20)),
        ),
        (
            "That compares peaks. An SNR compares powers, the means of the squares.",
            lambda s, n, db: _scaled(s, n, np.abs(s).max() / np.abs(n).max() / 10 ** (db / 20)),
        ),
        (
            "np.std takes the mean off first; the power of a signal with an offset is np.mean(x ** "
            "2).",
            lambda s, n, db: _scaled(s, n, np.std(s) / np.std(n) / 10 ** (db / 20)),
        ),
        (
            "That is the noise alone, at the right level. Add the signal.",
            lambda s, n, db: n * np.sqrt(_power(s) / _power(n)) / 10 ** (db / 20),
        ),
    ],
    hints=[
        "What power must the noise have, if the signal's power is P and the SNR is 10 dB? And by "
        "which factor do you multiply samples, to make their power k times as large?",
        "Wanted noise power: P_signal / 10 ** (snr_db / 10). The factor is the square root of "
        "wanted power over the noise's own power.",
        "wanted = np.mean(signal**2) / 10 ** (snr_db / 10); "
        "return signal + noise * np.sqrt(wanted / np.mean(noise**2))",
    ],
)
def mix(signal: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Noise at an SNR."""
    return _scaled(signal, noise, np.sqrt(_power(signal) / _power(noise)) / 10 ** (snr_db / 20))


def _split_by(speakers: Sequence[str], tested: set[str]) -> tuple[list[int], list[int]]:
    sides: tuple[list[int], list[int]] = ([], [])
    for index, speaker in enumerate(speakers):
        sides[speaker in tested].append(index)
    return sides


@notebook.function(
    cases=[
        (["ann", "bob"], 2),
        (["ann", "ann", "bob", "bob", "cem", "cem"], 2),
        (["zoe", "ann", "zoe", "bob", "ann", "cem"], 3),
        (["d", "c", "b", "a", "d", "c", "b", "a", "e"], 2),
        (["ann", "bob", "ann"], 5),
    ],
    mistakes=[
        (
            "Files are split, not speakers: the same speaker is on both sides. Choose speakers "
            "first, then give each file the side of its speaker.",
            lambda speakers, every: (
                [i for i in range(len(speakers)) if i % every],
                [i for i in range(len(speakers)) if i % every == 0],
            ),
        ),
        (
            "Train comes first, test second.",
            lambda speakers, every: _split_by(
                speakers, set(list(dict.fromkeys(speakers))[::every])
            )[::-1],
        ),
        (
            "The speakers are in alphabetical order; asked for is the order in which they appear "
            "first. dict.fromkeys keeps it.",
            lambda speakers, every: _split_by(speakers, set(sorted(set(speakers))[::every])),
        ),
        (
            "The first speaker is to be tested: begin with number 0, not with number `every` - 1.",
            lambda speakers, every: _split_by(
                speakers, set(list(dict.fromkeys(speakers))[every - 1 :: every])
            ),
        ),
        (
            "Every `every`-th speaker is tested, not the first `every` of them.",
            lambda speakers, every: _split_by(speakers, set(list(dict.fromkeys(speakers))[:every])),
        ),
        (
            "These are the speakers; the indices of their files are wanted.",
            lambda speakers, every: (
                [s for k, s in enumerate(dict.fromkeys(speakers)) if k % every],
                list(dict.fromkeys(speakers))[::every],
            ),
        ),
        (
            "Only the first speaker is tested. After it every `every`-th one is, [::every].",
            lambda speakers, every: _split_by(speakers, {speakers[0]}),
        ),
    ],
    hints=[
        "Two steps. First decide for each *speaker*, without looking at files. Then go through the "
        "files, and look up the side of each one's speaker.",
        "The different speakers in their first order: list(dict.fromkeys(speakers)). Every "
        "`every`-th one from the first on: [::every].",
        "tested = set(list(dict.fromkeys(speakers))[::every]); then two list comprehensions over "
        "enumerate(speakers): return [i for i, s in ... if s not in tested], [... if s in tested]",
    ],
)
def split(speakers: list[str], every: int) -> tuple[list[int], list[int]]:
    """Split by speaker."""
    return _split_by(speakers, set(list(dict.fromkeys(speakers))[::every]))


def _own(padded: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return np.arange(padded.shape[1]) < lengths[:, None]


def _mean_of_own(padded: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return np.where(_own(padded, lengths), padded, 0).sum(axis=1) / lengths


def _share(padded: np.ndarray, lengths: np.ndarray) -> float:
    return float(1 - lengths.sum() / padded.size)


_FILLED = np.array([[2.0, 4.0, 0.0, 0.0], [1.0, 1.0, 1.0, 5.0]])
_ODD = np.array([[3.0, 9.0, 9.0], [1.0, 2.0, np.nan], [4.0, 5.0, 6.0]])


@notebook.function(
    cases=[
        (_FILLED, np.array([2, 4])),
        (np.array([[6.0, 0.0, 0.0, 0.0]]), np.array([1])),
        (np.array([[1.0, 2.0, 7.0], [3.0, 7.0, 7.0]]), np.array([2, 1])),
        (_ODD, np.array([1, 2, 3])),
    ],
    mistakes=[
        (
            "The padding is counted: divide the sum by each row's own length, not by all frames.",
            lambda x, n: (x.mean(axis=1), _share(x, n)),
        ),
        (
            "That is right as long as the padding is 0. It may hold anything: leave it out with a "
            "mask, np.where(mask, padded, 0).",
            lambda x, n: (x.sum(axis=1) / n, _share(x, n)),
        ),
        (
            "The mask is multiplied in, and 0 times NaN is NaN: use np.where(mask, padded, 0), "
            "which does not look at what is masked.",
            lambda x, n: ((x * _own(x, n)).sum(axis=1) / n, _share(x, n)),
        ),
        (
            "The means are right. The share is that of the signal; that of the padding is 1 minus "
            "it.",
            lambda x, n: (_mean_of_own(x, n), float(n.sum() / x.size)),
        ),
        (
            "The means are right. The share is of all frames, padding included: divide by the size "
            "of the batch, not by the frames of signal.",
            lambda x, n: (_mean_of_own(x, n), float((x.size - n.sum()) / n.sum())),
        ),
        (
            "The means are right. That is the number of padded frames; asked for is their share of "
            "all frames.",
            lambda x, n: (_mean_of_own(x, n), float(x.size - n.sum())),
        ),
        (
            "The means are right. The share is that of the whole batch, one number, not one a row.",
            lambda x, n: (_mean_of_own(x, n), 1 - n / x.shape[1]),
        ),
        (
            "The mask reaches one frame too far: frame t is signal if t < length, not <=.",
            lambda x, n: (
                np.where(np.arange(x.shape[1]) <= n[:, None], x, 0).sum(axis=1) / n,
                _share(x, n),
            ),
        ),
    ],
    hints=[
        "Make the mask first: True where the number of the frame is below the length of the row. "
        "How many frames are True in all?",
        "np.arange(frames) < lengths[:, None] is the mask. Put zeros where it is False with "
        "np.where (0 times NaN is NaN), sum each row, divide by its length.",
        "mask = np.arange(padded.shape[1]) < lengths[:, None]; return np.where(mask, padded, 0)"
        ".sum(axis=1) / lengths, 1 - mask.mean()",
    ],
)
def masked_mean(padded: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, float]:
    """What padding costs."""
    return _mean_of_own(padded, lengths), _share(padded, lengths)


_SPEAKERS = ("f01", "f02", "f03", "f04", "m01", "m02", "m03", "m04")
_TESTED = ("f04", "m04")


def suspicious() -> list[dict[str, str]]:
    """The table of the exercise "Find the leak".

    Returns:
        24 recordings: file, speaker, session (a day in a room), sha256 (of the file), split.
    """
    rows = []
    for k, speaker in enumerate(_SPEAKERS):
        for take in range(3):
            number = 3 * k + take + 1
            rows.append(
                {
                    "file": f"rec_{number:02d}.wav",
                    "speaker": speaker,
                    "session": f"2024-03-{k + 4:02d} studio",
                    "sha256": f"{(number * 2654435761) % 2**32:08x}",
                    "split": "test" if speaker in _TESTED else "train",
                }
            )
    rows[10]["speaker"] = " F02"  # in the test set: f02, written in another way
    rows[11]["sha256"] = rows[13]["sha256"]  # in the test set: a copy of a training file
    rows[22]["session"] = rows[19]["session"]  # in the test set: recorded in a training session
    rows[1]["sha256"] = rows[0]["sha256"]  # a copy, but both are in train
    rows[23]["session"] = rows[9]["session"]  # a shared session, but both are in test
    return rows


_LEAKING = ["rec_11.wav", "rec_12.wav", "rec_23.wav"]

notebook.value(
    "leaking",
    "Find the leak",
    _LEAKING,
    mistakes=[
        (
            "These are the partners in the training set; asked for are the test files.",
            ["rec_04.wav", "rec_14.wav", "rec_20.wav"],
        ),
        (
            "rec_01 and rec_02 are copies of each other, but both are in train: that is a waste, "
            "not a leak.",
            ["rec_02.wav", "rec_12.wav", "rec_23.wav"],
        ),
        (
            "rec_24 shares its session with a test file only. Compare test with train.",
            ["rec_11.wav", "rec_12.wav", "rec_24.wav"],
        ),
        (
            "Two are right, one is missing: compare the speakers again, but without blanks and "
            "capitals, speaker.strip().lower().",
            ["rec_12.wav", "rec_23.wav"],
        ),
        (
            "Two are right, one is missing: look at the column sha256 as well.",
            ["rec_11.wav", "rec_23.wav"],
        ),
        (
            "Two are right, one is missing: look at the column session as well.",
            ["rec_11.wav", "rec_12.wav"],
        ),
        ("One is right, two are missing. Three columns can leak.", ["rec_12.wav"]),
        ("One is right, two are missing. Three columns can leak.", ["rec_11.wav"]),
        ("One is right, two are missing. Three columns can leak.", ["rec_23.wav"]),
    ],
    hints=[
        "For each column: which values does a test file share with a training file? Two files on "
        "the same side may share what they like.",
        "Three columns, one leak in each. One is hidden in the writing: is ' F02' a new speaker?",
        "seen = {row[key].strip().lower() for row in table if row['split'] == 'train'}, for key in "
        "('speaker', 'session', 'sha256'); then look for test rows whose value is in seen",
    ],
)


def _sides(
    rows: np.ndarray, speakers: Sequence[str], tested: set[str]
) -> tuple[np.ndarray, np.ndarray]:
    is_test = np.array([who in tested for who in speakers])
    return rows[~is_test], rows[is_test]


def _noisy(rows: np.ndarray, noise_std: float, seed: int) -> np.ndarray:
    return rows + noise_std * np.random.default_rng(seed).standard_normal(rows.shape)


def _normalised(
    train: np.ndarray, copies: np.ndarray, test: np.ndarray, reference: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    mean, std = reference.mean(axis=0), reference.std(axis=0)
    return (np.concatenate([train, copies]) - mean) / std, (test - mean) / std


def _same_noise(rows: np.ndarray, noise_std: float, seed: int) -> np.ndarray:
    return rows + noise_std * np.random.default_rng(seed).standard_normal(rows.shape[1])


def _mended_with(
    rows: np.ndarray,
    speakers: Sequence[str],
    tested: set[str],
    noise_std: float,
    seed: int,
    noisy: Any = _noisy,
    reference: str = "clean train",
) -> tuple[np.ndarray, np.ndarray]:
    train, test = _sides(rows, speakers, tested)
    copies = noisy(train, noise_std, seed)
    statistics = {
        "clean train": train,
        "train": np.concatenate([train, copies]),
        "clean": rows,
        "all": np.concatenate([train, copies, test]),
    }
    return _normalised(train, copies, test, statistics[reference])


def _each_side_by_itself(
    rows: np.ndarray, speakers: Sequence[str], tested: set[str], noise_std: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    train, _ = _mended_with(rows, speakers, tested, noise_std, seed)
    raw = _sides(rows, speakers, tested)[1]
    return train, (raw - raw.mean(axis=0)) / raw.std(axis=0)


def _noise_for_all_rows(
    rows: np.ndarray, speakers: Sequence[str], tested: set[str], noise_std: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    train, test = _sides(rows, speakers, tested)
    copies, _ = _sides(_noisy(rows, noise_std, seed), speakers, tested)
    return _normalised(train, copies, test, train)


def _test_with_copies(
    rows: np.ndarray, speakers: Sequence[str], tested: set[str], noise_std: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    train, test = _sides(rows, speakers, tested)
    copies, more = _sides(_noisy(rows, noise_std, seed), speakers, tested)
    mean, std = train.mean(axis=0), train.std(axis=0)
    sides = np.concatenate([train, copies]), np.concatenate([test, more])
    return (sides[0] - mean) / std, (sides[1] - mean) / std


_ROWS = np.random.default_rng(8).normal(size=(12, 3)) * [1, 5, 0.2] + [0, 3, -1]


@notebook.function(
    cases=[
        (
            np.array([[1.0, 10.0], [3.0, 30.0], [100.0, 0.0], [5.0, 20.0]]),
            ["ann", "ann", "bob", "cem"],
            {"bob"},
            0.0,
            0,
        ),
        (
            np.array([[1.0, 10.0], [3.0, 30.0], [100.0, 0.0], [90.0, 2.0], [5.0, 20.0]]),
            ["ann", "ann", "bob", "bob", "cem"],
            {"bob"},
            0.5,
            1,
        ),
        Case((_ROWS, list("abcabcabcabc"), {"a", "c"}, 1.0, 2), "12 rows, 3 speakers, 2 tested"),
    ],
    mistakes=[
        (
            "The mean and the standard deviation still know the test rows: take them from the "
            "clean train rows.",
            lambda *args: _mended_with(*args, reference="clean"),
        ),
        (
            "The mean and the standard deviation still know the test rows: take them from the "
            "clean train rows.",
            lambda *args: _mended_with(*args, reference="all"),
        ),
        (
            "The mean and the standard deviation are those of the noisy copies as well; asked for "
            "are those of the clean train rows.",
            lambda *args: _mended_with(*args, reference="train"),
        ),
        (
            "All rows get one and the same noise, of shape (dims,): each needs its own, "
            "rng.standard_normal(train.shape).",
            lambda *args: _mended_with(*args, noisy=_same_noise),
        ),
        (
            "Both mistakes are left: one noise for all rows, and statistics that know the test "
            "rows.",
            lambda *args: _mended_with(*args, noisy=_same_noise, reference="all"),
        ),
        (
            "The test rows are normalised by their own mean and spread; in use, a single file has "
            "none: take those of the train rows.",
            _each_side_by_itself,
        ),
        (
            "The noise is drawn for the test rows as well and thrown away. Split first, then draw "
            "noise for the train rows alone.",
            _noise_for_all_rows,
        ),
        (
            "The test set holds noisy copies. It stays clean: augmentation comes after the split.",
            _test_with_copies,
        ),
        (
            "Train comes first, test second.",
            lambda *args: _mended_with(*args)[::-1],
        ),
        (
            "The noisy copies of the train rows are missing: np.concatenate([train, noisy]).",
            lambda rows, speakers, tested, noise_std, seed: _normalised(
                *(
                    lambda train, test: (train, train[:0], test, train)  # no copies
                )(*_sides(rows, speakers, tested))
            ),
        ),
    ],
    hints=[
        "Ask of each line: what does it know that it could not know in use? And of the noise: what "
        "is its shape?",
        "Split first, by speaker. Then take mean and spread from the clean train rows alone, and "
        "draw noise of the shape of the train rows.",
        "is_test = np.array([s in tested for s in speakers]); train, test = rows[~is_test], "
        "rows[is_test]; noisy = train + noise_std * rng.standard_normal(train.shape); normalise "
        "np.concatenate([train, noisy]) and test by train.mean(axis=0) and train.std(axis=0)",
    ],
)
def mended(
    rows: np.ndarray, speakers: list[str], tested: set[str], noise_std: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Bug hunt."""
    return _mended_with(rows, speakers, tested, noise_std, seed)


@notebook.open(
    hints=[
        "Make the kitchen first: add_noise at 5 dB and reverberate at 0.4 s on the *test* files. "
        "Then vary the training files only. Change one thing at a time.",
        "For each policy: for each of three seeds, draw voices for train and test; the training "
        "set is the clean files and one augmented copy of each; the accuracy is the mean.",
        "heard = [six_pieces(clip._replace(waveform=policy(clip.waveform, 8000, rng))) for clip in "
        "train]; stack them under the clean ones, find the nearest for each kitchen file, and put "
        "the mean accuracies into finding = {'none': ..., 'noise': ..., 'noise and room': ...}",
    ],
)
def kitchen(answer: Any) -> str:
    """A microphone that you have not met."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise WrongAnswer("Give both: check.kitchen((finding, sentence)).")
    finding, sentence = answer
    if not isinstance(finding, Mapping) or len(finding) < 3:
        count = len(finding) if isinstance(finding, Mapping) else 0
        raise WrongAnswer(
            f"finding must be a dict of at least three policies and their accuracies, got {count}."
        )
    if "none" not in finding:
        raise WrongAnswer(
            "finding has no entry 'none': without the result of no augmentation at all, nobody can "
            "say what helped."
        )
    for name, value in finding.items():
        if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value <= 1:
            raise WrongAnswer(f"The accuracy of {name!r} must be a number from 0 to 1: {value!r}.")
    if len(set(finding.values())) == 1:
        raise WrongAnswer(
            f"All policies have the same accuracy, {next(iter(finding.values())):.3g}: did the "
            "augmented files reach the training set?"
        )
    if not isinstance(sentence, str) or len(sentence.split()) < 6:
        raise WrongAnswer("The sentence is missing: say what you found in six words or more.")
    best = max(finding, key=finding.get)
    gained = 100 * (finding[best] - finding["none"])
    worst = min(finding, key=finding.get)
    hurt = f" {worst!r} was worse than nothing." if finding[worst] < finding["none"] else ""
    return (
        f"The best of {len(finding)} is {best!r}, {gained:+.1f} points against 'none'.{hurt} Would "
        "another draw of voices say the same?"
    )


notebook.set_quiz(
    Question(
        "A colleague splits 3,000 clips of six speakers at random and reports 99 %. You will use "
        "the system with customers. What do you know?",
        [
            Option(
                "That it will be right in about 99 of 100 cases.",
                "All six speakers are on both sides, so the test asks about known voices. Your "
                "customers are strangers.",
            ),
            Option(
                "How well it does on new clips of these six speakers, and little about customers.",
                "That is what this split measures. For strangers, leave whole speakers out, one "
                "after the other.",
                correct=True,
            ),
            Option(
                "Nothing: a random split is always wrong.",
                "It is right when the use is as random: new clips of the same speakers, as with a "
                "system that is trained for its owner.",
            ),
            Option(
                "That the network is too large, and learned the clips by heart.",
                "The test clips are other clips. It may have learned the six voices by heart, and "
                "a small network can do that too.",
            ),
        ],
    ),
    Question(
        "Two clips are padded with zeros to one length. Features were normalised. What does a "
        "network without a mask take the padding for?",
        [
            Option(
                "Silence.",
                "Silence has a very low log-mel, far below the mean: after normalising, a large "
                "negative number.",
            ),
            Option(
                "Nothing: zeros have no effect.",
                "A weight times zero is zero, but biases, means, maxima and normalisation over "
                "time all see the zeros.",
            ),
            Option(
                "A long stretch of perfectly average sound.",
                "Zero is the mean. How much of it there is depends on the neighbours in the batch, "
                "so the result for a clip does as well.",
                correct=True,
            ),
            Option(
                "An error: it stops.",
                "Nothing stops. That is why this mistake lives so long.",
            ),
        ],
    ),
    Question(
        "What does bucketing change?",
        [
            Option(
                "It throws away clips that are too long.",
                "Every clip comes once an epoch, as before. Only who meets whom changes.",
            ),
            Option(
                "It brings clips of about the same length together: less work goes into padding.",
                "The price: batches are a little less random. Shuffling before the sorting, in "
                "pools, keeps most of it.",
                correct=True,
            ),
            Option(
                "It cuts clips into pieces of one length.",
                "That is done too, for long recordings, and is called chunking. The labels must "
                "then be cut as well.",
            ),
            Option(
                "It makes the mask superfluous.",
                "A bucket holds about equal lengths, not equal ones. The mask stays.",
            ),
        ],
    ),
    Question(
        "You cache features, and augment the waveforms before. What happens?",
        [
            Option(
                "Training is slow, since the cache never fits.",
                "The key does not know of the chance, so it fits very well. That is the trouble.",
            ),
            Option(
                "Each clip is augmented once, and every epoch gets that same copy.",
                "Chance was frozen: after the first epoch there is nothing new. Augment after the "
                "cache, or don't cache.",
                correct=True,
            ),
            Option(
                "The test set is augmented as well.",
                "Not by the cache. (It may be by a pipeline that augments before it splits.)",
            ),
            Option(
                "The labels no longer fit the features.",
                "The change keeps the word, so they do fit.",
            ),
        ],
    ),
    Question(
        "Why does a data set with `self.rng = np.random.default_rng(0)` go wrong with two workers?",
        [
            Option(
                "Two processes can't use one generator at the same time, so it crashes.",
                "They don't use one: each worker has a copy of the data set, and of the generator.",
            ),
            Option(
                "The workers' numbers are not random enough.",
                "Each stream is as random as ever. They are the same stream.",
            ),
            Option(
                "Each worker starts from the same copy of the generator, in each epoch anew.",
                "So both draw the same, and so does the next epoch. A generator from (seed, epoch, "
                "item) is right with any number of workers.",
                correct=True,
            ),
            Option(
                "NumPy's generators can't be sent to another process.",
                "They can, with their state, and that is how the same numbers come twice.",
            ),
        ],
    ),
    Question(
        "A class is rare: 1 % of the clips. You draw its clips a hundred times as often. What have "
        "you gained?",
        [
            Option(
                "The classifier finds more of that class, and accuses others more often.",
                "It moves the balance between misses and false alarms. That may be just what you "
                "want; but it brings no new information.",
                correct=True,
            ),
            Option(
                "A hundred times as much data of that class.",
                "The same clips come again. Only augmentation or new recordings bring variety.",
            ),
            Option(
                "A higher accuracy on data that is distributed as before.",
                "Usually a lower one: where the class is rare, its false alarms cost more than its "
                "hits bring.",
            ),
            Option(
                "Nothing at all: the gradient is the same on average.",
                "The gradient's mean changes: errors on the rare class weigh a hundred times as "
                "much.",
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
