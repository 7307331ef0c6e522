"""Encoder and conductor in NumPy: the numbers of Keras, a seed's latents for ever, and the arc between two of them."""

from __future__ import annotations

import math
import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import ndtri
from threadpoolctl import threadpool_limits
from tiny_models import TINY, TINY_LATENT, export, export_vae, tune

from composer import bundle, excerpts
from composer.bar_notes import PLACES, bar_notes
from composer.latent_runtime import LOG_VARIANCE, Latent, Posterior, normal, slerp
from composer.sampler import Dice
from composer.style import FOLK
from theory.errors import ModelError
from theory.event import TempoEvent
from theory.score import Score, Track
from theory.tokens import Tokenizer
from theory.transform import transpose

CLOSE = {"rtol": 0, "atol": 1e-4}
KINDS = {
    "lstm": TINY_LATENT,
    "cnn": replace(TINY_LATENT, encoder="cnn"),
    "flat": replace(TINY_LATENT, hierarchical=False),
    "flat cnn": replace(TINY_LATENT, encoder="cnn", hierarchical=False),
    "large": replace(TINY_LATENT, size=32, conductor_units=64, encoder_units=80, note=48),
}


@pytest.fixture(scope="module")
def vae():
    """The module of the Keras model."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")
    from composer.models import vae

    return vae


@pytest.fixture(scope="module", params=KINDS)
def loaded(request, tmp_path_factory):
    return bundle.load(export_vae(tmp_path_factory.mktemp("model"), KINDS[request.param]))


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    return Latent(bundle.load(export_vae(tmp_path_factory.mktemp("model"))))


@pytest.fixture(scope="module")
def music():
    """With an upbeat, and a bar without notes."""
    piece = tune(1, bars=7, upbeat="1/8")
    start, end = 240 + 3 * 1440, 240 + 4 * 1440
    notes = [note for note in piece.tracks[0] if not start <= note.onset < end]
    return FOLK.undress(piece.replace(tracks=(Track.from_notes(notes),)))


# As Keras has it


@pytest.fixture(scope="module")
def keras_says(vae, loaded, music):
    """Of some music: means, log-variances, the drawn latents and what the decoder is told of them."""
    import keras

    model = vae.build(loaded.decoder, loaded.latent)
    vae.set_weights(model, loaded.weights)
    inside = keras.Model(
        model.inputs,
        [
            model.get_layer("encoder.mean").output,
            model.get_layer("encoder.log_variance").output,
            model.get_layer("sample").output[0],
            next(layer for layer in model.layers if type(layer).__name__ == "InPlace").input[1],
        ],
    )
    batch = excerpts.padded([excerpts.example(music, Tokenizer())])
    return [np.asarray(values)[0] for values in inside(list(batch.inputs))]


def test_the_posterior_is_keras_own(loaded, music, keras_says):
    mean, log_variance, *_ = keras_says
    found = Latent(loaded).posterior(music)
    assert found.mean.dtype == np.float32
    assert found.mean.shape == found.deviation.shape == (8 if loaded.latent.hierarchical else 1, loaded.latent.size)
    assert np.std(mean) > 0.05
    np.testing.assert_allclose(found.mean, mean, **CLOSE)
    np.testing.assert_allclose(found.deviation, np.exp(0.5 * np.clip(log_variance, *LOG_VARIANCE)), **CLOSE)


def test_contexts_are_keras_own(loaded, keras_says):
    *_, latent, told = keras_says
    found = Latent(loaded).contexts(latent)
    assert found.shape == ((8 * PLACES) if loaded.latent.hierarchical else 1, loaded.decoder.context)
    assert np.std(told) > 0.1
    np.testing.assert_allclose(found, told, **CLOSE)


def test_every_weight_is_read(loaded, music):
    """Each of them changes where the piece lies or what is told, but for the directions and the decoder's own."""
    latent = np.full((8 if loaded.latent.hierarchical else 1, loaded.latent.size), 0.3, np.float32)

    def everything(model):
        space = Latent(model)
        return np.concatenate([part.ravel() for part in (*space.posterior(music), space.contexts(latent))])

    before = everything(loaded)
    for name in loaded.latent.shapes(loaded.decoder.context):
        weights = {**loaded.weights, name: loaded.weights[name] + np.float32(0.5)}
        assert not np.array_equal(everything(replace(loaded, weights=weights)), before), name


