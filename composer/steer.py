"""From what a user says ("soprano=C4:G5", "8=perfect") to rules on the piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations
from math import gcd
from typing import NamedTuple

from composer.locks import Tune, locked, notices_of, read_tunes
from composer.request import MAX_BARS, Form, Request
from composer.style import Style
from composer.words import about, fraction, is_number, listed, note_value, pairs, part_of, quoted, two, whole
from theory import constraint as rules
from theory.constraint import Constraint, Frame
from theory.errors import ClashError, PitchError, RequestError, UnknownNameError
from theory.pitch import Pitch
from theory.progression import PlacedChord, parse_progression
from theory.scale import Scale
from theory.tokens import SHIPPED, Settings
from theory.tokens.vocabulary import STEPS_PER_QUARTER

RULES = ("four-part", "no-parallels")


class Steering(NamedTuple):
    """The rules on a piece.

    Attributes:
        asked: by the user, in the order in which they narrow the domain.
        ranges: of the parts that the request says nothing of.
        ending: where the request says nothing of it; it gives way to what is asked.
        grid: of the style, finer where the request needs it; it gives way too.
        chords: that the piece states, () if it states none.
        own_chords: whether the model writes chords of its own between given cadences.
        notices: lines for the user: what notes of a tune lose.
    """

    asked: tuple[Constraint, ...]
    ranges: tuple[Constraint, ...]
    ending: tuple[Constraint, ...]
    grid: tuple[Constraint, ...]
    chords: tuple[PlacedChord, ...]
    own_chords: bool
    notices: tuple[str, ...]


def progression(wanted: Request, form: Form, first_bar: int = 0) -> tuple[PlacedChord, ...]:
    """The chords of a request, from a bar on, again and again until the piece is full.

    Raises:
        ChordNameError, RequestError: no chords, or more than the piece has bars for.
    """
    if wanted.chords is None:
        return ()
    once = parse_progression(wanted.chords, form.key, form.meter)
    length = once[-1].bar + 1
    if length > MAX_BARS:
        raise RequestError(f"the chords fill {length} bars, a piece has at most {MAX_BARS}")
    if length > (room := form.bars - first_bar):
        raise RequestError(f"the chords fill {length} bars, the piece has {room}: give --bars {length} or more")
    return tuple(
        chord._replace(bar=chord.bar + start)
        for start in range(first_bar, form.bars, length)
        for chord in once
        if chord.bar + start < form.bars
    )


def steering(
    wanted: Request,
    form: Form,
    style: Style,
    frame: Frame,
    tunes: Sequence[Tune] | None = None,
    settings: Settings = SHIPPED,
) -> Steering:
    """The rules that a request asks for.

    Args:
        wanted: the request.
        form: its key, meter, tempo, bars.
        style: of the model.
        frame: of the piece.
        tunes: that parts keep, where `composer.locks.read_tunes` has read them already.
        settings: of the tokens.

    Raises:
        RequestError, PitchError, UnknownNameError: what is asked for cannot be read; the message quotes it.
        ClashError: a part's ranges exclude each other.
    """
    first_bar = max(frame.first_bar, int(frame.pickup))  # chords and rhythms are for whole bars
    chords = progression(wanted, form, first_bar)
    tunes = read_tunes(wanted.locks, style, settings) if tunes is None else tunes
    kept = locked(tunes, style, frame)
    narrowed = _ranges(wanted, style)
    cadences = tuple(_cadence(text, form) for text in listed("cadence", wanted.cadences))
    asked: list[Constraint] = [*narrowed]
    if settings.step > 1:
        asked.append(rules.Resolution(settings.step))
    if chords:
        asked.append(rules.Chords(chords, form.key, wanted.between))
    asked += cadences
    if wanted.scale is not None:
        asked.append(_scale(wanted.scale, form, chords or _closes(cadences, frame)))
    for option, (texts, read) in _PART_OPTIONS.items():
        asked += _read_part_option(option, texts(wanted), style, form, first_bar, read)
    asked += kept
    if wanted.polyphony is not None:
        asked.append(rules.Polyphony(wanted.polyphony))
    asked += _voice_leading(wanted, chords, cadences, frame)
    full = (wanted.polyphony is None or wanted.polyphony >= len(style.parts)) and not any(map(_silences, asked))
    tonic = rules.FinalTonic(form.key, frame.steps, full)
    if wanted.ending == "tonic":
        asked.append(tonic)
    ending: tuple[Constraint, ...] = ()
    if wanted.ending is None and not any(frame.bar_index(cadence.bar) + 1 == frame.bars for cadence in cadences):
        ending = _last_chord(chords[-1], frame, full) if chords else (tonic,)
    steps = _grid(tuple(settings.step if step % settings.step else step for step in style.grid), asked, chords)
    grid = () if settings.step in steps else (rules.Grid(steps, frame.first_bar),)
    ranges = _own_ranges(style, narrowed, kept)
    fixed, own_chords = tuple(dict.fromkeys(asked)), bool(cadences) and not chords
    return Steering(fixed, ranges, ending, grid, chords, own_chords, notices_of(tunes))


def _silences(rule: Constraint) -> bool:
    return isinstance(rule, rules.Density) and not rule.most


def _last_chord(placed: PlacedChord, frame: Frame, full: bool) -> tuple[Constraint, ...]:
    """An ending on the last given chord, from the last strong beat or from where it begins."""
    if placed.chord is None:
        return ()
    start = max(int(frame.strong_steps()[-1]), frame.lines[placed.bar] + int(placed.quarters * STEPS_PER_QUARTER))
    return (rules.FinalChord(placed.chord, frame.steps, full, start),)


def _grid(steps: tuple[int, ...], asked: list[Constraint], chords: tuple[PlacedChord, ...]) -> tuple[int, ...]:
    """The style's grids, or the coarsest that also hold all times which are asked for."""
    times: list[Fraction] = [chord.quarters for chord in chords]
    for rule in asked:
        if isinstance(rule, rules.Onsets | rules.Durations):
            times += rule.quarters
        elif isinstance(rule, rules.Locked):
            times += [Fraction(time, STEPS_PER_QUARTER) for note in rule.notes for time in note[:2]]
    places = [int(time * STEPS_PER_QUARTER) for time in times]
    off = [place for place in places if all(place % step for step in steps)]
    return tuple(sorted({gcd(step, *off) for step in steps}))


