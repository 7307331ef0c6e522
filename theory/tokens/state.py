"""Where a token sequence stands: what has been said so far, as a walker."""

from __future__ import annotations

from collections.abc import Callable

from theory.score import DEFAULT_VELOCITY
from theory.tokens.vocabulary import EXPRESSIVE, LOW_STEPS, TICKS_PER_STEP, VELOCITY_STEP, Kind

EARLIEST = -(TICKS_PER_STEP // 2)  # ticks from its step at which a note may begin
_VELOCITIES = [min(max(1, step * VELOCITY_STEP), 127) for step in range(33)]
_KINDS: list[Kind] = [Kind(kind) for kind in EXPRESSIVE.kinds.tolist()]
_VALUES: list[int] = EXPRESSIVE.values.tolist()
_VALUES_AFTER = {Kind.CONTROL: 2, Kind.BEND: 2, Kind.PRESSURE: 1}


class State:
    """What a token sequence has said so far; `advance` walks it, `grammar.grammar_mask` says what may come next.

    Attributes:
        kind: kind of the last token, PAD's before any.
        bar: ordinal of the bar, -1 in the header.
        bar_start, bar_length: grid steps.
        position: last position said in this bar, -1 before the first.
        track: current track, -1 between tracks.
        drums: for each declared track, whether it is a drum track.
        key: (signature, mode number) in force, or None.
        meter: (numerator, exponent of the denominator) in force, or None.
        tempo: quarters a minute in force, or None.
        velocity: for each track, the velocity in force.
        last_pitch: for each track, the pitch of its last note, -1 before any.
        sounding: for each track, {pitch: absolute step at which it stops}; past ones stay until the track's next turn.
        free_at: for each track, the absolute step at which the last of its notes stops.
        begun: for each track, how many of its notes began in this bar.
        onset: for each track, the absolute step at which its last note began, -1 before any.
        previous: for each track, (end, pitch) of the note before its last one, (-1, -1) before any.
        end_tick: for each track, the tick (480 a quarter) at which the last of its notes stops, offsets counted.
        before: the velocity that was in force in the track before the last one was said.
        early: ticks from its step at which the last note began.
        least_early: least such offset that keeps a pitch that stands twice at a position in order.
        ended: absolute step at which the last note stops.
        end_before: its track's `end_tick` without it.
    """

    __slots__ = (
        "bar", "bar_length", "bar_start", "before", "begun", "degrees", "drums", "early", "end_before", "end_tick",
        "ended", "free_at", "is_cut", "key", "kind", "last_pitch", "least_early", "meter", "onset", "partial", "pitch",
        "position", "power", "previous", "quality", "root", "sounding", "tempo", "track", "value", "values_left",
        "velocity",
    )  # fmt: skip

    def __init__(self) -> None:
        self.kind, self.value = Kind.PAD, 0
        self.bar, self.bar_start, self.bar_length, self.position = -1, 0, 0, -1
        self.is_cut = False  # the bar before this BAR token was cut short
        self.track, self.pitch = -1, -1
        self.partial, self.power = 0, 99  # of a number being written: its sum so far, its last power of two
        self.root, self.quality = 0, 0  # of a chord being written
        self.degrees: tuple[int, ...] = ()
        self.values_left = 0
        self.key: tuple[int, int] | None = None
        self.meter: tuple[int, int] | None = None
        self.tempo: int | None = None
        self.drums: list[bool] = []
        self.velocity: list[int] = []
        self.last_pitch: list[int] = []
        self.sounding: list[dict[int, int]] = []
        self.free_at: list[int] = []
        self.begun: list[int] = []
        self.onset: list[int] = []
        self.previous: list[tuple[int, int]] = []
        self.end_tick: list[int] = []
        self.before, self.early, self.least_early, self.ended = DEFAULT_VELOCITY, 0, EARLIEST, 0
        self.end_before = 0

    @property
    def step(self) -> int:
        """Absolute grid step of the current position."""
        return self.bar_start + max(self.position, 0)

    def copy(self) -> State:
        """A state of its own that stands at the same place."""
        twin = State.__new__(State)
        for name in State.__slots__:
            value = getattr(self, name)
            setattr(twin, name, value.copy() if type(value) is list else value)
        twin.sounding = [notes.copy() for notes in self.sounding]
        return twin

    def advance(self, token: int) -> None:
        """Take in one token, which must be an allowed one."""
        kind, value = _KINDS[token], _VALUES[token]
        change = _CHANGES.get(kind)
        if change is not None:
            change(self, value)
        self.kind, self.value = kind, value


def _begin_bar(state: State, _: int) -> None:
    state.is_cut = state.kind is Kind.POSITION_LOW
    if state.bar >= 0:
        state.bar_start += state.position if state.is_cut else state.bar_length
    state.bar += 1
    state.position, state.track = -1, -1
    state.begun = [0] * len(state.begun)


def _set_meter(state: State, exponent: int) -> None:
    state.meter = (state.value, exponent)
    state.bar_length = (state.value * LOW_STEPS) >> exponent


def _set_position(state: State, low: int) -> None:
    state.position = _finish_number(state, low)
    state.track = -1


def _set_track(state: State, track: int) -> None:
    state.track, state.pitch = track, -1
    if state.bar >= 0:
        step, sounding = state.step, state.sounding[track]
        if any(end <= step for end in sounding.values()):
            state.sounding[track] = {pitch: end for pitch, end in sounding.items() if end > step}
    else:
        state.drums.append(False)
        state.velocity.append(DEFAULT_VELOCITY)
        state.last_pitch.append(-1)
        state.free_at.append(0)
        state.begun.append(0)
        state.onset.append(-1)
        state.previous.append((-1, -1))
        state.end_tick.append(0)
        state.sounding.append({})


def _set_drums(state: State, _: int) -> None:
    state.drums[-1] = True


def _set_pitch(state: State, pitch: int) -> None:
    track, step = state.track, state.step
    if state.onset[track] < step:
        state.previous[track] = (state.free_at[track], state.last_pitch[track])
    state.least_early = state.early + 1 if pitch == state.pitch else EARLIEST
    state.early = 0
    state.pitch = state.last_pitch[track] = pitch
    state.onset[track] = step
    state.begun[track] += 1


def _set_velocity(state: State, step: int) -> None:
    state.before = state.velocity[state.track]
    state.velocity[state.track] = _VELOCITIES[step]


def _add_to_velocity(state: State, offset: int) -> None:
    state.velocity[state.track] += offset


def _set_early(state: State, offset: int) -> None:
    state.early = offset


def _end_note(state: State, low: int) -> None:
    track, end = state.track, state.step + _finish_number(state, low)
    state.ended = state.sounding[track][state.pitch] = end
    state.free_at[track] = max(state.free_at[track], end)
    state.end_before = state.end_tick[track]
    state.end_tick[track] = max(state.end_before, end * TICKS_PER_STEP)


def _set_late(state: State, offset: int) -> None:
    state.end_tick[state.track] = max(state.end_before, state.ended * TICKS_PER_STEP + offset)


def _add_power(state: State, power: int) -> None:
    state.partial += LOW_STEPS << power
    state.power = power


def _finish_number(state: State, low: int) -> int:
    number = state.partial + low
    state.partial, state.power = 0, 99
    return number


def _set_mode(state: State, mode: int) -> None:
    state.key = (state.value, mode)


def _set_tempo(state: State, low: int) -> None:
    state.tempo = state.value + low


def _begin_values(kind: Kind) -> Callable[[State, int], None]:
    def begin(state: State, _: int) -> None:
        state.values_left = _VALUES_AFTER[kind]

    return begin


def _take_value(state: State, _: int) -> None:
    state.values_left -= 1


def _set_root(state: State, root: int) -> None:
    state.root = root


def _set_quality(state: State, quality: int) -> None:
    state.quality, state.degrees = quality, ()


def _add_degree(state: State, degree: int) -> None:
    state.degrees = (*state.degrees, degree)


_CHANGES: dict[Kind, Callable[[State, int], None]] = {
    Kind.BAR: _begin_bar,
    Kind.DENOMINATOR: _set_meter,
    Kind.POSITION_HIGH: _add_power,
    Kind.POSITION_LOW: _set_position,
    Kind.TRACK: _set_track,
    Kind.DRUMS: _set_drums,
    Kind.PITCH: _set_pitch,
    Kind.DRUM: _set_pitch,
    Kind.VELOCITY: _set_velocity,
    Kind.VELOCITY_OFFSET: _add_to_velocity,
    Kind.ONSET_OFFSET: _set_early,
    Kind.END_OFFSET: _set_late,
    Kind.DURATION_HIGH: _add_power,
    Kind.DURATION_LOW: _end_note,
    Kind.MODE: _set_mode,
    Kind.TEMPO_LOW: _set_tempo,
    Kind.CHORD_ROOT: _set_root,
    Kind.CHORD_QUALITY: _set_quality,
    Kind.CHORD_DEGREE: _add_degree,
    Kind.VALUE: _take_value,
    **{kind: _begin_values(kind) for kind in _VALUES_AFTER},
}
