import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import training
from course_utils.datasets import batching
from course_utils.datasets.text import Alphabet
from tests import training_child
from tests.training_child import Small, parts, train

ROOT = Path(__file__).parents[1]


def in_a_process(*arguments):
    """Run the training in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tests.training_child", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def child(*arguments):
    """Its return code."""
    done = in_a_process(*arguments)
    assert done.returncode in (0, -9), done.stderr
    return done.returncode


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@pytest.fixture(scope="module")
def uninterrupted():
    """Weights and curves of a training that nobody stopped, made in this process."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model, history = train(None)
    yield model.state_dict(), history
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
@pytest.mark.parametrize("how", [("save", 4), ("save", 6), ("save", 1), ("step", 9)])
def test_killed_and_resumed_is_never_killed_bit_for_bit(tmp_path, how, uninterrupted):
    checkpoint, weights = tmp_path / "run.pt", tmp_path / "weights.pt"
    assert child(checkpoint, weights, *how) == -9
    assert not weights.exists()
    if how == ("save", 1):
        assert not checkpoint.exists()  # half of the first one is no checkpoint
    else:
        training.load_checkpoint(checkpoint)  # the one before is whole
    assert child(checkpoint, weights, "whole") == 0
    assert same(torch.load(weights, weights_only=True), uninterrupted[0])


def test_resuming_after_each_batch_gives_the_same_weights_and_curves(tmp_path, uninterrupted):
    """Stopped after every single batch, in one process."""

    class Stop(Exception):
        pass

    path = tmp_path / "run.pt"
    stops = 0
    while True:
        model, batches, optimizer, scheduler = parts()
        done = 0

        def loss(model, batch):
            nonlocal done
            if done == 1:
                raise Stop
            done += 1
            return training.classification_loss(model, batch)

        try:
            history = training.fit(
                model,
                batches,
                loss,
                training_child.EPOCHS,
                optimizer,
                scheduler=scheduler,
                validate=training.validation(batching.loader(batches.dataset, 16)),
                clip_norm=1.0,
                seed=5,
                device="cpu",
                checkpoint=path,
                checkpoint_every=1,
                progress=False,
            )
        except Stop:
            stops += 1
            continue
        break
    assert stops == training_child.EPOCHS * 5 - 1
    assert same(model.state_dict(), uninterrupted[0])
    for name in ("loss", "gradient_norm", "dev_loss", "dev_accuracy"):
        np.testing.assert_array_equal(history.curve(name), uninterrupted[1].curve(name))


def test_generators_of_python_and_numpy_resume_too(tmp_path):
    """Augmentations may draw from any of the three."""
    import random

    def draws(stop_after):
        model, batches, optimizer, _ = parts()
        seen = []

        def loss(model, batch):
            if len(seen) == stop_after:
                raise KeyboardInterrupt
            seen.append((torch.rand(1).item(), random.random(), np.random.rand()))  # noqa: NPY002
            return training.classification_loss(model, batch)

        path = tmp_path / "draws.pt" if stop_after is not None else None
        options = {"checkpoint": path, "checkpoint_every": 1, "progress": False, "device": "cpu"}
        try:
            training.fit(model, batches, loss, 2, optimizer, **options)
        except KeyboardInterrupt:
            return seen
        return seen

    whole = draws(None)
    first = draws(3)
    assert first + draws(99) == whole


def test_a_finished_training_is_not_trained_again(tmp_path, uninterrupted):
    train(tmp_path / "run.pt")
    before = (tmp_path / "run.pt").read_bytes()
    model, history = train(tmp_path / "run.pt")
    assert same(model.state_dict(), uninterrupted[0]) and len(history.epochs) == 3
    assert (tmp_path / "run.pt").read_bytes() == before


def test_checkpoints_hold_data_only_and_everything(tmp_path):
    train(tmp_path / "run.pt")
    saved = torch.load(tmp_path / "run.pt", weights_only=True)
    assert saved["epoch"] == 3 and saved["position"] == 0 and saved["format"] == 1
    assert {"model", "optimizer", "scheduler", "rng", "history", "best"} <= saved.keys()
    assert not list(tmp_path.glob("*.part"))


def other_model():
    return nn.Sequential(nn.Linear(4, 3))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_checkpoint_cut_short_is_named_and_kept(tmp_path, share):
    path = tmp_path / "run.pt"
    train(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    cut = path.read_bytes()
    with pytest.raises(ValueError, match=r"run\.pt is damaged, cut short") as error:
        train(path)
    assert "Delete it to begin anew" in str(error.value)
    assert path.read_bytes() == cut


def test_a_changed_byte_in_the_weights_is_found(tmp_path):
    path = tmp_path / "run.pt"
    train(path)
    data = bytearray(path.read_bytes())
    weight = training.load_checkpoint(path)["model"]["layers.0.weight"].numpy().tobytes()
    data[data.index(weight) + 5] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ValueError, match="wrong checksum"):
        training.load_checkpoint(path)


