"""Tunes that parts keep: which notes, in which bars, and what a new piece takes over from them."""

from __future__ import annotations

import pytest

import composer
import data
from composer.locks import bars_of, file_of, key_of, meter_of, read_tunes, upbeat_of
from composer.request import Request
from composer.steer import steering
from composer.style import CHORALE
from theory.constraint import Frame, Locked, Range
from theory.errors import RequestError
from theory.event import KeyEvent, MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track


def steered(bars=8, **request):
    wanted = Request(**{"key": "D minor", "bars": bars, **request})
    form = wanted.form(CHORALE)
    names = tuple(part.name for part in CHORALE.parts)
    return steering(wanted, form, CHORALE, Frame.regular(names, form.meter, form.bars, form.key))


def asked(**request):
    return steered(**request).asked


TUNE = [(0, 480, 69), (480, 480, 71), (960, 960, 72), (1920, 1920, 74), (3840, 720, 76), (4800, 960, 74)]
IN_STEPS = ((0, 24, 69), (24, 48, 71), (48, 96, 72), (96, 192, 74), (192, 228, 76), (240, 288, 74))


def written(folder, *tracks, meter="4/4", bars=3):
    score = Score(tracks, meters=(MeterEvent(0, Meter.parse(meter)),), end=bars * Meter.parse(meter).bar_ticks(480))
    data.write(score, folder / "tune.mid")
    return folder / "tune.mid"


@pytest.fixture
def tune(tmp_path):
    return written(tmp_path, Track.from_notes(TUNE))


def test_a_tune_is_locked_and_the_bars_after_it_are_free(tune):
    assert asked(bars=3, locks=f"soprano={tune}") == (Locked(0, IN_STEPS, 0, 288, "Soprano"),)
    assert asked(bars=5, locks=f"Alto={tune}") == (Locked(1, IN_STEPS, 0, 288, "Alto"),)


def test_a_longer_tune_is_cut_where_the_piece_ends(tune):
    (lock,) = asked(bars=1, locks=f"soprano={tune}")
    assert lock == Locked(0, IN_STEPS[:3], 0, 96, "Soprano")


@pytest.mark.parametrize(
    ("bars", "notes", "span"),
    [
        ("1", IN_STEPS[:3], (0, 96)),
        ("2-3", IN_STEPS[3:], (96, 288)),
        ("1-2", IN_STEPS[:4], (0, 192)),
        ("3", IN_STEPS[4:], (192, 288)),
    ],
)
def test_only_some_bars_of_a_tune(tune, bars, notes, span):
    assert asked(bars=4, locks=f"soprano:{bars}={tune}") == (Locked(0, notes, *span, "Soprano"),)


def test_several_locks(tune):
    found = asked(bars=4, locks=(f"soprano:1={tune}", f"tenor:3={tune}"))
    assert found == (Locked(0, IN_STEPS[:3], 0, 96, "Soprano"), Locked(2, IN_STEPS[4:], 192, 288, "Tenor"))


def test_a_note_over_the_last_locked_bar_line_is_cut_there(tmp_path):
    file = written(tmp_path, Track.from_notes([(960, 1920, 69), (2880, 960, 71)]), bars=2)
    assert asked(bars=2, locks=f"soprano:1={file}") == (Locked(0, ((48, 96, 69),), 0, 96, "Soprano"),)


def test_which_track_of_a_file_is_taken(tmp_path):
    """The one of the part's name, else the only one with notes, else the one in its place among four."""
    one, two, three, four = (Track.from_notes([(0, 1920, 60 + n)]) for n in range(4))
    drums = one.replace(is_drum=True)

    def pitch(part, *tracks):
        (lock,) = asked(bars=1, locks=f"{part}={written(tmp_path, *tracks, bars=1)}")
        return lock.notes[0][2]

    assert pitch("alto", one.replace(name="Soprano"), two.replace(name="ALTO"), three) == 61
    assert pitch("alto", Track.empty(), drums, three) == 62
    assert [pitch(part.name, one, two, three, four) for part in CHORALE.parts] == [60, 61, 62, 63]
    with pytest.raises(RequestError, match="the file has 2 tracks with notes, none called Alto"):
        pitch("alto", one, two)
    with pytest.raises(RequestError, match="the file has 0 tracks with notes, none called Alto"):
        pitch("alto", drums)


