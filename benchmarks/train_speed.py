"""Training speed: our LSTM and training step beside stock Keras and PyTorch, the same networks, the same run.

A network is an embedding, two LSTM layers and a dense layer to logits; a step of training takes 32 sequences of 256
tokens through it, back, and through Adam. Every contender has a process of its own, as thread pools last as long as
one, and all processes stay up: each round asks one after the other for a few steps, and figures of one round are
compared. The losses must agree before anything is timed. The goals are for the first network and single precision;
shown beside them: ours in mixed precision, and PyTorch with a C library that keeps freed memory (it otherwise gives
back and fetches again what every step needs). The machine must have nothing else to do.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import IO, Any, NamedTuple

import numpy as np

from benchmarks.report import report

ROWS, STEPS = 32, 256
GOALS = {"PyTorch": 1.0, "stock Keras": 3.0}
OURS = "ours"
_KEEP = {"MALLOC_TRIM_THRESHOLD_": str(2**34), "MALLOC_MMAP_THRESHOLD_": str(2**32)}  # of the GNU C library


class Network(NamedTuple):
    """Sizes."""

    embedding: int
    units: int
    vocabulary: int

    def __str__(self) -> str:
        return f"2 x {self.units}, {self.vocabulary} tokens"

    def weights(self) -> list[Any]:
        """Embedding, then kernel, recurrent kernel and bias of both layers, then the output's kernel and bias."""
        dice = np.random.default_rng(0)
        units = self.units
        shapes: list[tuple[int, ...]] = [(self.vocabulary, self.embedding)]
        for below in (self.embedding, units):
            shapes += [(below, 4 * units), (units, 4 * units), (4 * units,)]
        shapes += [(units, self.vocabulary), (self.vocabulary,)]
        return [dice.normal(0, 0.05, shape).astype(np.float32) for shape in shapes]

    def example(self) -> tuple[Any, Any]:
        """Tokens and targets, int32 (rows, steps) each."""
        tokens = np.random.default_rng(1).integers(0, self.vocabulary, (ROWS, STEPS + 1), np.int32)
        return np.ascontiguousarray(tokens[:, :-1]), np.ascontiguousarray(tokens[:, 1:])


NETWORKS = (Network(256, 256, 300), Network(320, 384, 1176))


