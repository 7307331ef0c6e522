"""Encoder, prior and conductor in NumPy: the numbers of Keras, a seed's latents, and the arc between two of them."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import ndtri
from threadpoolctl import threadpool_limits
from tiny_models import TINY, TINY_LATENT, export, export_vae, tune

from composer import bundle, excerpts
from composer.bar_notes import PLACES, bar_forms, bar_notes, forms_of
from composer.config import LAGS
from composer.latent_runtime import LOG_VARIANCE, Latent, Posterior, normal, slerp
from composer.sampler import Dice
from composer.style import FOLK
from theory.errors import ModelError
from theory.event import TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track
from theory.tokens import Tokenizer
from theory.transform import transpose

CLOSE = {"rtol": 0, "atol": 1e-4}
KINDS = {
    "lstm": TINY_LATENT,
    "cnn": replace(TINY_LATENT, encoder="cnn"),
    "flat": replace(TINY_LATENT, hierarchical=False),
    "flat cnn": replace(TINY_LATENT, encoder="cnn", hierarchical=False),
    "large": replace(TINY_LATENT, size=32, conductor_units=64, prior_units=64, encoder_units=80, note=48),
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
def tiny(tmp_path_factory):
    return bundle.load(export_vae(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def space(tiny):
    return Latent(tiny)


@pytest.fixture(scope="module")
def music():
    """With an upbeat, and a bar without notes."""
    piece = tune(1, bars=7, upbeat="1/8")
    start, end = 240 + 3 * 1440, 240 + 4 * 1440
    notes = [note for note in piece.tracks[0] if not start <= note.onset < end]
    return FOLK.undress(piece.replace(tracks=(Track.from_notes(notes),)))


# As Keras has it


class Said(NamedTuple):
    """What Keras says of some music: posterior, drawn latent, its divergence, and what the decoder is told of it."""

    mean: Any
    log_variance: Any
    latent: Any
    divergence: Any
    told: Any


@pytest.fixture(scope="module")
def network(vae, loaded):
    made = vae.build(loaded.decoder, loaded.latent)
    vae.set_weights(made, loaded.weights)
    return made


@pytest.fixture(scope="module")
def keras_says(network, music):
    import keras

    inside = keras.Model(
        network.inputs,
        [
            network.get_layer("encoder.mean").output,
            network.get_layer("encoder.log_variance").output,
            network.get_layer("sample").output,
            network.get_layer("divergence").output,
            next(layer for layer in network.layers if type(layer).__name__ == "InPlace").input[1],
        ],
    )
    batch = excerpts.padded([excerpts.example(music, Tokenizer())])
    return Said(*(np.asarray(values)[0] for values in inside(list(batch.inputs))))


def test_the_posterior_is_keras_own(loaded, music, keras_says):
    mean, log_variance = keras_says.mean, keras_says.log_variance
    found = Latent(loaded).posterior(music)
    assert found.mean.dtype == np.float32
    assert found.mean.shape == found.deviation.shape == (8 if loaded.latent.hierarchical else 1, loaded.latent.size)
    assert np.std(mean) > 0.05
    np.testing.assert_allclose(found.mean, mean, **CLOSE)
    np.testing.assert_allclose(found.deviation, np.exp(0.5 * np.clip(log_variance, *LOG_VARIANCE)), **CLOSE)


def test_contexts_are_keras_own(loaded, keras_says):
    found = Latent(loaded).contexts(keras_says.latent)
    assert found.shape == ((8 * PLACES) if loaded.latent.hierarchical else 1, loaded.decoder.context)
    assert np.std(keras_says.told) > 0.1
    np.testing.assert_allclose(found, keras_says.told, **CLOSE)


def test_the_divergence_is_keras_own(loaded, music, keras_says):
    space = Latent(loaded)
    found = space.nats(space.posterior(music), keras_says.latent)
    assert found == pytest.approx(float(keras_says.divergence), rel=1e-5)


def test_every_weight_is_read(loaded, music):
    """Each changes where the piece lies, what is drawn or what is told, but for directions and the decoder's own."""
    latent = np.full((8 if loaded.latent.hierarchical else 1, loaded.latent.size), 0.3, np.float32)
    returns = {"prior.reader.recurrent", "prior.again.scale", "prior.again.shift"}
    unread = set() if loaded.latent.hierarchical else returns  # there is nothing before one row

    def everything(model):
        space = Latent(model)
        found = space.posterior(music)
        parts = *found[:2], space.drawn(found.form, 0), space.contexts(latent), np.array(space.nats(found, latent))
        return np.concatenate([part.ravel() for part in parts])

    before = everything(loaded)
    for name in loaded.latent.shapes(loaded.decoder.context).keys() - unread:
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


