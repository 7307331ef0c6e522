"""Pieces from the latent space: of the given form, within what is asked, and where they should lie."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tiny_latents import GAN, KINDS, given, told_by
from tiny_models import TINY_LATENT, export, export_vae, scales, tune

import composer
import data
from composer import bundle, generate, latent_path, search
from composer.generate import composed
from composer.latent import blend, interpolate, mixed, path, place, reconstruct, vary
from composer.latent_runtime import Latent, slerp
from composer.piece import Piece
from composer.style import CHORALE
from theory.analysis.attributes import ATTRIBUTES
from theory.errors import CadenzaError, ModelError, RequestError, SearchError, UnknownNameError
from theory.event import KeyEvent, MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track
from theory.tokens import Tokenizer


def form_of(score):
    """What a piece and what is made of it have in common."""
    return (
        score.bars, score.pickup, [event.meter for event in score.meters], score.keys[0].key,
        round(score.tempos[0].bpm), len(score.tracks),
    )  # fmt: skip


def check(piece, like):
    """A valid piece of that form that keeps all it was asked for, and comes again from its recipe."""
    assert form_of(piece.score) == form_of(like)
    assert piece.score.notes
    assert all(rule.kept == rule.asked for rule in piece.report.rules)
    assert Tokenizer().encode(piece.score).tolist() == list(piece.recipe.ids)
    assert Piece.from_recipe(piece.recipe).score == piece.score


FORMS = [
    {}, {"bars": 1}, {"bars": 7, "meter": "3/4", "key": "E minor"}, {"upbeat": "1/8"},
    {"meter": "4/4", "upbeat": "1/4", "key": "A dorian"}, {"meter": "9/8", "key": "Bb", "bpm": 60},
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_form_is_the_pieces(request_, form):
    piece = given(**form)
    check(reconstruct(piece, **request_), piece)
    check(vary(piece, seed=3, **request_), piece)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_asked_holds(tmp_path, kind):
    first, second = given(0, upbeat="1/8"), given(1, upbeat="1/8", key="G major", bpm=90)
    asked = {
        "style": "folk", "model": str(export_vae(tmp_path, KINDS[kind])), "ranges": "melody=D4:A5", "leaps": "7",
        "scale": "D major", "density": "2:5", "durations": "4 8 4.", "cadences": "4=perfect", "temperature": 1.0,
    }  # fmt: skip
    made = [
        reconstruct(first, **asked), vary(first, seed=4, spread=3, **asked), blend([first, second], **asked),
        vary(first, toward="+density", **asked), *interpolate(first, second, steps=3, **asked),
    ]  # fmt: skip
    for piece in made:
        check(piece, first)
        pitches = piece.score.tracks[0].pitch.astype(int)
        assert 62 <= pitches.min() <= pitches.max() <= 81
        assert np.abs(np.diff(pitches)).max() <= 7
        assert set(pitches % 12) <= set(Key.parse("D").pitch_classes)
        assert {"range Melody D4 to A5", "scale D major"} <= {rule.rule for rule in piece.report.rules}


def test_a_title_stays_with_a_piece_that_is_made_of_one(request_):
    named = given().replace(title="The Hare")
    assert reconstruct(named, **request_).score.title == "The Hare"
    assert vary(named, **request_).score.title == "The Hare"
    assert vary(named, title="Mine", **request_).score.title == "Mine"
    assert blend([named, given(1)], **request_).score.title == "Folk in D major"


def test_given_as_a_file_a_piece_or_a_score(request_, tmp_path):
    score = given()
    data.write(score, tmp_path / "tune.mid")
    made = [reconstruct(one, **request_).score for one in (score, tmp_path / "tune.mid", str(tmp_path / "tune.mid"))]
    assert made[0] == made[1] == made[2]
    piece = reconstruct(score, **request_)
    assert reconstruct(piece, **request_).score == reconstruct(piece.score, **request_).score


def test_the_same_seed_gives_the_same_bytes(request_, tmp_path):
    one, other = given(0), given(1)
    makers = [
        lambda seed: reconstruct(one, seed=seed, **request_),
        lambda seed: vary(one, seed=seed, **request_),
        lambda seed: blend([one, other], seed=seed, **request_),
        lambda seed: interpolate(one, other, steps=3, seed=seed, **request_)[1],
    ]
    for make in makers:
        for name, seed in (("a", 5), ("b", 5), ("c", 6)):
            make(seed).write(tmp_path / f"{name}.mid")
        first, again, another = ((tmp_path / f"{name}.mid").read_bytes() for name in "abc")
        assert first == again != another


def test_usually_it_is_what_is_likeliest_and_an_open_ending(tiny_vae):
    """Whatever the seed."""
    one, other = (reconstruct(given(), model=tiny_vae, seed=seed) for seed in (0, 1))
    assert one.score == other.score
    assert (one.recipe.request["style"], one.recipe.request["temperature"]) == ("folk", 0.0)
    assert not any("tonic" in rule.rule for rule in one.report.rules)
    tonic = reconstruct(given(), model=tiny_vae, ending="tonic")
    assert any("tonic" in rule.rule for rule in tonic.report.rules)
    assert tonic.score.tracks[0].pitch[-1] % 12 == 2


def test_progress_counts_bars(tiny_vae):
    for make in (reconstruct, vary, lambda piece, **more: blend([piece, piece], **more)):
        seen = []
        make(given(upbeat="1/8"), model=tiny_vae, progress=lambda *bars, seen=seen: seen.append(bars))
        assert {total for _, total in seen} == {5}
        assert [done for done, _ in seen] == sorted({done for done, _ in seen})


# Where they lie


def test_a_reconstruction_comes_from_the_mean(request_, monkeypatch):
    piece = given(upbeat="1/8")
    _, (found,) = told_by(lambda: reconstruct(piece, **request_), monkeypatch)
    space = Latent(bundle.load(Path(request_["model"])))
    placed = place(piece, request_)
    np.testing.assert_array_equal(found, placed.posterior.mean)
    assert found.shape == (5, TINY_LATENT.size)
    assert space.contexts(found).any()


def test_other_latents_give_other_pieces(request_):
    """The decoder hears what it is told."""
    made = {reconstruct(given(seed), seed=1, **request_).recipe.ids for seed in range(4)}
    assert len(made) == 4
    assert len({vary(given(), seed=1, spread=2, toward={"density": n}, **request_).recipe.ids for n in (-4, 0, 4)}) > 1


def test_ends_of_a_path_are_the_reconstructions(request_):
    one, other = given(0), given(3)
    way = interpolate(one, other, steps=6, **request_)
    assert len(way) == 6
    for piece, end in ((way[0], one), (way[-1], other)):
        assert piece.recipe.ids == reconstruct(end, **request_).recipe.ids
    assert len({piece.recipe.ids for piece in way}) > 2


def test_what_is_tried_lies_on_the_arc_or_between_its_ends(request_, monkeypatch):
    one, other = given(0), given(1)
    _, (first, last, *seen) = told_by(lambda: interpolate(one, other, steps=5, **request_), monkeypatch)
    means = [place(piece, request_).posterior.mean for piece in (one, other)]
    np.testing.assert_array_equal([first, last], means)
    around = [seen[start : start + 32] for start in range(0, 96, 32)]
    assert len(seen) == 2 * 96
    rows = {row.tobytes() for each in seen[:96] for row in each}
    assert 0.5 < np.mean([row.tobytes() in rows for each in seen[96:] for row in each]) < 0.85  # made of those before
    for step, (on_the_arc, *near) in enumerate(around, 1):
        np.testing.assert_array_equal(on_the_arc, slerp(*means, step / 4))
        assert len({each.tobytes() for each in near}) == len(near)
        to_first, to_last = np.mean([[((each - mean) ** 2).sum() for mean in means] for each in near], axis=0)
        if step != 2:  # the middle
            assert (to_first < to_last) == (step < 2)


def test_what_one_hears_changes_evenly():
    """Of what is tried, what lies on the way is taken: paths are more even than those of the arc's own pieces."""
    tunes = [composer.compose(style="folk", model="vae", bars=8, seed=seed, meter="6/8") for seed in range(4)]

    def uneven(way):
        values = np.array([[ATTRIBUTES[name](piece.score) for name in latent_path._EVEN] for piece in way])
        off = values - np.linspace(values[0], values[-1], len(values))
        return (np.abs(off) / (np.abs(values[-1] - values[0]) + latent_path._LITTLE)).sum()

    even, plain = [], []
    for one, other in pairwise(tunes):
        placed = [place(piece, {}) for piece in (one, other)]
        means = [each.posterior.mean for each in placed]
        plain.append(uneven([composed(placed[0].wanted, slerp(*means, step / 5), None) for step in range(6)]))
        even.append(uneven(interpolate(one, other, steps=6)))
    assert sum(even) < 0.7 * sum(plain)