@pytest.mark.parametrize("content", [b"hello", b"\x80\x04.", b"PK\x03\x04" + bytes(100)])
def test_files_that_are_no_checkpoint(tmp_path, content):
    path = tmp_path / "run.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"run\.pt is damaged|run\.pt is a torch file"):
        training.load_checkpoint(path)


def test_other_torch_files_and_formats(tmp_path):
    path = tmp_path / "run.pt"
    torch.save({"weights": torch.ones(2)}, path)
    with pytest.raises(ValueError, match="no checkpoint of training"):
        training.load_checkpoint(path)
    torch.save({"format": 99, "model": {}, "history": [], "rng": {}}, path)
    with pytest.raises(ValueError, match="has format 99, this version reads 1"):
        training.load_checkpoint(path)
    torch.save({"code": Small()}, path)
    with pytest.raises(ValueError, match="damaged"):
        training.load_checkpoint(path)
    with pytest.raises(FileNotFoundError):
        training.load_checkpoint(tmp_path / "missing.pt")


def test_a_checkpoint_of_something_else_is_refused_and_kept(tmp_path):
    path = tmp_path / "run.pt"
    train(path)
    before = path.read_bytes()
    model, batches, optimizer, scheduler = parts()
    loss = training.classification_loss
    settings = {"checkpoint": path, "progress": False, "device": "cpu"}

    class Wide(Small):
        def __init__(self):
            super().__init__()
            self.layers[4] = nn.Linear(16, 4)

    cases = [
        ("another model: it has no 0.weight", {"model": other_model()}),
        (
            r"another model: its layers.4.weight is \(3, 16\), the model's \(4, 16\)",
            {"model": Wide()},
        ),
        ("with seed 5, not 6", {"seed": 6}),
        ("with a scheduler", {"scheduler": None}),
        ("another optimizer", {"optimizer": torch.optim.SGD(model.parameters(), lr=1)}),
        ("5 batches an epoch, now there are 10", {"batches": batching.loader(batches.dataset, 4)}),
    ]
    for message, change in cases:
        arguments = {
            "model": model,
            "batches": batches,
            "optimizer": optimizer,
            "scheduler": scheduler,
            "seed": 5,
        } | change
        if "model" in change:
            arguments |= {"optimizer": None, "scheduler": None}
        weights = {k: v.clone() for k, v in arguments["model"].state_dict().items()}
        with pytest.raises(ValueError, match=message):
            training.fit(**arguments, loss=loss, epochs=3, **settings)
        assert path.read_bytes() == before
        assert same(arguments["model"].state_dict(), weights)


def test_a_full_disk_does_not_stop_the_training(tmp_path, monkeypatch, uninterrupted):
    def full(state, file):
        file.write(b"some of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.warns(UserWarning, match=r"run\.pt could not be written .*No space"):
        model, _ = train(tmp_path / "run.pt")
    assert same(model.state_dict(), uninterrupted[0])
    assert list(tmp_path.iterdir()) == []


def test_the_checkpoint_before_survives_a_full_disk(tmp_path, uninterrupted):
    """A limit of the system on the size of files, from the ninth checkpoint on."""
    path, weights = tmp_path / "run.pt", tmp_path / "weights.pt"
    done = in_a_process(path, weights, "full", 9)
    assert done.returncode == 0, done.stderr
    assert "the one before is still there, and training goes on. Make room on that" in done.stderr
    saved = training.load_checkpoint(path)
    assert (saved["epoch"], saved["position"]) == (
        1,
        2,
    )  # six files in an epoch of five steps
    assert same(torch.load(weights, weights_only=True), uninterrupted[0])
    assert same(train(path)[0].state_dict(), uninterrupted[0])  # it goes on from the old one


def small_fit(model, batches, **options):
    settings = {"loss": training.classification_loss, "epochs": 2, "device": "cpu"}
    return training.fit(model, batches, **settings | {"progress": False} | options)


def test_an_item_with_nan_is_named_before_it_reaches_the_weights():
    model, batches, *_ = parts()
    batches.dataset.features[7][2] = float("nan")
    batches.dataset.ids[7] = "theo_7.wav"
    seen = []

    def loss(model, batch):
        seen.append(batch)
        return training.classification_loss(model, batch)

    with pytest.raises(ValueError, match=r"epoch 1, batch \d: the features of theo_7.wav hold NaN"):
        small_fit(model, batches, loss=loss)
    assert all(torch.isfinite(batch.features).all() for batch in seen)
    assert all(torch.isfinite(p).all() for p in model.parameters())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda value: value * float("inf"), "the loss is inf"),
        (lambda value: value - value + float("nan"), "the loss is nan"),
        (lambda value: value + torch.sqrt(value - value.detach()), "the gradient is not finite"),
    ],
)
def test_a_loss_that_is_not_finite_stops_before_the_step(wrong, message):
    model, batches, *_ = parts()
    before = {k: v.clone() for k, v in model.named_parameters()}

    def loss(model, batch):
        return wrong(training.classification_loss(model, batch))

    with pytest.raises(FloatingPointError, match=f"epoch 1, batch 1: {message}"):
        small_fit(model, batches, loss=loss)
    assert same(before, dict(model.named_parameters()))


