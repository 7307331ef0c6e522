"""Adversarial training: what it draws and keeps, when it stops; a run that was killed ends as one that was not."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from composer import batches, bundle, checkpoint
from composer.bar_notes import forms_of
from composer.config import DecoderConfig, LatentConfig
from composer.decode import write
from composer.latent_runtime import Latent, normal
from composer.rollouts import Forms, Player, choices, known_tokens, reading
from composer.style import FOLK
from composer.train import CHECKPOINT
from data.dataset import Entry
from theory.errors import RequestError, SearchError, TokenError, TrainingError
from theory.event import KeyEvent, MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track
from theory.tokens import EXPRESSIVE, VOCABULARY, Kind, Tokenizer

TINY = DecoderConfig(embedding=6, context=5, units=8, layers=2)
LATENT = LatentConfig(size=3, conductor_units=4, prior_units=4, encoder="")


def tune(seed: int, bars: int = 6) -> Score:
    """A walk in quarters up and down the white notes, in 2/4 or 3/4."""
    dice = np.random.default_rng(seed)
    meter = Meter(2 + seed % 2, 4)
    steps = np.abs((dice.integers(8) + np.cumsum(dice.integers(1, 3, meter.numerator * bars))) % 14 - 7)
    white = (60, 62, 64, 65, 67, 69, 71, 72)
    track = Track.from_notes([(480 * n, 480, white[step]) for n, step in enumerate(steps)], program=40)
    return Score((track,), keys=(KeyEvent(0, Key.parse("C major")),), meters=(MeterEvent(0, meter),))


def pieces(first: int, count: int) -> list[batches.Piece]:
    entries = [Entry(f"{n:03d}", "train", tune(n)) for n in range(first, first + count)]
    found = batches.prepare(entries, FOLK)
    assert len(found) == count
    return found


BIASES = {
    Kind.TRACK: (-6, ()), Kind.POSITION_HIGH: (-6, ()), Kind.DURATION_HIGH: (-6, ()),
    Kind.POSITION_LOW: (-6, (24, 48)), Kind.DURATION_LOW: (-6, (24,)), Kind.PITCH: (-6, (60, 62, 64, 65, 67, 69)),
}  # fmt: skip


def model(folder: Path, latent: LatentConfig | None = None, seed: int = 0) -> bundle.Bundle:
    """Random weights, with a liking for white notes in quarters."""
    dice = np.random.default_rng(seed)
    shapes = TINY.shapes() | (latent.shapes(TINY.context) if latent else {})
    weights = {name: dice.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    for kind, (bias, liked) in BIASES.items():
        weights["output.bias"][VOCABULARY.span(kind)] += bias
        weights["output.bias"][[VOCABULARY.id(kind, value) for value in liked]] += 10
    bundle.export(folder, weights, TINY, FOLK, latent=latent)
    return bundle.load(folder)


@pytest.fixture(scope="module")
def adversarial():
    """The module that trains."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")
    from composer import adversarial

    return adversarial


@pytest.fixture(scope="module")
def gan_model(tmp_path_factory) -> bundle.Bundle:
    return model(tmp_path_factory.mktemp("models") / "gan", LATENT)


# What is compared.


def test_real_and_drawn_pieces_share_their_form(gan_model):
    forms = Forms(pieces(0, 12), 2, FOLK)
    dice = np.random.default_rng(0)
    seen = set()
    for _ in range(8):
        form = forms.form(dice)
        real = forms.excerpts(form, 4, dice)
        made = Player(gan_model, 2).drawn(real[0], range(4))
        meters = {Tokenizer().learnt.decode(piece.ids).meters[0].meter for piece in (*real, *made)}
        assert len(meters) == 1
        seen |= meters
        assert {Tokenizer().learnt.decode(piece.ids).bars for piece in (*real, *made)} == {2}
    assert seen == {Meter(2, 4), Meter(3, 4)}


def test_excerpts_need_pieces_as_long(gan_model):
    with pytest.raises(TrainingError, match="no piece has 9 whole bars"):
        Forms(pieces(0, 3), 9, FOLK)