def test_the_form_is_that_of_the_bars_that_are_read(space):
    """What hangs over the last bar line by less than the grid tells apart begins no bar."""
    piece = FOLK.undress(tune(0))
    for score in (piece, piece.replace(end=piece.end + 4), FOLK.undress(tune(1, upbeat="1/8"))):
        found = space.posterior(score)
        np.testing.assert_array_equal(found.form, forms_of(Tokenizer().quantize(score)))
        assert len(found.form) == len(found.mean)


def test_threads_of_a_program_round_nothing_otherwise(tmp_path, music):
    space = Latent(bundle.load(export_vae(tmp_path, KINDS["large"])))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            posterior = space.posterior(music)
            mean, deviation, form = posterior
            parts = mean, deviation, space.contexts(mean), space.drawn(form, 3)
            found.append((space.nats(posterior, mean), *(part.tobytes() for part in parts)))
    assert found[0] == found[1]


def test_models_without_a_latent_space_or_an_encoder(tmp_path):
    with pytest.raises(ModelError, match="has no latent space: choose a VAE, as in --model vae"):
        Latent(bundle.load(export(tmp_path / "lstm")))
    space = Latent(bundle.load(export_vae(tmp_path / "gan", replace(TINY_LATENT, encoder=""))))
    assert space.contexts(space.drawn(form_of(4), 0)).shape == (4 * PLACES, TINY.context)
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
    assert space.drawn(form_of(5), 0).shape == (5, TINY_LATENT.size)
    flat = Latent(bundle.load(export_vae(tmp_path, KINDS["flat"])))
    assert flat.drawn(form_of(5), 0).shape == (1, TINY_LATENT.size)
    assert flat.contexts(flat.drawn(form_of(5), 0)).shape == (1, TINY.context)


def test_a_latent_of_a_piece_is_drawn_near_its_mean(space):
    posterior = space.posterior(FOLK.undress(tune(0)))
    drawn = np.array([posterior.draw(seed) for seed in range(300)])
    np.testing.assert_allclose(drawn.mean(axis=0), posterior.mean, atol=0.3 * posterior.deviation.max())
    np.testing.assert_array_equal(posterior.draw(4), drawn[4])


# The prior


def form_of(bars, meter="6/8", key="C major"):
    return bar_forms([Meter.parse(meter)] * bars, Key.parse(key))


def saying(model, means, log_variances, logits=(0, -99, -99, -99, -99), scale=1.0, shift=0.0):
    """The model with a prior that says the same of every row: that it is new, where nothing else is said."""
    shapes = model.latent.shapes(model.decoder.context)
    said = {
        "kernel": 0.0,
        "bias": np.concatenate([means, log_variances, np.full(3 * len(LAGS), -12), logits]),
        "again.scale": scale,
        "again.shift": shift,
    }
    prior = {f"prior.{name}": np.full(shapes[f"prior.{name}"], each, np.float32) for name, each in said.items()}
    return Latent(replace(model, weights=model.weights | prior))


