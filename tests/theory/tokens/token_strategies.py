"""Scores as hypothesis makes them, walks through the grammar, and real files: what the token tests share."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from theory.chord import DEGREES, QUALITIES, Chord
from theory.event import FERMATA, ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent
from theory.key import MODES, Key
from theory.meter import Meter
from theory.score import PITCH_BEND, PRESSURE, Score, Track
from theory.tokens import Kind, State
from theory.tokens.grammar import grammar_of
from theory.tokens.settings import Settings
from theory.tokens.vocabulary import END, EXPRESSIVE

SHARED = Path(__file__).parents[4] / "shared"
# A busy machine must not fail a test: how fast examples are made is not checked.
MANY = settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
FEWER = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
PLAIN = Settings()
RESOLUTIONS = (1, 24, 96, 220, 480, 960, 1024, 10080, 32767)
METERS = [
    Meter(*numbers)
    for numbers in (
        (4, 4), (3, 4), (2, 2), (4, 2), (5, 8), (6, 8), (7, 8), (12, 8), (5, 4), (7, 4), (1, 4), (3, 16), (5, 32),
        (3, 2), (2, 1), (3, 64), (1, 64), (6, 64), (64, 1),
    )
]  # fmt: skip
PITCHES = st.sampled_from([0, 36, 59, 60, 60, 60, 61, 64, 67, 127])
KEYS = st.builds(Key.from_signature, st.integers(-7, 7), st.sampled_from(list(MODES)))
CHORDS = st.none() | st.builds(
    Chord,
    st.integers(-15, 19),
    st.sampled_from(list(QUALITIES)),
    st.lists(st.sampled_from(list(DEGREES)), max_size=4).map(tuple),
    st.integers(-15, 19),
)
_CONTROLS = st.one_of(
    st.tuples(st.integers(0, 127), st.integers(0, 127)),
    st.tuples(st.just(PITCH_BEND), st.integers(-8192, 8191)),
    st.tuples(st.just(PRESSURE), st.integers(0, 127)),
)


def ticks(resolution: int, quarters: int) -> st.SearchStrategy[int]:
    """Anything, and the places where music happens: 32nd notes and triplets, as near as the resolution has them."""
    on_grid = st.builds(
        lambda number, parts: number * resolution // parts,
        st.integers(0, 4 * quarters),
        st.sampled_from([1, 2, 3, 8, 12]),
    )
    return on_grid.filter(lambda tick: tick <= quarters * resolution) | st.integers(0, quarters * resolution)


@st.composite
def tracks(draw: st.DrawFn, resolution: int) -> Track:
    onsets = ticks(resolution, 24)
    lengths = ticks(resolution, 2) | ticks(resolution, 600)
    rows = draw(st.lists(st.tuples(onsets, lengths, PITCHES, st.integers(1, 127)), max_size=10))
    controls = draw(st.lists(st.tuples(onsets, _CONTROLS), max_size=4))
    return Track.from_notes(
        [(onset, max(length, 1), pitch, velocity) for onset, length, pitch, velocity in rows],
        controls=[(tick, *control) for tick, control in controls],
        program=draw(st.integers(0, 127)),
        is_drum=draw(st.booleans()),
        name=draw(st.sampled_from(["", "Alto"])),
    )


@st.composite
def scores(draw: st.DrawFn) -> Score:
    """Scores of any shape: meters that cut bars, upbeats, events anywhere, also after the end, and nothing at all."""
    resolution = draw(st.sampled_from(RESOLUTIONS))
    onsets = ticks(resolution, 24)

    def events(kind: Callable[..., object], values: st.SearchStrategy[object], most: int = 3) -> tuple[object, ...]:
        found = draw(st.dictionaries(onsets, values, max_size=most))
        return tuple(kind(tick, found[tick]) for tick in sorted(found))

    parts = tuple(draw(st.lists(tracks(resolution), max_size=4)))
    if parts and draw(st.booleans()):
        parts = (*parts, parts[0])  # the same pitches at the same time in two tracks
    last = max((track.end for track in parts), default=0)
    return Score(
        tracks=parts,
        ticks_per_quarter=resolution,
        tempos=events(TempoEvent, st.integers(1, 2**24 - 1)),  # type: ignore[arg-type]
        meters=events(MeterEvent, st.sampled_from(METERS), 4),  # type: ignore[arg-type]
        keys=events(KeyEvent, KEYS),  # type: ignore[arg-type]
        chords=events(ChordEvent, CHORDS, 4),  # type: ignore[arg-type]
        markers=events(Marker, st.sampled_from([FERMATA, FERMATA, "A"])),  # type: ignore[arg-type]
        title=draw(st.sampled_from(["", "Air"])),
        end=last + draw(st.just(0) | ticks(resolution, 6)),
    )


def walk(seed: int, least: int, settings: Settings = PLAIN) -> list[int]:
    """Ids drawn under the grammar: a kind first, then one of its ids, so that rare kinds come too; ends after `least`.

    Long notes are left to other tests: every whole note that sounds on asks for a bar more.
    """
    dice, state, grammar = np.random.default_rng(seed), State(), grammar_of(settings)
    ids: list[int] = []
    long = EXPRESSIVE.span(Kind.DURATION_HIGH)
    while not ids or ids[-1] != END:
        allowed = grammar.mask(state)
        allowed[long.start + 3 : long.stop] = False
        choice = np.flatnonzero(allowed)
        assert len(choice), f"dead end after {names(ids[-8:])}"
        kinds = np.unique(EXPRESSIVE.kinds[choice])
        if len(ids) < least and len(kinds) > 1:
            kinds = kinds[kinds != Kind.END]
        kind = Kind.END if len(ids) > 2 * least and Kind.END in kinds else dice.choice(kinds)
        ids.append(int(dice.choice(choice[EXPRESSIVE.kinds[choice] == kind])))
        state.advance(ids[-1])
    return ids


def names(ids: Sequence[int]) -> list[str]:
    return [EXPRESSIVE.name(token) for token in ids]


def real_files(count: int) -> list[Path]:
    """A spread of the real files beside the checkout, the small ones; skips the test where there are none."""
    found = [path for folder in ("corpora", "testcases") for path in (SHARED / folder).rglob("*.mid")]
    usable = sorted(path for path in found if "corrupted" not in str(path) and path.stat().st_size < 40_000)
    if not usable:
        pytest.skip("no real files in ../shared/corpora and ../shared/testcases")
    return usable[:: max(len(usable) // count, 1)]