def test_bad_input_is_named():
    model, batches, *_ = parts()
    with pytest.raises(ValueError, match="there are no batches"):
        small_fit(model, [])
    with pytest.raises(ValueError, match="there are no batches"):
        small_fit(model, (batch for batch in batches))  # gives its batches once
    with pytest.raises(ValueError, match="patience waits"):
        small_fit(model, batches, patience=2)
    with pytest.raises(ValueError, match="one number"):
        small_fit(model, batches, loss=lambda model, batch: model(batch.features))
    for epochs in (0, -1, 1.5):
        with pytest.raises(ValueError, match="epochs must be"):
            small_fit(model, batches, epochs=epochs)
    one_class = batching.Examples(np.ones((4, 4)), [1, 1, 1, 1])
    with pytest.raises(ValueError, match="one class only"):
        small_fit(model, batching.loader(one_class, 2))
    out_of_range = batching.Examples(np.ones((2, 4)), [0, 3], ids=["a", "b"])
    with pytest.raises(ValueError, match="b: label 3 is out of range, the model has 3 classes"):
        small_fit(model, batching.loader(out_of_range, 2))


class Line(nn.Module):
    """Ignores its input: one number, for losses that are chosen by a test."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1))


def follow(losses, patience):
    """Train while validation gives these numbers; the weight counts the epochs."""
    model = Line()
    batch = batching.Batch(torch.zeros(1, 1), torch.ones(1), torch.zeros(1))
    history = training.fit(
        model,
        [batch],
        lambda model, batch: -model.w.sum(),
        len(losses),
        torch.optim.SGD(model.parameters(), lr=1.0),
        validate=lambda model: {"loss": losses[round(model.w.item()) - 1], "accuracy": 0.5},
        patience=patience,
        device="cpu",
        progress=False,
    )
    return model.w.item(), history


def test_early_stop_goes_back_to_the_best_weights():
    weight, history = follow([3.0, 2.0, 2.5, 2.4, 1.0], patience=2)
    assert len(history.epochs) == 4 and history.best == 1 and weight == 2
    assert history.watched == "dev_loss"
    weight, history = follow([3.0, 2.0, 2.5, 2.4, 1.0], patience=3)
    assert len(history.epochs) == 5 and history.best == 4 and weight == 5
    weight, history = follow([float("nan"), 2.0, 2.5, 2.4, 3.0], patience=2)
    assert history.best == 1 and weight == 2
    weight, history = follow([3.0, 2.0, 2.5], patience=None)
    assert weight == 3 and history.best == 1  # without patience, the last weights stay


def test_clipping_shortens_the_gradient_and_says_how_long_it_was():
    for clip_norm, step in ((None, 50.0), (2.0, 2.0), (99.0, 50.0)):
        model = Line()
        batch = batching.Batch(torch.zeros(1, 1), torch.ones(1), torch.zeros(1))
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        loss = lambda model, batch: -50 * model.w.sum()  # noqa: E731
        history = training.fit(
            model, [batch], loss, 1, optimizer, clip_norm=clip_norm, device="cpu", progress=False
        )
        assert model.w.item() == pytest.approx(step)
        assert history.curve("gradient_norm") == pytest.approx([50.0])


def test_learning_is_learning():
    model, batches, *_ = parts()
    history = small_fit(
        model,
        batches,
        epochs=60,
        optimizer=torch.optim.AdamW(model.parameters(), lr=1e-2),
        validate=training.validation(batching.loader(batches.dataset, 16)),
    )
    assert history.curve("dev_accuracy")[-1] > 0.9 > history.curve("dev_accuracy")[0]
    assert history.curve("loss")[-1] < 0.5 * history.curve("loss")[0]
    assert history.seconds > 0 and "60 epochs" in repr(history)
    with pytest.raises(KeyError, match="'wer' was not measured, but: loss"):
        history.curve("wer")


def test_the_seed_decides_and_another_one_decides_otherwise():
    def weights(seed):
        model, batches, *_ = parts()
        small_fit(model, batches, seed=seed)
        return model.state_dict()

    assert same(weights(1), weights(1))
    assert not same(weights(1), weights(2))


def test_classify_keeps_the_order_and_the_mode():
    model, batches, *_ = parts()
    examples = batches.dataset
    model.train()
    predictions, targets, probabilities = training.classify(model, batching.loader(examples, 7))
    assert model.training
    assert targets.tolist() == [int(t) for t in examples.targets]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    model.eval()
    with torch.no_grad():
        alone = [model(item[None])[0].argmax().item() for item in examples.features]
    assert predictions.tolist() == alone


def test_validation_is_the_mean_over_items_not_over_batches():
    model, batches, *_ = parts()
    one = training.validation(batching.loader(batches.dataset, 40))(model)
    some = training.validation(batching.loader(batches.dataset, 7))(model)
    assert one == pytest.approx(some)
    logits = model.eval()(torch.stack(batches.dataset.features))
    targets = torch.tensor([int(t) for t in batches.dataset.targets])
    expected = nn.functional.cross_entropy(logits, targets).item()
    assert one["loss"] == pytest.approx(expected, rel=1e-5)


def test_the_bar_counts_batches(capsys):
    model, batches, *_ = parts()
    small_fit(model, batches, progress=True)
    assert "10/10" in capsys.readouterr().err


def test_parameters_are_counted_where_they_learn():
    model = other_model()
    assert training.count_parameters(model) == 15
    model[0].bias.requires_grad_(False)
    assert training.count_parameters(model) == 12


def test_the_model_comes_home_in_evaluation_mode():
    model, batches, *_ = parts()
    small_fit(model, batches)
    assert not model.training and next(model.parameters()).device.type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_is_used_and_left(tmp_path):
    for epochs in (1, 2):  # the second call resumes, the optimizer's state on the GPU
        model, batches, *_ = parts()
        path = tmp_path / "gpu.pt"
        small_fit(model, batches, epochs=epochs, device="cuda", checkpoint=path)
        assert next(model.parameters()).device.type == "cpu"


def test_device_is_the_gpu_where_there_is_one():
    assert training.choose_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_copies_of_a_checkpoint_are_checkpoints(tmp_path):
    train(tmp_path / "run.pt")
    shutil.copy(tmp_path / "run.pt", tmp_path / "copy.pt")
    assert training.load_checkpoint(tmp_path / "copy.pt")["epoch"] == 3


class Wide(nn.Module):
    """No batch statistics: what a batch gives is the mean of what its items give."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)).double()

    def forward(self, features, lengths=None):
        return self.layers(features.double())


