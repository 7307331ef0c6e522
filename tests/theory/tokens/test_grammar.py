"""The grammar: what it lets through is canonical, and whatever a score becomes, it lets through.

(That it accepts every encoded score, token by token, is held in test_tokenizer.)
"""

import numpy as np
import pytest
from token_strategies import names, walk

from theory.tokens import VOCABULARY, Kind, State, Tokenizer, grammar_mask
from theory.tokens.grammar import FOLLOWERS

TOKENIZER = Tokenizer()
SEEDS = range(40)
PREFIX = ["START", "TRACK 0", "PROGRAM 0", "TRACK 1", "DRUMS", "PROGRAM 0"]
OPENING = [*PREFIX, "BAR", "NUMERATOR 4", "DENOMINATOR 2", "POSITION_LOW 0", "TEMPO_HIGH 112", "TEMPO_LOW 8"]
_IDS = {VOCABULARY.name(token): token for token in range(VOCABULARY.size)}


def after(*tokens: str) -> State:
    """The state after tokens, each of which must be allowed."""
    state = State()
    for name in tokens:
        assert grammar_mask(state)[_IDS[name]], name
        state.advance(_IDS[name])
    return state


def allows(state: State, name: str) -> bool:
    return bool(grammar_mask(state)[_IDS[name]])


def allowed_kinds(state: State) -> set[str]:
    return {Kind(kind).name for kind in VOCABULARY.kinds[grammar_mask(state)]}


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_sampled_decodes_and_encodes_to_the_same_ids(seed: int) -> None:
    ids = walk(seed, 200)
    score = TOKENIZER.decode(ids)
    assert TOKENIZER.quantize(score) == score
    assert names(TOKENIZER.encode(score).tolist()) == names(ids)


def test_walks_come_by_every_kind() -> None:
    seen = np.unique(np.concatenate([VOCABULARY.kinds[walk(seed, 200)] for seed in SEEDS]))
    assert {Kind(kind) for kind in seen} == {kind for kind in Kind if VOCABULARY.has(kind)} - {Kind.PAD}


def test_every_kind_has_followers_of_its_own() -> None:
    assert set(FOLLOWERS) == set(Kind)
    assert all(len(set(kinds)) == len(kinds) for kinds in FOLLOWERS.values())


def test_a_mask_is_the_callers_to_change() -> None:
    state = after(*OPENING)
    grammar_mask(state)[:] = False
    assert grammar_mask(state).any()


def test_a_piece_begins_with_start_and_stops_at_end() -> None:
    assert names(np.flatnonzero(grammar_mask(State())).tolist()) == ["START"]
    assert not grammar_mask(after("START", "END")).any()


def test_tracks_are_declared_one_after_the_other() -> None:
    assert names(np.flatnonzero(grammar_mask(after("START"))).tolist()) == ["END", "BAR", "TRACK 0"]
    assert allowed_kinds(after("START", "TRACK 0")) == {"DRUMS", "PROGRAM"}
    assert names(np.flatnonzero(grammar_mask(after(*PREFIX))).tolist()) == ["END", "BAR", "TRACK 2"]


def test_the_first_bar_states_meter_and_tempo() -> None:
    assert allowed_kinds(after(*PREFIX, "BAR")) == {"NUMERATOR"}
    assert names(np.flatnonzero(grammar_mask(after(*OPENING[:-3]))).tolist()) == ["POSITION_LOW 0"]
    assert allowed_kinds(after(*OPENING[:-2])) == {"SIGNATURE", "TEMPO_HIGH"}
    assert allowed_kinds(after(*OPENING[:-2], "SIGNATURE 0", "MODE major")) == {"TEMPO_HIGH"}


def test_nothing_is_said_twice() -> None:
    state = after(*OPENING, "BAR", "POSITION_LOW 0", "TEMPO_HIGH 112")
    assert not allows(state, "TEMPO_LOW 8")
    assert allows(state, "TEMPO_LOW 9")
    keyed = [*OPENING[:-2], "SIGNATURE 1", "MODE major", *OPENING[-2:], "BAR", "POSITION_LOW 0"]
    assert not allows(after(*keyed, "SIGNATURE 1"), "MODE major")
    assert allows(after(*keyed, "SIGNATURE 2"), "MODE major")
    assert not allows(after(*OPENING, "BAR", "NUMERATOR 4"), "DENOMINATOR 2")
    assert not allows(after(*OPENING, "TRACK 0"), "VELOCITY 20")
    assert not allows(after(*OPENING, "CHORD_ROOT C", "CHORD_QUALITY maj"), "CHORD_BASS C")
    assert not allows(after(*OPENING, "CHORD_ROOT C", "CHORD_QUALITY m7"), "CHORD_DEGREE b5")


