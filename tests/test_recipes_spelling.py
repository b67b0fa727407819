import csv
import json

import numpy as np
import pytest
import torch

from course_utils import decoding, training
from course_utils.datasets import familiar, fsdd
from course_utils.datasets.batching import Batch, Examples
from course_utils.recipes import pretrained, recognition, spelling
from course_utils.recipes.frames import level
from course_utils.recipes.recognition import changed
from course_utils.recipes.spelling import RECIPES, Speller

RATE = 8000
TINY = changed(
    RECIPES["digits"],
    train=24,
    dev=6,
    test=8,
    shortest=2,
    sortagrad=False,
    hidden=8,
    speller=8,
    epochs=2,
    batch_size=8,
)


def noise(samples, seed=0):
    return np.random.default_rng(seed).normal(size=samples).astype(np.float32)


@pytest.fixture(scope="module")
def data():
    return recognition.prepare(TINY, progress=False)


@pytest.fixture(scope="module")
def done(data):
    """Trained long enough to write something."""
    recipe = changed(TINY, epochs=12, rate=0.01, augment=False, ctc_weight=0.0, sampling=0.0)
    return spelling.run(recipe, data=data, device="cpu", progress=False)


def speller(recipe=TINY):
    alphabet = recognition.Alphabet(["one", "two"], separator=" ")
    return Speller(spelling.build(recipe, alphabet), alphabet, recipe)


