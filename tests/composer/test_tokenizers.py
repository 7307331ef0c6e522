"""Models of other tokenizers than the usual one: they write what their tokens can say, and keep what is asked for."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from tiny_models import TINY, export, scales

import composer
import data
from composer import batches, bundle
from composer.generate import load
from composer.likelihood import likelihood
from composer.piece import Recipe, signed
from composer.style import CHORALE
from data.dataset import Entry
from theory.errors import ClashError, FileFormatError, ModelError, TokenError
from theory.score import DEFAULT_VELOCITY, Score
from theory.tokens import EXPRESSIVE, Kind, Tokenizer
from theory.tokens.expression import left_out

STEERED = {
    "key": "D minor", "bars": 4, "chords": "Dm | Gm | A7 | Dm", "rules": ("four-part",), "ranges": ("soprano=C4:G5",),
    "density": ("1:8",),
}  # fmt: skip
TOKENIZERS = {
    "coarse": Tokenizer(resolution=2),
    "triplets": Tokenizer(resolution=3),
    "few loudnesses": Tokenizer(velocities=8, controls=False, drums=False),
    "exact loudness": Tokenizer(velocities=127),
    "microtiming": Tokenizer(microtiming=True),
    "lossless": Tokenizer.lossless(),
}


@pytest.fixture(scope="module", params=TOKENIZERS)
def tokenizer(request):
    return TOKENIZERS[request.param]


@pytest.fixture(scope="module")
def model(tokenizer, tmp_path_factory):
    return str(export(tmp_path_factory.mktemp("models") / "tiny", tokenizer=tokenizer))


def sound_music(score: Score, tokenizer: Tokenizer) -> None:
    """No voice sounds twice at once, nothing before the piece or after it, and all of it can be said."""
    assert tokenizer.quantize(score).tracks == tuple(track.replace(name="") for track in score.tracks)
    for track in score.tracks:
        ends = track.onset.astype(np.int64) + track.duration
        assert (track.onset[1:] >= ends[:-1]).all()
        assert (track.onset >= 0).all()
        assert (track.duration >= 1).all()
        assert (ends <= score.end).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("request_", [STEERED, {"bars": 3}, {"bars": 4, "cadences": ("4=perfect",)}], ids=str)
def test_pieces_keep_what_is_asked_and_what_tokens_can_say(model, tokenizer, request_, seed):
    piece = composer.compose(model=model, seed=seed, **request_)
    sound_music(piece.score, tokenizer)
    assert piece.score.bars == request_["bars"]
    assert piece.report.rules
    assert all(rule.kept == rule.asked for rule in piece.report.rules)
    kinds = {Kind(kind) for kind in EXPRESSIVE.kinds[list(piece.recipe.ids)]}
    assert not kinds & left_out(tokenizer)
    if tokenizer.microtiming:
        assert {Kind.ONSET_OFFSET, Kind.END_OFFSET} <= kinds
    assert composer.compose(model=model, seed=seed, **request_).recipe == piece.recipe


def test_performed_dynamics_are_the_models_own(model, tokenizer):
    piece = composer.compose(model=model, bars=2, seed=1)
    draft = composer.generate.draw_piece(composer.request.Request(model=model, bars=2, seed=1))
    own = tokenizer.learnt.decode(draft.ids)
    same = all(
        (one.velocity == other.velocity).all() for one, other in zip(own.tracks, piece.score.tracks, strict=True)
    )
    assert same == tokenizer.expressive
    assert len({note.velocity for track in piece.score.tracks for note in track} - {DEFAULT_VELOCITY}) > 1


def test_primers_stay_as_they_are_in_the_tokens(model, tokenizer, tmp_path):
    primer = composer.compose(model=model, bars=2, seed=4)
    longer = composer.continue_piece(primer, model=model, bars=2, seed=5)
    sound_music(longer.score, tokenizer)
    for track, first in zip(longer.score.tracks, primer.score.tracks, strict=True):
        for name in ("onset", "duration", "pitch", "velocity"):
            assert (getattr(track, name)[: len(first)] == getattr(first, name)).all()


def test_tunes_are_kept_where_they_are_written(model, tokenizer, tmp_path):
    tune = scales(5, bars=2)
    data.write(tune.replace(tracks=tune.tracks[:1]), tmp_path / "tune.mid")
    piece = composer.compose(model=model, seed=2, locks=(f"soprano={tmp_path / 'tune.mid'}",))
    kept = piece.score.tracks[0]
    assert (kept.onset.tolist(), kept.pitch.tolist()) == (tune.tracks[0].onset.tolist(), tune.tracks[0].pitch.tolist())
    assert kept.duration.tolist() == tune.tracks[0].duration.tolist()


def test_recipes_carry_the_settings(model, tokenizer):
    recipe = composer.compose(model=model, bars=1, seed=0).recipe
    text = recipe.to_json()
    again = Recipe.from_json(text)
    assert (again.to_json(), again.tokenizer, again.score()) == (text, tokenizer, recipe.score())
    values = json.loads(text)
    for wrong in (None, {"resolution": 5}, {"resolution": "2"}, {"grain": 1}):
        with pytest.raises(FileFormatError):
            Recipe.from_json(signed(values | {"tokenizer": wrong}))
    del values["tokenizer"]
    with pytest.raises(FileFormatError, match="mean something else"):
        Recipe.from_json(signed(values))


def test_likelihoods_are_over_the_models_tokens(model, tokenizer):
    _, runtime = load(bundle.find("chorale", model))
    score = CHORALE.undress(scales(1), dynamics=tokenizer.expressive)
    found = likelihood(runtime, score)
    assert math.isfinite(found.nats)
    assert found.tokens < len(tokenizer.learnt.encode(score))


def test_batches_are_of_the_data_sets_tokens(tokenizer):
    loud = [track.replace(velocity=track.velocity - 7) for track in scales(3).tracks]
    entry = Entry("one", "train", scales(3).replace(tracks=tuple(loud)))
    (piece,) = batches.prepare([entry], CHORALE, tokenizer)
    for batch in (*batches.epoch([piece], 2, 512, 0, 0), *batches.evaluation([piece], 2)):
        assert batch.targets.max() < tokenizer.vocabulary.size
        said = {Kind(kind) for kind in EXPRESSIVE.kinds[batch.targets[batch.weights > 0]]}
        assert (Kind.VELOCITY in said) == tokenizer.expressive


def test_what_lies_between_the_models_steps_cannot_be_asked_for(tmp_path):
    model = str(export(tmp_path / "tiny", tokenizer=TOKENIZERS["coarse"]))
    with pytest.raises(ClashError, match="notes where the model can write them, on 8ths"):
        composer.compose(model=model, bars=1, onsets=("soprano=1 1.25",))


def test_models_refuse_other_tokens_in_one_line(tmp_path):
    loaded = bundle.load(export(tmp_path / "tiny", tokenizer=TOKENIZERS["few loudnesses"]))
    loaded.check(TOKENIZERS["few loudnesses"], "datasets/mine")
    with pytest.raises(TokenError, match=r"^datasets/mine holds other tokens than the model .*tiny reads "):
        loaded.check(Tokenizer(), "datasets/mine")
    with pytest.raises(TokenError, match=r"\(velocities 32, not 8; controls True, not False; drums True, not False\)$"):
        loaded.check(Tokenizer(), "datasets/mine")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"resolution": 12}, "another vocabulary"), ({"resolution": 7}, "resolution 7"), ({"grain": 2}, "grain"),
        ({"microtiming": 1}, "microtiming 1"), ([], "settings"),
    ],
)  # fmt: skip
def test_damaged_settings_of_a_model(tmp_path, settings, message):
    folder = export(tmp_path / "tiny")
    config = json.loads((folder / bundle.CONFIG).read_text())
    assert config["tokenizer"] == {
        "resolution": 24,
        "velocities": 32,
        "microtiming": False,
        "controls": True,
        "drums": True,
    }
    (folder / bundle.CONFIG).write_text(json.dumps(config | {"tokenizer": settings}))
    with pytest.raises(ModelError, match=message):
        bundle.load(folder)
    (folder / bundle.CONFIG).write_text(
        json.dumps({name: value for name, value in config.items() if name != "tokenizer"})
    )
    assert bundle.load(folder).tokenizer == Tokenizer()  # as models before settings were


def test_sizes_of_another_vocabulary_are_damage(tmp_path):
    folder = tmp_path / "tiny"
    bundle.export(folder, {}, TINY, CHORALE, Tokenizer.lossless())
    with pytest.raises(ModelError, match="its tokenizer has another number"):
        bundle.load(folder)
    assert replace(TINY, vocabulary=EXPRESSIVE.size).shapes()["embedding"][0] == EXPRESSIVE.size