# Where pieces lie


def test_a_bar_without_notes_is_read(space, music):
    assert bar_notes(music).counts.tolist()[4] == 0
    found = space.posterior(music)
    assert np.isfinite(found.mean).all()
    assert (found.deviation > 0).all()


def test_a_piece_lies_at_the_same_place_in_every_key_and_at_every_tempo(space):
    piece = FOLK.undress(tune(0, key="C major"))
    mean = space.posterior(piece).mean
    np.testing.assert_array_equal(space.posterior(piece.replace(tempos=(TempoEvent.from_bpm(0, 60),))).mean, mean)
    np.testing.assert_array_equal(space.posterior(transpose(piece, 2)).mean, mean)
    assert not np.array_equal(space.posterior(FOLK.undress(tune(1, key="C major"))).mean, mean)


def test_what_is_off_the_grid_goes_to_its_nearest_place(space):
    piece = FOLK.undress(tune(0))
    (track,) = piece.tracks
    late = piece.replace(tracks=(track.replace(onset=track.onset + 4, duration=track.duration - 4),))
    np.testing.assert_array_equal(space.posterior(late).mean, space.posterior(piece).mean)


def test_threads_of_a_program_round_nothing_otherwise(tmp_path, music):
    space = Latent(bundle.load(export_vae(tmp_path, KINDS["large"])))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            mean, deviation = space.posterior(music)
            found.append((mean.tobytes(), deviation.tobytes(), space.contexts(mean).tobytes()))
    assert found[0] == found[1]


def test_the_divergence_is_the_closed_form():
    """Of two normal distributions, and by drawing from them."""
    mean, deviation = np.array([[0.5, -2.0]], np.float32), np.array([[0.3, 1.5]], np.float32)
    posterior = Posterior(mean, deviation)
    closed = sum(0.5 * (m * m + s * s - 1) - math.log(s) for m, s in ((0.5, 0.3), (-2.0, 1.5)))
    assert posterior.nats == pytest.approx(closed, rel=1e-6)
    drawn = mean + deviation * np.random.default_rng(0).normal(size=(200_000, 2))
    ratio = 0.5 * drawn**2 - 0.5 * ((drawn - mean) / deviation) ** 2 - np.log(deviation)
    assert posterior.nats == pytest.approx(ratio.sum(axis=1).mean(), rel=0.02)
    assert Posterior(np.zeros((3, 2), np.float32), np.ones((3, 2), np.float32)).nats == 0


def test_models_without_a_latent_space_or_an_encoder(tmp_path):
    with pytest.raises(ModelError, match="has no latent space: choose a VAE, as in --model vae"):
        Latent(bundle.load(export(tmp_path / "lstm")))
    space = Latent(bundle.load(export_vae(tmp_path / "gan", replace(TINY_LATENT, encoder=""))))
    assert space.contexts(space.drawn(4, 0)).shape == (4 * PLACES, TINY.context)
    with pytest.raises(ModelError, match="has no encoder"):
        space.posterior(tune(0))


def test_a_piece_of_many_tracks(space):
    """The encoder reads them all."""
    (track,) = tune(0).tracks
    one, two = tune(0), tune(0).replace(tracks=(track, track.replace(pitch=track.pitch - 12)))
    assert not np.array_equal(space.posterior(one).mean, space.posterior(two).mean)
    assert space.posterior(Score((Track.empty(),), end=1920)).mean.shape == (1, TINY_LATENT.size)


# What a seed draws


