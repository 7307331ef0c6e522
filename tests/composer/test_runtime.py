"""The runtime in NumPy plays what Keras trained: the same logits, the same contexts, the same likelihood."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from threadpoolctl import threadpool_limits
from tiny_models import TINY, export, random_weights

import composer
from composer import batches, bundle
from composer.config import CELLS
from composer.likelihood import likelihood
from composer.runtime import Reader, Runtime
from composer.style import CHORALE
from theory.tokens import VOCABULARY, Kind, State, Tokenizer
from theory.tokens.features import COLUMNS, PITCHES

CLOSE = {"rtol": 0, "atol": 1e-4}


@pytest.fixture(autouse=True)
def one_thread():
    """As composing does: a second thread slows single steps down."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(scope="session")
def decoder():
    """The module of Keras models."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")
    from composer.models import decoder

    return decoder


@pytest.fixture(scope="module", params=[*CELLS, *bundle.names()])
def loaded(request, tmp_path_factory):
    """A decoder of random weights for every cell, and every one that ships; float16 as stored."""
    if request.param in CELLS:
        return bundle.load(export(tmp_path_factory.mktemp("model"), replace(TINY, cell=request.param)))
    return bundle.load(bundle.PRETRAINED / request.param)


@pytest.fixture(scope="module")
def music():
    """More than a thousand tokens that the shipped model wrote itself, in another key than C."""
    return CHORALE.undress(composer.compose(key="F# minor", bars=28, seed=2, temperature=1.2).score)


class Played(NamedTuple):
    """A score as Keras reads it: its columns, the logits after every token and the context vectors."""

    sequence: batches.Sequence
    logits: np.ndarray
    contexts: np.ndarray


@pytest.fixture(scope="module")
def played(decoder, loaded, music):
    model = decoder.build(loaded.decoder)
    values = loaded.weights
    for layer in model.layers:
        if layer.name == "context":
            layer.set_weights([values[f"context.{weight.name}"] for weight in layer.weights])
        elif layer.name.startswith(tuple(CELLS)):
            layer.set_weights([values[f"{layer.name}.{part}"] for part in ("kernel", "recurrent", "bias")])
        elif layer.name == "output":
            layer.set_weights([values["output.kernel"], values["output.bias"]])
        elif layer.name == "embedding":
            layer.set_weights([values["embedding"]])
    for name, array in decoder.weights(model).items():
        np.testing.assert_array_equal(array, values[name], name)
    sequence = batches.sequence(music)
    tokens, plan, heard = sequence.tokens[None], sequence.plan[None], sequence.heard[None].astype(np.float32)
    contexts = np.asarray(model.get_layer("context")(plan, heard))[0]
    return Played(sequence, model.predict_on_batch([tokens, plan, heard])[0], contexts)


def test_logits_are_those_of_keras_over_a_thousand_steps(loaded, played):
    sequence, runtime = played.sequence, Runtime(loaded)
    assert len(sequence.tokens) >= 1000
    state, found = runtime.start(), []
    for token, plan, heard in zip(sequence.tokens.tolist(), sequence.plan.tolist(), sequence.heard, strict=True):
        logits, state = runtime.step(state, token, runtime.context(plan, np.flatnonzero(heard).tolist()))
        found.append(logits)
    assert found[0].dtype == np.float32
    assert np.std(played.logits) > 0.1
    np.testing.assert_allclose(found, played.logits, **CLOSE)


def test_a_reader_sees_what_training_saw(loaded, played, music):
    """And so, in whatever key, the same logits for the same tokens."""
    reader, ids = Reader(Runtime(loaded), music.bars), Tokenizer().encode(music)
    for index, token in enumerate(ids[:-1].tolist()):
        logits = reader.read(token)
        if played.sequence.scored[index]:
            known = played.logits[index, played.sequence.targets[index]]
            assert abs(logits[ids[index + 1]] - known) < CLOSE["atol"]
            np.testing.assert_allclose(np.sort(logits), np.sort(played.logits[index]), **CLOSE)


def test_a_reader_that_goes_back_goes_on_as_one_that_never_read_further(loaded, music):
    ids = Tokenizer().encode(music).tolist()
    bars = np.flatnonzero(VOCABULARY.kinds[ids] == Kind.BAR).tolist()
    reader = Reader(Runtime(loaded), music.bars)
    first = bars[0] + 6  # key, meter and tempo are said
    for read, kept in (
        (bars[3] + 9, bars[3]),
        (bars[3] + 4, bars[1] + 7),
        (bars[2] + 1, bars[2] + 1),
        (len(ids), first),
    ):
        for token in ids[len(reader.walk.tokens) : read]:
            reader.read(token)
        reader.rewind(kept)
        state = State()
        for token in ids[:kept]:
            state.advance(token)
        assert all(getattr(reader.state, name) == getattr(state, name) for name in State.__slots__)
        assert reader.walk.tokens == ids[:kept]
        assert len(reader.top) == kept
    fresh = Reader(Runtime(loaded), music.bars)
    logits = [fresh.read(token) for token in ids[: first + 5]]
    np.testing.assert_array_equal([reader.read(token) for token in ids[first : first + 5]], logits[first:])


def test_context_vectors_are_those_of_keras(loaded, played):
    runtime = Runtime(loaded)
    found = [
        runtime.context(row, np.flatnonzero(sounds).tolist())
        for row, sounds in zip(played.sequence.plan.tolist(), played.sequence.heard, strict=True)
    ]
    np.testing.assert_allclose(found, played.contexts, rtol=0, atol=1e-5)


def test_likelihoods_are_those_of_keras(loaded, played, music):
    scores = played.logits.astype(np.float64)
    highest = scores.max(axis=1)
    total = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
    surprise = total - scores[np.arange(len(scores)), played.sequence.targets]
    found = likelihood(Runtime(loaded), music)
    assert found.nats == pytest.approx(surprise[played.sequence.scored].sum(), rel=1e-5)
    assert (found.tokens, found.notes) == (played.sequence.scored.sum(), music.notes)


def test_a_state_stays_valid_after_a_step(loaded):
    runtime = Runtime(loaded)
    context = runtime.context([0] * 8, [60, 64, 60])
    np.testing.assert_array_equal(context, runtime.context([0] * 8, [64, 60]))
    first, after = runtime.step(runtime.start(), 1, context)
    kept = [array.copy() for part in after for array in part]
    second, _ = runtime.step(after, 3, context)
    again, _ = runtime.step(after, 3, context)
    np.testing.assert_array_equal(second, again)
    assert all(
        np.array_equal(array, old) for array, old in zip([array for part in after for array in part], kept, strict=True)
    )
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(Runtime(loaded).step(runtime.start(), 1, context)[0], first)


def test_the_runtimes_tables_are_the_sizes_of_the_configuration():
    assert {name: array.shape for name, array in random_weights(TINY).items()} == TINY.shapes()


def test_keras_builds_the_shapes_that_the_configuration_states(decoder):
    for cell in CELLS:
        sizes = replace(TINY, cell=cell)
        assert {name: array.shape for name, array in decoder.weights(decoder.build(sizes)).items()} == sizes.shapes()


@pytest.mark.parametrize("cell", CELLS)
def test_three_layers_of_any_cell_say_what_keras_says(decoder, tmp_path, cell):
    loaded = bundle.load(export(tmp_path / cell, replace(TINY, cell=cell, layers=3)))
    model, runtime = decoder.build(loaded.decoder), Runtime(loaded)
    decoder.set_weights(model, loaded.weights)
    dice = np.random.default_rng(1)
    tokens = dice.integers(0, loaded.decoder.vocabulary, 200)
    plan = np.stack([dice.integers(0, values, 200) for values in COLUMNS.values()], axis=1)
    heard = (dice.random((200, PITCHES)) < 0.03).astype(np.float32)
    known = model.predict_on_batch([tokens[None], plan[None], heard[None]])[0]
    state = runtime.start()
    for token, row, sounds, expected in zip(tokens.tolist(), plan.tolist(), heard, known, strict=True):
        logits, state = runtime.step(state, token, runtime.context(row, np.flatnonzero(sounds).tolist()))
        np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5)
