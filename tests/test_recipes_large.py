"""Recipes for corpora that are not here: a few utterances in their layouts stand for them."""

import numpy as np
import pytest
import torch

from course_utils import audio, training
from course_utils.datasets import librispeech, shards, speech_commands
from course_utils.datasets.batching import Batch
from course_utils.models.convolution import Layer
from course_utils.models.deepspeech2 import DeepSpeech2
from course_utils.recipes import recognition, spelling
from course_utils.recipes.recognition import AT_SCALE, LIBRISPEECH, changed

SECONDS = {"librispeech": 3.0, "speech_commands": 1.0}
TEXTS = ("IT IS NOT SO", "GO DO YOU HEAR", "A BOOK", "THE MAN'S HAT")


def noise(seconds, seed):
    return 0.1 * np.random.default_rng(seed).normal(size=round(16_000 * seconds)).astype(np.float32)


@pytest.fixture
def corpora(tmp_path, monkeypatch):
    """Four utterances in each subset of LibriSpeech, and six of Speech Commands."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    for number, subset in enumerate(librispeech.SUBSETS):
        size, sha256 = librispeech.SUBSETS[subset][1:]
        monkeypatch.setitem(librispeech.SUBSETS, subset, (4, size, sha256))
        for speaker in (10 * number, 10 * number + 1):
            chapter = tmp_path / "librispeech" / subset / str(speaker) / "7"
            chapter.mkdir(parents=True)
            lines = []
            for place in range(2):
                name, seconds = f"{speaker}-7-{place:04d}", 2.0 + (speaker + place) % 3 / 2
                audio.save(chapter / f"{name}.flac", noise(seconds, speaker), 16_000)
                lines.append(f"{name} {TEXTS[(speaker + place) % 4]}\n")
            (chapter / f"{speaker}-7.trans.txt").write_text("".join(lines), encoding="utf-8")
    folder, files = tmp_path / "speech_commands", []
    for number, word in enumerate(("yes", "no", "marvin") * 2):
        files.append(f"{word}/{number:08x}_nohash_0.wav")
        (folder / word).mkdir(parents=True, exist_ok=True)
        audio.save(folder / files[-1], noise(1.0, number), 16_000)
    (folder / "validation_list.txt").write_text(files[0] + "\n", encoding="utf-8")
    (folder / "testing_list.txt").write_text(files[1] + "\n", encoding="utf-8")
    monkeypatch.setattr(speech_commands, "RECORDINGS", 6)
    return tmp_path


SMALL = {
    recognition: {"hidden_size": 8, "num_layers": 2, "accumulate": 1},
    spelling: {"hidden": 8, "speller": 8, "beam_size": 2},
}


@pytest.mark.parametrize("kind", [recognition, spelling], ids=["deepspeech2", "las"])
@pytest.mark.parametrize("name", list(AT_SCALE))
@pytest.mark.parametrize("streamed", [False, True])
def test_recipes_start_and_make_some_steps(corpora, kind, name, streamed):
    small = {k: v for k, v in SMALL[kind].items() if k != "num_layers" or "libri" in name}
    recipe = changed(kind.RECIPES[name], epochs=2, batch_size=2, **small)
    made = None
    if streamed:
        made = shards.write(recognition.corpora(recipe.speech)[0], corpora / "shards", 3)
    done = kind.run(recipe, device="cpu", progress=False, shards=made)
    parts = len(LIBRISPEECH.get(name, [0]))
    hours = (4 * parts if "libri" in name else 4) / 3600
    assert hours <= done.hours < 4 * hours
    assert len(done.history.epochs) == 2 and np.isfinite(done.history.curve("loss")).all()
    assert len(done.test.references) == (4 if "libri" in name else 1)


def test_corpora_are_the_published_sets(corpora):
    train, dev, test = recognition.corpora(recognition.RECIPES["librispeech-960"].speech)
    assert len(train) == 12 and len({row["id"] for row in train.table}) == 12
    assert {row["split"] for row in train.table} == set(LIBRISPEECH["librispeech-960"])
    assert {row["split"] for row in dev.table} == {"dev-clean"}
    assert {row["split"] for row in test.table} == {"test-clean"}
    one = train[11]
    assert one.sample_rate == 16_000 and len(one.waveform) >= 32_000
    few = changed(recognition.RECIPES["librispeech-100"], train=2).speech
    train, _, _ = recognition.corpora(few)
    assert len({row["speaker"] for row in train.table}) == 2  # from all over the corpus
    assert recognition.corpora(few, with_train=False)[0] == []


def test_training_from_shards_needs_no_training_set_beside_them(corpora, monkeypatch):
    recipe = recognition.RECIPES["librispeech-100"]
    made = shards.write(recognition.corpora(recipe.speech)[0], corpora / "shards")
    for path in (corpora / "librispeech" / "train-clean-100").rglob("*.flac"):
        path.unlink()
    data = recognition.prepare(recipe, progress=False, shards=made)
    assert len(data.train) == 4 and len(data.dev) == 4
    with pytest.raises(FileNotFoundError):
        recognition.prepare(recipe, progress=False)
    other = changed(recipe, sample_rate=8000)
    with pytest.raises(ValueError, match=r"sound at 16000 Hz, the recipe wants 8000 Hz"):
        recognition.prepare(other, progress=False, shards=made)


def test_words_of_speech_commands_are_35():
    assert len(set(speech_commands.WORDS)) == 35 == len(speech_commands.WORDS)
    assert list(speech_commands.WORDS) == sorted(speech_commands.WORDS)
    speech = recognition.RECIPES["speech-commands"].speech
    assert recognition.alphabet_of(speech).size == 36
    validation, test = 9_981, 11_005  # Warden (2018), table of the split
    assert speech.train == speech_commands.RECORDINGS - validation - test == 84_843


def test_deep_speech_2_has_the_papers_size():
    """100 million parameters on a linear spectrogram, as the paper states; 80 bands save some."""
    planes = [Layer(32, (11, 41), (2, 2)), Layer(32, (11, 21), (1, 2)), Layer(96, (11, 21), (1, 2))]
    for name in ("librispeech-100", "librispeech-960"):
        recipe = recognition.RECIPES[name]
        with torch.device("meta"):
            ours = recognition.build(recipe, recognition.alphabet_of(recipe.speech))
            paper = DeepSpeech2(161, 29, planes, "rnn", recipe.network.hidden_size, num_layers=7)
        assert training.count_parameters(paper) == pytest.approx(100e6, rel=0.005)
        assert training.count_parameters(ours) == pytest.approx(97.3e6, rel=0.001)
        assert ours.stride == 2 and len(ours.convolutions) == 3 and len(ours.recurrent) == 7
        schedule = recipe.schedule
        assert schedule.batch_size * schedule.accumulate == 512 and schedule.epochs == 20


def test_listen_attend_and_spell_has_the_papers_layers():
    """Section 4: a BLSTM, three pyramidal ones of 256 a direction, a speller of two of 512."""
    recipe = spelling.RECIPES["librispeech-960"]
    with torch.device("meta"):
        model = spelling.build(recipe, recognition.alphabet_of(recipe.speech))

    def lstm(inputs, units):
        return 4 * units * (inputs + units + 2)

    listener = 2 * (lstm(40, 256) + 3 * lstm(2 * 512, 256))
    speller = lstm(256 + 512, 512) + lstm(512, 512)
    assert training.count_parameters(model.listener.layers) == listener
    assert training.count_parameters(model.cells) == speller
    assert model.listener.stride == 8 and recipe.schedule.sampling == 0.1
    assert recipe.schedule.batch_size == 32 and recipe.search.beam_size == 32


def test_a_plan_counts_what_layers_keep():
    """From one and two items: what eight really keep, and at least all maps of the convolution."""
    recipe = changed(recognition.RECIPES["digits"], hidden_size=8, batch_size=8, augment=False)
    found = recognition.plan(recipe, 1, 1.0, steps=1, device="cpu")
    model = recognition.build(recipe, recognition.alphabet_of(recipe.speech)).train()
    eight = torch.full((8,), 100), torch.randint(1, 11, (8, 2)), torch.full((8,), 2)
    with training.kept_memory(model) as kept:
        recognition.loss_of(recipe)(model, Batch(torch.randn(8, 100, 40), *eight))
    assert found["kept_gb"] == pytest.approx(kept.total / 1e9, rel=0.05)
    assert kept.total > 8 * 4 * (100 * 40 + 2 * 16 * 25 * 20)  # before and after the activation
    assert found["memory_gb"] == pytest.approx(16 * found["parameters"] / 1e9 + found["kept_gb"])
    assert found["corpus_gb"] == pytest.approx(360_000 * 40 * 4 / 1e9)


def test_a_plan_measures_part_of_a_batch_where_it_is_slow():
    recipe = changed(recognition.RECIPES["digits"], hidden_size=8, batch_size=64)
    found = recognition.plan(recipe, 1, 1.0, steps=1, device="cpu", patience_s=0.0)
    assert found["items_measured"] == 1
    assert found["throughput"] == pytest.approx(64 / found["seconds_step"])
