"""The codec: what is encoded comes back, whatever the score."""

import doctest
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from token_strategies import MANY, METERS, names, real_files, scores

import data
from data import corpora
from theory.chord import Chord
from theory.errors import TokenError
from theory.event import FERMATA, ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent
from theory.key import MODES, Key
from theory.meter import Meter
from theory.score import MAX_TICK, PITCH_BEND, PRESSURE, Score, Track
from theory.tokens import VOCABULARY, Kind, State, Tokenizer, grammar_mask, tokenizer
from theory.tokens.vocabulary import CHORD_DEGREES, CHORD_QUALITIES, END, START

TOKENIZER = Tokenizer()


def comes_back(score: Score) -> None:
    ids = TOKENIZER.encode(score)
    assert ids.dtype == np.int32
    decoded = TOKENIZER.decode(ids)
    assert decoded == TOKENIZER.quantize(score)
    assert TOKENIZER.encode(decoded).tolist() == ids.tolist()
    state = State()
    for index, token in enumerate(ids.tolist()):
        assert grammar_mask(state)[token], f"the grammar refuses {names(ids[max(index - 6, 0) : index + 1].tolist())}"
        state.advance(token)


def body(score: Score) -> list[str]:
    """Names of the tokens from the first bar on, without the tempo."""
    ids = TOKENIZER.encode(score).tolist()
    return [name for name in names(ids[ids.index(VOCABULARY.id(Kind.BAR)) :]) if not name.startswith("TEMPO")]


def test_doctests() -> None:
    assert doctest.testmod(tokenizer).failed == 0


@MANY
@given(scores())
def test_any_score_comes_back(score: Score) -> None:
    comes_back(score)


def test_every_chord_comes_back() -> None:
    sets = [()] + [
        degrees
        for size in (1, 2, 3)
        for degrees in product(CHORD_DEGREES, repeat=size)
        if sorted(set(degrees)) == [*degrees]
    ]
    chords = list(dict.fromkeys(Chord(0, quality, degrees, 4) for quality in CHORD_QUALITIES for degrees in sets))
    assert len(chords) > 1000
    comes_back(Score(chords=tuple(ChordEvent(20 * i, chord) for i, chord in enumerate(chords)), end=20 * len(chords)))


def test_every_root_bass_and_key_comes_back() -> None:
    places = range(-15, 20)
    chords = [Chord(root, "m7", (), bass) for root, bass in product(places, places)]
    keys = [Key.from_signature(signature, mode) for signature, mode in product(range(-7, 8), MODES)]
    comes_back(
        Score(
            chords=tuple(ChordEvent(40 * i, chord) for i, chord in enumerate(chords)),
            keys=tuple(KeyEvent(480 * i, key) for i, key in enumerate(keys)),
            end=40 * len(chords),
        )
    )


def test_every_tempo_comes_back() -> None:
    tempos = tuple(TempoEvent.from_bpm(480 * (bpm - 4), bpm) for bpm in range(4, 1001))
    score = Score(tempos=tempos, end=480 * 1000)
    comes_back(score)
    assert TOKENIZER.quantize(score).tempos == tempos


@pytest.mark.parametrize("first", METERS, ids=str)
def test_any_meter_cut_short_by_any_other_comes_back(first: Meter) -> None:
    for second in METERS:
        for cut in (20, 700, 960, 25_000):
            meters = (MeterEvent(0, first), MeterEvent(cut, second), MeterEvent(cut + 3840, first))
            comes_back(Score.from_notes([(0, cut + 9000, 60), (cut, 20, 62)], meters=meters))


def test_an_upbeat_is_a_short_meter() -> None:
    meters = (MeterEvent(0, Meter(1, 4)), MeterEvent(480, Meter(3, 4)))
    score = Score.from_notes([(0, 480, 60), (480, 1440, 62)], meters=meters)
    comes_back(score)
    assert TOKENIZER.decode(TOKENIZER.encode(score)).pickup
    assert body(score) == [
        "BAR", "NUMERATOR 1", "DENOMINATOR 2", "POSITION_LOW 0", "TRACK 0", "PITCH 60", "DURATION_LOW 24",
        "BAR", "NUMERATOR 3", "DENOMINATOR 2", "POSITION_LOW 0", "TRACK 0", "PITCH 62", "DURATION_LOW 72", "END",
    ]  # fmt: skip


def test_a_bar_that_is_cut_short_ends_with_a_bare_position() -> None:
    meters = (MeterEvent(0, Meter(4, 4)), MeterEvent(960, Meter(4, 4)))
    score = Score.from_notes([(480, 240, 60)], meters=meters, end=2000)
    assert body(score) == [
        "BAR", "NUMERATOR 4", "DENOMINATOR 2", "POSITION_LOW 0", "POSITION_LOW 24", "TRACK 0", "PITCH 60",
        "DURATION_LOW 12", "POSITION_LOW 48", "BAR", "NUMERATOR 4", "DENOMINATOR 2", "END",
    ]  # fmt: skip


def test_numbers_beyond_a_whole_note_take_more_tokens() -> None:
    score = Score.from_notes([(0, 1920, 60), (9600, 7 * 1920 + 20, 60)], meters=(MeterEvent(0, Meter(6, 1)),))
    comes_back(score)
    assert body(score)[3:] == [
        "POSITION_LOW 0", "TRACK 0", "PITCH 60", "DURATION_LOW 96",
        "POSITION_HIGH 2", "POSITION_HIGH 0", "POSITION_LOW 0", "TRACK 0", "PITCH 60",
        "DURATION_HIGH 2", "DURATION_HIGH 1", "DURATION_HIGH 0", "DURATION_LOW 1", "BAR", "BAR", "END",
    ]  # fmt: skip


