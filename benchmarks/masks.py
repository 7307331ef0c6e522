"""What masks cost beside a decoding step of the shipped model, in turns on one thread.

The masks of a piece are worked out anew over the states that it went through, for one sequence and for 32 side by side,
each time with a plan that has remembered nothing. A decoding step reads a token (state, moment, network) and draws the
next one among those allowed, without working out which they are.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import statistics
import time
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.networks import shipped
from benchmarks.report import report
from composer.decode import Draft
from composer.generate import draw_piece
from composer.plan import Plan, plan_of
from composer.request import Request
from composer.runtime import Reader, Runtime
from composer.sampler import Dice, Sampling, draw
from composer.steer import steering
from composer.style import Style
from theory.constraint import Constraint, Frame, allowed
from theory.tokens import Grammar, State, grammar_of

ROUNDS = 7
BATCH = 32
MOST = 25.0  # percent
_FORM: dict[str, Any] = {"key": "D minor", "bars": 16, "seed": 3}
REQUESTS: dict[str, Request] = {
    "habits only": Request(**_FORM),
    "chords, four-part, range, density, scale": Request(
        **_FORM, chords="Dm | Gm | A7 | Dm", rules=("four-part",), ranges=("soprano=C4:G5",), density=("2:8",),
        scale="key",
    ),
}  # fmt: skip


def main() -> None:
    """Time masks and steps over the same tokens."""
    loaded, runtime = shipped()
    rows = []
    for name, wanted in REQUESTS.items():
        rows += _measure(name, wanted, runtime, loaded.style)
    worst = max(row["% of a step"] for row in rows)
    claim = f"masks cost at most {worst:.1f} % of a decoding step; the goal is {MOST:.0f} %"
    report("masks", rows, claim, worst <= MOST)


def _measure(name: str, wanted: Request, runtime: Runtime, style: Style) -> list[dict[str, Any]]:
    draft = draw_piece(wanted)
    states = _states(draft)
    side_by_side = [states[offset :: -(-len(states) // BATCH)] for offset in range(-(-len(states) // BATCH))]
    alone = [[state] for state in states]
    masks = _plan(wanted, style).masks
    grammar = grammar_of(runtime.tokenizer)
    choices = [np.flatnonzero(allowed(row, masks, grammar)[0]) for row in alone]
    bars = wanted.form(style).bars
    times: dict[str, list[float]] = {}
    for turn in range(ROUNDS + 1):
        first, second = _plan(wanted, style).masks, _plan(wanted, style).masks
        tasks = {
            "step": (len(draft.ids), partial(_decode, draft, choices, runtime, bars)),
            "grammar": (len(states), partial(_mask, alone, (), grammar)),
            "all": (len(states), partial(_mask, alone, first, grammar)),
            f"grammar, {BATCH} side by side": (len(states), partial(_mask, side_by_side, (), grammar)),
            f"all, {BATCH} side by side": (len(states), partial(_mask, side_by_side, second, grammar)),
        }
        for task, (tokens, run) in tasks.items():
            started = time.perf_counter()
            run()
            if turn:
                times.setdefault(task, []).append((time.perf_counter() - started) / tokens * 1e6)
    step = statistics.median(times.pop("step"))
    return [
        {
            "request": name, "masks": masks, "µs a token": statistics.median(values), "µs a step": step,
            "% of a step": 100 * statistics.median(values) / step,
        }
        for masks, values in times.items()
    ]  # fmt: skip


def _plan(wanted: Request, style: Style) -> Plan:
    form = wanted.form(style)
    frame = Frame.regular(tuple(part.name for part in style.parts), form.meter, form.bars, form.key)
    return plan_of(frame, steering(wanted, form, style, frame), style)


def _states(draft: Draft) -> list[State]:
    """The state before each drawn token."""
    state, found = State(), []
    for place, token in enumerate(draft.ids):
        if place >= draft.opening:
            found.append(state.copy())
        state.advance(token)
    return found


def _decode(draft: Draft, choices: list[NDArray[np.int64]], runtime: Runtime, bars: int) -> None:
    """Read all tokens, and draw one after each that was drawn."""
    reader, dice = Reader(runtime, bars), Dice(0)
    for place, token in enumerate(draft.ids):
        if place >= draft.opening:
            draw(reader.logits(choices[place - draft.opening]), Sampling(), dice.roll())
        reader.take(token)


def _mask(batches: list[list[State]], masks: tuple[Constraint, ...], grammar: Grammar) -> None:
    for rows in batches:
        allowed(rows, masks, grammar)


if __name__ == "__main__":
    main()
