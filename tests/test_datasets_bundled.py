import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from course_utils import audio
from course_utils.datasets import bundled, commands, digits, guest, recordings, showcase
from course_utils.datasets.items import Corpus, Table, Utterance

CORPORA = {
    "digits": digits.load,
    "commands": commands.load,
    "showcase": showcase.load,
    "guest": guest.load,
}
RATES = {"digits": 8_000, "commands": 8_000, "showcase": 22_050, "guest": 8_000}


def words(corpus: Corpus) -> set[str]:
    return {word for row in corpus.table for word in row["text"].split()}


def texts(corpus: Corpus) -> set[str]:
    return {row["text"] for row in corpus.table}


def test_digits_hold_every_word_by_every_voice_twice() -> None:
    corpus = digits.load()
    voices = corpus.speakers
    assert len(voices) >= 40
    counts = Counter((row["speaker"], row["text"]) for row in corpus.table)
    assert set(counts) == {(voice, word) for voice in voices for word in digits.WORDS}
    assert min(counts.values()) >= 2


def test_the_takes_of_a_digit_differ() -> None:
    for corpus in (digits.load(), commands.load()):
        hashes = [row["espeak_sha256"] for row in corpus.table]
        assert len(set(hashes)) == len(hashes)


def test_commands_are_many_and_their_vocabulary_is_small() -> None:
    corpus = commands.load()
    assert len(corpus) >= 1_500
    assert len(texts(corpus)) >= 500
    assert 60 <= len(words(corpus)) <= 150
    assert set(digits.WORDS) <= words(corpus)
    assert len(corpus.speakers) >= 40


@pytest.mark.parametrize("load", [digits.load, commands.load])
def test_splits_share_no_voice_and_test_has_enough_of_them(load) -> None:
    voices = {split: set(load(split).speakers) for split in bundled.SPLITS}
    assert not voices["train"] & voices["dev"]
    assert not voices["train"] & voices["test"]
    assert not voices["dev"] & voices["test"]
    assert len(voices["test"]) >= 8
    assert set.union(*voices.values()) == set(load().speakers)
    assert sum(len(load(split)) for split in bundled.SPLITS) == len(load())


def test_a_voice_is_in_the_same_split_of_both_corpora() -> None:
    for split in bundled.SPLITS:
        assert digits.load(split).speakers == commands.load(split).speakers


def test_each_voice_has_one_accent_and_training_hears_all_accents() -> None:
    pairs = {(row["speaker"], row["accent"]) for row in digits.load().table + commands.load().table}
    assert len(pairs) == len(digits.load().speakers)
    accents = {
        split: {row["accent"] for row in digits.load(split).table} for split in ("train", "test")
    }
    assert accents["test"] <= accents["train"]
    assert len(accents["train"]) == 8


def test_splits_of_commands_share_no_sentence_but_all_words_are_trained() -> None:
    train, dev, test = (commands.load(split) for split in bundled.SPLITS)
    assert not texts(train) & texts(dev)
    assert not texts(train) & texts(test)
    assert not texts(dev) & texts(test)
    assert words(dev) | words(test) <= words(train)


@pytest.mark.parametrize("name", CORPORA)
def test_texts_are_lowercase_words(name: str) -> None:
    for row in CORPORA[name]().table:
        assert re.fullmatch(r"[a-z']+( [a-z']+)*", row["text"]), row


@pytest.mark.parametrize("name", CORPORA)
def test_every_file_decodes_to_the_length_and_level_that_its_row_says(name: str) -> None:
    corpus = CORPORA[name]()
    deviations = []
    for index, row in enumerate(corpus.table):
        waveform, sample_rate = audio.load(corpus.path(index))
        assert sample_rate == RATES[name]
        assert waveform.size == round(row["duration_s"] * sample_rate), row["file"]
        peak = np.abs(waveform).max()
        assert peak < 1, row["file"]
        # The coder cuts above 3.6 kHz, which costs the hiss of "six" some of its peak.
        deviations.append(20 * np.log10(peak / 0.7) - row["level_db"])
    assert abs(np.median(deviations)) < 0.5
    assert max(np.abs(deviations)) < 5


@pytest.mark.parametrize("name", CORPORA)
def test_folder_holds_the_files_of_the_metadata_and_no_others(name: str) -> None:
    folder = bundled.DATA / name
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {row["file"] for row in CORPORA[name]().table} | {"metadata.csv"}