def test_all_that_happens_at_one_step_stands_in_order() -> None:
    controls = [(480, 7, 90), (480, PITCH_BEND, -8192), (480, PRESSURE, 5), (480, 7, 91)]
    notes = [(480, 480, 64, 81), (480, 240, 60, 100), (480, 20, 67, 99), (960, 20, 60, 100)]
    score = Score(
        tracks=(
            Track.from_notes(notes, controls=controls, program=24),
            Track.empty(),
            Track.from_notes([(480, 480, 38)], is_drum=True, program=8),
        ),
        keys=(KeyEvent(480, Key.parse("f# dorian")),),
        chords=(ChordEvent(480, Chord.parse("Bb7(b9)/D")), ChordEvent(960, None)),
        markers=(Marker(480, FERMATA),),
    )
    comes_back(score)
    ids = TOKENIZER.encode(score).tolist()
    assert names(ids[: ids.index(VOCABULARY.id(Kind.BAR))]) == [
        "START", "TRACK 0", "PROGRAM 24", "TRACK 1", "PROGRAM 0", "TRACK 2", "DRUMS", "PROGRAM 8",
    ]  # fmt: skip
    assert body(score)[3:] == [
        "POSITION_LOW 0", "POSITION_LOW 24", "SIGNATURE 4", "MODE dorian", "CHORD_ROOT Bb", "CHORD_QUALITY 7",
        "CHORD_DEGREE b9", "CHORD_BASS D", "FERMATA",
        "TRACK 0", "CONTROL", "VALUE 7", "VALUE 90", "BEND", "VALUE 0", "VALUE 0", "PRESSURE", "VALUE 5",
        "CONTROL", "VALUE 7", "VALUE 91",
        "VELOCITY 25", "PITCH 60", "DURATION_LOW 12", "VELOCITY 20", "PITCH 64", "DURATION_LOW 24",
        "VELOCITY 25", "PITCH 67", "DURATION_LOW 1",
        "TRACK 2", "DRUM 38", "DURATION_LOW 24",
        "POSITION_LOW 48", "NO_CHORD", "TRACK 0", "PITCH 60", "DURATION_LOW 1", "END",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "score",
    [
        Score(),
        Score(tracks=(Track.empty(program=5), Track.empty(is_drum=True))),
        Score(tempos=(TempoEvent(0, 400_000),)),
    ],
    ids=["nothing", "empty tracks", "a tempo"],
)
def test_pieces_without_length_have_no_bars(score: Score) -> None:
    comes_back(score)
    assert VOCABULARY.id(Kind.BAR) not in TOKENIZER.encode(score)


def test_128_full_tracks_come_back() -> None:
    tracks = tuple(
        Track.from_notes([(480 * i, 480 * (i + 1), pitch) for i in range(3) for pitch in range(index % 7, 128, 9)])
        for index in range(128)
    )
    comes_back(Score(tracks=tracks))


def test_a_note_as_long_as_a_score_can_count_comes_back() -> None:
    score = Score.from_notes([(0, MAX_TICK // 480 * 480 - 10**6, 60)], meters=(MeterEvent(0, Meter(64, 1)),))
    assert TOKENIZER.decode(TOKENIZER.encode(score)) == TOKENIZER.quantize(score)


@pytest.mark.parametrize("id", corpora.get("chorales").ids()[::60])
def test_chorales_come_back(id: str) -> None:  # noqa: A002
    comes_back(corpora.read("chorales", id))


def test_real_files_come_back() -> None:
    for path in real_files(25):
        comes_back(data.read(path))


# --- what does not decode -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ids",
    [[], [START], [END], [START, START], [[START, END]], [1.0, 2.0], ["START", "END"], [True, True], 1, [END, START]],
    ids=str,
)
def test_what_is_no_row_of_ids_is_refused(ids: object) -> None:
    with pytest.raises(TokenError, match="begins with START"):
        TOKENIZER.decode(ids)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64, np.uint16, np.uint64])
def test_any_integers_decode(dtype: type) -> None:
    score = Score.from_notes([(0, 480, 60)])
    assert TOKENIZER.decode(TOKENIZER.encode(score).astype(dtype)) == TOKENIZER.quantize(score)


@given(st.integers(1, 400))
def test_an_end_before_the_last_note_stopped_is_refused(steps: int) -> None:
    score = Score.from_notes([(0, 20 * (96 + steps), 60)])
    ids = TOKENIZER.encode(score).tolist()
    bar = VOCABULARY.id(Kind.BAR)
    while ids[-2] == bar:
        ids = [*ids[:-2], END]
    with pytest.raises(TokenError, match=rf"token {len(ids) - 1}: END comes while notes still sound"):
        TOKENIZER.decode(ids)


def test_a_piece_beyond_the_last_tick_is_refused() -> None:
    ids = TOKENIZER.encode(Score(meters=(MeterEvent(0, Meter(64, 1)),), end=480)).tolist()
    with pytest.raises(TokenError, match="END comes after tick"):
        TOKENIZER.decode([*ids[:-1], *[VOCABULARY.id(Kind.BAR)] * 20_000, END])