def _ranges(wanted: Request, style: Style) -> tuple[rules.Range, ...]:
    """The ranges that a request states."""
    stated = [_range(text, name, value, style) for text in wanted.ranges for name, value in pairs("range", text)]
    for one, other in combinations(stated, 2):
        if one.part == other.part and (one.highest < other.lowest or other.highest < one.lowest):
            raise ClashError(f"{one.label}; {other.label}: exclude each other; leave out one of them")
    return tuple(stated)


def _range(text: str, name: str | None, value: str, style: Style) -> rules.Range:
    first = style.parts[0].name.lower()
    if name is None and (len(style.parts) > 1 or ":" not in value):
        raise RequestError(f"range {quoted(text)}: name a part, as in {first}=C4:G5")
    name = first if name is None else name
    with about("range", f"{name}={value}"):
        part = part_of(name, style)
        lowest, highest = (Pitch.parse(word).midi for word in two("range", value))
        if lowest > highest:
            raise PitchError("the first pitch must be the lower one")
        return rules.Range(part, lowest, highest, style.parts[part].name)


def _own_ranges(style: Style, stated: Sequence[rules.Range], kept: Sequence[rules.Locked]) -> tuple[Constraint, ...]:
    """The style's ranges for parts of which the request states none, as much wider as tunes that they keep."""
    ranges = []
    for index, part in enumerate(style.parts):
        if all(rule.part != index for rule in stated):
            pitches = [pitch for rule in kept if rule.part == index for _, _, pitch in rule.notes]
            lowest, highest = min([part.lowest, *pitches]), max([part.highest, *pitches])
            ranges.append(rules.Range(index, lowest, highest, part.name))
    return tuple(ranges)


def _closes(cadences: tuple[rules.Cadence, ...], frame: Frame) -> tuple[PlacedChord, ...]:
    """The chords of cadences, and none between them."""
    placed = [chord for cadence in cadences for chord in (*cadence.placed(frame), cadence.after(frame))]
    return tuple(sorted((chord for chord in placed if chord.bar < frame.bars), key=lambda chord: chord[:2]))