def test_sound_begins_where_the_file_begins() -> None:
    """A decoder that kept the encoder's delay would begin 1,105 samples (138 ms) late."""
    corpus = digits.load().filter(lambda row: row["text"] in ("one", "eight"))
    for item in corpus:
        loud = np.flatnonzero(np.abs(item.waveform) > 0.05 * np.abs(item.waveform).max())
        assert loud[0] / item.sample_rate < 0.06, item.id
        assert (item.waveform.size - loud[-1]) / item.sample_rate < 0.16, item.id


def test_all_is_15_megabytes_at_most() -> None:
    size = sum(path.stat().st_size for path in bundled.DATA.rglob("*") if path.is_file())
    assert size <= 15e6


def test_an_item_is_an_utterance_with_what_its_row_says() -> None:
    corpus = commands.load("test")
    item, row = corpus[5], corpus.table[5]
    assert isinstance(item, Utterance)
    assert item.waveform.dtype == np.float32
    assert item.waveform.ndim == 1
    assert (item.sample_rate, item.text, item.speaker) == (8_000, row["text"], row["speaker"])
    assert item.id == row["id"] == row["file"].removesuffix(".mp3")


def test_showcase_by_name() -> None:
    assert showcase.get("seashells").text == "seashells"
    assert showcase.get("sentence").sample_rate == 22_050
    low, high = showcase.get("sentence_low"), showcase.get("sentence_high")
    assert low.text == high.text
    assert low.speaker != high.speaker
    with pytest.raises(ValueError, match="seashells"):
        showcase.get("seashell")


def test_the_guest_is_nobody_else_and_reads_what_nobody_was_trained_on() -> None:
    known = commands.load()
    assert not set(guest.load().speakers) & set(known.speakers)
    test, more = guest.prompts("test"), guest.prompts("adaptation")
    assert len(set(test)) == len(set(more)) == 20 and not set(test) & set(more)
    assert set(test + more) <= texts(known.filter(split="test"))


def test_the_guest_s_room_is_the_same_in_each_recording_and_can_be_left() -> None:
    dry, wet = guest.recordings("test", rt60_s=None), guest.recordings("test")
    assert [one.text for one in dry] == [one.text for one in wet] == guest.prompts("test")
    for one, other in zip(dry[:3], wet[:3], strict=True):
        assert one.waveform.shape == other.waveform.shape
        assert not np.allclose(one.waveform, other.waveform)
    again = guest.recordings("test")
    assert all(np.array_equal(a.waveform, b.waveform) for a, b in zip(wet, again, strict=True))
    with pytest.raises(ValueError, match="kind must be test or adaptation, got 'train'"):
        guest.prompts("train")