def test_a_run_leaves_everything_in_its_folder_and_comes_back(tmp_path, data):
    recipe = changed(TINY, ctc_weight=0.3, sampling=0.1, label_smoothing=0.1, beam_size=2)
    done = spelling.run(recipe, tmp_path / "run", data=data, device="cpu", progress=False)
    assert len(done.history.epochs) == 2 and done.throughput > 0 and "2 epochs" in repr(done)
    assert len(done.test.references) == 8 and len(done.speakers) == 8
    lines = (tmp_path / "run" / "log.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "epoch,loss,gradient_norm,seconds,dev_cer,dev_wer" and len(lines) == 3
    with (tmp_path / "run" / "transcripts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["hypothesis"] for row in rows[6:]] == done.test.hypotheses
    again = spelling.load(tmp_path / "run")
    assert again.recipe == recipe and again.alphabet.symbols == data.alphabet.symbols
    clip = familiar.clips()["digits"]
    one, other = (
        speller.look(clip.waveform, RATE, clip.text) for speller in (again, done.recogniser)
    )
    np.testing.assert_array_equal(one.attention, other.attention)
    np.testing.assert_array_equal(one.probabilities, other.probabilities)


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path, data, monkeypatch):
    """Augmentation, gaps, dropout, and tokens of its own included."""
    recipe = changed(TINY, augment=True, time_masks=1, dropout=0.1, sampling=0.3, sortagrad=True)
    options = {"data": data, "device": "cpu", "progress": False, "seed": 3}
    whole = spelling.run(recipe, **options)
    fit, steps = training.fit, []

    def stopping(model, batches, loss, *args, **kwargs):
        def stopped(model, batch):
            steps.append(1)
            if len(steps) == 5:
                raise KeyboardInterrupt
            return loss(model, batch)

        return fit(model, batches, stopped, *args, **kwargs | {"checkpoint_every": 1})

    monkeypatch.setattr(training, "fit", stopping)
    with pytest.raises(KeyboardInterrupt):
        spelling.run(recipe, tmp_path, **options)
    done = spelling.run(recipe, tmp_path, **options)
    assert len(steps) == 5 + 2  # three steps an epoch: the fifth was not done
    for one, other in zip(
        done.recogniser.model.state_dict().values(),
        whole.recogniser.model.state_dict().values(),
        strict=True,
    ):
        assert torch.equal(one, other)
    assert done.test == whole.test


def test_folders_of_other_recipes_are_refused_and_left_alone(tmp_path, data):
    spelling.run(TINY, tmp_path, data=data, device="cpu", progress=False)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    options = {"data": data, "device": "cpu", "progress": False}
    with pytest.raises(ValueError, match=r"network.speller is 8 there, 9 here"):
        spelling.run(changed(TINY, speller=9), tmp_path, **options)
    with pytest.raises(ValueError, match="holds a run of another recipe"):
        recognition.run(recognition.RECIPES["digits"], tmp_path, **options)
    with pytest.raises(ValueError, match="this is no recipe of Deep Speech 2"):
        recognition.load(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    path = tmp_path / "recipe.json"
    saved = json.loads(path.read_text())
    saved["recipe"]["network"]["speller"] = 12
    path.write_text(json.dumps(saved))
    with pytest.raises(ValueError, match=r"checkpoint.pt is not the checkpoint of .*size mismatch"):
        spelling.load(tmp_path)


def test_recipes_survive_json_and_others_are_named():
    for recipe in RECIPES.values():
        parts = json.loads(json.dumps(spelling.asdict(recipe)))
        assert spelling.recipe_of(parts) == recipe
    other = spelling.asdict(recognition.RECIPES["digits"])
    with pytest.raises(ValueError, match="this is no recipe of a speller"):
        spelling.recipe_of(other)


@pytest.mark.parametrize("name", ["digits", "fsdd", "commands"])
def test_recipes_fit_their_corpus(name):
    recipe = changed(RECIPES[name], train=10, dev=2, test=2)
    if recipe.speech.corpus == "fsdd" and not fsdd.available():
        pytest.skip("FSDD is not on this machine")
    if recipe.speech.corpus == "commands":
        recipe = changed(recipe, corpus="digits")
    data = recognition.prepare(recipe, progress=False)
    model = spelling.build(recipe, data.alphabet)
    batch = data.train.collate([data.train[i] for i in range(4)])
    loss = spelling.loss_of(recipe)(model, batch)
    loss.backward()
    assert 1 < loss < 10 and all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize(
    ("waveform", "rate", "message"),
    [
        (noise(8000), 16_000, "made for 8000 Hz, the waveform has 16000 Hz: audio.resample"),
        (noise(199), RATE, r"at least 200 of them \(25 ms at 8000 Hz\), got shape \(199,\)"),
        (np.zeros((8000, 2), np.float32), RATE, r"got shape \(8000, 2\)"),
        (np.full(8000, 0.2, np.float32), RATE, "the waveform is silent"),
        (np.append(noise(8000), np.nan), RATE, "NaN or infinity"),
        (noise(61 * RATE), RATE, "61 s in one piece are too long, the limit is 60 s"),
    ],
)
def test_sound_that_cannot_be_written_down(waveform, rate, message):
    for ask in (speller().transcribe, speller().look):
        with pytest.raises(ValueError, match=message):
            ask(waveform, rate)


def test_another_rate_is_resampled_on_request_and_25_ms_are_enough():
    model = speller()
    assert model.transcribe(noise(16_000), 16_000, resample=True) is not None
    assert model.look(noise(200), RATE).attention.shape[1] == 1
    rows = model.look(noise(RATE), RATE).attention.shape[1]
    assert rows == 13 and model.frame_s == pytest.approx(0.08)  # 101 frames, centred


def test_a_look_is_what_the_search_wrote_and_how_sure_it_was(done, data):
    known = done.recogniser
    clip = familiar.clips()["digits"]
    look = known.look(clip.waveform, RATE)
    assert look.text == known.transcribe(clip.waveform, RATE) != ""
    assert look.tokens == [*look.text.split(), "END"]
    c = recognition.heard(clip.waveform, RATE, known.recipe.sound)
    score = decoding.attention_greedy(known.model, c)[0].score
    assert np.log(look.probabilities).sum() == pytest.approx(score, rel=1e-4)
    np.testing.assert_allclose(look.attention.sum(axis=1), 1, rtol=1e-4)
    assert look.distribution.shape == (len(look.tokens), known.alphabet.size)
    np.testing.assert_allclose(look.distribution.sum(axis=1), 1, rtol=1e-4)
    numbers = [*known.alphabet.encode(look.text), 0]
    own = look.distribution[np.arange(len(numbers)), numbers]
    np.testing.assert_array_equal(own, look.probabilities)
    assert look.attention.shape[1] * known.frame_s == pytest.approx(
        len(clip.waveform) / RATE, abs=0.1
    )


def test_a_look_at_a_text_that_is_told(done):
    clip = familiar.clips()["digits"]
    look = done.recogniser.look(clip.waveform, RATE, clip.text)
    assert look.text == clip.text and look.tokens == [*clip.text.split(), "END"]
    assert look.attention.shape[0] == look.probabilities.shape[0] == len(look.tokens)
    with pytest.raises(ValueError, match="not in the alphabet: \\['eleven'\\]"):
        done.recogniser.look(clip.waveform, RATE, "eleven")


def test_the_search_is_the_recipes_unless_another_is_asked_for(done, data):
    model, alphabet, recipe = done.recogniser.model, data.alphabet, done.recogniser.recipe
    clip = familiar.clips()["digits"]
    wide = Speller(model, alphabet, changed(recipe, beam_size=6, length_normalisation=1.0))
    asked = done.recogniser.look(clip.waveform, RATE, beam_size=6, length_normalisation=1.0)
    assert wide.look(clip.waveform, RATE).tokens == asked.tokens
    assert wide.transcribe(clip.waveform, RATE, beam_size=1) == done.recogniser.transcribe(
        clip.waveform, RATE
    )


def test_written_in_batches_as_one_by_one(done, data):
    batches = recognition.Levelled(data.test, TINY.sound)
    single = recognition.Levelled(data.test, TINY.sound, batch_size=1)
    for search in ({}, {"beam_size": 3, "length_normalisation": 1.0}):
        write = spelling.write(done.recogniser.recipe, **search)
        together = write(done.recogniser.model, batches, data.alphabet)
        assert together == write(done.recogniser.model, single, data.alphabet)
    assert done.test == spelling.write(TINY)(done.recogniser.model, batches, data.alphabet)


def test_gaps_are_short_inside_and_zero():
    frames, lengths = torch.ones(200, 40, 3), torch.arange(1, 201).clamp(max=40)
    torch.manual_seed(0)
    gapped = spelling.with_gap(frames, lengths)
    outside = (gapped == 0).all(dim=-1)
    assert ((gapped == 0).any(dim=-1) == outside).all()
    widths = outside.sum(dim=1)
    assert (widths <= 0.1 * lengths).all() and widths.max() >= 3
    assert all(not row[n:].any() for row, n in zip(outside, lengths, strict=True))
    assert outside[40:].any(dim=0).all()


def test_what_errors_cost_afterwards():
    """A speller that goes astray after its own error, and not after what it is told."""
    alphabet = recognition.Alphabet("abcd")

    class Model(torch.nn.Module):
        """Writes its reference, abcd, but c in place of b, and then only c."""

        def forward(self, features, lengths, targets):
            logits = torch.zeros(len(targets), targets.shape[1] + 1, 5)
            for u, token in enumerate((1, 3, 3, 4, 0)):
                logits[:, u, token] = 5.0
            return spelling_of(logits)

    def spelling_of(logits):
        from course_utils.models.las import Spelling

        return Spelling(logits, logits, None, torch.tensor([4]))

    features = Examples([np.ones((30, 40), np.float32)], [[1, 2, 3, 4]])
    model = Speller(Model(), alphabet, TINY)
    with pytest.MonkeyPatch.context() as patch:
        found = decoding.Hypothesis([1, 3, 3, 3], 0.0)
        patch.setattr(decoding, "attention_greedy", lambda *_: [found])
        exposure = spelling.exposure(model, features)
        assert exposure.places == 3  # c, d, END
        assert exposure.told == 1 and exposure.own == pytest.approx(2 / 3)  # c and END
        assert exposure.before == 0.5
        patch.setattr(
            decoding, "attention_greedy", lambda *_: [decoding.Hypothesis([1, 2, 3, 4], 0)]
        )
        assert np.isnan(spelling.exposure(model, features).told)


def test_a_speller_is_stored_and_loaded_by_name(tmp_path, done):
    name = "las-commands"
    pretrained.save(name, done.recogniser, 0, {"test_wer": 1.0}, "made by hand", tmp_path)
    again = pretrained.load(name, tmp_path)
    clip = familiar.clips()["digits"]
    assert isinstance(again, Speller) and again.recipe == done.recogniser.recipe
    look, other = (known.look(clip.waveform, RATE, clip.text) for known in (again, done.recogniser))
    np.testing.assert_allclose(look.probabilities, other.probabilities, rtol=1e-2, atol=1e-3)


def test_a_training_is_planned():
    found = spelling.plan(TINY, hours=2.0)
    assert found["parameters"] > 1000 and found["throughput"] > 0
    assert found["steps_epoch"] == 2 * 3600 / (8 * 10)


def test_augmentation_and_gaps_come_from_torchs_seed(data):
    recipe = changed(TINY, augment=True, time_masks=2)
    model = spelling.build(recipe, data.alphabet)
    batch = data.train.collate([data.train[i] for i in range(4)])
    losses = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        losses.append(spelling.loss_of(recipe)(model, batch).item())
    assert losses[0] == losses[1] != losses[2]
    plain = changed(recipe, augment=False, time_masks=0)
    seen = batch._replace(features=level(batch.features, batch.lengths, recipe.sound))
    model.eval()
    with torch.no_grad():
        expected = training.spelling_loss(
            model, seen, plain.schedule.label_smoothing, 0.0, plain.schedule.ctc_weight
        )
        found = spelling.loss_of(changed(plain, sampling=0.0))(model, batch)
    torch.testing.assert_close(found, expected)
    assert isinstance(batch, Batch)


@pytest.mark.slow
def test_a_speller_learns_connected_digits():
    """In a minute or two, on voices that it has not heard: a third of the words at most wrong."""
    done = spelling.run(RECIPES["digits"], device="cpu", progress=False)
    assert done.test.wer < 0.35
    assert done.history.curve("loss")[-1] < done.history.curve("loss")[0] / 3
