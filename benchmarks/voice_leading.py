"""How often Bach breaks each rule of four-part writing, in the chorales of music21's corpus."""

from __future__ import annotations

from collections import Counter

from benchmarks.report import report
from data import corpora
from theory.voice_leading import BACH_RATES, RULES, Texture, violations


def main() -> None:
    """Count violations of every rule for 100 changes of sonority."""
    scores = [piece.score for piece in corpora.load("chorales")]
    moments = sum(Texture.of(score).moments for score in scores)
    found = Counter(violation.rule for score in scores for violation in violations(score))
    rates = {rule: 100 * found[rule] / moments for rule in RULES}
    rows = [{"rule": rule, "violations": found[rule], "for 100 changes": rate} for rule, rate in rates.items()]
    holds = all(round(rate, 2) == BACH_RATES[rule] for rule, rate in rates.items())
    report("voice_leading", rows, f"BACH_RATES, from {len(scores)} chorales with {moments} changes of sonority", holds)


if __name__ == "__main__":
    main()
