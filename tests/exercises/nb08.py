import numpy as np

from course_utils.exercises.nb08 import suspicious
from tests.exercises import Answers


def mix(signal, noise, snr_db):
    """Signal and noise at the wanted SNR."""
    ...


def mix_solution(signal, noise, snr_db):
    wanted = np.mean(signal**2) / 10 ** (snr_db / 10)
    return signal + noise * np.sqrt(wanted / np.mean(noise**2))


def mix_by_norms(signal, noise, snr_db):
    factor = np.linalg.norm(signal) / np.linalg.norm(noise) * 10 ** (-snr_db / 20)
    return [s + factor * n for s, n in zip(signal, noise, strict=True)]


def mix_in_place(signal, noise, snr_db):
    noise *= np.sqrt(np.mean(signal**2) / np.mean(noise**2) / 10 ** (snr_db / 10))
    return signal + noise


def power(x):
    return np.mean(x**2)


def split(speakers, every):
    """Indices of the train files and of the test files."""
    ...


def split_solution(speakers, every):
    tested = set(list(dict.fromkeys(speakers))[::every])
    return (
        [i for i, s in enumerate(speakers) if s not in tested],
        [i for i, s in enumerate(speakers) if s in tested],
    )


def split_in_a_loop(speakers, every):
    number, train, test = {}, [], []
    for i, speaker in enumerate(speakers):
        number.setdefault(speaker, len(number))
        (train if number[speaker] % every else test).append(i)
    return [train, test]


def split_sorted(speakers, every):
    tested = sorted(set(speakers))[::every]
    return (
        [i for i, s in enumerate(speakers) if s not in tested],
        [i for i, s in enumerate(speakers) if s in tested],
    )


def masked_mean(padded, lengths):
    """Mean of each row over its own frames, and the share of padding."""
    ...


def masked_mean_solution(padded, lengths):
    mask = np.arange(padded.shape[1]) < lengths[:, None]
    return np.where(mask, padded, 0).sum(axis=1) / lengths, 1 - mask.mean()


def masked_mean_in_a_loop(padded, lengths):
    means = [row[:n].mean() for row, n in zip(padded, lengths, strict=True)]
    return means, 1 - sum(lengths) / padded.size


def share(padded, lengths):
    return 1 - lengths.sum() / padded.size


def own_means(padded, lengths):
    return np.array([row[:n].mean() for row, n in zip(padded, lengths, strict=True)])


def mended(rows, speakers, tested, noise_std, seed):
    """Train rows with their noisy copies, and test rows, normalised."""
    ...


def mended_solution(rows, speakers, tested, noise_std, seed):
    is_test = np.array([s in tested for s in speakers])
    train, test = rows[~is_test], rows[is_test]
    noisy = train + noise_std * np.random.default_rng(seed).standard_normal(train.shape)
    mean, std = train.mean(axis=0), train.std(axis=0)
    return (np.concatenate([train, noisy]) - mean) / std, (test - mean) / std


def mended_row_by_row(rows, speakers, tested, noise_std, seed):
    rng = np.random.default_rng(seed)
    train = np.array([row for row, s in zip(rows, speakers, strict=True) if s not in tested])
    test = np.array([row for row, s in zip(rows, speakers, strict=True) if s in tested])
    noisy = np.array([row + noise_std * rng.standard_normal(len(row)) for row in train])
    together = np.vstack([train, noisy])
    return [(part - train.mean(0)) / train.std(0) for part in (together, test)]


def still_wrong(rows, speakers, tested, noise_std, seed):
    """The program of the notebook."""
    rng = np.random.default_rng(seed)
    noisy = rows + noise_std * rng.standard_normal(rows.shape[1])
    everything = np.concatenate([rows, noisy])
    everything = (everything - everything.mean(axis=0)) / everything.std(axis=0)
    order = rng.permutation(len(everything))
    is_test = order < len(everything) * len(tested) / len(set(speakers))
    return everything[~is_test], everything[is_test]


def statistics_of_all(rows, speakers, tested, noise_std, seed):
    is_test = np.array([s in tested for s in speakers])
    x = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    train = rows[~is_test]
    noisy = train + noise_std * np.random.default_rng(seed).standard_normal(train.shape)
    noisy = (noisy - rows.mean(axis=0)) / rows.std(axis=0)
    return np.concatenate([x[~is_test], noisy]), x[is_test]


def one_noise(rows, speakers, tested, noise_std, seed):
    is_test = np.array([s in tested for s in speakers])
    train, test = rows[~is_test], rows[is_test]
    noisy = train + noise_std * np.random.default_rng(seed).standard_normal(train.shape[1])
    mean, std = train.mean(axis=0), train.std(axis=0)
    return (np.concatenate([train, noisy]) - mean) / std, (test - mean) / std


def found_in(*keys, clean=str):
    table, names = suspicious(), set()
    for key in keys:
        seen = {clean(row[key]) for row in table if row["split"] == "train"}
        rows = [row for row in table if row["split"] == "test"]
        names |= {row["file"] for row in rows if clean(row[key]) in seen}
    return sorted(names)


FINDING = {"none": 0.24, "noise": 0.79, "room": 0.14}
SENTENCE = "Noise like the kitchen's helps most by far."

