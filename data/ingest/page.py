"""The report of a data set: one HTML page with its pictures inside."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from data.ingest import pictures

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 72rem; margin: 2rem auto;
       padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem }
figure { margin: 0 } img { width: 100%; height: auto }
table { border-collapse: collapse } td, th { padding: .2rem .9rem .2rem 0; text-align: left; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums } tr { border-bottom: 1px solid #ddd }
"""


def html(card: Mapping[str, Any], statistics: Mapping[str, Mapping[str, int]]) -> str:
    """The page; the same numbers give the same bytes.

    Args:
        card: what `dataset.json` holds.
        statistics: what `statistics.json` holds.
    """
    summary = card["summary"]
    notes = sum(int(entry) * count for entry, count in statistics["notes"].items())
    hours = sum(int(entry) * count for entry, count in statistics["seconds"].items()) / 3600
    rows = [
        ("pieces", summary["pieces"]), *((f"… to {_USES[side]}", count) for side, count in summary["splits"].items()),
        ("groups of near-duplicates", summary["groups"]), ("pieces with the very notes of another", summary["copies"]),
        ("notes", notes), ("tokens", summary["tokens"]), ("hours", round(hours, 1)),
        ("quarantined files", sum(summary["quarantined"].values())),
    ]  # fmt: skip
    figures = "\n".join(
        f'<figure><img alt="{escape(title)}" src="data:image/svg+xml;base64,{b64encode(svg).decode()}"></figure>'
        for title, svg in pictures.drawn(statistics)
    )
    quarantine = sorted(summary["quarantined"].items(), key=lambda row: (-row[1], row[0]))
    left_out = list(statistics["left_out"].items())
    rights = [(row["source"], row["license"], row["pieces"]) for row in card["rights"]]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Data set</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head><body>
<h1>Data set</h1>
{_table((), rows)}
<h2>What it is made of</h2>
<div class="figures">
{figures}
</div>
<h2>Sources and licences</h2>
{_table(("source", "licence", "pieces"), rights)}
<h2>Quarantined</h2>
{_table(("why", "files"), quarantine) if quarantine else "<p>None.</p>"}
<p>quarantine.jsonl has each file and its reason.</p>
<h2>Left out and repaired in the files that were read</h2>
{_table(("what", "how often"), left_out) if left_out else "<p>Nothing.</p>"}
<h2>Tokens</h2>
<p>{escape(_said(card))}; vocabulary and settings {escape(card["fingerprint"])}.</p>
</body></html>
"""


_USES = {"train": "train on", "valid": "validate on", "test": "test on"}


def _said(card: Mapping[str, Any]) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in card["tokenizer"].items())
    return f"Chords {card['chords']}; {settings}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    lines = [f"<tr>{''.join(f'<th>{escape(name)}</th>' for name in head)}</tr>"] if head else []
    lines += [f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows]
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _cell(value: Any) -> str:
    if isinstance(value, int | float):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{escape(str(value))}</td>"


__all__ = ["html"]
