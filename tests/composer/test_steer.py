"""What a user says, read as rules; and what cannot be read, said in one line."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

import composer
import data
from composer.request import Request
from composer.steer import progression, steering
from composer.style import CHORALE, FOLK
from theory.analysis import KINDS
from theory.chord import Chord
from theory.constraint import (
    CADENCES,
    Cadence,
    Chords,
    CompleteChords,
    Density,
    Durations,
    FinalChord,
    FinalTonic,
    Frame,
    Grid,
    InScale,
    MaxLeap,
    NoCrossing,
    NoParallels,
    Onsets,
    Polyphony,
    Range,
)
from theory.errors import (
    CadenzaError,
    ChordNameError,
    ClashError,
    FileFormatError,
    InputFileError,
    PitchError,
    RequestError,
    UnknownNameError,
)
from theory.key import Key
from theory.score import Score
from theory.tokens import SHIPPED, Settings

KEY = Key.parse("D minor")
HABITS = tuple(Range(index, part.lowest, part.highest, part.name) for index, part in enumerate(CHORALE.parts))


def steered(bars=8, style=CHORALE, settings=SHIPPED, **request):
    wanted = Request(**{"key": "D minor", "bars": bars, **request})
    form = wanted.form(style)
    frame = Frame.regular(tuple(part.name for part in style.parts), form.meter, form.bars, form.key)
    return steering(wanted, form, style, frame, settings=settings)


def asked(**request):
    return steered(**request).asked


def quarters(*numbers):
    return tuple(Fraction(number) for number in numbers)


@pytest.mark.parametrize(
    ("request_", "rules"),
    [
        ({}, ()),
        ({"ranges": "soprano=C4:G5"}, (Range(0, 60, 79, "Soprano"),)),
        ({"ranges": "BASS = E2:C4, alto=Bb3:F#5"}, (Range(3, 40, 60, "Bass"), Range(1, 58, 78, "Alto"))),
        ({"ranges": ("bass=E2:C4", "bass=F2:C4")}, (Range(3, 40, 60, "Bass"), Range(3, 41, 60, "Bass"))),
        (
            {"cadences": "4=half, 8=plagal", "polyphony": 2},
            (Cadence(4, "half", KEY), Cadence(8, "plagal", KEY), Polyphony(2)),
        ),
        (
            {"leaps": ("7", "7"), "cadences": ("8=half", "8=half"), "polyphony": 2},
            (Cadence(8, "half", KEY), MaxLeap(7), Polyphony(2)),
        ),
        ({"rules": "no-parallels,four-part"}, (NoParallels(), NoCrossing())),
        ({"scale": " key "}, (InScale((2, 4, 5, 7, 9, 10, 0), "D minor", KEY),)),
        ({"cadences": "8=perfect", "polyphony": 2}, (Cadence(8, "perfect", KEY), Polyphony(2))),
        (
            {"cadences": ("4 = half", "8=plagal"), "polyphony": 2},
            (Cadence(4, "half", KEY), Cadence(8, "plagal", KEY), Polyphony(2)),
        ),
        ({"leaps": "7"}, (MaxLeap(7),)),
        ({"leaps": "soprano=7,bass=12"}, (MaxLeap(7, (0,), "Soprano"), MaxLeap(12, (3,), "Bass"))),
        (  # a part's own word counts for it
            {"leaps": ("12", "tenor=5")},
            (MaxLeap(12, (0, 1, 3), "Soprano, Alto, Bass"), MaxLeap(5, (2,), "Tenor")),
        ),
        (
            {"leaps": "9,soprano=1,alto=2,tenor=3,bass=4"},
            tuple(MaxLeap(n + 1, (n,), name) for n, name in enumerate(("Soprano", "Alto", "Tenor", "Bass"))),
        ),
        ({"density": "2:6"}, (Density(2, 6),)),
        ({"density": "bass=1:4"}, (Density(1, 4, (3,), 0, "Bass"),)),
        ({"onsets": "soprano=1 2 2.5 3"}, (Onsets(quarters(0, 1, "3/2", 2), (0,), 0, "Soprano"),)),
        ({"onsets": "1 4/3"}, (Onsets(quarters(0, "1/3")),)),
        ({"onsets": "1 2", "meter": "6/8"}, (Onsets(quarters(0, "3/2")),)),  # beats of a dotted quarter
        ({"durations": "bass=4 2"}, (Durations(quarters(1, 2), (3,), "Bass"),)),
        (
            {"durations": "1 8 16 32 4. 8t 2t 4.t"},
            (Durations(quarters(4, "1/2", "1/4", "1/8", "3/2", "1/3", "4/3", 1)),),
        ),
        ({"polyphony": 3}, (Polyphony(3),)),
        ({"rules": "no-parallels"}, (NoParallels(),)),
        ({"rules": "four-part"}, (NoParallels(), NoCrossing())),
        ({"scale": "key"}, (InScale((2, 4, 5, 7, 9, 10, 0), "D minor", KEY),)),
        ({"ending": "tonic"}, (FinalTonic(KEY, 8 * 96),)),
        ({"ending": "open"}, ()),
    ],
)
def test_every_option_is_read(request_, rules):
    found = asked(**request_)
    assert len(found) == len(rules)
    for one, other in zip(found, rules, strict=True):
        if isinstance(other, InScale):
            one, other = replace(one, classes=sorted(one.classes)), replace(other, classes=sorted(other.classes))
        assert one == other


def test_a_scale_of_its_own():
    (rule,) = asked(scale="D dorian")
    assert isinstance(rule, InScale)
    assert (set(rule.classes), rule.key, rule.label) == ({2, 4, 5, 7, 9, 11, 0}, None, "scale D dorian")


def test_chords_bring_their_rules():
    (chords,) = asked(chords="Dm | Gm | A7 | Dm", between="chord")
    assert isinstance(chords, Chords)
    assert (chords.label, chords.key, chords.between) == ("chords Dm Gm A7 Dm Dm Gm A7 Dm", KEY, "chord")
    rules = asked(chords="i | V", rules="four-part", scale="key")
    assert [type(rule) for rule in rules] == [Chords, InScale, NoParallels, NoCrossing, CompleteChords]
    assert rules[1].placed == rules[0].placed


def test_ranges_that_are_not_asked_for_are_the_styles():
    assert steered().ranges == HABITS
    assert steered(ranges="alto=C4:G4").ranges == (HABITS[0], *HABITS[2:])


@pytest.mark.parametrize(
    ("request_", "ending"),
    [
        ({}, (FinalTonic(KEY, 8 * 96),)),
        ({"cadences": "4=half"}, (FinalTonic(KEY, 8 * 96),)),
        ({"cadences": "8=half"}, ()),
        ({"ending": "tonic"}, ()),  # it is asked for
        ({"ending": "open"}, ()),
        ({"chords": "Dm | A7"}, (FinalChord(Chord.parse("A7"), 8 * 96, start=7 * 96 + 48),)),
        ({"chords": "Dm | N.C."}, ()),
        ({"polyphony": 3}, (FinalTonic(KEY, 8 * 96, all_parts=False),)),
        ({"density": "alto=0:0"}, (FinalTonic(KEY, 8 * 96, all_parts=False),)),
    ],
)
def test_how_a_piece_ends_where_nobody_says_so(request_, ending):
    assert steered(**request_).ending == ending


@pytest.mark.parametrize(
    ("style", "request_", "steps"),
    [
        (CHORALE, {}, (6,)),
        (CHORALE, {"durations": "4 32"}, (3,)),
        (CHORALE, {"onsets": "1 4/3"}, (2,)),
        (FOLK, {}, (3, 4)),
        (FOLK, {"durations": "8 32 16t", "onsets": "1 1.25"}, (3, 4)),  # each is on one of them
        (FOLK, {"chords": "D A D"}, (3, 4)),
        (CHORALE, {"settings": Settings(resolution=12)}, (6,)),
        (CHORALE, {"settings": Settings(resolution=6)}, None),
        (FOLK, {"settings": Settings(resolution=12)}, None),
    ],
)
def test_notes_keep_to_the_styles_grids_or_to_finer_ones_that_hold_what_is_asked(style, request_, steps):
    assert steered(style=style, **request_).grid == (() if steps is None else (Grid(steps),))


def test_a_locked_tune_may_leave_the_styles_grids(tmp_path):
    file = tmp_path / "odd.mid"
    data.write(Score.from_notes([(0, 480, 62), (500, 480, 64)]), file)
    assert steered(style=FOLK, meter="4/4", locks=f"melody={file}").grid == ()


def test_the_model_writes_chords_of_its_own_only_between_cadences():
    assert steered(cadences="4=half").own_chords
    assert not steered(cadences="4=half", chords="Dm | Dm | E7 | A").own_chords
    assert not steered().own_chords


# Chords over bars


def placed(chords, **request):
    wanted = Request(chords=chords, **request)
    return [(bar, beat, str(chord)) for bar, beat, chord in progression(wanted, wanted.form(CHORALE))]


def test_chords_are_repeated_until_the_piece_is_full():
    assert placed("C | F G | C", bars=5) == [
        (0, 0, "C"), (1, 0, "F"), (1, 2, "G"), (2, 0, "C"), (3, 0, "C"), (4, 0, "F"), (4, 2, "G"),
    ]  # fmt: skip


def test_without_bars_the_piece_is_as_long_as_its_chords():
    wanted = Request(chords="C | F | G7 | C | Am")
    assert wanted.form(CHORALE).bars == 5
    assert [bar for bar, _, _ in placed("C | F | G7 | C | Am")] == list(range(5))
    with pytest.raises(RequestError, match="chords for 257 bars: must be at most 256"):
        Request(chords=" | ".join(["C"] * 257)).form(CHORALE)


def test_chords_that_are_longer_than_the_piece():
    with pytest.raises(RequestError, match="the chords fill 4 bars, the piece has 3: give --bars 4 or more"):
        placed("C | F | G7 | C", bars=3)
    with pytest.raises(RequestError, match="the chords fill 257 bars, a piece has at most 256"):
        placed(" | ".join(["C"] * 257), bars=3, key="C")


# What cannot be read


@pytest.mark.parametrize(
    ("request_", "error", "says"),
    [
        ({"ranges": "C4:G5"}, RequestError, "range 'C4:G5': name a part"),
        ({"ranges": "soprano"}, RequestError, "range 'soprano': name a part"),
        ({"ranges": "soprano="}, RequestError, "range 'soprano=': something is missing"),
        ({"ranges": "soprano=C4:G5,"}, RequestError, "something is missing"),
        ({"ranges": "soprano=C4"}, RequestError, "range 'C4': write two values, as in soprano=C4:G5"),
        ({"ranges": "soprano=G5:C4"}, PitchError, "range 'soprano=G5:C4': the first pitch must be the lower one"),
        ({"ranges": "soprano=H4:C5"}, PitchError, "range 'soprano=H4:C5': 'H' is no note name"),
        ({"ranges": "soprano=C4:D4,soprano=E4:F4"}, ClashError, "range Soprano E4 to F4: exclude each other"),
        ({"ranges": "=C4:G5"}, RequestError, "range '=C4:G5': something is missing"),
        ({"ranges": "soprano=C4:C12"}, PitchError, "C12"),
        ({"ranges": "flute=C4:G5"}, UnknownNameError, "no part 'flute': choose one of soprano, alto, tenor, bass"),
        ({"cadences": "8"}, RequestError, "cadence '8': write a bar and a kind, as in 8=perfect"),
        ({"cadences": "=perfect"}, RequestError, "write a bar and a kind"),
        ({"cadences": "8="}, RequestError, "write a bar and a kind"),
        ({"cadences": "-1=half"}, RequestError, "write a bar and a kind"),
        ({"cadences": "8=great"}, RequestError, "cadence '8=great': 'great' is no cadence: choose one of perfect"),
        ({"cadences": "1=half"}, RequestError, "bar 1: with its approach in the bar before, it must be in bars 2 to 8"),
        ({"cadences": "9=half"}, RequestError, "bar 9: with its approach in the bar before, it must be in bars 2 to 8"),
        ({"cadences": f"{'9' * 5000}=half"}, RequestError, "cadence"),
        ({"leaps": "far"}, RequestError, "leap 'far': must be a whole number"),
        ({"leaps": "soprano=-3"}, RequestError, "leap 'soprano=-3': a leap of -3 semitones: must be 0 to 127"),
        ({"leaps": "9" * 5000}, RequestError, "must be a whole number"),
        ({"leaps": "=7"}, RequestError, "leap '=7': something is missing"),
        ({"leaps": "7.5"}, RequestError, "must be a whole number"),
        ({"leaps": "128"}, RequestError, "a leap of 128 semitones: must be 0 to 127"),
        ({"leaps": ("",)}, RequestError, "leap '': something is missing"),
        ({"leaps": "kazoo=7"}, UnknownNameError, "no part 'kazoo'"),
        ({"density": "5"}, RequestError, "density '5': write two values, as in 2:6"),
        ({"density": "6:2"}, RequestError, "density 6 to 2: must rise"),
        ({"density": "a:b"}, RequestError, "density 'a': must be a whole number"),
        ({"density": "bass="}, RequestError, "something is missing"),
        ({"density": "2:"}, RequestError, "density '2:': write two values"),
        ({"density": "-1:4"}, RequestError, "density -1 to 4: must rise, within 0 to 64"),
        ({"density": "0:0", "bars": 1}, RequestError, "density 0:0 leaves no note to sing"),
        ({"onsets": "soprano=1 x"}, RequestError, "onsets 'x': must be a number"),
        ({"onsets": "1/0"}, RequestError, "onsets '1/0': must be a number"),
        ({"onsets": "nan"}, RequestError, "onsets 'nan': must be a number"),
        ({"onsets": "0 1"}, RequestError, "onsets"),
        ({"onsets": "1 1.01"}, RequestError, "onsets '1 1.01': 1.01: not on the grid"),
        ({"onsets": "soprano=1 5"}, RequestError, "onsets 'soprano=1 5': 5: a bar of 4/4 has beats from 1 to before 5"),
        ({"onsets": "1e9999999"}, RequestError, "onsets"),
        ({"durations": "3"}, RequestError, "durations '3': write note values"),
        ({"durations": "bass=4.."}, RequestError, "durations '4..'"),
        ({"durations": "quarter"}, RequestError, "durations 'quarter'"),
        ({"durations": "bass=4 32."}, RequestError, "durations 'bass=4 32.': 32.: not on the grid"),
        ({"scale": "flurb"}, CadenzaError, "flurb"),
        ({"scale": "D flurb"}, UnknownNameError, "flurb"),
        ({"scale": ""}, RequestError, "scale '': write key, or a note and a name"),
        ({"scale": "H dorian"}, PitchError, "scale 'H dorian': "),
        ({"polyphony": 0}, RequestError, "polyphony 0: must be 1 to 128 parts"),
        ({"polyphony": "3"}, RequestError, "polyphony '3': must be a whole number"),
        ({"cadences": "4=half,"}, RequestError, "cadence '4=half,': something is missing"),
        ({"rules": "no-parallels,"}, RequestError, "rules 'no-parallels,': something is missing"),
        ({"rules": "five-part"}, UnknownNameError, "choose among four-part, no-parallels"),
        ({"ending": "loud"}, RequestError, "ending 'loud': choose one of tonic, open"),
        ({"between": "chord"}, RequestError, "between chord: it is about given chords, so give chords too"),
        ({"between": "all"}, RequestError, "between 'all': choose one of chord, scale, any"),
        ({"chords": ""}, RequestError, "without chords"),
        ({"chords": "Dm | | A7"}, RequestError, "bar 2 is empty"),
        ({"chords": ". | Dm"}, RequestError, "bar 1: no chord stands before the dot"),
        ({"chords": "Dm | H7"}, ChordNameError, "bar 2"),
        ({"chords": "Dm | C" + "x" * 3000}, RequestError, "Cxxxxxxxxxxxxxxxxxxx... has 3001 characters"),
        ({"chords": 7}, RequestError, "chords 7: must be a text"),
        ({"leaps": 7}, RequestError, "leaps 7: must be a text, or a row of texts"),
        ({"leaps": (7,)}, RequestError, "must be a text, or a row of texts"),
        ({"locks": "soprano"}, RequestError, "lock 'soprano': write a part and a file"),
        ({"locks": "soprano=x.mid,alto:1-4=y.mid"}, RequestError, "for several locks give --lock again"),
        ({"locks": "soprano="}, RequestError, "write a part and a file"),
        ({"locks": "flute=tune.mid"}, UnknownNameError, "no part 'flute'"),
        ({"locks": "soprano=a\0b.mid"}, RequestError, "write a part and a file"),
        ({"locks": "soprano:4-2=tune.mid"}, RequestError, "lock 'soprano:4-2=tune.mid': write bars as in soprano:1-4"),
        ({"locks": "soprano:x=tune.mid"}, RequestError, "write bars as in"),
        ({"locks": "soprano:=tune.mid"}, RequestError, "write bars as in"),
        ({"locks": f"soprano:{'1' * 5000}=tune.mid"}, RequestError, "write bars as in"),
        ({"locks": "soprano=there is none.mid"}, InputFileError, "there is none.mid"),
        ({"locks": "soprano=tune.txt"}, FileFormatError, "tune.txt"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_one_line(request_, error, says):
    with pytest.raises(error) as caught:
        composer.compose(**{"key": "D minor", "bars": 8, **request_})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_cadences_that_can_be_asked_for_are_those_that_are_heard():
    assert tuple(CADENCES) == KINDS