def test_key_and_tempo_of_a_path_are_the_first_ones(request_):
    one, other = given(0, key="E minor", bpm=80), given(1, key="G major", bpm=160)
    for piece in interpolate(one, other, steps=3, **request_):
        check(piece, one)
    check(blend([other, one], **request_), other)


def test_a_path_is_checked_before_its_first_piece(tiny_vae):
    one, other = given(0), given(1)
    for asked in ({"ranges": "melody=C9:C8"}, {"cadences": "9=perfect"}, {"seed": -1}, {"steps": 1}):
        with pytest.raises(CadenzaError):
            path(one, other, model=tiny_vae, **asked)


def test_a_step_that_is_not_found_leaves_the_others(request_, monkeypatch):
    before, calls = generate.write, []

    def fail_at_the_second(*known):
        calls.append(known)
        if len(calls) == 2:
            raise SearchError("no piece was found")
        return before(*known)

    monkeypatch.setattr(generate, "write", fail_at_the_second)
    found = list(path(given(0), given(1), steps=3, **request_))
    assert [isinstance(piece, Piece) for piece in found] == [True, True, False]  # the ends come first
    calls.clear()
    with pytest.raises(SearchError, match="no piece was found"):
        interpolate(given(0), given(1), steps=3, **request_)


def test_all_of_one_piece_is_that_piece(request_):
    one, other = given(0), given(1)
    ids = reconstruct(one, **request_).recipe.ids
    assert blend([one, other], weights=[1, 0], **request_).recipe.ids == ids
    assert blend([one, one, one], **request_).recipe.ids == ids
    assert vary(one, spread=0, **request_).recipe.ids == ids
    assert vary(one, toward={}, spread=0, **request_).recipe.ids == ids
    assert vary(one, toward={"density": 0}, **request_).recipe.ids == ids