def test_a_prior_that_says_nothing_is_the_standard_normal_distribution(tiny):
    space = saying(tiny, np.zeros(3), np.zeros(3))
    np.testing.assert_array_equal(space.drawn(form_of(6), 11), normal((6, 4), 11)[:, 1:])


def test_what_is_drawn_has_the_means_and_deviations_of_the_prior(tiny):
    means, spreads = np.array([2.0, 0.0, -1.0]), np.log(np.array([0.25, 1.0, 4.0]))
    found = saying(tiny, means, spreads).drawn(form_of(6), 11)
    np.testing.assert_allclose(found, means + (0.5, 1, 2) * normal((6, 4), 11)[:, 1:], rtol=1e-6)


@pytest.mark.parametrize("lag", LAGS)
def test_bars_return(tiny, lag):
    """Where the prior is sure of it: every row but the first ones is that of so many before."""
    found = saying(tiny, np.zeros(3), np.zeros(3), [0.0, *(99.0 * (each == lag) for each in LAGS)]).drawn(
        form_of(20), 1
    )
    np.testing.assert_array_equal(found[lag:], found[:-lag])
    if lag > 2:  # the first ones may be those that the prior would rather have, or new
        assert (np.abs(found[1:lag] - found[0]).max(axis=1) > 0.05).any()


def test_bars_return_as_often_as_the_prior_says(tiny):
    """Three times of four, be it one or two bars before; here both are three times as likely as a new one."""
    space = saying(tiny, np.zeros(3), np.zeros(3), [0.0, np.log(1.5), np.log(1.5), -99, -99])
    found = np.array([space.drawn(form_of(3), seed)[2] for seed in range(400)])
    before = np.array([space.drawn(form_of(2), seed) for seed in range(400)])
    near = (found[:, None] == before).all(axis=2).any(axis=1)
    assert 0.68 < near.mean() < 0.82


def test_a_piece_that_returns_says_less(tiny):
    """Nats of a latent whose rows are alike are fewer, where the prior knows that rows return."""
    ones, form = np.full((8, 3), 0.5, np.float32), form_of(8)
    posterior = Posterior(ones, 0.1 * ones, form)
    knows = saying(tiny, np.zeros(3), np.zeros(3), np.zeros(5)).nats(posterior, ones)
    assert knows < saying(tiny, np.zeros(3), np.zeros(3)).nats(posterior, ones) / 2


def test_a_row_is_expected_to_return_nearer_to_the_middle(tiny):
    rows, form = np.array([[1.0, 1.0, 1.0], [0.7, 0.7, 0.7]], np.float32), form_of(2)
    posterior = Posterior(rows, 0.1 * np.ones_like(rows), form)
    returns = np.zeros(3), np.zeros(3), [0, 99, -99, -99, -99]
    assert saying(tiny, *returns, scale=0.5, shift=0.2).nats(posterior, rows) < saying(tiny, *returns).nats(
        posterior, rows
    )


def test_deviations_of_the_prior_have_bounds(tiny):
    space = saying(tiny, np.zeros(3), np.array([90.0, -90.0, 0.0]))
    found = space.drawn(form_of(2), 11) / normal((2, 4), 11)[:, 1:]
    np.testing.assert_allclose(found, [np.exp(np.array([2.0, -6.0, 0.0]))] * 2, rtol=1e-5)
    assert np.isfinite(space.nats(Posterior(found, np.abs(found), form_of(2)), found))


def test_rows_follow_those_before_them_and_the_form(space):
    one = space.drawn(form_of(6), 3)
    assert one.tobytes() == space.drawn(form_of(6), 3).tobytes()
    for other in (
        form_of(6, meter="3/4"),
        form_of(6, key="A minor"),
        form_of(6, key="D major"),
        form_of(7)[1:] * [2, 1, 1, 1, 1],
    ):
        assert (np.abs(space.drawn(other, 3) - one) > 1e-6).any(axis=1).all()
    known = one[:2].copy()
    known[0] += 1
    assert (np.abs(space.drawn(form_of(6), 3, known) - one)[2:] > 1e-6).any(axis=1).all()


