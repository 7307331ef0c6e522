"""The VAE for training: its weights by their names, its prior, and a decoder that is told of each place."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")

import keras
from tiny_models import TINY, TINY_LATENT, export_vae, tune

from composer import bundle, excerpts
from composer.bar_notes import FORM, forms_of
from composer.config import CELLS, LAGS, LatentConfig
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
    return built(loaded)


@pytest.fixture(scope="module")
def inside(model):
    """What the model works out on the way: means, log-variances and latents, then its outputs."""
    mean, spread = (model.get_layer(f"encoder.{name}").output for name in ("mean", "log_variance"))
    return keras.Model(model.inputs, [mean, spread, model.get_layer("sample").output, *model.outputs])


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """One model for what the kinds have in common."""
    return bundle.load(export_vae(tmp_path_factory.mktemp("model")))


def built(loaded, **others):
    made = vae.build(loaded.decoder, loaded.latent, **others)
    vae.set_weights(made, loaded.weights)
    return made


def music(seed, **form):
    return FOLK.undress(tune(seed, **form))


def batch_of(*scores):
    return list(excerpts.padded([excerpts.example(score, Tokenizer()) for score in scores]).inputs)


SCORES = music(0, key="C major"), music(1, bars=3, key="A minor", upbeat="1/8"), music(2, meter="9/8")  # of 4 bars each


class Said(NamedTuple):
    """What a model works out of some pieces."""

    means: Any
    spreads: Any
    latents: Any
    logits: Any
    divergences: Any


def asked(inside, scores):
    return Said(*(np.asarray(values) for values in inside(batch_of(*scores))))


@pytest.fixture(scope="module")
def said(inside):
    return asked(inside, SCORES)


def test_weights_have_the_names_and_shapes_that_the_runtime_reads(kind, model):
    found = vae.weights(model)
    assert {name: array.shape for name, array in found.items()} == TINY.shapes() | kind.shapes(TINY.context)
    assert all(array.dtype == np.float32 for array in found.values())


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell != TINY.cell])
def test_weights_of_other_cells(cell):
    sizes = replace(TINY, cell=cell)
    found = vae.weights(vae.build(sizes, TINY_LATENT))
    assert {name: array.shape for name, array in found.items()} == sizes.shapes() | TINY_LATENT.shapes(sizes.context)


def test_weights_are_those_that_were_set(model, loaded):
    found = vae.weights(model)
    for name, array in found.items():
        np.testing.assert_array_equal(array, loaded.weights[name], name)


def test_sizes_are_read_as_they_were_written(kind):
    assert LatentConfig.from_dict(asdict(kind)) == kind


def test_logits_are_those_of_the_decoder_that_composes(loaded, said):
    """Told of the same latent, in whatever key, with an upbeat: at every place what belongs there."""
    space, runtime = Latent(loaded), Runtime(loaded)
    for score, latent, logits in zip(SCORES, said.latents, said.logits, strict=True):
        ids = Tokenizer().encode(score).tolist()
        reader = Reader(runtime, score.bars, runtime.told(space.contexts(latent)))
        found = []
        for token in ids[:-1]:
            reader.take(token)
            found.append(runtime.logits(reader.memory.hidden[-1]))
        np.testing.assert_allclose(found, logits[: len(ids) - 1], rtol=0, atol=1e-4)


def test_the_divergence_is_that_of_the_runtime(loaded, said):
    """Of pieces of other forms side by side."""
    space = Latent(loaded)
    for row, score in enumerate(SCORES):
        deviation = np.exp(0.5 * np.clip(said.spreads[row], *LOG_VARIANCE))
        posterior = Posterior(said.means[row], deviation, forms_of(score))
        assert said.divergences[row] == pytest.approx(space.nats(posterior, said.latents[row]), rel=1e-4)


def test_the_divergence_of_what_is_drawn_has_the_closed_form_as_its_mean():
    """Nothing between two distributions that are the same, whose variances have bounds."""
    dice = np.random.default_rng(0)
    mean, spread, other, wide = dice.normal(size=(4, 1, 2, 3)).astype(np.float32)
    closed = 0.5 * (((mean - other) ** 2 + np.exp(spread)) / np.exp(wide) - 1 + wide - spread)
    drawn = (mean + np.exp(0.5 * spread) * dice.normal(size=(20_000, 2, 3))).astype(np.float32)
    surprise = -np.asarray(vae.log_density(drawn, other, wide)).sum(axis=1)
    divergence, far = vae.Divergence(), np.full_like(mean, 100)
    found = np.asarray(divergence(drawn, mean, spread, surprise))
    assert found.shape == (20_000,)
    assert found.mean() == pytest.approx(closed.sum(), rel=0.03)
    surprise = -np.asarray(vae.log_density(drawn, mean, far * 0 + LOG_VARIANCE[1])).sum(axis=1)
    np.testing.assert_allclose(divergence(drawn, mean, far, surprise), 0, atol=1e-4)


# What the prior knows

ROWS, LIKE = np.zeros((1, 10, 3), np.float32), np.ones((1, 10, len(FORM)), np.int32)


def test_before_anything_is_learnt_a_row_is_normal_or_one_before_it():
    """As likely each; the first one is there alone."""
    rows = np.random.default_rng(0).normal(size=(4, 3, 3)).astype(np.float32)
    said = np.asarray(vae.Prior(4, 3, 0.0, 1)(rows, np.ones((4, 3, len(FORM)), np.int32)))
    assert said.shape == (4,)
    around = lambda row, other: np.exp(-0.5 * ((rows[:, row] - other) ** 2).sum(axis=1)) / (2 * np.pi) ** 1.5  # noqa: E731
    first = around(0, 0.0)
    second = (around(1, 0.0) + around(1, rows[:, 0])) / 2
    third = (around(2, 0.0) + around(2, rows[:, 1]) + around(2, rows[:, 0])) / 3
    np.testing.assert_allclose(said, -np.log(first * second * third), rtol=1e-5)


def effects(prior, rows, form):
    """How far what was read before each row is said moves, where rows or forms are others."""
    hidden = []
    read = prior.readers[0].call
    prior.readers[0].call = lambda inputs, **others: hidden.append(read(inputs, **others)) or hidden[-1]
    for each in ((ROWS, LIKE), (rows, form)):
        prior(*each)
    prior.readers[0].call = read
    return np.abs(np.asarray(hidden[1] - hidden[0])).max(axis=(0, 2))


def test_the_prior_knows_the_rows_before_and_the_forms_so_far(plain):
    """Nothing of a row itself, nor of what follows."""
    prior, rows, form = built(plain).get_layer("prior"), ROWS.copy(), LIKE.copy()
    rows[0, 2], form[0, 2] = 1, 2
    for moved, first in ((effects(prior, rows, LIKE), 3), (effects(prior, ROWS, form), 2)):
        assert not moved[:first].any()
        assert moved[first:].min() > 1e-7


def test_in_training_the_prior_is_not_told_all(plain):
    """Of what it reads and says some is dropped, but not where it is measured."""
    network = built(replace(plain, latent=replace(plain.latent, dropout=0.5)))
    rows, form = keras.Input((10, 3)), keras.Input((10, len(FORM)), dtype="int32")
    prior = keras.Model([rows, form], network.get_layer("prior")(rows, form))
    first, again, measured, once_more = (
        np.asarray(prior([ROWS + 1, LIKE], training=training)) for training in (True, True, False, False)
    )
    assert (first != again).all()
    np.testing.assert_array_equal(measured, once_more)


def test_latents_made_of_noise_are_those_that_the_runtime_draws(loaded):
    """New rows, and those that return, where nothing is said of how."""
    if not loaded.latent.hierarchical:
        pytest.skip("one latent for the whole piece")
    spreads = np.zeros(sum(loaded.latent.prior_outputs), np.float32)
    spreads[2 * loaded.latent.size : -1 - len(LAGS)] = -99
    again = {"prior.again.scale": 1, "prior.again.shift": 0, "prior.bias": loaded.weights["prior.bias"] + spreads}
    weights = loaded.weights | {name: np.zeros_like(loaded.weights[name]) + each for name, each in again.items()}
    space, form = Latent(replace(loaded, weights=weights)), forms_of(tune(0, bars=12))
    layer = vae.FromNoise(loaded.latent.prior_units, loaded.latent.size, 0.0, 1)
    noise = np.array([space.noise(12, seed) for seed in range(8)])
    forms = np.tile(form, (8, 1, 1))
    layer(noise, forms)
    for name, weight in vae._parts(layer):
        weight.assign(weights[f"prior.{name}"])
    found = np.asarray(layer(noise, forms))
    drawn = np.array([space.drawn(form, seed) for seed in range(8)])
    np.testing.assert_allclose(found, drawn, atol=0.05)
    assert {tuple(row) for rows in drawn for row in rows.tolist() if rows.tolist().count(row) > 1}


def test_a_row_that_returns_has_noise_of_its_own_in_training(loaded):
    """As many times apart from the row before, scaled and shifted, as the prior says."""
    if not loaded.latent.hierarchical:
        pytest.skip("one latent for the whole piece")
    size = loaded.latent.size
    layer = vae.FromNoise(loaded.latent.prior_units, size, 0.0, 1)
    noise = np.random.default_rng(0).normal(size=(50, 2, 1 + size)).astype(np.float32)
    forms = np.tile(forms_of(tune(0, bars=2)), (50, 1, 1))
    layer(noise, forms)
    layer.kernel.assign(np.zeros_like(layer.kernel))
    said = np.zeros(layer.bias.shape, np.float32)
    said[2 * size : 3 * size], said[-1 - len(LAGS)], said[-len(LAGS)] = np.log(0.25), -99, 99
    layer.bias.assign(said)
    layer.scale.assign(np.full(layer.scale.shape, 0.7))
    layer.shift.assign(np.full(layer.shift.shape, 0.2))
    found = np.asarray(layer(noise, forms))
    np.testing.assert_allclose(found[:, 1], 0.7 * found[:, 0] + 0.2 + 0.5 * noise[:, 1, 1:], atol=1e-5)


def test_neighbours_and_padding_change_nothing(inside, said):
    apart = asked(inside, SCORES[:1])
    np.testing.assert_allclose(apart.means[0], said.means[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(apart.spreads[0], said.spreads[0], rtol=0, atol=1e-5)


def test_the_encoder_reads_the_whole_piece(inside, said):
    """Another last bar moves the first row."""
    piece, (track,) = SCORES[0], SCORES[0].tracks
    last = track.onset >= 3 * 1440
    other = piece.replace(tracks=(track.replace(pitch=np.where(last, track.pitch + 3, track.pitch)),))
    assert np.abs(asked(inside, (other, *SCORES[1:])).means[0, 0] - said.means[0, 0]).max() > 1e-5


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


def test_latents_are_drawn_anew_and_again_by_a_seed(plain):
    inputs = batch_of(music(0))
    found = []
    for seed in (3, 3, 4):
        model = built(plain, seed=seed)
        drawn = keras.Model(model.inputs, model.get_layer("sample").output)
        found.append([np.asarray(drawn(inputs)) for _ in range(2)])
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0][0], found[0][1])
    assert not np.array_equal(found[0][0], found[2][0])


def test_drawn_latents_are_as_far_from_the_mean_as_said():
    mean, spread = np.random.default_rng(0).normal(size=(2, 200, 4, 3)).astype(np.float32)
    away = (np.asarray(vae.Sample(1, 0.1)(mean, spread)) - mean) * np.exp(-0.5 * spread)
    assert away.mean() == pytest.approx(0, abs=0.1)
    assert away.std() == pytest.approx(1, abs=0.1)
    low, high = (np.asarray(vae.Sample(1, 0.1)(0 * mean, 0 * mean + end)).std() for end in (-99, 99))
    assert (low, high) == pytest.approx(tuple(np.exp(0.5 * np.array(LOG_VARIANCE))), rel=0.1)


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


def test_mixed_precision_says_about_the_same(plain):
    inputs, found = batch_of(music(0)), []
    for mixed in (False, True):
        model = built(plain, mixed=mixed)
        found.append(np.asarray(keras.ops.cast(model(inputs)[0], "float32")))
    np.testing.assert_allclose(*found, atol=0.1)