def test_an_attribute_that_hardly_went_where_it_was_asked_is_said(request_):
    """Found pieces keep to one note a bar, so that none can be denser."""
    asked = {**request_, "density": "1:1"}
    went = vary(given(), toward="+density=5 -register=0.01", **asked)
    (line,) = [line for line in went.report.notices if "density" in line]
    before, after = (ATTRIBUTES["density"](score) for score in (given(), went.score))
    deviation = bundle.load(Path(asked["model"])).heard.deviations[0]
    assert line.startswith(
        f"density went {(after - before) / deviation:+.1f} standard deviations where +5 was asked for"
    )
    assert not vary(given(), toward="-density=0.01", **asked).report.notices


def test_what_of_a_piece_cannot_be_written_is_said(request_):
    piece = given()
    notes = piece.tracks[0]
    low = Track([*notes.onset, int(notes.onset[-1])], [*notes.duration, 24], [*notes.pitch, 30], [*notes.velocity, 64])
    odd = piece.replace(tracks=(low,))
    lines = (
        "the piece: 1 of {0} notes of the melody begin while others sound: they are thinned",
        "the piece: 1 of {0} notes of the melody lie outside its range, G3 to E6",
    )
    told = tuple(line.format(len(notes) + 1) for line in lines)
    assert reconstruct(odd, **request_).report.notices == told
    assert vary(odd, **request_).report.notices == told
    assert blend([piece, odd], **request_).report.notices == told
    assert [step.report.notices for step in interpolate(piece, odd, steps=3, **request_)] == [(), (), told]
    assert reconstruct(odd, ranges="C1:C7", **request_).report.notices == told[:1]
    assert not reconstruct(piece, **request_).report.notices


