"""The decoding loop that all generators share: draw under masks, and go back where voices have led into a dead end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.runtime import Reader, Runtime
from composer.sampler import Dice, Sampling, draw
from theory.constraint import Constraint, allowed
from theory.constraint.room import Foresight
from theory.errors import SearchError
from theory.tokens import EXPRESSIVE, Kind, grammar_of
from theory.tokens.vocabulary import BAR, CHORD_KINDS, END

Progress = Callable[[int, int], None]
BUDGET = 2_000  # times that a piece may go back
_PATIENCE = 4  # dead ends at one place before going back further
_FAR = 16  # notes; where going back by so many did not help, it takes turns with tries near the dead end
_LOUDNESS = (Kind.VELOCITY, Kind.VELOCITY_OFFSET)
_BEFORE_PITCH = (Kind.TRACK, *_LOUDNESS)
_ROWS = 64  # of logits at a time: they stay in the processor's cache


class Draft(NamedTuple):
    """What the decoding loop wrote.

    Attributes:
        ids: token ids, the opening included.
        opening: how many of them were given.
        logits: of each drawn token, float32 (len(ids) - opening, V), under the model and before any mask.
        redraws: how often the search went back.
    """

    ids: list[int]
    opening: int
    logits: NDArray[np.float32]
    redraws: int

    @property
    def log_totals(self) -> NDArray[np.float64]:
        """Ln of the sum of exponentials of each row of logits, float64 (n,)."""
        totals = np.empty(len(self.logits), dtype=np.float64)
        for start in range(0, len(totals), _ROWS):
            rows = self.logits[start : start + _ROWS]
            highest = rows.max(axis=1)
            shares = np.subtract(rows, highest[:, None], dtype=np.float64)
            totals[start : start + _ROWS] = highest + np.log(np.exp(shares, out=shares).sum(axis=1))
        return totals

    @property
    def nats(self) -> float:
        """Sum of -ln p(token) over the drawn tokens, those that state chords apart."""
        totals = self.log_totals
        drawn = self.logits[np.arange(len(totals)), self.ids[self.opening :]].astype(np.float64)
        return float((totals - drawn)[self._music].sum())

    @property
    def _music(self) -> NDArray[np.bool_]:
        """Which drawn tokens are not a chord's: given chords are not the model's to guess."""
        return ~np.isin(EXPRESSIVE.kinds[self.ids[self.opening :]], CHORD_KINDS)


def write(
    runtime: Runtime,
    opening: Sequence[int],
    rules: Sequence[Constraint],
    bars: int,
    sampling: Sampling,
    seed: int,
    progress: Progress | None = None,
) -> Draft:
    """Draw tokens after an opening until the piece ends, on one BLAS thread: a second one slows single sequences down.

    Where no token is allowed (only rules about several voices can bring that about) the search goes back by a note,
    and further the longer it is stuck; from then on it looks ahead for dead ends.

    Args:
        runtime: the decoder.
        opening: token ids to begin with, read but not drawn.
        rules: masks on every draw.
        bars: of the whole piece; the plan counts down from it.
        sampling: how tokens are drawn.
        seed: of the draws.
        progress: called at every bar.

    Raises:
        SearchError: `BUDGET` is spent.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        search = _Search(runtime, opening, rules, bars, sampling, seed)
        if progress:
            progress(search.reader.state.bar, bars)
        while not search.ids or search.ids[-1] != END:
            search.step()
            if progress and search.ids[-1] == BAR:
                progress(search.reader.state.bar, bars)
    return Draft(search.ids, len(opening), np.array(search.reader.logits[len(opening) - 1 : -1]), search.redraws)