@pytest.mark.parametrize("rows", [0, 1, 4, 6, 9])
def test_known_rows_stay_and_the_others_go_on_from_them(space, rows):
    form, known = form_of(6), normal((rows, 3), 99)
    found = space.drawn(form, 3, known)
    assert found.shape == (6, 3)
    np.testing.assert_array_equal(found[:rows], known[:6])
    np.testing.assert_array_equal(space.drawn(form, 3, found[:rows]), found)
    own = space.drawn(form, 3)
    np.testing.assert_array_equal(space.drawn(form, 3, own[:rows]), own)


def test_a_flat_latent_that_is_known(tmp_path):
    flat, known = Latent(bundle.load(export_vae(tmp_path, KINDS["flat"]))), normal((1, 3), 99)
    np.testing.assert_array_equal(flat.drawn(form_of(6), 3, known), known)


@pytest.mark.parametrize("bars", [0, 1, 63, 64, 65, 256])
def test_as_many_bars_as_there_are(space, bars):
    for meter in ("1/64", "64/1"):
        found = space.drawn(form_of(bars, meter), 0)
        assert found.shape == (bars, 3)
        assert np.isfinite(found).all()
        ones = np.ones_like(found)
        assert np.isfinite(space.nats(Posterior(found, ones, form_of(bars, meter)), found))


def test_the_divergence_is_the_mean_over_what_the_posterior_draws(tiny):
    """Of two normal distributions it has a closed form."""
    prior, own = ((1.0, 0.5), (0.0, 1.0), (-1.0, 2.0)), ((0.5, 0.3), (-2.0, 1.5), (-1.0, 2.0))
    closed = sum(
        0.5 * (((m - p) / q) ** 2 + (s / q) ** 2 - 1) - math.log(s / q)
        for (p, q), (m, s) in zip(prior, own, strict=True)
    )
    (means, deviations), (mean, deviation) = (np.array(each, np.float32).T for each in (prior, own))
    space = saying(tiny, means, 2 * np.log(deviations))
    posterior = Posterior(np.tile(mean, (40, 1)), np.tile(deviation, (40, 1)), form_of(40))
    found = [space.nats(posterior, posterior.draw(seed)) for seed in range(100)]
    assert np.mean(found) / 40 == pytest.approx(closed, rel=0.03)


def test_where_both_say_the_same_nothing_is_said(tiny):
    means, spreads = np.array([2.0, 0.0, -1.0]), np.array([1.0, 0.0, -2.0])
    same = Posterior(np.tile(means, (5, 1)), np.tile(np.exp(spreads / 2), (5, 1)), form_of(5))
    assert saying(tiny, means, spreads).nats(same, same.draw(3)) == pytest.approx(0, abs=1e-4)


def test_the_divergence_is_from_what_the_rows_of_the_latent_lead_to(space):
    posterior = Posterior(*normal((2, 5, 3), 1) ** 2 + np.float32(0.1), form_of(5))
    latent = normal((5, 3), 2)
    other = latent.copy()
    other[0] += 1
    found = space.nats(posterior, latent)
    assert space.nats(posterior, other) != pytest.approx(found, rel=1e-4)
    assert space.nats(posterior._replace(form=form_of(5, "3/4")), latent) != pytest.approx(found, rel=1e-4)


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


@given(latents, points, numbers)
def test_on_one_line_it_is_the_line(one, at, times):
    other = np.float32(times) * one
    np.testing.assert_allclose(slerp(one, other, at), (1 - at) * one + at * other, rtol=1e-4, atol=1e-4)


@given(latents, latents, points)
def test_it_is_finite_and_no_further_out_than_its_ends(one, other, at):
    found = slerp(one, other, at)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.linalg.norm(found) <= max(np.linalg.norm(one), np.linalg.norm(other)) * (1 + 1e-5) + 1e-6
