"""Score -> token ids -> score, on columns in both directions.

A piece is a header and its bars; all tracks stand together in a bar, and notes that start together stand together:

    START (TRACK [DRUMS] PROGRAM)*
    ( BAR [NUMERATOR DENOMINATOR]
        ( POSITION [key] [tempo] [chord] [FERMATA] ( TRACK control* ([VELOCITY] PITCH DURATION)* )* )* )*
    END

Positions count from the bar line, rise strictly, and are not said twice; tracks rise inside a position, pitches inside
a track. A velocity is said where it differs from the track's last one. A bar that a meter change cuts short ends with a
bare POSITION. Every score has one encoding, so encoding what was decoded gives the same ids.

Under settings that keep more than the grid, a note is [VELOCITY [VELOCITY_OFFSET]] PITCH [ONSET_OFFSET] DURATION
[END_OFFSET], and with microtiming a pitch may stand twice in a track.

The design descends from REMI (Huang & Yang, "Pop Music Transformer", ACM MM 2020) and MuMIDI (Ren et al., "PopMAG",
2020).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import TokenError
from theory.score import Score
from theory.tokens.changes import Changes, changes
from theory.tokens.decoding import decode
from theory.tokens.encoding import encode
from theory.tokens.quantize import quantize
from theory.tokens.settings import Settings
from theory.tokens.validation import checked


class Tokenizer(Settings):
    """The codec over the one vocabulary; its settings are its arguments.

    >>> score = Score.from_notes([(0, 480, 60), (480, 960, 64)])
    >>> Tokenizer().decode(Tokenizer().encode(score)) == Tokenizer().quantize(score)
    True
    >>> Tokenizer(resolution=12).fingerprint == Tokenizer().fingerprint
    False
    """

    @classmethod
    def lossless(cls) -> Tokenizer:
        """No note is merged, cut, dropped or made softer; onsets and ends are exact to 1/480 of a quarter."""
        return cls(velocities=127, microtiming=True)

    def quantize(self, score: Score) -> Score:
        """The score as tokens hold it; see `theory.tokens.quantize`."""
        return quantize(score, self)

    def changes(self, score: Score) -> Changes:
        """What `quantize` moves, merges and drops; see `theory.tokens.changes`."""
        return changes(score, self)

    def encode(self, score: Score) -> NDArray[np.int32]:
        """Token ids of a score, int32 (n,), START and END included.

        Raises:
            TokenError: more than 128 tracks, or a piece that is too long.
        """
        return encode(score, self)

    def decode(self, ids: ArrayLike) -> Score:
        """The score that ids spell, at 480 ticks a quarter.

        Args:
            ids: integers (n,), START and END included.

        Raises:
            TokenError: the ids break the grammar; says where.
        """
        try:
            tokens = np.asarray(ids)
        except ValueError:
            raise TokenError("token ids must be one row of integers") from None
        return decode(checked(tokens, self), self)