def test_a_piece_takes_the_meter_of_a_tune_but_not_against_the_request(tmp_path, tiny_model):
    file = written(tmp_path, Track.from_notes([(0, 480, 69)]), meter="3/4")
    piece = composer.compose(model=tiny_model, bars=4, locks=f"soprano={file}")
    assert piece.score.meters == (MeterEvent(0, Meter(3, 4)),)
    assert asked(meter="3/4", bars=3, locks=f"soprano={file}") == (Locked(0, ((0, 24, 69),), 0, 216, "Soprano"),)
    with pytest.raises(RequestError, match=r"tune\.mid': bar 1 is one of 3/4 there, of 4/4 in the piece"):
        composer.compose(model=tiny_model, meter="4/4", locks=f"soprano={file}")
    file = written(tmp_path, Track.from_notes([(0, 480, 69)]), meter="7/8")
    with pytest.raises(RequestError, match="style chorale writes no 7/8"):
        composer.compose(model=tiny_model, locks=f"soprano={file}")


@pytest.mark.parametrize("notes", [[(1920, 480, 69), (1920, 480, 60)], [(1920, 480, 69), (2160, 480, 60)]])
def test_a_tune_of_two_notes_at_a_time(tmp_path, notes):
    file = written(tmp_path, Track.from_notes(notes))
    with pytest.raises(RequestError, match=r"tune\.mid': two notes at a time in bar 2 of the file"):
        asked(locks=f"soprano={file}")
    assert asked(locks=f"soprano:1={file}")


@pytest.mark.parametrize(
    ("bars", "says"),
    [
        ("0-2", "bars 0-2: not among those to be written, 1 to 8"),
        ("2-9", "bars 2-9: not among those to be written, 1 to 8"),
        ("9", "bar 9: not among those to be written, 1 to 8"),
        ("2-4", "bars 2-4: the file has bars 1 to 3"),
    ],
)
def test_bars_that_are_not_there(tune, bars, says):
    with pytest.raises(RequestError, match=rf"lock 'soprano:{bars}=.*tune\.mid': {says}"):
        asked(locks=f"soprano:{bars}={tune}")


def test_two_locks_that_want_other_notes_of_one_part(tune, tmp_path):
    (tmp_path / "other").mkdir()
    other = written(tmp_path / "other", Track.from_notes([(1920, 1920, 60)]))
    with pytest.raises(RequestError, match="from bar 2 on they want different notes of the soprano"):
        asked(locks=(f"soprano={tune}", f"soprano:2={other}"))
    assert len(asked(locks=(f"soprano={tune}", f"soprano:2={tune}", f"alto={other}"))) == 3
    assert len(asked(locks=(f"soprano={tune}", f"soprano={tune}"))) == 1


def test_the_range_of_a_part_is_as_wide_as_its_tune(tmp_path):
    file = written(tmp_path, Track.from_notes([(0, 480, 50), (480, 480, 90)]))
    found = steered(locks=f"soprano={file}").ranges
    assert found[:2] == (Range(0, 50, 90, "Soprano"), Range(1, 52, 76, "Alto"))
    assert steered(locks=f"soprano={file}", ranges="soprano=C4:G5").ranges == found[1:]


# What a piece takes over


