"""How likely a score is under a model, computed by the runtime that composes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from composer.one_thread import one_thread
from composer.runtime import Reader, Runtime
from theory.score import Score
from theory.tokens import EXPRESSIVE, Kind
from theory.tokens.vocabulary import CHORD_KINDS


class Likelihood(NamedTuple):
    """Likelihood of a piece given what a request states: ensemble, first key, meter and tempo, and number of bars.

    Attributes:
        nats: negative log-likelihood, summed over the scored tokens.
        tokens: that were scored: all after the first tempo, those of chords apart, which count as given.
        notes: in the piece.
    """

    nats: float
    tokens: int
    notes: int


def likelihood(runtime: Runtime, score: Score) -> Likelihood:
    """Score a piece token by token, without masks.

    Args:
        runtime: the decoder.
        score: as the model knows music (`Style.undress`).
    """
    with one_thread():
        return _likelihood(runtime, score)


def _likelihood(runtime: Runtime, score: Score) -> Likelihood:
    ids = runtime.tokenizer.encode(score)
    kinds = EXPRESSIVE.kinds[ids]
    prompt = int(np.flatnonzero(kinds == Kind.TEMPO_LOW)[0])
    given = np.isin(kinds, CHORD_KINDS)
    given[: prompt + 1] = True
    reader, nats = Reader(runtime, score.bars), 0.0
    for index, (token, target) in enumerate(zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True)):
        logits = reader.read(token)
        if not given[index + 1]:
            scores = logits.astype(np.float64) - float(logits.max())
            nats += float(np.log(np.exp(scores).sum()) - scores[target])
    return Likelihood(nats, int((~given).sum()), score.notes)