def test_what_is_noted_of_a_draw_is_what_the_network_drew_from(adversarial, gan_model):
    """The probabilities under which the runtime drew are those that the trained network gives the same tokens."""
    from composer.models import gan, vae

    (one,) = Forms(pieces(0, 1), 2, FOLK).sample(1, np.random.default_rng(0))
    player = Player(gan_model, 2)
    made = player.drawn(one, [5, 6])
    alone = write(player.task(one), 5)
    assert made[0].ids.tolist() == alone.ids
    np.testing.assert_array_equal(made[0].noise, normal((2, 1 + LATENT.size), 5))
    network = gan.generator(TINY, LATENT, 2)
    vae.set_weights(network, gan_model.weights)
    batch = reading(made, Tokenizer().learnt)
    form, noise = np.array([piece.form for piece in made]), np.array([piece.noise for piece in made])
    logits = np.asarray(network((*batch.inputs, form, noise), training=False))
    allowed = choices(made, batch.targets.shape[1])
    drawn = np.take_along_axis(allowed, batch.targets[:, :, None].astype(np.int64), axis=2)[..., 0]
    np.testing.assert_array_equal(drawn, batch.weights > 0)
    there = batch.weights[0] > 0
    said = np.take_along_axis(logits[0], batch.targets[0][:, None].astype(np.int64), axis=1)[there, 0]
    expected = alone.logits[np.arange(len(alone.logits)), alone.ids[alone.opening :]]
    np.testing.assert_allclose(said, expected, atol=1e-4)
    tokens, read = known_tokens(made, TINY.vocabulary)
    np.testing.assert_array_equal(tokens * read, batch.targets * batch.weights)
    np.testing.assert_array_equal(read, batch.weights)


def test_a_decoder_by_itself_begins_with_a_conductor_that_says_nothing(adversarial, tmp_path):
    from composer.models import decoder, gan, vae

    plain = model(tmp_path)
    network, alone = gan.generator(TINY, LATENT, 2, 3), decoder.build(TINY)
    vae.set_weights(network, adversarial.first_weights(vae.weights(network), plain))
    decoder.set_weights(alone, plain.weights)
    (one,) = Forms(pieces(0, 1), 2, FOLK).sample(1, np.random.default_rng(0))
    batch = reading([one], Tokenizer().learnt)
    form, noise = forms_of(one.score), np.random.default_rng(0).normal(size=(1, 2, 4)).astype(np.float32)
    told = network((*batch.inputs, form[None], noise), training=False)
    np.testing.assert_allclose(np.asarray(told), np.asarray(alone(batch.inputs[:3], training=False)), atol=1e-5)
    latents = Latent(replace(plain, weights=vae.weights(network), latent=LATENT))
    np.testing.assert_allclose(latents.drawn(form, 4)[0], latents.noise(2, 4)[0, 1:])  # no row to return to yet


# What is kept.


def figures(**changes: float) -> dict[str, float]:
    usual = {"distinct_4": 0.8, "self_bleu": 0.4, "frechet_distance": 5.0, "musegan_distance": 0.5}
    return usual | changes


REAL = figures(distinct_4=0.7, self_bleu=0.5, frechet_distance=1.0, musegan_distance=0.1)


def test_what_is_nearer_without_saying_less_is_kept(adversarial):
    def is_nearer(**changes):
        return adversarial.is_nearer(figures(**changes), figures(), REAL)

    better = {"frechet_distance": 4.0, "musegan_distance": 0.4}
    assert is_nearer(**better)
    assert is_nearer(**better, distinct_4=0.71, self_bleu=0.49)  # as real music repeats itself
    assert not is_nearer(**better, distinct_4=0.65)
    assert not is_nearer(**better, self_bleu=0.55)
    assert not is_nearer(frechet_distance=4.0)
    assert not is_nearer(musegan_distance=0.4)
    assert not is_nearer()


