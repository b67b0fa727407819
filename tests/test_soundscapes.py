import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import features, metrics, signals
from course_utils.datasets import commands, digits, event_sounds
from course_utils.datasets.event_sounds import BACKGROUNDS, CLASSES, RANGES, RATE
from course_utils.datasets.items import Corpus, Utterance
from course_utils.datasets.soundscapes import LEVEL_DB, PEAK, Scene, Soundscapes

SPLITS = ("train", "dev", "test")


def same(first: Scene, second: Scene) -> bool:
    return (
        np.array_equal(first.waveform, second.waveform)
        and np.array_equal(first.tags, second.tags)
        and first.events == second.events
        and (first.snr_db, first.background) == (second.snr_db, second.background)
    )


@pytest.fixture(scope="module")
def many() -> list[Scene]:
    return list(Soundscapes(600, seed=5))


@settings(max_examples=40, deadline=None)
@given(index=st.integers(0, 999), seed=st.integers(0, 50), split=st.sampled_from(SPLITS))
def test_stems_are_where_and_as_loud_as_the_scene_says(index: int, seed: int, split: str) -> None:
    scenes = Soundscapes(1000, split, seed)
    scene, stems = scenes[index], scenes.stems(index)
    background = stems.pop("background")
    assert scene.waveform.dtype == np.float32 and scene.waveform.shape == (4 * RATE,)
    assert scene.sample_rate == RATE
    assert np.abs(scene.waveform).max() <= PEAK + 1e-6
    assert np.allclose(background + sum(stems.values()), scene.waveform, atol=1e-6)
    assert [e.start_s for e in scene.events] == sorted(e.start_s for e in scene.events)
    assert {e.label for e in scene.events} == set(stems)
    for event, snr_db in zip(scene.events, scene.snr_db, strict=True):
        start, end = round(event.start_s * RATE), round(event.end_s * RATE)
        alone = stems[event.label]
        assert not alone[:start].any() and not alone[end:].any()
        power = np.mean(alone[start:end] ** 2.0) / np.mean(background[start:end] ** 2.0)
        assert 10 * np.log10(power) == pytest.approx(snr_db, abs=0.01)
        assert -3 <= snr_db <= 15
    heard = {label for label, tag in zip(CLASSES, scene.tags, strict=True) if tag}
    assert heard == set(stems) and set(scene.tags) <= {0, 1}


@pytest.mark.parametrize("label", CLASSES)
@pytest.mark.parametrize("split", SPLITS)
def test_an_event_is_heard_from_its_first_to_its_last_moment(label: str, split: str) -> None:
    for seed in range(10):
        sound = event_sounds.event(label, np.random.default_rng(seed), split)
        assert sound.dtype == np.float32 and np.isfinite(sound).all()
        assert 0.3 <= len(sound) / RATE <= event_sounds.LENGTH_S[1]
        peak = np.abs(sound).max()
        assert signals.rms(sound) == pytest.approx(event_sounds.RMS, rel=1e-3) or peak > 0.949
        assert peak <= 0.951
        loudest = max(signals.rms(sound[i : i + 80]) for i in range(0, len(sound), 80))
        for end in (sound[:112], sound[-112:]):  # 5 ms and the fades
            assert signals.rms(end) > loudest * 10 ** (-35 / 20)
        assert sound[0] == sound[-1] == 0


def test_an_item_depends_on_seed_split_and_number_alone() -> None:
    long, short = Soundscapes(50, seed=3), Soundscapes(10, seed=3)
    backwards = [long[index] for index in reversed(range(10))][::-1]
    assert all(same(short[index], backwards[index]) for index in range(10))
    assert same(short[-1], short[9])
    assert not any(np.array_equal(long[0].waveform, long[i].waveform) for i in range(1, 20))
    assert long[0].id != Soundscapes(50, seed=4)[0].id
    assert not same(long[0], Soundscapes(50, seed=4)[0])
    assert not same(long[0], Soundscapes(50, "dev", seed=3)[0])