@pytest.mark.parametrize(("size", "accumulate"), [(4, 2), (2, 4), (8, 1), (3, 3)])
def test_accumulated_batches_step_like_one_large_batch(size, accumulate):
    """Also where the last step of an epoch has fewer batches, or the last batch fewer items."""
    _, batches, *_ = parts()
    steps = []

    def weights(size, accumulate):
        model = Wide()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
        scheduler = training.warm_up_cosine(optimizer, 99)
        history = small_fit(
            model,
            batching.loader(batches.dataset, size),
            optimizer=optimizer,
            scheduler=scheduler,
            accumulate=accumulate,
        )
        steps.append(scheduler.last_epoch)
        return torch.cat([p.flatten() for p in model.parameters()]), history.curve("loss")

    one, losses = weights(size * accumulate, 1)
    other, others = weights(size, accumulate)
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    assert steps[0] == steps[1]
    assert losses == pytest.approx(others, rel=0.2)


def test_an_accumulated_training_resumes_in_the_middle_of_an_epoch(tmp_path):
    def run(path, stop_after):
        model, batches, optimizer, scheduler = parts()
        done = 0

        def loss(model, batch):
            nonlocal done
            done += 1
            if done > stop_after:
                raise KeyboardInterrupt
            return training.classification_loss(model, batch)

        try:
            small_fit(
                model,
                batches,
                loss=loss,
                optimizer=optimizer,
                scheduler=scheduler,
                accumulate=2,
                checkpoint=path,
                checkpoint_every=1,
            )
        except KeyboardInterrupt:
            return None
        return model.state_dict()

    path = tmp_path / "run.pt"
    for stop_after, place in ((3, (0, 2)), (4, (1, 0)), (3, (1, 2))):
        assert run(path, stop_after) is None
        saved = training.load_checkpoint(path)
        assert (saved["epoch"], saved["position"]) == place
    assert same(run(path, 99), run(None, 99))
    with pytest.raises(ValueError, match="with accumulate=2, not 1"):
        small_fit(*parts()[:2], optimizer=parts()[2], scheduler=parts()[3], checkpoint=path)


