"""The VAE for training: its weights by their names, its divergence, and a decoder that is told of each place."""

from __future__ import annotations

import os
from dataclasses import asdict, replace

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")

import keras
from tiny_models import TINY, TINY_LATENT, export_vae, tune

from composer import bundle, excerpts
from composer.config import CELLS, LatentConfig
from composer.latent_runtime import LOG_VARIANCE, Latent, Posterior
from composer.models import vae
from composer.runtime import Reader, Runtime
from composer.style import FOLK
from theory.tokens import Tokenizer

KINDS = {
    "lstm": TINY_LATENT,
    "cnn": replace(TINY_LATENT, encoder="cnn"),
    "flat": replace(TINY_LATENT, hierarchical=False),
    "flat cnn": replace(TINY_LATENT, encoder="cnn", hierarchical=False),
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.fixture(scope="module")
def loaded(kind, tmp_path_factory):
    return bundle.load(export_vae(tmp_path_factory.mktemp("model"), kind))


@pytest.fixture(scope="module")
def model(loaded):
    made = vae.build(loaded.decoder, loaded.latent)
    vae.set_weights(made, loaded.weights)
    return made


@pytest.fixture(scope="module")
def inside(model):
    """What the model works out on the way: means, log-variances and latents, then its outputs."""
    mean, spread = (model.get_layer(f"encoder.{name}").output for name in ("mean", "log_variance"))
    return keras.Model(model.inputs, [mean, spread, model.get_layer("sample").output[0], *model.outputs])


def music(seed, **form):
    return FOLK.undress(tune(seed, **form))


def batch_of(*scores):
    return list(excerpts.padded([excerpts.example(score, Tokenizer()) for score in scores]).inputs)


def asked(model, inputs):
    return [np.asarray(values) for values in model(inputs)]


@pytest.mark.parametrize("cell", CELLS)
def test_weights_have_the_names_and_shapes_that_the_runtime_reads(kind, cell):
    sizes = replace(TINY, cell=cell)
    found = vae.weights(vae.build(sizes, kind))
    assert {name: array.shape for name, array in found.items()} == sizes.shapes() | kind.shapes(sizes.context)
    assert all(array.dtype == np.float32 for array in found.values())


def test_weights_are_those_that_were_set(model, loaded):
    found = vae.weights(model)
    for name, array in found.items():
        np.testing.assert_array_equal(array, loaded.weights[name], name)


def test_sizes_are_read_as_they_were_written(kind):
    assert LatentConfig.from_dict(asdict(kind)) == kind


def test_logits_are_those_of_the_decoder_that_composes(loaded, inside):
    """Told of the same latent, in whatever key, with an upbeat: at every place what belongs there."""
    space, runtime = Latent(loaded), Runtime(loaded)
    for score in (music(0, key="C major"), music(1, bars=5, key="A major", upbeat="1/8"), music(2, meter="9/8")):
        _, _, (latent,), (logits,), _ = asked(inside, batch_of(score))
        ids = Tokenizer().encode(score).tolist()
        reader = Reader(runtime, score.bars, runtime.told(space.contexts(latent)))
        found = []
        for token in ids[:-1]:
            reader.take(token)
            found.append(runtime.logits(reader.memory.hidden[-1]))
        np.testing.assert_allclose(found, logits[: len(ids) - 1], rtol=0, atol=1e-4)


def test_the_divergence_is_the_closed_form(inside):
    means, spreads, _, _, divergences = asked(inside, batch_of(music(0), music(1)))
    for mean, spread, divergence in zip(means, spreads, divergences, strict=True):
        posterior = Posterior(mean, np.exp(0.5 * np.clip(spread, *LOG_VARIANCE)))
        assert divergence == pytest.approx(posterior.nats, rel=1e-5)


def test_neighbours_and_padding_change_nothing(inside):
    short, long = music(0, bars=4), music(1, bars=4, meter="9/8")
    together, apart = asked(inside, batch_of(short, long)), asked(inside, batch_of(short))
    for one, other in zip((together[0], together[1], together[4]), (apart[0], apart[1], apart[4]), strict=True):
        np.testing.assert_allclose(one[0], other[0], rtol=0, atol=1e-5)


def test_the_encoder_reads_the_whole_piece(inside):
    """Another last bar moves the first row."""
    piece, (track,) = music(0, bars=2), music(0, bars=2).tracks
    last = track.onset >= 1440
    other = piece.replace(tracks=(track.replace(pitch=np.where(last, track.pitch + 3, track.pitch)),))
    one, moved = asked(inside, batch_of(piece, other))[0]
    assert np.abs(one - moved)[0].max() > 1e-5


def test_a_conductor_tells_of_every_place_what_the_latent_says(loaded, model):
    """The context at a place depends on its own row first of all, and hears of the others."""
    if not loaded.latent.hierarchical:
        pytest.skip("one latent for the whole piece")
    space = Latent(loaded)
    latent = np.zeros((4, loaded.latent.size), np.float32)
    changed = latent.copy()
    changed[2] = 1
    effect = np.abs(space.contexts(changed) - space.contexts(latent)).reshape(4, -1).max(axis=1)
    assert effect.argmax() == 2
    assert (effect > 0).all()


def test_latents_are_drawn_anew_and_again_by_a_seed(loaded):
    inputs = batch_of(music(0))
    found = []
    for seed in (3, 3, 4):
        model = vae.build(loaded.decoder, loaded.latent, seed)
        drawn = keras.Model(model.inputs, model.get_layer("sample").output[0])
        vae.set_weights(model, loaded.weights)
        found.append([np.asarray(drawn(inputs)) for _ in range(2)])
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0][0], found[0][1])
    assert not np.array_equal(found[0][0], found[2][0])


def test_drawn_latents_are_as_far_from_the_mean_as_said(inside):
    inputs = batch_of(*[music(0)] * 200)
    mean, spread, latent, _, _ = asked(inside, inputs)
    away = (latent - mean) * np.exp(-0.5 * spread)
    assert away.mean() == pytest.approx(0, abs=0.1)
    assert away.std() == pytest.approx(1, abs=0.1)


def test_in_place_adds_to_each_moment_what_is_told_of_its_place():
    dice = np.random.default_rng(0)
    context, told = dice.normal(size=(2, 5, 3)).astype(np.float32), dice.normal(size=(2, 4, 3)).astype(np.float32)
    place = np.array([[0, 0, 1, 3, 3], [2, 2, 3, 4, 99]], np.int32)  # the last two lie beyond what is told
    found = np.asarray(vae.InPlace()(context, told, place)) - context
    expected = np.array([told[row][np.minimum(place[row], 3)] for row in range(2)])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    one = told[:, :1]
    np.testing.assert_allclose(
        np.asarray(vae.InPlace()(context, one, place)) - context, np.repeat(one, 5, 1), atol=1e-6
    )


def test_the_first_weight_of_the_divergence():
    sample = vae.build(TINY, TINY_LATENT, weight=0.25).get_layer("sample")
    assert set(np.asarray(sample.kl_weights).tolist()) == {0.25}
    assert sample.kl_weights.shape == (vae.MOST_BARS + 1,)
    assert not sample.trainable_variables


def test_mixed_precision_says_about_the_same(loaded):
    inputs, found = batch_of(music(0)), []
    for mixed in (False, True):
        model = vae.build(loaded.decoder, replace(loaded.latent, dropout=0.0), mixed=mixed)
        vae.set_weights(model, loaded.weights)
        found.append(np.asarray(keras.ops.cast(model(inputs)[0], "float32")))
    np.testing.assert_allclose(*found, atol=0.1)