def test_positions_rise_inside_the_bar() -> None:
    state = after(*OPENING, "TRACK 0", "PITCH 60", "DURATION_LOW 24", "POSITION_LOW 90", "FERMATA")
    assert not allows(state, "POSITION_LOW 90")
    assert allows(state, "POSITION_LOW 95")
    assert "POSITION_HIGH" not in allowed_kinds(state)


@pytest.mark.parametrize(("numerator", "last"), [("3", 71), ("6", 95), ("1", 23)])
def test_short_bars_have_fewer_positions(numerator: str, last: int) -> None:
    opening = [name if name != "NUMERATOR 4" else f"NUMERATOR {numerator}" for name in OPENING]
    positions = VOCABULARY.span(Kind.POSITION_LOW)
    assert np.flatnonzero(grammar_mask(after(*opening))[positions]).tolist() == list(range(1, last + 1))


def test_long_bars_have_positions_beyond_a_whole_note() -> None:
    opening = [name if name != "NUMERATOR 4" else "NUMERATOR 7" for name in OPENING]
    state = after(*opening, "POSITION_HIGH 0")
    positions = VOCABULARY.span(Kind.POSITION_LOW)
    assert np.flatnonzero(grammar_mask(state)[positions]).tolist() == list(range(7 * 24 - 96))
    assert allowed_kinds(state) == {"POSITION_LOW"}


def test_a_sounding_pitch_cannot_start_again_before_it_stops() -> None:
    held = after(*OPENING, "TRACK 0", "PITCH 60", "DURATION_LOW 24", "POSITION_LOW 23", "TRACK 0")
    assert not allows(held, "PITCH 60")
    assert allows(held, "PITCH 59")
    assert allows(held, "PITCH 61")
    chord = [*OPENING, "TRACK 0", "PITCH 60", "DURATION_LOW 24", "PITCH 64", "DURATION_LOW 25"]
    state = after(*chord, "POSITION_LOW 24", "TRACK 0")
    assert allows(state, "PITCH 60")
    assert not allows(state, "PITCH 64")


def test_pitches_rise_and_drums_stand_in_drum_tracks() -> None:
    state = after(*OPENING, "TRACK 0", "PITCH 60", "DURATION_LOW 24")
    assert not allows(state, "PITCH 60")
    assert allows(state, "PITCH 61")
    assert {"PITCH", "VELOCITY"} <= allowed_kinds(state)
    assert "DRUM" not in allowed_kinds(state)
    assert allowed_kinds(after(*OPENING, "TRACK 1")) >= {"DRUM"}
    assert "PITCH" not in allowed_kinds(after(*OPENING, "TRACK 1"))


def test_a_velocity_needs_a_note_to_follow() -> None:
    state = after(*OPENING, "TRACK 0", "PITCH 127", "DURATION_LOW 24")
    assert not {"VELOCITY", "PITCH"} & allowed_kinds(state)


def test_a_piece_ends_when_its_notes_have_ended() -> None:
    state = after(*OPENING, "TRACK 0", "PITCH 60", "DURATION_HIGH 0", "DURATION_LOW 1")
    assert not allows(state, "END")
    state.advance(_IDS["BAR"])
    assert allows(state, "END")


def test_a_cut_bar_needs_a_meter_to_follow() -> None:
    assert allowed_kinds(after(*OPENING, "POSITION_LOW 48", "BAR")) == {"NUMERATOR"}
    assert allows(after(*OPENING, "POSITION_LOW 48", "BAR", "NUMERATOR 4"), "DENOMINATOR 2")
    assert not allows(after(*OPENING, "BAR", "POSITION_LOW 0"), "BAR")


def test_controls_take_their_values_first() -> None:
    assert allowed_kinds(after(*OPENING, "TRACK 0", "CONTROL", "VALUE 7")) == {"VALUE"}
    assert "VALUE" not in allowed_kinds(after(*OPENING, "TRACK 0", "CONTROL", "VALUE 7", "VALUE 100"))
    assert allowed_kinds(after(*OPENING, "TRACK 0", "BEND", "VALUE 64")) == {"VALUE"}
    assert "VALUE" not in allowed_kinds(after(*OPENING, "TRACK 0", "PRESSURE", "VALUE 100"))


def test_a_state_knows_where_it_stands() -> None:
    state = after(
        *OPENING, "TRACK 0", "PITCH 60", "DURATION_LOW 24", "POSITION_LOW 48", "BAR", "NUMERATOR 3", "DENOMINATOR 2"
    )
    assert (state.bar, state.bar_start, state.bar_length, state.step) == (1, 48, 72, 48)
    assert (state.meter, state.tempo, state.key) == ((3, 2), 120, None)
    assert (state.drums, state.last_pitch, state.free_at) == ([False, True], [60, -1], [24, 0])