@pytest.mark.parametrize("accumulate", [0, -1, 1.5])
def test_accumulate_is_a_number_of_batches(accumulate):
    model, batches, *_ = parts()
    with pytest.raises(ValueError, match="accumulate must be a whole number of at least 1"):
        small_fit(model, batches, accumulate=accumulate)


def test_mixed_precision_learns_about_the_same():
    curves = []
    for mixed_precision in (False, True):
        model, batches, *_ = parts()
        seen = []

        def loss(model, batch, seen=seen):
            value = training.classification_loss(model, batch)
            seen.append(model(batch.features).dtype)
            return value

        history = small_fit(model, batches, loss=loss, mixed_precision=mixed_precision, epochs=4)
        assert set(seen) == {torch.bfloat16 if mixed_precision else torch.float32}
        assert {p.dtype for p in model.parameters()} == {torch.float32}
        curves.append(history.curve("loss"))
    np.testing.assert_allclose(*curves, rtol=0.05)
    assert not np.array_equal(*curves)


def test_the_rate_rises_in_a_line_and_falls_along_a_cosine():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2.0)
    scheduler = training.warm_up_cosine(optimizer, 20, warm_up=0.2)
    rates = []
    for _ in range(20):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates[:5] == pytest.approx([0.5, 1.0, 1.5, 2.0, 2.0])
    assert rates[12] == pytest.approx(1.0)
    assert (np.diff(rates[4:]) < 0).all() and optimizer.param_groups[0]["lr"] == 0
    optimizer.step()
    scheduler.step()  # a step too many does not go up again
    assert optimizer.param_groups[0]["lr"] == 0
    for steps, warm_up in ((0, 0.1), (5, 1.5)):
        with pytest.raises(ValueError, match="steps must be a whole number"):
            training.warm_up_cosine(optimizer, steps, warm_up)


def test_the_log_is_a_table_of_the_curves_and_survives_a_stop(tmp_path):
    log, path = tmp_path / "runs" / "log.csv", tmp_path / "run.pt"
    for epochs in (1, 3):
        model, batches, optimizer, scheduler = parts()
        history = small_fit(
            model,
            batches,
            epochs=epochs,
            optimizer=optimizer,
            scheduler=scheduler,
            validate=training.validation(batches),
            checkpoint=path,
            log=log,
        )
    lines = log.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "epoch,loss,gradient_norm,seconds,dev_loss,dev_accuracy"
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3"]
    losses = [float(line.split(",")[1]) for line in lines[1:]]
    assert losses == pytest.approx(history.curve("loss"), rel=1e-5)


class Parrot(nn.Module):
    """Says what it is shown: the features are the scores of tokens."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, features, lengths):
        return (self.scale * features).log_softmax(dim=-1), lengths


def heard(paths, texts, alphabet):
    scores = [9 * np.eye(alphabet.size, dtype=np.float32)[path] for path in paths]
    examples = batching.Examples(scores, [alphabet.encode(t) for t in texts], ids=["a", "b"])
    return batching.loader(examples, 2)


def test_a_recogniser_is_judged_by_the_corpus():
    alphabet = Alphabet("ab ")
    batches = heard([[1, 1, 0, 1, 3, 2], [2, 0, 0, 3]], ["aa b", "b"], alphabet)
    model = Parrot().train()
    found = training.recognise(model, batches, alphabet)
    assert model.training
    assert found.references == ["aa b", "b"] and found.hypotheses == ["aa b", "b "]
    assert found.ids == ["a", "b"]
    assert found.wer == 0 and found.cer == 1 / 5
    batches = heard([[1, 0, 1, 3, 2], [1]], ["aa b", "b"], alphabet)
    found = training.recognise(model, batches, alphabet)
    assert found.word_errors() == [0, 1] and found.wer == 1 / 3 and "WER 33.33%" in repr(found)
    assert found.wer_interval(["x", "y"]) == (0, 1)
    assert training.recognition_validation(batches, alphabet)(model) == {"cer": 1 / 5, "wer": 1 / 3}
    shout = training.recognise(model, batches, alphabet, decode=lambda p, n: [[1]] * len(p))
    assert shout.hypotheses == ["a", "a"]