@pytest.mark.parametrize(
    ("key", "taken"), [("G", "G major"), ("E minor", "E minor"), ("D dorian", "D dorian"), ("F lydian", "F major")]
)
def test_a_piece_takes_key_and_length_of_a_tune_but_not_against_the_request(tmp_path, tiny_model, key, taken):
    score = Score((Track.from_notes(TUNE),), keys=(KeyEvent(0, Key.parse(key)),), end=5760)
    data.write(score, tmp_path / "tune.musicxml")
    asks = {"model": tiny_model, "locks": f"soprano={tmp_path / 'tune.musicxml'}"}
    piece = composer.compose(**asks)
    assert [str(event.key) for event in piece.score.keys] == [taken]
    assert (piece.recipe.request["key"], piece.recipe.request["bars"], piece.score.bars) == (taken, 3, 3)
    piece = composer.compose(**asks, key="C", bars=1)
    assert ([str(event.key) for event in piece.score.keys], piece.score.bars) == (["C major"], 1)


def test_a_tune_of_some_bars(tune, upbeat):
    def found(*locks):
        return bars_of(read_tunes(locks, CHORALE))

    assert found() is None
    assert found(f"soprano={tune}") == 3
    assert found(f"soprano:1-2={tune}") == 2
    assert found(f"soprano={upbeat}") == 2
    assert found(f"soprano:1={tune}", f"alto:3={tune}") == 3


def test_the_key_of_a_tune_without_a_signature_is_heard(tmp_path):
    """As MIDI files of most programs have none."""
    pitches = (62, 66, 69, 74, 73, 71, 69, 66, 67, 69, 71, 73, 74, 69, 66, 62)
    data.write(Score((Track.from_notes([(480 * n, 480, p) for n, p in enumerate(pitches)]),)), tmp_path / "d.mid")
    assert key_of(read_tunes([f"soprano={tmp_path / 'd.mid'}"], CHORALE), CHORALE) == Key.parse("D")
    assert key_of((), CHORALE) is None


def test_notes_that_the_grid_moves_are_told(tmp_path):
    """A fifth of a beat is 4.8 steps of the grid: a fifth of a step, 1/120 of half a second, to the next one."""
    quintuplet = Track.from_notes([(96 * n, 96, 69) for n in range(5)])
    file = written(tmp_path, quintuplet.replace(name="Alto"), Track.from_notes(TUNE, name="Tenor"))
    assert steered(locks=f"tenor={file}").notices == ()
    assert steered(locks=f"alto={file}").notices == (f"lock alto={file}: notes move to the grid by at most 9 ms",)


# A tune with an upbeat


UPBEAT = [(0, 480, 67), (480, 1920, 72), (2400, 960, 71), (3360, 480, 67)]
UP_METERS = (MeterEvent(0, Meter(1, 4)), MeterEvent(480, Meter(4, 4)))


@pytest.fixture
def upbeat(tmp_path):
    """An upbeat of a beat and two bars; the last one is a beat short, as a copyist writes it."""
    data.write(Score((Track.from_notes(UPBEAT),), meters=UP_METERS, end=3840), tmp_path / "up.musicxml")
    return tmp_path / "up.musicxml"


def test_a_new_piece_takes_the_upbeat_of_a_tune(upbeat, tiny_model):
    asks = {"chords": "C | G | G | C", "onsets": "bass=1 3", "density": "alto=1:4", "cadences": "4=perfect"}
    piece = composer.compose(model=tiny_model, bars=4, locks=f"soprano={upbeat}", **asks, rules="four-part")
    score = piece.score
    assert score.meters == UP_METERS
    assert (score.pickup, score.bars, score.end) == (True, 5, 480 + 4 * 1920)
    assert piece.recipe.request["bars"] == 4
    assert all(row.kept == row.asked for row in piece.report.rules)
    lines = score.bar_lines()
    bass = {int(tick) for tick in score.tracks[3].onset if tick >= 480}
    assert bass == {int(line) + beat for line in lines[1:-1] for beat in (0, 960)}
    found = [(note.onset, note.duration, note.pitch) for note in score.tracks[0] if note.onset < lines[3]]
    assert found == [*UPBEAT[:3], (3360, 960, 67)]  # the last note fills the bar that the upbeat left short
    assert composer.Piece.from_recipe(piece.recipe).score == score