def test_the_table_says_what_the_scenes_are() -> None:
    scenes = Soundscapes(12, "test", seed=2, events=(0, 3))
    for row, scene in zip(scenes.table, scenes, strict=True):
        assert row["id"] == scene.id and row["background"] == scene.background
        assert row["labels"].split() == sorted(event.label for event in scene.events)
    assert "12 test scenes of 4 s, 0 to 3 events" in repr(scenes)


@pytest.mark.parametrize("split", SPLITS)
def test_classes_counts_and_backgrounds_come_about_equally_often(split: str) -> None:
    rows = Soundscapes(4000, split).table
    said = [row["labels"].split() for row in rows]
    counts = np.array([sum(label in labels for labels in said) for label in CLASSES])
    assert np.abs(counts / 4000 - 0.25).max() < 0.035  # five standard deviations
    assert np.abs(np.bincount([len(labels) for labels in said])[1:] / 4000 - 0.25).max() < 0.035
    kinds = [row["background"] for row in rows]
    assert min(kinds.count(kind) for kind in BACKGROUNDS) > 4000 / 6 - 120


def test_variants_of_test_events_are_in_no_other_split() -> None:
    for label, ranges in RANGES.items():
        for name, span in ranges.items():
            (held,) = span.thirds("test")
            seen = span.thirds("train")
            assert span.thirds("dev") == seen and len(seen) == 2
            assert all(high <= held[0] or low >= held[1] for low, high in seen)
            edges = sorted((*seen, held))
            assert edges[0][0] == pytest.approx(span.low) and edges[2][1] == pytest.approx(
                span.high
            )
            assert [e[1] for e in edges[:2]] == [e[0] for e in edges[1:]]
            rng = np.random.default_rng(0)
            for split in SPLITS:
                drawn = [event_sounds._variant(label, rng, split)[name] for _ in range(200)]
                inside = [held[0] <= value <= held[1] for value in drawn]
                assert all(inside) if split == "test" else not any(inside)
                if split != "test":
                    assert span.unseen != 1 or 50 < sum(value < held[0] for value in drawn) < 150


def dtmf_keys(sound: np.ndarray) -> set[tuple[int, int]]:
    """The keys heard: the strongest row and column in each 25 ms that is loud in both."""
    t = np.arange(400) / RATE
    found = set()
    tones = (event_sounds.KEY_ROWS_HZ, event_sounds.KEY_COLUMNS_HZ)
    waves = [np.exp(-2j * np.pi * np.outer(tone, t)) * np.hanning(400) for tone in tones]
    for start in range(0, len(sound) - 400, 100):
        rows, columns = (np.abs(wave @ sound[start : start + 400]) for wave in waves)
        if min(rows.max(), columns.max()) > 4.5:
            found.add((int(rows.argmax()), int(columns.argmax())))
    return found


def test_held_out_keys_are_dialled_by_the_test_split_alone() -> None:
    unseen = set(event_sounds.UNSEEN_KEYS)
    assert {row for row, _ in unseen} == {column for _, column in unseen} == set(range(4))
    for split in SPLITS:
        keys = set()
        for seed in range(12):
            keys |= dtmf_keys(event_sounds.event("phone", np.random.default_rng(seed), split))
        assert keys == unseen if split == "test" else len(keys) > 9 and not keys & unseen


def test_speech_is_of_the_splits_own_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    voices: dict[str, set[str]] = {split: set() for split in SPLITS}
    load = Corpus.__getitem__

    def note(corpus: Corpus, index: int) -> Utterance:
        heard.add(corpus.table[index]["speaker"])
        return load(corpus, index)

    monkeypatch.setattr(Corpus, "__getitem__", note)
    for split, heard in voices.items():
        for seed in range(60):
            event_sounds.event("speech", np.random.default_rng(seed), split)
        known = set(digits.load(split).speakers) | set(commands.load(split).speakers)
        assert heard <= known and len(heard) > 5
    assert not voices["train"] & voices["test"] and not voices["dev"] & voices["test"]


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_backgrounds_are_noise_of_rms_one(kind: str) -> None:
    first, second = (
        event_sounds.background(kind, 4 * RATE, np.random.default_rng(i)) for i in (0, 1)
    )
    assert signals.rms(first) == pytest.approx(1)
    assert abs(np.mean(first)) < 0.1
    assert not np.array_equal(first, second)