class _Search:
    """A sequence that grows, and shrinks where it must."""

    def __init__(
        self,
        runtime: Runtime,
        opening: Sequence[int],
        rules: Sequence[Constraint],
        bars: int,
        sampling: Sampling,
        seed: int,
    ) -> None:
        self.reader, self._grammar = Reader(runtime, bars), grammar_of(runtime.tokenizer)
        self.ids: list[int] = []
        self.redraws = 0
        self._opening, self._rules, self._sampling = len(opening), rules, sampling
        self._dice = Dice(seed)
        self._banned: dict[int, set[int]] = {}  # tokens that led nowhere, by place
        self._frontier, self._stuck = -1, 0  # the last step at which there was a dead end, and how often up to it
        self._blame: Counter[tuple[int, str]] = Counter()  # by bar and rule
        for token in opening:
            self._take(token)

    def _take(self, token: int) -> None:
        self.ids.append(token)
        self.reader.read(token)

    def step(self) -> None:
        """Draw a token, or go back."""
        choices = np.flatnonzero(self._allowed(self._rules))
        if self._banned and (banned := self._banned.get(self._note_at(len(self.ids)))):
            choices = choices[~np.isin(choices, sorted(banned))]
            if self.reader.state.kind in _BEFORE_PITCH and not (EXPRESSIVE.kinds[choices] == Kind.PITCH).any():
                choices = choices[:0]  # another loudness helps nobody
        if len(choices):
            self._take(draw(self.reader.logits[-1], choices, self._sampling, self._dice))
        else:
            self._go_back()

    def _allowed(self, rules: Sequence[Constraint]) -> NDArray[np.bool_]:
        """What rules allow next: bool (V,). Only a piece that has met a dead end looks ahead for more of them."""
        mask: NDArray[np.bool_] = allowed([self.reader.state], rules, self._grammar)[0]
        if self.redraws and self.reader.state.bar >= 0:
            for rule in rules:
                if isinstance(rule, Foresight) and mask.any():
                    rule.foresee(self.reader.state, mask)
        return mask

    def _go_back(self) -> None:
        self.redraws += 1
        self._note_blame()
        if self.redraws > BUDGET:
            bar, label = self._blame.most_common(1)[0][0] if self._blame else (1, "all constraints together")
            raise SearchError(
                f"no piece was found in {BUDGET} tries that keeps all constraints; bar {bar} is "
                f"hard for: {label}; loosen it, or try another --seed"
            )
        if len(self.ids) > self._opening and self.reader.state.kind in _BEFORE_PITCH:
            back = self._note_at(len(self.ids)) - 1  # this part has no pitch here: another one may
        else:
            if self.reader.state.step > self._frontier:
                self._frontier, self._stuck = self.reader.state.step, 0
            self._stuck += 1
            back = self._target()
        wrong = self.ids[back] if back < len(self.ids) else None
        back = self._note_at(back)
        self._banned = {place: tokens for place, tokens in self._banned.items() if place <= back}
        if wrong is not None:
            self._banned.setdefault(back, set()).add(wrong)
        else:  # nothing is left to draw first: begin again
            self._banned = {}
        del self.ids[back:]
        self.reader.rewind(back)

    def _note_at(self, place: int) -> int:
        """The place itself, or where the loudness begins that is said before it."""
        while place > self._opening and EXPRESSIVE.kinds[self.ids[place - 1]] in _LOUDNESS:
            place -= 1
        return place

    def _target(self) -> int:
        """Place of the token that is to be drawn anew: that of a note, further and further back."""
        depth = self._depth()
        # By turns another pitch for a note, and something else than that note.
        kinds = EXPRESSIVE.kinds[self.ids[self._opening :]]
        notes = self._opening + np.flatnonzero(kinds == (Kind.PITCH if self._stuck % 2 else Kind.TRACK))
        return int(notes[-min(depth, len(notes))]) if len(notes) else self._opening

    def _depth(self) -> int:
        """How many notes to go back: step by step further; then mostly one, and the further the seldomer.

        What is written anew from far back deserves tries of its own, as in the sequence of Luby, Sinclair and
        Zuckerman ("Optimal Speedup of Las Vegas Algorithms", 1993): 1 1 1 4 1 1 1 8 1 1 1 4 1 1 1 16 ...
        """
        rounds, tries = divmod(self._stuck - 1, _PATIENCE)
        if rounds < _FAR:
            return 1 + rounds
        turn = rounds - _FAR + 1
        return 1 if tries + 1 < _PATIENCE else _PATIENCE * (turn & -turn)

    def _note_blame(self) -> None:
        """Count the rule that took the last choices, unless it was the search itself by what it has tried."""
        bar = self.reader.state.bar + 1
        for count in range(1, len(self._rules) + 1):
            if not self._allowed(self._rules[:count]).any():
                self._blame[bar, self._rules[count - 1].label] += 1
                return
