"""Likelihoods, bounds and reconstruction."""

from __future__ import annotations

import pytest
from tunes import tune

from composer.evaluation import likelihoods, writer
from composer.evaluation.likelihoods import alike, nats
from composer.evaluation.split import Excerpt
from composer.latent_runtime import Latent
from composer.likelihood import likelihood
from composer.style import FOLK
from theory.score import Score, Track
from theory.tokens import Tokenizer

REQUEST = {"key": "G major", "meter": "4/4", "tempo": 120, "bars": 4}


@pytest.fixture(scope="module")
def excerpts():
    return [Excerpt(str(seed), Tokenizer().learnt.quantize(FOLK.undress(tune(seed))), REQUEST) for seed in range(5)]


def rows(work):
    return [row for job in work for row in job.run()]


def test_nats_are_those_of_the_runtime(models, excerpts):
    one = writer.model(models["lstm"])
    _, runtime = one.load()
    for (found, latent, notes), each in zip(rows(likelihoods.likelihoods(one, excerpts, 0)), excerpts, strict=True):
        expected = likelihood(runtime, each.score)
        assert found == pytest.approx(expected.nats, rel=1e-5)
        assert (latent, notes) == (0, expected.notes)


def test_a_vae_has_a_bound_of_what_it_says_and_what_its_latent_says(models, excerpts):
    one = writer.model(models["vae"])
    model, runtime = one.load()
    work = likelihoods.likelihoods(one, excerpts, 0)
    for number, (found, latent, _) in enumerate(rows(work)):
        score = excerpts[number].score
        space = Latent(model)
        posterior = space.posterior(score)
        drawn = posterior.draw(number)
        assert latent == pytest.approx(space.nats(posterior, drawn))
        told = runtime.told(space.contexts(drawn))
        assert found == pytest.approx(nats(runtime, score, told))
        assert found != pytest.approx(nats(runtime, score), abs=1e-3), "the latent tells the decoder something"
    assert rows(likelihoods.likelihoods(one, excerpts, 7)) != rows(work), "another latent is drawn"


def test_a_gan_has_none(models, excerpts):
    one = writer.model(models["gan"])
    assert likelihoods.likelihoods(one, excerpts, 0) == []
    assert likelihoods.reconstructing(one, excerpts, 2, 0) == []


def test_pieces_are_written_again_in_their_own_form(models, excerpts):
    found = rows(likelihoods.reconstructing(writer.model(models["vae"]), excerpts, 2, 0))
    assert len(found) == len(excerpts)
    assert {steps for _, steps, _ in found} == {2 * 16}
    assert all(0 <= right <= steps for right, steps, _ in found)
    assert sum(bits for *_, bits in found) > 0  # of one latent each: their mean is the divergence


def melody(*notes, end=1920):
    return Score((Track.from_notes(notes),), end=end)


PLAIN = melody((0, 480, 60), (480, 240, 62), (960, 960, 64))


@pytest.mark.parametrize(
    ("again", "wrong"),
    [
        (PLAIN, 0),
        (melody((0, 480, 60), (480, 240, 62), (960, 960, 65)), 1),  # another pitch: where it begins
        (melody((0, 480, 60), (480, 480, 62), (960, 960, 64)), 1),  # no rest: where it began
        (melody((0, 480, 60), (480, 240, 62), (1080, 840, 64)), 2),  # a 16th late
        (melody((0, 480, 60), (480, 240, 62), (965, 955, 64)), 0),  # less than half a 16th late
        (None, 16),  # nothing was found
    ],
)
def test_what_counts_as_alike(again, wrong):
    assert alike(PLAIN, again) == (16 - wrong, 16)


def test_parts_count_apart():
    two = Score((*PLAIN.tracks, *melody((0, 1920, 48)).tracks), end=1920)
    other = Score((*PLAIN.tracks, *melody((0, 1920, 50)).tracks), end=1920)
    assert alike(two, other) == (31, 32)


def test_silence_at_the_start_is_said():
    assert alike(melody((480, 480, 60)), melody((480, 480, 60))) == (16, 16)
    right, _ = alike(melody((480, 480, 60)), melody((0, 960, 60)))
    assert right == 14
