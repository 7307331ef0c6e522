"""Many pieces side by side: each is the piece of its seed, whoever its neighbours are."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_decode import Task, whispered
from threadpoolctl import threadpool_limits
from tiny_models import TINY, export

import composer
from composer import bundle, decode, generate, lockstep, many, report, search
from composer.bar_notes import PLACES
from composer.cells import Memory
from composer.config import CELLS
from composer.many import compose_each, compose_many
from composer.piece import Piece
from composer.request import Request
from composer.runtime import Reader, Runtime
from composer.sampler import Sampling
from theory.errors import RequestError, SearchError
from theory.tokens import Tokenizer

SAMPLINGS = [{}, {"temperature": 0}, {"temperature": 0.6, "top_k": 4}, {"top_p": 0.9}]


@pytest.fixture(scope="module")
def runtime(tiny_model):
    return Runtime(bundle.load(Path(tiny_model)))


def alone(task, seeds):
    found = []
    for seed in seeds:
        try:
            found.append(decode.write(task, seed))
        except SearchError as error:
            found.append(error)
    return found


def check(together, apart):
    assert len(together) == len(apart)
    for one, other in zip(together, apart, strict=True):
        if isinstance(other, SearchError):
            assert str(one) == str(other)
        else:
            assert (one.ids, one.redraws) == (other.ids, other.redraws)
            np.testing.assert_allclose(one.top, other.top, rtol=0, atol=1e-5)


# What is drawn


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_more_sequences_than_there_is_room_for_end_as_each_would_alone(runtime, monkeypatch, sampling):
    """They go back at different places, and end at different times."""
    monkeypatch.setattr(decode, "WIDTH", 8)
    task = Task((48, 52)).task(runtime, **sampling)
    together = decode.write_many(task, range(20))
    check(together, alone(task, range(20)))
    assert sampling == {"temperature": 0} or len({draft.redraws for draft in together}) > 1


def test_one_that_finds_nothing_leaves_the_others_alone(runtime, monkeypatch):
    monkeypatch.setattr(search, "BUDGET", 2)
    task = Task((48, 50)).task(runtime)
    together = decode.write_many(task, range(12))
    check(together, alone(task, range(12)))
    failed = [isinstance(found, SearchError) for found in together]
    assert any(failed)
    assert not all(failed)


def test_who_goes_back_further_than_is_remembered_is_read_again(runtime, monkeypatch):
    monkeypatch.setattr(lockstep, "_KEPT", 3)
    read = []
    before = lockstep.Lockstep.alone
    monkeypatch.setattr(lockstep.Lockstep, "alone", lambda self, row: read.append(row) or before(self, row))
    task = Task((48, 52), bars=3).task(runtime)
    check(decode.write_many(task, range(6)), alone(task, range(6)))
    assert read


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_rounding_within_the_stated_error_changes_nothing(runtime, monkeypatch, sampling):
    """Far more of it than there is: a draw on the edge is decided by the sequence as it is read by itself."""
    error, random = 0.02, np.random.default_rng(3)
    logits = lockstep.Lockstep.logits

    def off(self, rows, ids):
        found = logits(self, rows, ids)
        return found + random.choice([-error, error], found.shape).astype(np.float32)

    task = Task((48, 56)).task(runtime, **sampling)
    apart = alone(task, range(25))
    monkeypatch.setattr(lockstep.Lockstep, "logits", off)
    monkeypatch.setattr(decode, "ERROR", 1.01 * error)
    check(decode.write_many(task, range(25)), apart)
    monkeypatch.setattr(decode, "ERROR", 0.0)
    changed = decode.write_many(task, range(25))
    assert sampling == {"temperature": 0} or any(a.ids != b.ids for a, b in zip(changed, apart, strict=True))


@pytest.mark.parametrize("kept", [3, 256])
@pytest.mark.parametrize("lower", [(48, 52), (48, 59)])
def test_each_is_told_its_own(runtime, monkeypatch, lower, kept):
    """While others go back, and are replaced by the next."""
    monkeypatch.setattr(decode, "WIDTH", 4)
    monkeypatch.setattr(lockstep, "_KEPT", kept)
    plain = Task(lower, bars=3).task(runtime)
    task = plain._replace(told=whispered(runtime, 3 * PLACES))
    together = decode.write_many(task, range(10))
    check(together, alone(task, range(10)))
    assert any(one.ids != other.ids for one, other in zip(together, decode.write_many(plain, range(10)), strict=True))
    for seed, draft in enumerate(together):
        np.testing.assert_array_equal(draft.told, task.told(seed))
        np.testing.assert_allclose(decode.reread(draft).top, draft.top, rtol=0, atol=1e-5)


def test_progress_counts_the_bars_of_all(runtime):
    seen = []
    decode.write_many(Task((48, 59), bars=4).task(runtime), range(3), lambda *counts: seen.append(counts))
    assert {total for _, total in seen} == {12}
    done = [count for count, _ in seen]
    assert done[0] == 0
    assert done == sorted(set(done))
    assert done[-1] >= 9


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("count", [1, 3, 9])
def test_states_of_many_are_those_of_each(tmp_path, cell, count):
    """One step of n sequences at once, as of each by itself."""
    runtime = Runtime(bundle.load(export(tmp_path, replace(TINY, cell=cell))))
    ids = Task((48, 59)).opening
    readers = []
    for number in range(count):
        readers.append(Reader(runtime, 4))
        for token in ids[: len(ids) - number % 3]:
            readers[-1].take(token)
    memory = Memory(
        *(
            tuple(np.array([reader.memory[part][layer] for reader in readers]) for layer in range(len(values)))
            for part, values in enumerate(runtime.start())
        )
    )
    seen = [([3, 1, 8, 2, 4, 3, 61 + n, n], [60, 64][: n % 3]) for n in range(count)]
    after = runtime.advance(memory, runtime.inputs(np.arange(count) + 5, seen))
    for number, reader in enumerate(readers):
        own = runtime.advance(reader.memory, runtime.input(number + 5, seen[number]))
        for together, by_itself in zip((*after.hidden, *after.cell), (*own.hidden, *own.cell), strict=True):
            np.testing.assert_allclose(together[number], by_itself, rtol=0, atol=1e-6)


# Pieces


def recipes(pieces):
    return [piece.recipe.to_json() if isinstance(piece, Piece) else str(piece) for piece in pieces]


@pytest.mark.parametrize(
    "request_",
    [
        {"key": "D minor", "bars": 2, "seed": 11},
        {"bars": 2, "seed": 3, "chords": "C | G7", "rules": "four-part", "density": "2:6", "top_p": 0.9},
    ],
    ids=str,
)
def test_a_seed_is_the_same_piece_to_the_last_digit(request_):
    """Of the model that ships, with the figures of its report."""
    pieces = compose_many(count=5, **request_)
    seed = request_.pop("seed")
    apart = [composer.compose(seed=seed + number, **request_) for number in range(5)]
    assert recipes(pieces) == recipes(apart)
    assert pieces == apart


def test_figures_on_an_edge_are_those_of_the_piece_by_itself(monkeypatch, tiny_model):
    """As if every figure were so near one that rounding could decide."""
    reread = []
    before = report.reread
    monkeypatch.setattr(report, "reread", lambda draft: reread.append(draft) or before(draft))
    monkeypatch.setattr(report, "_OFF", 10.0)
    pieces = compose_many(model=tiny_model, count=3, bars=2)
    assert len(reread) == 3
    assert recipes(pieces) == recipes([composer.compose(model=tiny_model, bars=2, seed=seed) for seed in range(3)])


def test_processes_make_the_same_pieces(tiny_model):
    """Three seeds do not share evenly."""
    seen = []
    request = {"model": tiny_model, "bars": 2, "seed": 7, "density": "1:4"}
    spread = compose_many(count=3, workers=2, progress=lambda *counts: seen.append(counts), **request)
    assert recipes(spread) == recipes(compose_many(count=3, **request))
    assert seen == [(0, 6), (4, 6), (6, 6)]


def test_errors_stand_in_the_places_of_pieces(tiny_model, monkeypatch):
    monkeypatch.setattr(search, "BUDGET", 0)
    request = {"model": tiny_model, "chords": "C G | Am F", "bars": 8, "rules": "four-part", "density": "2:4"}
    found = compose_many(count=6, **request)
    errors = [one for one in found if isinstance(one, SearchError)]
    assert errors
    assert all("no piece was found in 0 tries" in str(error) for error in errors)
    for seed, one in enumerate(found):
        if isinstance(one, Piece):
            assert one.recipe.request["seed"] == seed
    (single,) = compose_many(count=1, seed=found.index(errors[0]), **request)
    assert str(single) == str(errors[0])


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        ({"count": 0}, "count 0: must be 1 or more"),
        ({"count": -2}, "count -2: must be 1 or more"),
        ({"workers": 0}, "workers 0: must be 1 or more"),
        *(
            ({name: value}, f"{name} {value!r}: must be a whole number")
            for name in ("count", "workers")
            for value in ("3", None, 2.0, True, [2])
        ),
        ({"count": 2, "seed": 2**64 - 1}, "seed 18446744073709551616"),
        ({"bars": 0}, "0 bars"),
        ({"tone": "C"}, "no such field"),
    ],
)
def test_requests_that_make_no_sense(request_, line):
    with pytest.raises(RequestError, match=re.escape(line)):
        compose_many(**request_)
    with pytest.raises(RequestError, match=re.escape(line)):
        compose_each(**{"count": 2, **request_})  # at once, before a piece is asked for


def test_a_count_may_be_a_number_of_numpy(tiny_model):
    assert len(compose_many(model=tiny_model, count=np.int64(2), workers=np.uint8(1), bars=1)) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_pieces_come_batch_by_batch(tiny_model, monkeypatch, workers):
    monkeypatch.setattr(many, "WIDTH", 2)
    request, seen = {"model": tiny_model, "bars": 2, "seed": 7}, []
    with closing(compose_each(count=5, workers=workers, progress=lambda *bars: seen.append(bars), **request)) as pieces:
        first = [next(pieces), next(pieces)]
        assert max(done for done, _ in seen) == 4  # the third was not begun here
        together = [*first, *pieces]
    assert recipes(together) == recipes(compose_many(count=5, **request))
    assert {total for _, total in seen} == {10}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (10, 10)


def test_pieces_decode(tiny_model):
    for piece in compose_many(model=tiny_model, count=3, bars=2, seed=5):
        assert Tokenizer().encode(piece.score).tolist() == list(piece.recipe.ids)


def test_rereading_a_draft_gives_its_logits_to_the_last_bit(runtime):
    task = decode.Task(runtime, Task((48, 59)).opening, Task((48, 59)).rules, 2, Sampling())
    together, apart = decode.write_many(task, range(4)), alone(task, range(4))
    for one, other in zip(together, apart, strict=True):
        assert not one.alone
        np.testing.assert_array_equal(decode.reread(one).logits, other.logits)


def test_threads_of_a_program_round_nothing_otherwise():
    """A worker process has one, the program that started it as many as processors."""
    found = []
    for threads in (1, 2):
        generate.load.cache_clear()
        with threadpool_limits(threads, user_api="blas"):
            draft = generate.draw_piece(Request(bars=2, seed=3))
            found.append(draft.logits.tobytes())
    assert found[0] == found[1]