def test_a_generator_that_says_one_thing_has_collapsed(adversarial):
    from composer.metrics import SET_METRICS, measure

    real = measure([tune(2 * n) for n in range(12)])

    def of(scores):
        made = measure(scores)
        return {name: metric.function(made, real) for name, metric in SET_METRICS.items()}

    known = of([tune(2 * n) for n in range(12)])
    assert adversarial.collapse(of([tune(2 * n + 100) for n in range(12)]), known, known) == ""
    assert "mode collapse: a share of" in adversarial.collapse(of([tune(0)] * 12), known, known)
    assert "self-BLEU" in adversarial.collapse({**known, "self_bleu": known["self_bleu"] + 0.2}, known, known)
    assert adversarial.collapse({**known, "distinct_4": float("nan")}, known, known)


# A run.


class Watch:
    """A reporter that notes what it is told, and may pull the plug after some steps."""

    def __init__(self, last: int | None = None):
        self.begun, self.steps, self.records, self.last, self.stopped = None, [], [], last, 0

    def start(self, at):
        self.begun = at

    def step(self, at, right, loss, surprise, seconds):
        assert 0 < at <= 1
        assert 0 <= right <= 1
        assert seconds > 0
        self.steps.append(loss)
        if len(self.steps) == self.last:
            raise KeyboardInterrupt

    def measured(self, record):
        self.records.append(record)

    def stop(self):
        self.stopped += 1


class Run(NamedTuple):
    """A finished run."""

    folder: Path
    verdict: dict
    watch: Watch


@pytest.fixture(scope="module")
def sides():
    return pieces(0, 12), pieces(100, 8)


@pytest.fixture(scope="module")
def config(adversarial):
    return adversarial.AdversarialConfig(
        bars=2,
        rows=4,
        steps=4,
        head_start=1,
        critiques=1,
        every=2,
        pieces=8,
        learning_rate=0.01,
        seed=5,
    )


@pytest.fixture(scope="module")
def run(adversarial, sides, config, gan_model, tmp_path_factory) -> Run:
    """A run that nothing breaks."""
    folder, watch = tmp_path_factory.mktemp("runs") / "whole", Watch()
    verdict = adversarial.train(*sides, FOLK, folder, config, watch, warm_start=gan_model)
    return Run(folder, verdict, watch)


def test_what_a_run_leaves_behind(run, gan_model):
    assert run.watch.begun == 0
    assert run.watch.stopped == 1
    assert np.isfinite(run.watch.steps).tolist() == [False, True, True, True, True]  # the head start comes first
    history = json.loads((run.folder / "history.json").read_text())
    assert history == run.watch.records
    assert [record["step"] for record in history] == [0, 2, 4]
    assert {"frechet_distance", "musegan_distance", "distinct_4", "self_bleu", "used_pitch_classes"} <= set(history[0])
    weights = checkpoint.load(run.folder / CHECKPOINT)[0]
    learnt = weights["average.conductor.bar.kernel"]  # the step that is kept may be the first
    assert not np.array_equal(learnt, gan_model.weights["conductor.bar.kernel"])
    verdict = json.loads((run.folder / "verdict.json").read_text())
    assert verdict == run.verdict
    for side in ("real", "warm_start", "chosen"):
        assert verdict[side]["pieces"] == 8
    assert verdict["real"]["frechet_distance"] < verdict["warm_start"]["frechet_distance"]
    (events,) = (run.folder / "tensorboard").glob("events.out.tfevents*")
    assert b"frechet_distance" in events.read_bytes()


def test_what_did_not_earn_its_place_says_so(run, gan_model):
    exported, said = bundle.load(run.folder), json.loads((run.folder / bundle.CONFIG).read_text())
    assert exported.architecture == "gan"
    assert exported.is_experimental is said.get("experimental", False) is (not run.verdict["earned"])
    same = {name: np.array_equal(exported.weights[name], gan_model.weights[name]) for name in gan_model.weights}
    assert all(same.values()) is (run.verdict["step"] == 0)
    assert all(same[name] for name in same if not name.startswith(("prior.", "conductor.")))  # the decoder stays