def test_a_mixture_keeps_its_distance_from_the_middle():
    dice = np.random.default_rng(0)
    latents = [dice.normal(size=(4, 8)).astype(np.float32) for _ in range(3)]
    lengths = [np.linalg.norm(one) for one in latents]
    found = mixed(latents, [1, 1, 1])
    assert found.dtype == np.float32
    assert np.linalg.norm(found) == pytest.approx(np.mean(lengths), rel=1e-5)
    plain = np.mean(latents, axis=0)
    assert np.allclose(found / np.linalg.norm(found), plain / np.linalg.norm(plain), atol=1e-5)
    np.testing.assert_allclose(mixed(latents, [2, 1, 0]), mixed(latents[:2], [0.5, 0.25]), rtol=1e-6)
    np.testing.assert_allclose(mixed(latents, [0, 1, 0]), latents[1], rtol=1e-6)
    zero = np.zeros((4, 8), np.float32)
    np.testing.assert_array_equal(mixed([zero, zero], [1, 1]), zero)


def test_what_a_seed_leads_to_lies_as_far_as_asked(request_, monkeypatch):
    piece = given()
    mean, deviation, _ = place(piece, request_).posterior
    found = {}
    for spread in (0.5, 1.0, 2.0):
        _, (found[spread],) = told_by(lambda far=spread: vary(piece, spread=far, seed=9, **request_), monkeypatch)
        monkeypatch.undo()
    np.testing.assert_allclose(found[2.0] - mean, 4 * (found[0.5] - mean), rtol=1e-3, atol=1e-5)
    away = (found[1.0] - mean) / deviation
    assert 0.2 < np.abs(away).mean() < 2
    _, (usual,) = told_by(lambda: vary(piece, seed=9, **request_), monkeypatch)
    np.testing.assert_array_equal(usual, found[1.0])


def test_pieces_in_four_parts(tmp_path):
    """A latent of several tracks, under rules for which the search goes back."""
    model = str(export_vae(tmp_path, style=CHORALE))
    asked = {"style": "chorale", "model": model, "rules": "four-part", "density": "2:4", "temperature": 1.0}
    piece = scales(1, bars=2).replace(keys=(KeyEvent(0, Key.parse("C")),))
    found = []
    for seed in range(4):
        try:
            found.append(vary(piece, seed=seed, **asked))
        except SearchError:
            continue
    assert found
    for one in found:
        check(one, piece)


def test_the_budget_is_kept(request_, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "BUDGET", 0)
    model = str(export_vae(tmp_path, style=CHORALE))
    asked = {"style": "chorale", "model": model, "rules": "four-part", "density": "2:4", "chords": "C G | Am F"}

    def all_of_them():
        for seed in range(20):
            vary(scales(1, bars=2), seed=seed, temperature=1.0, **asked)

    with pytest.raises(SearchError, match="no piece was found in 0 tries"):
        all_of_them()


# What cannot be


def changing():
    piece = tune(0, bars=4)
    return piece.replace(meters=(MeterEvent(0, Meter(6, 8)), MeterEvent(2 * 1440, Meter(3, 4))))


