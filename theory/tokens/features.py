"""What a player knows at a token besides the tokens: the plan of the piece and what sounds now.

One row for every token, describing the moment after it. A model reads these beside the token, so that it need not
keep count of bars or remember the harmony. `moment` makes one row while sampling, `features` all of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.tokens.state import State
from theory.tokens.vocabulary import BAR, LOW_STEPS

PITCHES = 128

# Columns of the plan and how many values each has; 0 means "not known yet" or "none" but for bars left.
COLUMNS: dict[str, int] = {
    "bars_left": 64,  # this bar counted; the last bar has 1
    "position": LOW_STEPS + 1,  # in the bar
    "signature": 16,
    "mode": 8,
    "numerator": 65,
    "exponent": 8,  # of the meter's denominator
    "last_pitch": PITCHES + 1,  # of the current track's last note
    "next_end": LOW_STEPS + 1,  # steps until the first of the sounding notes stops
}


class Features(NamedTuple):
    """Rows for a token sequence.

    Attributes:
        plan: int32 (n, len(COLUMNS)).
        heard: uint8 (n, 128), 1 where a pitch sounds (drums apart).
    """

    plan: NDArray[np.int32]
    heard: NDArray[np.uint8]


def moment(state: State, bars: int) -> tuple[list[int], list[int]]:
    """Describe the moment a state stands at.

    Args:
        state: after the last token.
        bars: of the whole piece.

    Returns:
        One row of the plan, and the pitches that sound, in order of tracks.
    """
    step, first_end = state.step, LOW_STEPS
    heard = []
    for is_drum, free_at, notes in zip(state.drums, state.free_at, state.sounding, strict=True):
        if is_drum or free_at <= step:
            continue
        for pitch, end in notes.items():
            if end > step:
                heard.append(pitch)
                first_end = min(first_end, end - step)
    signature, mode = (state.key[0] + 8, state.key[1] + 1) if state.key else (0, 0)
    numerator, exponent = (state.meter[0], state.meter[1] + 1) if state.meter else (0, 0)
    has_melody = state.track >= 0 and not state.drums[state.track]
    plan = [
        max(0, min(bars - max(state.bar, 0), 63)),
        min(state.position, LOW_STEPS - 1) + 1,
        signature,
        mode,
        numerator,
        exponent,
        state.last_pitch[state.track] + 1 if has_melody else 0,
        first_end if heard else 0,
    ]
    return plan, heard


def features(ids: ArrayLike) -> Features:
    """Rows for a whole sequence of valid ids, (n,)."""
    tokens = np.asarray(ids)
    bars = int((tokens == BAR).sum())
    plan = np.zeros((len(tokens), len(COLUMNS)), dtype=np.int32)
    heard = np.zeros((len(tokens), PITCHES), dtype=np.uint8)
    state = State()
    for row, token in enumerate(tokens.tolist()):
        state.advance(token)
        plan[row], pitches = moment(state, bars)
        heard[row, pitches] = 1
    return Features(plan, heard)


__all__ = ["COLUMNS", "PITCHES", "Features", "features", "moment"]