def test_a_killed_run_ends_as_one_that_was_not(adversarial, sides, config, gan_model, run, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        adversarial.train(*sides, FOLK, tmp_path, config, Watch(last=4), warm_start=gan_model)
    watch = Watch()
    verdict = adversarial.train(*sides, FOLK, tmp_path, config, watch, warm_start=gan_model, resume=True)
    assert len(watch.steps) == 2
    assert verdict == run.verdict
    assert (tmp_path / bundle.WEIGHTS).read_bytes() == (run.folder / bundle.WEIGHTS).read_bytes()
    (mine, _), (other, _) = (checkpoint.load(folder / "checkpoint.safetensors") for folder in (tmp_path, run.folder))
    assert mine.keys() == other.keys()
    assert not [name for name in mine if not np.array_equal(mine[name], other[name])]


def test_a_run_goes_on_with_its_own_settings_and_warm_start(adversarial, sides, config, gan_model, run, tmp_path):
    with pytest.raises(TrainingError, match="other settings"):
        adversarial.train(*sides, FOLK, run.folder, replace(config, seed=6), Watch(), warm_start=gan_model, resume=True)
    other = model(tmp_path, LATENT, seed=9)
    with pytest.raises(TrainingError, match="another warm start"):
        adversarial.train(*sides, FOLK, run.folder, config, Watch(), warm_start=other, resume=True)


@pytest.mark.parametrize("how", ["collapse", "SearchError"])
def test_what_goes_wrong_ends_a_run_with_its_reason(adversarial, sides, config, gan_model, tmp_path, monkeypatch, how):
    """Both come from steps that are far too large, after a time that no test can wait."""
    if how == "collapse":
        monkeypatch.setattr(adversarial, "collapse", lambda record, *_: "it says one thing" * (record["step"] > 0))
    else:
        monkeypatch.setattr(Player, "drawn", lambda *_: (_ for _ in ()).throw(SearchError("it says one thing")))
    config = replace(config, head_start=0, every=1)
    verdict = adversarial.train(*sides, FOLK, tmp_path, config, watch := Watch(), warm_start=gan_model)
    assert [record["step"] for record in watch.records] == ([0, 1] if how == "collapse" else [0])
    assert verdict["reason"].endswith("it says one thing")
    again = adversarial.train(*sides, FOLK, tmp_path, config, watch := Watch(), warm_start=gan_model, resume=True)
    assert not watch.steps
    assert again == verdict


def test_what_a_run_wrote_composes(run, cadenza, tmp_path):
    said = cadenza("compose", "--style", "folk", "--model", run.folder, "--bars", 2, "--meter", "2/4", "--seed", 3,
                   "--out", tmp_path / "new", "--formats", "mid")  # fmt: skip
    assert said.code == 0, said.err
    assert (tmp_path / "new.mid").is_file()


def test_a_warm_start_of_other_tokens_is_refused(adversarial, sides, config, gan_model, tmp_path):
    strange = replace(gan_model, tokenizer=Tokenizer(resolution=12))
    with pytest.raises(TokenError, match="resolution"):
        adversarial.train(*sides, FOLK, tmp_path, config, Watch(), warm_start=strange)


@pytest.mark.parametrize(
    "wrong", [{"rows": 1}, {"rows": 33}, {"loss": "hinge"}, {"temperature": 0.0}, {"average": 1.0}, {"seed": -1}]
)
def test_settings_that_make_no_sense_are_refused(adversarial, wrong):
    with pytest.raises(RequestError, match=next(iter(wrong)).replace("_", " ")):
        adversarial.AdversarialConfig(**wrong)


def test_openings_are_not_judged(gan_model):
    """Keys and tempos of the two sides differ, so the discriminator must not see them."""
    (one,) = Forms(pieces(0, 1), 2, FOLK).sample(1, np.random.default_rng(0))
    tokens, there = known_tokens([one], TINY.vocabulary)
    read = tokens[there > 0]
    assert not np.isin(EXPRESSIVE.kinds[read], (Kind.SIGNATURE, Kind.MODE, Kind.TEMPO_LOW, Kind.NUMERATOR)).any()
    assert len(read) == len(one.ids) - one.opening
