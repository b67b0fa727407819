import multiprocessing
import time
import warnings
from functools import partial

import numpy as np
import pytest
import torch

from course_utils import audio, features, training
from course_utils.datasets import augmentation, batching, broken, digits, manifest, pipeline
from course_utils.datasets.cache import FeatureCache
from course_utils.models.convolution import ConvNet, Layer

SETTINGS = {"n_fft": 256, "hop_length": 80, "n_mels": 20}
POLICY = augmentation.Augmentation(probability=1, snr_db=(0, 20), gain_db=(-6, 6))
MASKS = partial(features.spec_augment, freq_mask_param=5, time_mask_param=5)


def recordings(count=12, **more):
    corpus = digits.load("dev")[:count]
    targets = [digits.WORDS.index(row["text"]) for row in corpus.table]
    return pipeline.Recordings(corpus, targets, 8000, SETTINGS, **more)


def test_an_item_is_its_stations_one_after_the_other():
    data = recordings()
    for index in (0, 5):
        x, target, name = data[index]
        waveform, _ = audio.load(data.corpus.path(index))
        waveform = waveform - waveform.mean()
        expected = features.normalize(features.log_mel(waveform, 8000, **SETTINGS))
        np.testing.assert_allclose(x, expected, atol=1e-5)
        assert x.dtype == torch.float32 and len(x) == data.lengths[index]
        assert digits.WORDS[int(target)] == data.corpus.table[index]["text"]
        assert name == data.ids[index] == data.corpus.table[index]["id"]


def test_files_of_another_rate_are_resampled(tmp_path):
    clip = digits.load("dev")[0]
    audio.save(tmp_path / "a.wav", audio.resample(clip.waveform, 8000, 16_000), 16_000)
    corpus = manifest.scan(tmp_path, 8000).corpus
    data = pipeline.Recordings(corpus, [0], 8000, SETTINGS)
    (x, *_), (y, *_) = data[0], recordings()[0]
    assert x.shape == y.shape
    assert np.corrcoef(x.flatten(), y.flatten())[0, 1] > 0.98


def contents(data, epoch=0, workers=0):
    loader = batching.loader(data, 4, shuffle=True, seed=1, workers=workers)
    data.set_epoch(epoch)
    loader.batch_sampler.set_epoch(0)  # the same order, so that only the changes differ
    return {
        name: row for batch in loader for name, row in zip(batch.ids, batch.features, strict=True)
    }


def alike(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("more", [{"augment": POLICY}, {"augment_features": MASKS}])
def test_chance_follows_from_seed_epoch_and_item_alone(more):
    first = contents(recordings(**more))
    assert alike(first, contents(recordings(**more)))
    assert alike(first, contents(recordings(**more), workers=2))
    assert not alike(first, contents(recordings(**more), epoch=1))
    assert alike(contents(recordings(**more), 1), contents(recordings(**more), 1, workers=2))
    assert not alike(first, contents(recordings(seed=9, **more)))


def test_workers_that_live_through_the_epochs_hear_of_them():
    data = recordings(augment=POLICY)
    loader = batching.loader(data, 4, workers=2)
    assert loader.persistent_workers
    epochs = []
    for epoch in (0, 1):
        data.set_epoch(epoch)
        epochs.append(torch.cat([batch.features.flatten() for batch in loader]))
    assert epochs[0].shape == epochs[1].shape and not torch.equal(*epochs)
    expected = recordings(augment=POLICY)
    expected.set_epoch(1)
    alone = torch.cat([batch.features.flatten() for batch in batching.loader(expected, 4)])
    assert torch.equal(epochs[1], alone)


@pytest.mark.slow
def test_workers_that_are_spawned_as_on_macos_and_windows():
    data = recordings(8, augment=POLICY, augment_features=MASKS)
    expected = torch.cat([batch.features.flatten() for batch in batching.loader(data, 4)])
    context = multiprocessing.get_context("spawn")
    loader = torch.utils.data.DataLoader(
        data, 4, num_workers=1, multiprocessing_context=context, collate_fn=data.collate
    )
    assert torch.equal(torch.cat([batch.features.flatten() for batch in loader]), expected)


def test_the_generator_that_is_copied_and_the_one_that_is_not():
    def draws(data, epoch, workers):
        data.set_epoch(epoch)
        loader = torch.utils.data.DataLoader(data, batch_size=2, num_workers=workers)
        return [int(value) for batch in loader for value in batch]

    copied = pipeline.Draws(8, np.random.default_rng(0))
    first = draws(copied, 0, 2)
    assert first[:2] == first[2:4] and first == draws(copied, 1, 2)
    own = [draws(pipeline.Draws(8), epoch, 2) for epoch in (0, 1)]
    assert own[0] != own[1] and own[0][:2] != own[0][2:4]
    assert own == [draws(pipeline.Draws(8), epoch, 0) for epoch in (0, 1)]


def test_a_cache_gives_what_was_computed(tmp_path):
    cache = FeatureCache(SETTINGS, tmp_path)
    plain, cached = contents(recordings()), contents(recordings(cache=cache))
    assert alike(plain, cached) and (cache.made, cache.read) == (12, 0)
    assert alike(plain, contents(recordings(cache=cache))) and cache.read == 12
    masked = contents(recordings(cache=cache, augment_features=MASKS))
    assert not alike(plain, masked) and alike(plain, contents(recordings(cache=cache)))


def test_what_cannot_be_put_together():
    with pytest.raises(ValueError, match="not both"):
        recordings(augment=POLICY, cache=FeatureCache(SETTINGS))
    with pytest.raises(ValueError, match="on_error must be"):
        recordings(on_error="ignore")
    with pytest.raises(ValueError, match="12 files, but 1 targets"):
        pipeline.Recordings(digits.load("dev")[:12], [0], 8000, SETTINGS)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_training_goes_on_past_files_that_break_under_it(tmp_path, workers):
    broken.make(tmp_path)
    corpus = manifest.scan(tmp_path, 8000).corpus
    gone = corpus.path(4)
    gone.unlink()
    targets = [digits.WORDS.index(row["text"]) for row in corpus.table]
    data = pipeline.Recordings(corpus, targets, 8000, SETTINGS, on_error="skip")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loader = batching.loader(data, 8, shuffle=True, workers=workers)
        assert sum(len(batch.ids) for batch in loader) == len(corpus) - 1
        net = ConvNet(20, [Layer(8, 3)], 10)
        history = training.fit(net, loader, training.classification_loss, 2, progress=False)
    assert len(history.epochs) == 2
    if workers == 0:
        assert all(gone.name in str(warning.message) for warning in caught)
        assert len(caught) == 3
    refusing = pipeline.Recordings(corpus, targets, 8000, SETTINGS)
    with pytest.raises(FileNotFoundError, match=gone.name):
        list(batching.loader(refusing, 8))


def test_the_share_of_waiting_is_measured():
    def slow(count, seconds):
        for _ in range(count):
            time.sleep(seconds)
            yield 0

    def work(batch):
        time.sleep(0.01)

    assert pipeline.waiting_share(slow(6, 0.03), work) == pytest.approx(0.75, abs=0.15)
    assert pipeline.waiting_share([0] * 6, work) < 0.1
    with pytest.raises(ValueError, match="at least two"):
        pipeline.waiting_share([0], work)