def test_one_line_changes_from_the_guest_to_you(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("COURSE_RECORDINGS", str(tmp_path))
    assert [len(some) for some in guest.sets().values()] == [20, 20]
    with pytest.raises(ValueError, match="0 recordings of the kind 'test', at least 5 are needed"):
        guest.sets("you")
    rng = np.random.default_rng(0)
    for kind in ("test", "adaptation"):
        for number, text in enumerate(guest.prompts(kind)[:5]):
            x = 0.1 * rng.normal(size=16_000).astype(np.float32)
            recordings.save(x, 16_000, text, f"{number:02d}", kind)
    mine = guest.sets("you")
    assert [one.text for one in mine["adaptation"]] == guest.prompts("adaptation")[:5]
    assert all(len(one.waveform) == one.sample_rate == 8000 for one in mine["test"])
    recordings.save(x, 16_000, guest.prompts("test")[0], "99", "adaptation")
    with pytest.raises(ValueError, match="is in both sets"):
        guest.sets("you")
    with pytest.raises(ValueError, match='who must be "guest" or "you"'):
        guest.sets("me")


def test_wrong_split_is_refused() -> None:
    for load in (digits.load, commands.load):
        with pytest.raises(ValueError, match="train, dev, test or None, got 'tset'"):
            load("tset")


def test_missing_and_damaged_data_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="clone it"):
        bundled.load("digits", data=tmp_path)
    path = tmp_path / "digits" / "metadata.csv"
    path.parent.mkdir()
    path.write_text("file,text,voice\na/b.mp3,one,a\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"metadata\.csv: damaged metadata"):
        bundled.load("digits", data=tmp_path)


def small_corpus(folder: Path, count: int = 3) -> Corpus:
    rows = []
    for number in range(count):
        tone = np.full(100 * (number + 1), 0.25)
        soundfile.write(folder / f"{number}.wav", tone, 8_000)
        speaker = "ann" if number < 2 else "bob"
        rows.append({"id": str(number), "file": f"{number}.wav", "text": "one", "speaker": speaker})
    return Corpus("tones", folder, rows)


def test_corpus_is_a_sequence(tmp_path: Path) -> None:
    corpus = small_corpus(tmp_path)
    assert len(corpus) == 3
    assert [item.waveform.size for item in corpus] == [100, 200, 300]
    assert corpus[-1].id == "2"
    assert [row["id"] for row in corpus[1:].table] == ["1", "2"]
    assert corpus[np.int64(1)].id == "1"
    assert repr(corpus) == "<tones: 3 utterances, 2 speakers>"
    with pytest.raises(IndexError):
        corpus[3]


def test_corpus_filter(tmp_path: Path) -> None:
    corpus = small_corpus(tmp_path)
    assert len(corpus.filter(speaker="ann")) == 2
    assert len(corpus.filter(lambda row: row["id"] > "0", speaker="ann")) == 1
    assert corpus.filter(speaker="bob").speakers == ["bob"]
    with pytest.raises(ValueError, match="no column 'voice', it has: id, file, text, speaker"):
        corpus.filter(voice="ann")
    with pytest.raises(ValueError, match="no row of tones has speaker='an'; it has 'ann', 'bob'"):
        corpus.filter(speaker="an")


def test_corpus_names_a_broken_file(tmp_path: Path) -> None:
    corpus = small_corpus(tmp_path)
    (tmp_path / "1.wav").write_bytes(b"RIFF")
    assert corpus[0].id == "0"
    with pytest.raises(ValueError, match=r"1\.wav"):
        corpus[1]
    (tmp_path / "2.wav").unlink()
    with pytest.raises(FileNotFoundError, match=r"2\.wav"):
        corpus[2]


def test_corpus_refuses_incomplete_and_double_rows(tmp_path: Path) -> None:
    row = {"id": "a", "file": "a.wav", "text": "one", "speaker": "ann"}
    with pytest.raises(ValueError, match="row 1 of corpus x has no text, speaker"):
        Corpus("x", tmp_path, [row, {"id": "b", "file": "b.wav"}])
    with pytest.raises(ValueError, match="same id"):
        Corpus("x", tmp_path, [row, row])


def test_table_is_readable_and_safe() -> None:
    table = Table({"id": number, "text": "<b>&"} for number in range(12))
    markup = table._repr_html_()
    assert "<b>" not in markup
    assert "&lt;b&gt;&amp;" in markup
    assert markup.count("<tr>") == 11
    assert "12 rows, the first 10 shown" in markup
    assert repr(table).splitlines()[:2] == ["id  text", "0   <b>&"]
    assert repr(Table()).strip() == "0 rows"


def readme_table() -> dict[str, dict[str, str]]:
    text = (bundled.DATA / "README.md").read_text(encoding="utf-8")
    lines = text[text.index("| |") :].split("\n\n")[0].splitlines()
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    names = header[1:]
    assert names == list(CORPORA)
    return {name: {row[0]: row[1 + place] for row in rows} for place, name in enumerate(names)}


@pytest.mark.parametrize("name", CORPORA)
def test_the_datasheet_counts_what_is_there(name: str) -> None:
    stated, corpus = readme_table()[name], CORPORA[name]()
    folder = bundled.DATA / name
    rows = corpus.table
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert stated["files"] == f"{len(rows):,}"
    assert stated["minutes"] == f"{sum(row['duration_s'] for row in rows) / 60:.1f}"
    assert stated["megabytes"] == f"{size / 1e6:.1f}"
    assert stated["voices"] == str(len(corpus.speakers))
    assert stated["different texts"] == f"{len(texts(corpus)):,}"
    assert stated["different words"] == str(len(words(corpus)))
    assert stated["sample rate"] == f"{RATES[name]:,} Hz"
    if name in ("digits", "commands"):
        for key, of in (("files", len), ("voices", lambda part: len(part.speakers))):
            counts = " / ".join(f"{of(corpus.filter(split=split)):,}" for split in bundled.SPLITS)
            assert stated[f"{key}: train / dev / test"] == counts
