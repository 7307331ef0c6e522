"""Train and score the polyphonic benchmark: exact test likelihood of piano rolls and of chorales at 16th notes."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.polyphonic import weights
from benchmarks.polyphonic.data import NAMES, SOURCES, Piece, Splits, file_of, load, mirrored
from benchmarks.polyphonic.features import Examples, examples
from benchmarks.polyphonic.network import Network, shape_of
from benchmarks.polyphonic.scoring import Scores, mixture, transposed_scores
from benchmarks.polyphonic.settings import SETTINGS, Benchmark
from benchmarks.polyphonic.training import train
from benchmarks.report import report
from theory.errors import CadenzaError, ModelError

DATA = Path(__file__).parents[3] / "shared" / "benchmarks"


def main() -> int:
    """Read the arguments, train unless told not to, score."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.polyphonic", description=__doc__, epilog=f"Where the data comes from: {SOURCES}."
    )
    parser.add_argument(
        "--dataset", choices=NAMES, required=True, help="jsb and jsb16: Bach's chorales; piano: Piano-midi.de"
    )
    parser.add_argument(
        "--evaluate", action="store_true", help="score the kept weights; train nothing (muse has none: train it)"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=DATA,
        metavar="FOLDER",
        help=f"holds {', '.join(dict.fromkeys(map(file_of, NAMES)))} (default: shared/benchmarks beside the checkout)",
    )
    parser.add_argument("--threads", type=int, default=0, help="processor threads; 0: as many as there are")
    chosen = parser.parse_args()
    try:
        run(chosen.dataset, chosen.data, chosen.evaluate, chosen.threads)
    except CadenzaError as error:
        print(f"cadenza: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def run(name: str, root: Path, evaluate_only: bool, threads: int) -> None:
    """Train unless told not to, then score valid and, at last, test."""
    benchmark = SETTINGS[name]
    if evaluate_only and not benchmark.kept:
        raise ModelError(f"{name}: its weights are not kept; train it (without --evaluate)")
    splits = load(name, root)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    networks = kept(name, benchmark) if evaluate_only else trained(name, benchmark, splits)
    evaluate(name, benchmark, networks, splits)


def kept(name: str, benchmark: Benchmark) -> list[Network]:
    """The networks whose weights are kept."""
    return [weights.load(_path(name, index)) for index in range(len(benchmark.members))]


def trained(name: str, benchmark: Benchmark, splits: Splits) -> list[Network]:
    """Train each member; its weights, best on valid, are kept as they come where they may be."""
    networks = []
    for index, member in enumerate(benchmark.members):
        seen = {split: _seen(splits[split], benchmark, member.mirrored) for split in ("train", "valid")}
        network = Network(shape_of(seen["train"], **member.sizes), member.plan.seed)
        best: weights.Arrays = {}

        def keep(network: Network, index: int = index, best: weights.Arrays = best) -> None:
            best.update(weights.halved(network))
            if benchmark.kept:
                weights.save(_path(name, index), network.shape, best)

        train(network, member.plan, seen["train"], seen["valid"], _teller(f"{name} {index}"), keep)
        networks.append(weights.restored(network.shape, best))
    return networks


def evaluate(name: str, benchmark: Benchmark, networks: list[Network], splits: Splits) -> None:
    """Score valid, then test; the last line is the test figure of all networks averaged over transpositions."""
    rows = []
    for split in ("valid", "test"):
        plain: list[Scores] = []
        moved: list[Scores] = []
        for index, (member, network) in enumerate(zip(benchmark.members, networks, strict=True)):
            data = _seen(splits[split], benchmark, member.mirrored)
            found = transposed_scores(network, data, benchmark.reach)
            plain.append(found[0])
            moved.append(found[1])
            rows.append(_row(split, f"network {index}", benchmark, *found))
        if len(networks) > 1:
            rows.append(_row(split, f"{len(networks)} networks", benchmark, mixture(plain), mixture(moved)))
    unit = f"nats a {benchmark.unit}, lower is better; the goal is {benchmark.goal}"
    report(f"polyphonic_{name}", rows, unit)
    print(f"test {rows[-1]['averaged over transpositions']:.4f}")


def _row(split: str, who: str, benchmark: Benchmark, plain: Scores, moved: Scores) -> dict[str, str | float]:
    return {
        "split": split,
        "networks": who,
        "as written": float(plain.mean()) / benchmark.units,
        "averaged over transpositions": float(moved.mean()) / benchmark.units,
    }


def _seen(pieces: list[Piece], benchmark: Benchmark, in_mirror: bool) -> Examples:
    return examples([mirrored(piece) if in_mirror else piece for piece in pieces], benchmark.features)


def _path(name: str, index: int) -> Path:
    return weights.FOLDER / f"{name}-{index}.safetensors"


def _teller(who: str) -> Callable[[str], None]:
    def say(line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {who}: {line}", flush=True)

    return say


if __name__ == "__main__":
    sys.exit(main())