NO_NUMBER = float("nan")
MISTAKES = {
    "key": (lambda r: reconstruct(given(), key="C", **r), "the piece decides its key: leave it out"),
    "form": (lambda r: vary(given(), bars=4, tempo=90, **r), "the piece decides its tempo, bars: leave it out"),
    "no such field": (lambda r: reconstruct(given(), tone="C", **r), "tone: a request has no such field"),
    "tracks": (lambda r: reconstruct(scales(0), **r), "the piece has 4 tracks: style folk knows Melody"),
    "drums": (
        lambda r: reconstruct(Score.from_notes([(0, 480, 36)], is_drum=True), **r), "has 1 track with drums: style folk"
    ),
    "no notes": (lambda r: reconstruct(Score((Track.empty(),), end=1920), **r), "the piece has no notes"),
    "no tracks": (lambda r: reconstruct(Score(()), **r), "the piece has no notes"),
    "no piece": (lambda r: reconstruct(17, **r), "the primer is 17"),
    "meter": (lambda r: reconstruct(tune(0, meter="5/4"), **r), "style folk writes no 5/4: choose one of 6/8"),
    "mode": (lambda r: reconstruct(tune(0, key="E phrygian"), **r), "style folk writes no phrygian"),
    "changes": (lambda r: reconstruct(changing(), **r), "the piece changes its meter (6/8, 3/4): cut out bars of one"),
    "too long": (lambda r: reconstruct(tune(0, bars=300), **r), "300 bars: must be 1 to 256"),
    "meters": (
        lambda r: interpolate(given(), given(meter="4/4"), **r),
        "the pieces differ in meter (6/8 and 4/4): cut them to the same form",
    ),
    "bars": (lambda r: blend([given(), given(), given(bars=5)], **r), "the pieces differ in number of bars (4 and 5)"),
    "upbeats": (lambda r: interpolate(given(), given(upbeat="1/8"), **r), "differ in upbeat (none and 1/8)"),
    "longer upbeat": (lambda r: blend([given(upbeat="3/8"), given(upbeat="1/8")], **r), "in upbeat (3/8 and 1/8)"),
    **{
        f"steps {steps!r}": (
            lambda r, steps=steps: interpolate(given(), given(1), steps=steps, **r),
            f"steps {steps!r}: must be a whole number, 2 to 256",
        )
        for steps in (1, 0, -3, 257, 2.0, True, "8", None)
    },
    "one": (lambda r: blend([given()], **r), "1 piece to blend: two or more are needed"),
    "a score": (lambda r: blend(given(), **r), "1 piece to blend: two or more are needed"),
    "none": (lambda r: blend([], **r), "0 pieces to blend: two or more are needed"),
    **{
        f"weights {weights}": (
            lambda r, weights=weights: blend([given(), given(1)], weights=weights, **r),
            "write one for each of the 2 pieces, 0 or more, not all 0",
        )
        for weights in ([1], [1, 2, 3], [0, 0], [1, -1], [1, NO_NUMBER], [1, float("inf")], [1e308, 1e308])
    },
    **{
        f"weights {weights!r}": (
            lambda r, weights=weights: blend([given(), given(1)], weights=weights, **r),
            f"weights {weights!r}: write one for each piece",
        )
        for weights in (3, "2,1")
    },
    "weight": (lambda r: blend([given(), given(1)], weights=["1", 2], **r), "weight '1': must be a number"),
    **{
        f"spread {spread}": (
            lambda r, spread=spread: vary(given(), spread=spread, **r), f"spread {spread:g}: must be 0 to 10"
        )
        for spread in (-0.1, 10.5, NO_NUMBER, float("inf"))
    },
    "spread": (lambda r: vary(given(), spread="1", **r), "spread '1': must be a number"),
    **{
        f"toward {toward}": (lambda r, toward=toward: vary(given(), toward=toward, **r), "give a text, as in '+density")
        for toward in (["+density"], 3)
    },
    "attribute": (
        lambda r: vary(given(), toward="+loudness", **r),
        "no attribute is called 'loudness': this model knows density, register",
    ),
    "far": (lambda r: vary(given(), toward="+density=5.5", **r), "density by 5.5 standard deviations: must be -5 to 5"),
    "endless": (lambda r: vary(given(), toward={"density": NO_NUMBER}, **r), "density by nan standard deviations"),
    "amount": (lambda r: vary(given(), toward={"density": "1"}, **r), "density '1': must be a number"),
    "words": (lambda r: vary(given(), toward="++density", **r), "write attributes with signs"),
    "file": (lambda r: reconstruct("nowhere.mid", **r), "nowhere.mid"),
}  # fmt: skip


@pytest.mark.parametrize("what", MISTAKES)
def test_requests_that_make_no_sense(request_, what):
    make, line = MISTAKES[what]
    with pytest.raises(CadenzaError, match=re.escape(line)) as caught:
        make(request_)
    assert "\n" not in str(caught.value)


def test_no_style_is_named_for_which_no_such_model_comes_along():
    with pytest.raises(RequestError, match=r"4 tracks: style folk knows Melody$"):
        reconstruct(scales(0))


@pytest.mark.parametrize("make", [reconstruct, vary, lambda piece, **more: interpolate(piece, piece, **more)])
def test_models_that_cannot(make, tmp_path):
    with pytest.raises(ModelError, match="has no latent space: choose a VAE, as in --model vae"):
        make(scales(0), style="chorale", model="lstm")
    with pytest.raises(ModelError, match="has no encoder: it can write, but not say where a piece lies; choose a VAE"):
        make(given(), model=str(export_vae(tmp_path / "gan", GAN)))
    with pytest.raises(RequestError, match="writes style chorale, not folk"):
        make(given(), model=str(export(tmp_path / "chorale")))


def test_a_model_that_knows_no_attributes(tmp_path):
    with pytest.raises(UnknownNameError, match="no attribute is called 'density': this model knows none"):
        vary(given(), toward="+density", model=str(export_vae(tmp_path, attributes=())))