ANSWERS = {
    "mix": Answers(
        solution=mix_solution,
        stub=mix,
        also_right=[
            mix_by_norms,
            lambda s, n, db: s + n * np.sqrt(power(s) / power(n)) * 10 ** (-db / 20),
        ],
        wrong=[
            (lambda s, n, db: s + n, "it needs a factor"),
            (
                lambda s, n, db: s + n * np.sqrt(power(s) / power(n)) / 10 ** (db / 10),
                "amplitudes with 20",
            ),
            (
                lambda s, n, db: s + n * power(s) / power(n) / 10 ** (db / 10),
                "take the square root",
            ),
            (
                lambda s, n, db: s + n * np.sqrt(power(s) / power(n)) * 10 ** (db / 20),
                "the other way round",
            ),
            (
                lambda s, n, db: s + n * np.sqrt(power(n) / power(s)) / 10 ** (db / 20),
                "upside down",
            ),
            (lambda s, n, db: s + n * 10 ** (-db / 20), "The signal's power is missing"),
            (lambda s, n, db: s + n * np.sqrt(power(s)) / 10 ** (db / 20), "own power is missing"),
            (lambda s, n, db: s + n * s.std() / n.std() / 10 ** (db / 20), "takes the mean off"),
            (lambda s, n, db: n * np.sqrt(power(s) / power(n)) / 10 ** (db / 20), "Add the signal"),
            (mix_solution(np.ones(3), np.ones(3), 0), "wants the function itself"),
        ],
    ),
    "split": Answers(
        solution=split_solution,
        stub=split,
        also_right=[split_in_a_loop],
        wrong=[
            (
                lambda speakers, every: (
                    [i for i in range(len(speakers)) if i % every],
                    list(range(0, len(speakers), every)),
                ),
                "Choose speakers first",
            ),
            (lambda speakers, every: split_solution(speakers, every)[::-1], "Train comes first"),
            (split_sorted, "alphabetical order"),
            (
                lambda speakers, every: split_solution(speakers, len(speakers)),
                "Only the first speaker is tested",
            ),
            (
                lambda speakers, every: (
                    [s for k, s in enumerate(dict.fromkeys(speakers)) if k % every],
                    list(dict.fromkeys(speakers))[::every],
                ),
                "the indices of their files",
            ),
        ],
    ),
    "masked_mean": Answers(
        solution=masked_mean_solution,
        stub=masked_mean,
        also_right=[
            masked_mean_in_a_loop,
            lambda x, n: (own_means(x, n).astype(np.float32), np.float64(share(x, n))),
        ],
        wrong=[
            (lambda x, n: (x.mean(axis=1), share(x, n)), "The padding is counted"),
            (lambda x, n: (x.sum(axis=1) / n, share(x, n)), "It may hold anything"),
            (
                lambda x, n: (
                    (x * (np.arange(x.shape[1]) < n[:, None])).sum(axis=1) / n,
                    share(x, n),
                ),
                "0 times NaN is NaN",
            ),
            (lambda x, n: (own_means(x, n), 1 - share(x, n)), "is that of the signal"),
            (lambda x, n: (own_means(x, n), x.size - n.sum()), "number of padded frames"),
            (lambda x, n: (own_means(x, n), 1 - n / x.shape[1]), "not one a row"),
            (lambda x, n: own_means(x, n), "got"),
        ],
    ),
    "leaking": Answers(
        solution=found_in("speaker", "session", "sha256", clean=lambda s: s.strip().lower()),
        stub=None,
        also_right=[("rec_11.wav", "rec_12.wav", "rec_23.wav")],
        wrong=[
            (found_in("speaker", "session", "sha256"), "without blanks and capitals"),
            (found_in("sha256"), "One is right, two are missing"),
            (found_in("speaker", "session", clean=lambda s: s.strip().lower()), "column sha256"),
            (found_in("speaker", "sha256", clean=lambda s: s.strip().lower()), "column session"),
            (["rec_11.wav", "rec_12.wav", "rec_24.wav"], "with a test file only"),
            ("rec_11.wav", "The answer is to be a list, not a text"),
        ],
    ),
    "mended": Answers(
        solution=mended_solution,
        stub=mended,
        also_right=[mended_row_by_row],
        wrong=[
            (still_wrong, "got an array of shape"),
            (statistics_of_all, "still know the test rows"),
            (one_noise, "one and the same noise"),
            (lambda *args: mended_solution(*args)[::-1], "Train comes first"),
            (lambda *args: mended_solution(*args)[0], "got"),
        ],
    ),
    "kitchen": Answers(
        solution=(FINDING, SENTENCE),
        stub=None,
        also_right=[
            [
                {**FINDING, "speed": np.float64(0.3)},
                "At three draws, speed alone hardly helps here.",
            ],
            (
                {"none": 0, "noise": 1, "room": 0.5},
                "With noise everything is right, without nothing.",
            ),
        ],
        wrong=[
            (FINDING, "Give both"),
            (({"none": 0.2, "noise": 0.5}, SENTENCE), "at least three policies"),
            (({"clean": 0.2, "noise": 0.5, "room": 0.1}, SENTENCE), "no entry 'none'"),
            (({**FINDING, "noise": 79}, SENTENCE), "must be a number from 0 to 1: 79"),
            ((dict.fromkeys(FINDING, 0.5), SENTENCE), "did the augmented files reach"),
            ((FINDING, "noise"), "The sentence is missing"),
        ],
    ),
}
