"""Likelihood of an LSTM that ships on a side of the split that it was not trained on.

Without chords it is that of all the music; with an analysis' chords as given, that of the music under them.
"""

from __future__ import annotations

import argparse
import math
import sys

from benchmarks.networks import shipped
from benchmarks.report import report
from composer import batches
from composer.likelihood import likelihood
from data.dataset import entries

_CORPORA = {"chorale": "chorales", "folk": "folk"}


def main() -> None:
    """Read the corpus, score every piece of the side in its own key."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", choices=("train", "valid", "test"), default="test")
    parser.add_argument("--style", choices=sorted(_CORPORA), default="chorale")
    options = parser.parse_args()
    side = options.side
    model, runtime = shipped(options.style)
    _, stream = entries(_CORPORA[options.style])
    pieces = batches.prepare([entry for entry in stream if entry.side == side], model.style)
    rows = []
    for chords in (False, True):
        found = [likelihood(runtime, piece.score.replace(chords=piece.chords if chords else ())) for piece in pieces]
        nats, tokens, notes = (sum(column) for column in zip(*found, strict=True))
        rows.append(
            {
                "side": side,
                "chords": "given" if chords else "not given",
                "pieces": len(pieces),
                "tokens": tokens,
                "notes": notes,
                "nats a token": nats / tokens,
                "perplexity": math.exp(nats / tokens),
                "nats a note": nats / notes,
            }
        )
    report("likelihood", rows, "lower is better; given ensemble, key, meter, tempo and number of bars")


if __name__ == "__main__":
    sys.exit(main())