def _cadence(text: str, form: Form) -> rules.Cadence:
    bar, _, kind = text.partition("=")
    if not is_number(bar.strip()) or not kind:
        raise RequestError(f"cadence {quoted(text)}: write a bar and a kind, as in 8=perfect")
    with about("cadence", text):
        return rules.Cadence(int(bar), kind.strip(), form.key)


def _scale(text: str, form: Form, chords: tuple[PlacedChord, ...]) -> Constraint:
    if text.strip() == "key":
        return rules.InScale(form.key.pitch_classes, str(form.key), form.key, chords)
    if not text.strip():
        raise RequestError("scale '': write key, or a note and a name, as in 'D dorian'")
    with about("scale", text):
        scale = Scale.parse(text)
    return rules.InScale(scale.pitch_classes, str(scale), None, chords)


def _voice_leading(
    wanted: Request, chords: tuple[PlacedChord, ...], cadences: tuple[rules.Cadence, ...], frame: Frame
) -> list[Constraint]:
    named = listed("rules", wanted.rules)
    unknown = [name for name in named if name not in RULES]
    if unknown:
        raise UnknownNameError(f"no rules are called {quoted(unknown[0])}: choose among {', '.join(RULES)}")
    whole = chords if "four-part" in named else ()
    closes = tuple(placed for cadence in cadences for placed in cadence.placed(frame))
    enough = wanted.polyphony is None or wanted.polyphony > 2  # for a bass, a third and another
    complete = [rules.CompleteChords((*whole, *closes), frame)] if (whole or closes) and enough else []
    if "four-part" not in named:
        return [*([rules.NoParallels()] if named else []), *complete]
    return [rules.NoParallels(), rules.NoCrossing(), *complete]


class _Where(NamedTuple):
    """What an option is about: parts (none: all), the first bar, the parts' names."""

    parts: tuple[int, ...]
    first_bar: int
    names: str


def _max_leap(value: str, where: _Where, form: Form) -> Constraint:
    return rules.MaxLeap(whole("leap", value), where.parts, where.names)


def _density(value: str, where: _Where, form: Form) -> Constraint:
    least, most = (whole("density", word) for word in two("density", value))
    return rules.Density(least, most, *where)


def _onsets(value: str, where: _Where, form: Form) -> Constraint:
    beats = {word: fraction("onsets", word) for word in value.split()}
    for word, beat in beats.items():
        if not 1 <= beat < form.meter.beats + 1:
            raise RequestError(f"{word}: a bar of {form.meter} has beats from 1 to before {form.meter.beats + 1}")
        _check_grid(word, (beat - 1) * form.meter.beat_quarters)
    return rules.Onsets(tuple((beat - 1) * form.meter.beat_quarters for beat in beats.values()), *where)


def _durations(value: str, where: _Where, form: Form) -> Constraint:
    values = {word: note_value(word) for word in value.split()}
    for word, quarters in values.items():
        _check_grid(word, quarters)
    return rules.Durations(tuple(values.values()), where.parts, where.names)


def _check_grid(word: str, quarters: Fraction) -> None:
    if (quarters * STEPS_PER_QUARTER).denominator != 1:
        raise RequestError(f"{word}: not on the grid of {STEPS_PER_QUARTER} steps a quarter (32nds and triplets)")


_Read = Callable[[str, _Where, Form], Constraint]
_PART_OPTIONS: dict[str, tuple[Callable[[Request], tuple[str, ...]], _Read]] = {
    "leap": (lambda wanted: wanted.leaps, _max_leap),
    "density": (lambda wanted: wanted.density, _density),
    "onsets": (lambda wanted: wanted.onsets, _onsets),
    "durations": (lambda wanted: wanted.durations, _durations),
}


def _read_part_option(
    option: str, texts: tuple[str, ...], style: Style, form: Form, first_bar: int, read: _Read
) -> list[Constraint]:
    """Rules of an option; a value without a part is for all those that have none of their own."""
    values = [pair for text in texts for pair in pairs(option, text)]
    named = [part_of(name, style) for name, _ in values if name is not None]
    others = tuple(part for part in range(len(style.parts)) if part not in named) if named else ()
    found = []
    for name, value in values:
        if name is None and named and not others:
            continue
        parts = others if name is None else (part_of(name, style),)
        names = ", ".join(style.parts[part].name for part in parts)
        with about(option, value if name is None else f"{name}={value}"):
            found.append(read(value, _Where(parts, first_bar, names), form))
    return found
