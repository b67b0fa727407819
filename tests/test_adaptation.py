import numpy as np
import pytest
import torch

from course_utils import metrics
from course_utils.datasets import commands, guest
from course_utils.recipes import adaptation, pretrained, recognition
from course_utils.recipes.adaptation import Schedule, adapt

SHORT = Schedule(steps=4, look=2, batch_size=4)


@pytest.fixture(scope="module")
def ds2():
    return pretrained.load("deepspeech2-commands")


@pytest.fixture(scope="module")
def las():
    return pretrained.load("las-commands")


@pytest.fixture(scope="module")
def original():
    return commands.load("train")[:40]


def weights(recogniser):
    return {name: value.clone() for name, value in recogniser.model.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("name", ["ds2", "las"])
def test_a_new_recogniser_comes_out_and_the_old_one_is_as_it_was(name, request, original):
    recogniser = request.getfixturevalue(name)
    before = weights(recogniser)
    done = adapt(recogniser, guest.recordings("adaptation")[:6], original, SHORT, progress=False)
    assert same(before, weights(recogniser)) and not same(before, weights(done.recogniser))
    assert type(done.recogniser) is type(recogniser) and done.recogniser is not recogniser
    assert len(done.held_back) == 1 and len(done.history.epochs) == 2
    assert all(p.requires_grad for p in done.recogniser.model.parameters())
    again = adapt(recogniser, guest.recordings("adaptation")[:6], original, SHORT, progress=False)
    assert same(weights(done.recogniser), weights(again.recogniser))
    other = adapt(
        recogniser, guest.recordings("adaptation")[:6], original, SHORT, seed=1, progress=False
    )
    assert not same(weights(done.recogniser), weights(other.recogniser))


@pytest.mark.slow
def test_twenty_recordings_help_and_the_mix_keeps_the_old_test(ds2):
    test, mine = guest.recordings("test"), guest.recordings("adaptation")
    old = list(commands.load("test"))[::12]

    def wer(recogniser, utterances):
        said = [recogniser.transcribe(u.waveform, u.sample_rate) for u in utterances]
        return metrics.wer([u.text for u in utterances], said)

    train = commands.load("train")
    mixed = adapt(ds2, mine, train, progress=False).recogniser
    alone = adapt(ds2, mine, schedule=Schedule(mixed=0, held_back=0), progress=False).recogniser
    assert wer(ds2, test) > 0.6 and wer(mixed, test) < 0.45
    assert wer(ds2, old) < wer(alone, old)
    assert wer(mixed, old) < wer(alone, old)


def test_only_the_named_parts_learn(ds2, original):
    before = weights(ds2)
    recordings = guest.recordings("adaptation")[:4]
    done = adapt(ds2, recordings, original, SHORT, parts=["convolutions"], progress=False)
    changed = {
        name for name, w in weights(done.recogniser).items() if not torch.equal(w, before[name])
    }
    learned = {name for name, _ in done.recogniser.model.named_parameters() if name in changed}
    assert learned and all(name.startswith("convolutions") for name in learned)
    for parts, message in (
        (["conv0"], "no parameter is of 'conv0'; the parts are convolutions"),
        ([], "parts is empty"),
        ("output", r"\['output'\]"),
    ):
        with pytest.raises(ValueError, match=message):
            adapt(ds2, recordings, original, SHORT, parts=parts, progress=False)


def test_batches_hold_the_share_and_each_recording_comes_as_often(ds2, original):
    recordings = guest.recordings("adaptation")[:5]
    mine = adaptation._examples(recordings, ds2, "recording")
    theirs = adaptation._examples(list(original), ds2, "original")
    batches = adaptation._Mixed(mine, theirs, Schedule(look=5, batch_size=4, mixed=0.25), seed=3)
    seen = [batch.ids for batch in batches]
    assert len(seen) == len(batches) == 5
    counts = [sum(name.startswith("recording") for name in ids) for ids in seen]
    assert counts == [3] * 5
    names = [name for ids in seen for name in ids if name.startswith("recording")]
    assert {names.count(name) for name in names} == {3}
    assert [batch.ids for batch in batches] == seen
    batches.set_epoch(1)
    assert [batch.ids for batch in batches] != seen
    alone = adaptation._Mixed(mine, None, Schedule(look=1, mixed=0), seed=3)
    assert all(name.startswith("recording") for name in next(iter(alone)).ids)


def test_it_stops_when_what_is_held_back_gets_no_better(ds2, original):
    hasty = Schedule(steps=20, look=1, batch_size=2, mixed=0.0, rate=50.0, patience=2)
    before = weights(ds2)
    done = adapt(ds2, guest.recordings("adaptation")[:3], (), hasty, progress=False)
    losses = done.history.curve("dev_loss")
    assert len(losses) == 3 + int(losses.argmin()) < 20
    assert same(before, weights(ds2))


def test_what_is_held_back_is_judged_as_it_was_recorded(ds2, original):
    # Varied as in training, it would be another sound at each look, and the best look a fluke.
    schedule = Schedule(steps=4, look=2, batch_size=4, augment=0.999)
    recordings = guest.recordings("adaptation")[:6]
    done = adapt(ds2, recordings, original, schedule, progress=False)
    kept = [one for one in recordings if one.id in done.held_back]
    examples = adaptation._examples(kept, ds2, "recording")
    plain = recognition.loss_of(recognition.changed(ds2.recipe, augment=0.0))
    with torch.no_grad():
        loss = plain(done.recogniser.model, examples.collate([examples[0]]))
    assert float(loss) == pytest.approx(done.history.curve("dev_loss").min(), rel=1e-5)


def test_nothing_pulls_the_weights_towards_zero(ds2, original, monkeypatch):
    # They are to stay near what they were, which is not 0.
    made = []
    fit = adaptation.training.fit
    monkeypatch.setattr(
        adaptation.training,
        "fit",
        lambda *given, **more: (made.append(given[4]), fit(*given, **more))[1],
    )
    adapt(ds2, guest.recordings("adaptation")[:3], original, SHORT, progress=False)
    assert {group["weight_decay"] for one in made for group in one.param_groups} == {0.0}


def test_what_cannot_be_learned_is_refused(ds2, las, original):
    one, two = guest.recordings("adaptation")[:2]
    with pytest.raises(ValueError, match="no recordings to learn from"):
        adapt(ds2, [], original)
    with pytest.raises(ValueError, match="nothing to mix in: give original utterances, or mixed=0"):
        adapt(ds2, [one])
    with pytest.raises(ValueError, match=f"recording {one.id}: not in the alphabet: .'5'"):
        adapt(ds2, [one._replace(text="call 5"), two], original)
    with pytest.raises(ValueError, match=f"recording {two.id}: not in the alphabet: .'hello'"):
        adapt(las, [one, two._replace(text="hello")], original)
    with pytest.raises(ValueError, match=f"recording {one.id}: .*made for 8000 Hz.*16000"):
        adapt(ds2, [one._replace(sample_rate=16_000), two], original)
    with pytest.raises(ValueError, match="silent"):
        adapt(ds2, [one._replace(waveform=np.zeros(8000, np.float32)), two], original)
    with pytest.raises(ValueError, match="no text"):
        adapt(ds2, [one._replace(text=""), two], original)
    for wrong in ({"mixed": 1.0}, {"held_back": -0.1}, {"steps": 0}, {"batch_size": 1}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
            Schedule(**wrong)