def main() -> None:
    """Print tokens a second and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=3, help="of training in a round")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--network", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        _answer(CONTENDERS[options.contender](NETWORKS[options.network]), options.steps)
        return
    for package, extra in ("tensorflow", "train"), ("torch", "benchmarks"):
        if find_spec(package) is None:
            raise SystemExit(f"this benchmark needs {package}: pip install 'cadenza[{extra}]'")
    rows, ratios = [], {}
    for index, network in enumerate(NETWORKS):
        speeds = _measured(index, options.rounds, options.steps)
        for name, values in speeds.items():
            pairs = [one / other for one, other in zip(speeds[OURS], values, strict=True)]
            ratios[index, name] = statistics.median(pairs)
            rows.append(
                {
                    "network": str(network),
                    "what": name,
                    "tokens/s, median": statistics.median(values),
                    "best": max(values),
                    "ours is as fast": ratios[index, name],
                }
            )
    said = [f"{ratios[0, name]:.2f} x {name} (goal {goal:g})" for name, goal in GOALS.items()]
    claim = f"{NETWORKS[0]}: ours trains at {' and '.join(said)}, medians over {options.rounds} rounds"
    report("train_speed", rows, claim, all(ratios[0, name] >= goal for name, goal in GOALS.items()))


def _measured(network: int, rounds: int, steps: int) -> dict[str, list[float]]:
    """Tokens a second of every contender, round by round."""
    speeds: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    with _processes(network, steps) as processes:
        losses = {name: _ask(name, process) for name, process in processes.items()}
        if max(losses.values()) - min(losses.values()) > 0.01:
            raise SystemExit(f"the contenders do not train the same network: their losses are {losses}")
        for _ in range(rounds):
            for name, process in processes.items():
                speeds[name].append(ROWS * STEPS * steps / _ask(name, process))
    return speeds


class _Process(NamedTuple):
    process: subprocess.Popen[str]
    questions: IO[str]
    answers: IO[str]


@contextmanager
def _processes(network: int, steps: int) -> Iterator[dict[str, _Process]]:
    started = {}
    try:
        for name in CONTENDERS:
            options = [f"--contender={name}", f"--network={network}", f"--steps={steps}"]
            command = [sys.executable, "-m", "benchmarks.train_speed", *options]
            settings = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | (_KEEP if "kept" in name else {})
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=settings)
            assert process.stdin is not None
            assert process.stdout is not None
            started[name] = _Process(process, process.stdin, process.stdout)
        yield started
    finally:
        for process, questions, answers in started.values():
            questions.close()
            process.wait()
            answers.close()


def _ask(name: str, process: _Process) -> float:
    """The next figure of a contender."""
    process.questions.write("go\n")
    process.questions.flush()
    answer = process.answers.readline()
    if not answer:
        raise SystemExit(f"{name} gave up: see above")
    return float(answer)


def _answer(step: Callable[[], float], steps: int) -> None:
    """Answer with the loss of the first step, then with the seconds that some steps take, as often as asked."""
    for number, _ in enumerate(sys.stdin):
        if number == 0:
            print(step(), flush=True)
            step()
            continue
        started = time.perf_counter()
        for _ in range(steps):
            step()
        print(time.perf_counter() - started, flush=True)


def _keras_model(network: Network, ours: bool) -> Any:
    import keras

    from composer.models.lstm import LSTM, Table, TokenLSTM

    tokens = keras.Input((None,), dtype="int32")
    if ours:
        table = Table(network.vocabulary, network.embedding)(tokens)
        hidden = LSTM(network.units, return_sequences=True)(TokenLSTM(network.units)(tokens, table))
    else:
        hidden = keras.layers.Embedding(network.vocabulary, network.embedding)(tokens)
        for _ in range(2):
            hidden = keras.layers.LSTM(network.units, return_sequences=True)(hidden)
    model = keras.Model(tokens, keras.layers.Dense(network.vocabulary)(hidden))
    model.set_weights(network.weights())
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    model.optimizer.build(model.trainable_variables)
    return model


def _stock(network: Network) -> Callable[[], float]:
    model = _keras_model(network, ours=False)
    tokens, targets = network.example()

    def step() -> float:
        loss = float(model.train_on_batch(tokens, targets))
        model.reset_metrics()
        return loss

    return step


def _ours(network: Network, mixed: bool = False) -> Callable[[], float]:
    import keras

    from composer.models.shares import SharedStep, divide_threads
    from composer.models.step import Examples

    divide_threads(ROWS)
    keras.config.set_dtype_policy("mixed_bfloat16" if mixed else "float32")
    model = _keras_model(network, ours=True)
    tokens, targets = network.example()
    examples, step = Examples(tokens, targets, np.ones(targets.shape, np.float32)), SharedStep(model)
    return lambda: step.train([examples])


def _pytorch(network: Network) -> Callable[[], float]:
    import torch

    nn = torch.nn
    layers = nn.ModuleDict(
        {
            "embedding": nn.Embedding(network.vocabulary, network.embedding),
            "lstm": nn.LSTM(network.embedding, network.units, 2, batch_first=True),
            "output": nn.Linear(network.units, network.vocabulary),
        }
    )
    embedding, *lstm, kernel, bias = map(torch.from_numpy, network.weights())
    given = {"embedding.weight": embedding, "output.weight": kernel.T, "output.bias": bias}
    for index in range(2):  # PyTorch's gates have Keras' order; it has two biases
        for name, value in zip(("weight_ih", "weight_hh", "bias_ih"), lstm[3 * index : 3 * index + 3], strict=True):
            given[f"lstm.{name}_l{index}"] = value.T if value.ndim == 2 else value
        given[f"lstm.bias_hh_l{index}"] = torch.zeros(4 * network.units)
    layers.load_state_dict(given)
    optimizer = torch.optim.Adam(layers.parameters(), 1e-3)
    tokens, targets = (torch.from_numpy(values).long() for values in network.example())

    def step() -> float:
        optimizer.zero_grad()
        logits = layers["output"](layers["lstm"](layers["embedding"](tokens))[0])
        loss = nn.functional.cross_entropy(logits.reshape(-1, network.vocabulary), targets.reshape(-1))
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


CONTENDERS: dict[str, Callable[[Network], Callable[[], float]]] = {
    OURS: _ours,
    "PyTorch": _pytorch,
    "stock Keras": _stock,
    "ours, mixed precision": partial(_ours, mixed=True),
    "PyTorch, memory kept": _pytorch,
}

if __name__ == "__main__":
    main()
