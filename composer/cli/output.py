"""What a command says about a piece that it wrote."""

from __future__ import annotations

import sys

from composer.cli.options import counted, print_json
from composer.files import Written
from composer.piece import Piece
from composer.report import Report


def report(piece: Piece, written: Written, notes: tuple[str, ...], *, as_json: bool) -> None:
    """Print where the files are and what the model thought; notes go to the standard error stream."""
    notes = (*notes, *written.notes)
    for note in notes:
        print(f"cadenza: {note}", file=sys.stderr)
    if as_json:
        files = {name: str(path) for name, path in written.files.items()}
        print_json({"title": piece.score.title, "files": files, "messages": list(notes), **piece.report.to_dict()})
        return
    facts = piece.report
    meter, tempo = piece.score.meters[-1].meter, round(piece.score.tempos[0].bpm)
    length, size = counted(facts.bars, "bar"), counted(facts.notes, "note")
    print(f"{piece.score.title}: {length} of {meter} at {tempo}, {size}")
    if written.seconds:
        print(f"sound: {written.seconds:.1f} s")
    print(f"likelihood: {facts.nats_per_note:.2f} nats a note; masks cost {facts.price_per_note:.3f}")
    _print_rules(facts)
    for path in written.files.values():
        print(f"  {path}")


def _print_rules(report: Report) -> None:
    """Tables of what was kept, and of the faults that are left."""
    width = max(len(kept.rule) for kept in report.rules)
    print(f"  {'constraint':{width}}  {'kept':>11}  {'price alone, nats a note':>24}")
    for kept in report.rules:
        print(f"  {kept.rule:{width}}  {f'{kept.kept} of {kept.asked}':>11}  {kept.price_per_note:24.3f}")
    left = [fault for fault in report.faults if fault.found]
    if left:
        said = (f"{fault.rule.replace('_', ' ')} {fault.found} ({fault.rate:.1f}, {fault.bach:.1f})" for fault in left)
        print(f"faults of four-part writing (for 100 changes, in Bach's): {', '.join(said)}")