def test_a_seed_draws_the_same_for_ever():
    assert normal((2, 2), 11).tolist() == [pytest.approx([-0.833112, 1.420010]), pytest.approx([1.412646, 0.303802])]
    np.testing.assert_array_equal(normal((2, 2), 11), normal((4,), 11).reshape(2, 2))
    np.testing.assert_array_equal(normal((2, 3), 5), normal((4, 3), 5)[:2])
    assert not np.array_equal(normal((2, 2), 11), normal((2, 2), 12))


def test_numbers_are_normal_and_apart_from_those_that_draw_tokens():
    found = np.concatenate([normal((100,), seed) for seed in range(200)])
    assert found.dtype == np.float32
    assert found.mean() == pytest.approx(0, abs=0.02)
    assert found.std() == pytest.approx(1, abs=0.02)
    assert np.abs(np.sort(found) - ndtri((np.arange(20_000) + 0.5) / 20_000)).mean() < 0.02
    dice = Dice(3)
    assert not np.allclose(normal((5,), 3), ndtri([dice.roll() for _ in range(5)]))


def test_rows_of_a_latent(space, tmp_path):
    assert space.drawn(5, 0).shape == (5, TINY_LATENT.size)
    flat = Latent(bundle.load(export_vae(tmp_path, KINDS["flat"])))
    assert flat.drawn(5, 0).shape == (1, TINY_LATENT.size)
    assert flat.contexts(flat.drawn(5, 0)).shape == (1, TINY.context)


def test_a_latent_of_a_piece_is_drawn_near_its_mean(space):
    posterior = space.posterior(FOLK.undress(tune(0)))
    drawn = np.array([posterior.draw(seed) for seed in range(300)])
    np.testing.assert_allclose(drawn.mean(axis=0), posterior.mean, atol=0.3 * posterior.deviation.max())
    np.testing.assert_array_equal(posterior.draw(4), drawn[4])


# The arc

numbers = st.floats(-8, 8, width=32, allow_subnormal=False).filter(lambda value: value == 0 or abs(value) > 1e-3)
latents = arrays(np.float32, (3, 4), elements=numbers)
points = st.floats(0, 1)


def apart(one, other):
    """Two latents between which there is one shortest arc."""
    lengths = np.linalg.norm(one), np.linalg.norm(other)
    assume(min(lengths) > 0.01)
    cosine = float((one.astype(float) * other).sum() / lengths[0] / lengths[1])
    assume(abs(cosine) < 0.999)
    return lengths, math.acos(cosine)


@given(latents, latents)
def test_an_arc_begins_and_ends_at_its_ends(one, other):
    np.testing.assert_allclose(slerp(one, other, 0.0), one, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(slerp(one, other, 1.0), other, rtol=1e-6, atol=1e-7)


@given(latents, latents, points)
def test_lengths_and_angles_change_evenly(one, other, at):
    lengths, angle = apart(one, other)
    found = slerp(one, other, at).astype(float)
    length = np.linalg.norm(found)
    assert length == pytest.approx((1 - at) * lengths[0] + at * lengths[1], rel=1e-4)
    cosine = float((found * one).sum() / length / lengths[0])
    assert math.acos(np.clip(cosine, -1, 1)) == pytest.approx(at * angle, abs=2e-3)


@given(latents, latents, points)
def test_the_way_back_is_the_same(one, other, at):
    apart(one, other)
    np.testing.assert_allclose(slerp(one, other, at), slerp(other, one, 1 - at), rtol=1e-4, atol=1e-4)


@given(latents, points, st.floats(-3, 3, width=32))
def test_on_one_line_it_is_the_line(one, at, times):
    other = np.float32(times) * one
    np.testing.assert_allclose(slerp(one, other, at), (1 - at) * one + at * other, rtol=1e-4, atol=1e-4)


@given(latents, latents, points)
def test_it_is_finite_and_no_further_out_than_its_ends(one, other, at):
    found = slerp(one, other, at)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.linalg.norm(found) <= max(np.linalg.norm(one), np.linalg.norm(other)) * (1 + 1e-5) + 1e-6