def test_neither_level_nor_length_tells_a_class(many: list[Scene]) -> None:
    tags = np.array([scene.tags for scene in many])
    rms_db = np.array([20 * np.log10(signals.rms(scene.waveform)) for scene in many])
    assert rms_db.max() <= LEVEL_DB[1] + 0.01
    assert np.mean(rms_db < LEVEL_DB[0] - 0.01) < 0.02  # what a high peak had to be turned down
    assert len({len(scene.waveform) for scene in many}) == 1
    assert all((np.abs(scene.waveform) > 0).mean() > 0.99 for scene in many)  # no silence
    scores = np.repeat(rms_db[:, None], len(CLASSES), axis=1)
    assert np.abs(metrics.roc_auc(tags, scores) - 0.5).max() < 0.12  # four standard deviations
    events = [event for scene in many for event in scene.events]
    lengths = np.array([event.end_s - event.start_s for event in events])
    for label in CLASSES:
        is_it = np.array([event.label == label for event in events])
        assert abs(metrics.roc_auc(is_it, lengths) - 0.5) < 0.15, label


def test_no_single_band_tells_a_class(many: list[Scene]) -> None:
    tags = np.array([scene.tags for scene in many])
    bands = np.array([features.log_mel(s.waveform, RATE, 512, 256).mean(axis=0) for s in many])
    bands -= bands.mean(axis=1, keepdims=True)
    for band in bands.T:
        auc = metrics.roc_auc(tags, np.repeat(band[:, None], len(CLASSES), axis=1))
        assert np.abs(auc - 0.5).max() < 0.35


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count must be a whole number of at least 1, got 0"),
        ({"count": 2.5}, "count .* got 2.5"),
        ({"split": "valid"}, "split must be one of train, dev, test, got 'valid'"),
        ({"split": None}, "split must be one of"),
        ({"seed": -1}, "seed must be a whole number, not negative, got -1"),
        ({"events": (1, 11)}, r"events must be 0 to 10, one a class, got \(1, 11\)"),
        ({"events": (-1, 2)}, "events must be 0 to 10"),
        ({"events": (3, 1)}, r"events must be \(least, most\), for instance \(1, 4\)"),
        ({"events": 2}, "events must be"),
        ({"events": (1.0, 2.0)}, "events must be"),
        ({"snr_db": (5, -5)}, r"snr_db must be \(least, most\)"),
        ({"snr_db": (0, float("inf"))}, "snr_db must be finite"),
        ({"snr_db": (float("nan"), 0)}, "snr_db must be finite"),
        ({"snr_db": ("a", "b")}, "snr_db must be"),
        ({"duration_s": 2.0}, "duration_s must be 3 to 600 s, got 2.0"),
        ({"duration_s": float("nan")}, "duration_s must be"),
        ({"duration_s": "4"}, "duration_s must be"),
    ],
)
def test_bad_arguments_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Soundscapes(**{"count": 1, **options})


def test_wrong_indices_and_events_are_refused() -> None:
    with pytest.raises(IndexError, match="there are 5 scenes, no number 5"):
        Soundscapes(5)[5]
    with pytest.raises(IndexError, match="no number -6"):
        Soundscapes(5)[-6]
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"label must be one of alarm, .* got 'dog'"):
        event_sounds.event("dog", rng)
    with pytest.raises(ValueError, match=r"split must be one of .* got 'all'"):
        event_sounds.event("bell", rng, "all")
    with pytest.raises(ValueError, match="rng must be a numpy Generator"):
        event_sounds.event("bell", 0)


def test_other_durations_and_scenes_without_an_event() -> None:
    scene = Soundscapes(1, duration_s=3)[0]
    assert scene.waveform.shape == (3 * RATE,) and scene.events[-1].end_s <= 3
    empty = Soundscapes(1, events=(0, 0))[0]
    assert empty.events == () and not empty.tags.any() and empty.snr_db == ()
    assert Soundscapes(1, events=(10, 10))[0].tags.all()