def test_bars_that_are_named_leave_the_upbeat_out(upbeat):
    notes = ((0, 96, 72), (96, 144, 71), (144, 192, 67))
    assert asked(locks=f"soprano:1-2={upbeat}") == (Locked(0, notes, 0, 192, "Soprano"),)
    assert upbeat_of(read_tunes([f"soprano:1-2={upbeat}"], CHORALE)) is None
    tunes = read_tunes([f"alto:0-1={upbeat}"], CHORALE)
    assert (upbeat_of(tunes), meter_of(tunes)) == (Meter(1, 4), Meter(4, 4))


def test_bars_of_tunes_meet_by_their_numbers(upbeat, tune, tiny_model):
    locks = (f"soprano={upbeat}", f"tenor={tune}")
    piece = composer.compose(model=tiny_model, bars=3, locks=locks)
    assert [note.onset for note in piece.score.tracks[2]][-6:] == [480 + onset for onset, _, _ in TUNE]
    assert not piece.score.chords


def test_upbeats_of_different_length(upbeat, tmp_path):
    meters = (MeterEvent(0, Meter(1, 8)), MeterEvent(240, Meter(4, 4)))
    data.write(Score((Track.from_notes([(0, 240, 67), (240, 1920, 60)]),), meters=meters), tmp_path / "other.mid")
    with pytest.raises(RequestError, match="their upbeats differ; name bars to leave one out"):
        composer.compose(bars=2, locks=[f"soprano={upbeat}", f"alto={tmp_path / 'other.mid'}"])


# In a continuation


def test_a_lock_is_for_the_bars_that_are_written(piece, tune, tiny_model):
    longer = composer.continue_piece(piece.score, model=tiny_model, bars=2, locks=f"soprano={tune}")
    new = [(note.onset // 20, note.end // 20, note.pitch) for note in longer.score.tracks[0] if note.onset >= 3840]
    assert tuple(new[:2]) == IN_STEPS[4:]
    with pytest.raises(RequestError, match="bars 1-3: not among those to be written, 3 to 4"):
        composer.continue_piece(piece.score, model=tiny_model, bars=2, locks=f"soprano:1-3={tune}")
    with pytest.raises(RequestError, match="its last bar is 3, those to be written are 5 to 6"):
        composer.continue_piece(longer.score, model=tiny_model, bars=2, locks=f"soprano={tune}")


def test_the_file_of_a_lock():
    assert str(file_of("soprano:1-4=a=b, c.mid")) == "a=b, c.mid"
    assert [file_of(text) for text in ("soprano", "soprano=", "soprano=a\0b")] == [None] * 3


def test_a_locked_tune_is_sung(tune, tiny_model):
    piece = composer.compose(model=tiny_model, bars=4, locks=f"soprano={tune}", seed=2)
    notes = [(note.onset // 20, note.end // 20, note.pitch) for note in piece.score.tracks[0]]
    assert tuple(note for note in notes if note[0] < 288) == IN_STEPS
    assert sum(map(len, piece.score.tracks[1:]))


def test_a_locked_note_shorter_than_the_styles_notes_stays(tiny_vae, tmp_path):
    """It begins and ends on the grids of folk tunes; these give way, and a line says so."""
    notes = [(0, 60, 62), (60, 20, 64), (80, 400, 66), (480, 960, 69)]
    data.write(Score((Track.from_notes(notes),), end=1920), tmp_path / "short.mid")
    lock = f"melody:1={tmp_path / 'short.mid'}"
    piece = composer.compose(style="folk", model=tiny_vae, meter="4/4", bars=2, locks=lock)
    track = piece.score.tracks[0]
    assert list(zip(track.onset[:4], track.duration[:4], track.pitch[:4], strict=True)) == notes
    assert "the grid of 32nds or 16th triplets gave way to what is asked" in piece.report.notices
