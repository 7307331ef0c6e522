"""The report as one page that needs nothing beside it: tables, plots, sound."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from math import isfinite
from typing import NamedTuple

from composer.evaluation import charts, prose
from composer.evaluation.columns import SUMMARY, explained, shown, written
from composer.evaluation.rows import PERCENTILES, REAL, Row
from composer.evaluation.run import GOAL, Evaluated
from composer.evaluation.sound import Clip
from composer.metrics import METRICS, NINE, SET_METRICS, Estimate
from composer.metrics.similarity import LAGS
from theory.voice_leading import BACH_RATES


class Heard(NamedTuple):
    """A piece on the page.

    Attributes:
        clip: its sound, None where it cannot be played here.
        midi: the piece as a MIDI file.
    """

    clip: Clip | None
    midi: bytes


class Example(NamedTuple):
    """One request, and what each writer made of it.

    Attributes:
        title: of the request, as in "G major, 6/8, 16 bars".
        pieces: by name; those that there are.
    """

    title: str
    pieces: dict[str, Heard]


def page(found: Evaluated, examples: Sequence[Example]) -> str:
    """The page as HTML; the same report and sound give the same text."""
    palette = charts.colours([row.name for row in found.rows], REAL)
    sections = [section for make in _SECTIONS for section in make(found, palette)]
    sections[2:2] = _examples(found, examples)
    title = f"{found.style.name.capitalize()} generators beside real music"
    return _PAGE.format(title=escape(title), style=_STYLE, body="\n".join(sections))


def _head(found: Evaluated, _: Mapping[str, str]) -> Iterator[str]:
    held = found.held_out
    yield (
        f"<h1>{escape(found.style.name.capitalize())} generators beside real music</h1>"
        f"<p>{found.settings.count} pieces of each generator and {len(held.excerpts)} pieces of real music from a side "
        f"that is kept from training ({escape(str(held.split))}), {held.bars} bars each. All were asked for the same: "
        f"keys, meters and tempos are those of the real pieces, seed {found.settings.seed}. "
        f"Sets are compared {found.compared} pieces at a time.</p>"
    )
    verdicts = [_verdict(row) for row in found.rows if row.architecture not in ("real", "5-gram")]
    yield f"<ul class='verdicts'>{''.join(verdicts)}</ul>"


def _verdict(row: Row) -> str:
    is_near = row.share.value >= GOAL
    said = [
        f"overlap with real music {row.share.value:.3f} of what real music reaches, "
        f"goal {GOAL}: {'reached' if is_near else 'not reached'}"
    ]
    good = is_near
    if row.originality:
        one = row.originality
        said.append(
            f"longest runs shared with training pieces {one.exact.value:.1f} notes exact, {one.transposed.value:.1f} "
            f"transposed, beside {one.real_exact.value:.1f} and {one.real_transposed.value:.1f} of real music: "
            f"{'no more than real music' if one.holds else 'more than real music'}"
        )
        good = good and one.holds
    return f"<li class='{'good' if good else 'short'}'><b>{escape(row.heading)}</b>: {escape('; '.join(said))}.</li>"


def _summary(found: Evaluated, _: Mapping[str, str]) -> Iterator[str]:
    body = [
        [
            f"<b>{escape(column.heading)}</b> <span class='ci'>{_way(column.better)}</span>"
            f"<span class='says'>{escape(column.text)}</span>",
            *(_cell(column.of(row), column.digits) for row in found.rows),
        ]
        for column in shown(SUMMARY, found.rows)
    ]
    pieces = ["<b>pieces</b>", *(f"{row.pieces}" for row in found.rows)]
    table = _table(["", *(escape(row.heading) for row in found.rows)], [pieces, *body])
    yield f"<h2>The table</h2><div class='summary'>{table}</div>"
    yield f"<p>{prose.SUMMARY}</p>"


def _examples(found: Evaluated, examples: Sequence[Example]) -> Iterator[str]:
    if not examples:
        return
    names = [row.name for row in found.rows]
    parts = [f"<h2>Listen</h2><p>{prose.LISTEN}</p>"]
    for example in examples:
        cells = "".join(_player(name, example.pieces[name]) for name in names if name in example.pieces)
        parts.append(f"<h3>{escape(example.title)}</h3><div class='players'>{cells}</div>")
    yield "".join(parts)


def _player(name: str, heard: Heard) -> str:
    sound = ""
    if heard.clip:
        source = f"data:{heard.clip.mime};base64,{base64.b64encode(heard.clip.data).decode()}"
        sound = f"<audio controls preload='none' src='{source}'></audio>"
    midi = base64.b64encode(heard.midi).decode()
    link = f"<a download='{escape(_file_name(name), quote=True)}.mid' href='data:audio/midi;base64,{midi}'>MIDI</a>"
    return f"<div><b>{escape(name)}</b>{sound}{link}</div>"


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-.@" else "-" for letter in name).strip("-")


def _overlap(found: Evaluated, palette: Mapping[str, str]) -> Iterator[str]:
    rows = [(row.name, row.share) for row in found.rows if row.architecture != "real"]
    chart = charts.intervals(
        rows, palette, "Overlapped area as a share of real against real", {"real": 1.0, "goal": GOAL}
    )
    names = [row.name for row in found.rows]
    areas = [
        [f"<b title='{escape(explained(name), quote=True)}'>{_words(name)}</b>"]
        + [_pair(row.areas[name], row.divergences[name]) for row in found.rows]
        for name in NINE
    ]
    yield f"<h2>Nine features, one at a time</h2>{chart}"
    yield (
        f"<p>{prose.OVERLAP}</p>"
        + _table(["feature", *map(escape, names)], areas)
        + _notes([(_words(name), explained(name)) for name in NINE])
    )


def _pair(area: Estimate, divergence: Estimate) -> str:
    return f"{_number(area, 3)} <span class='ci'>{_number(divergence, 3)}</span>"


def _frechet(found: Evaluated, palette: Mapping[str, str]) -> Iterator[str]:
    rows = [(row.name, row.frechet_distance) for row in found.rows]
    real = rows[-1][1].value
    chart = charts.intervals(
        rows, palette, "Frechet distance, logarithmic (lower is better)", {"real": real}, logarithmic=True
    )
    diversity = [
        [f"<b>{_words(name)}</b>", *(_cell(row.diversity.get(name), 3) for row in found.rows)]
        for name in found.rows[0].diversity
    ]
    yield f"<h2>Features together, and variety</h2>{chart}"
    yield (
        f"<p>{prose.VARIETY}</p>"
        + _table(["", *(escape(row.heading) for row in found.rows)], diversity)
        + _notes([(_words(name), f"{explained(name)} {SET_METRICS[name].source}.") for name in found.rows[0].diversity])
    )


def _form(found: Evaluated, palette: Mapping[str, str]) -> Iterator[str]:
    series = {
        row.name: [(float(lag), row.metrics[f"similarity_lag_{lag}"].value) for lag in LAGS] for row in found.rows
    }
    chart = charts.lines(series, palette, "Similarity of bars by how far they lie apart", across="bars apart")
    yield f"<h2>Form</h2>{chart}<p>{prose.FORM}</p>"


def _metrics(found: Evaluated, _: Mapping[str, str]) -> Iterator[str]:
    real = found.rows[-1].metrics
    names = [name for name in METRICS if any(isfinite(row.metrics[name].value) for row in found.rows)]
    body = [
        [f"<b>{_words(name)}</b> <span class='ci'>{escape(METRICS[name].unit)}</span>"]
        + [_beside(row.metrics[name], real[name], row.architecture == "real") for row in found.rows]
        for name in names
    ]
    yield (
        f"<h2>Metrics of pieces</h2><p>{prose.METRICS}</p>"
        + _table(["metric", *(escape(row.heading) for row in found.rows)], body)
        + _notes([(_words(name), f"{explained(name)} {METRICS[name].source}.") for name in names])
    )


def _beside(one: Estimate, real: Estimate, is_real: bool) -> str:
    mark = "" if is_real else " ▲" if one.low > real.high else " ▼" if one.high < real.low else ""
    return _cell(one, 3) + mark


def _voices(found: Evaluated, _: Mapping[str, str]) -> Iterator[str]:
    if not any(row.faults for row in found.rows):
        return
    body = [
        [f"<b>{_words(rule)}</b>", *(_cell(row.faults.get(rule), 2) for row in found.rows), f"{bach:.2f}"]
        for rule, bach in BACH_RATES.items()
    ]
    yield (
        f"<h2>Four-part writing</h2><p>{prose.VOICES}</p>"
        + _table(["rule", *(escape(row.heading) for row in found.rows), "Bach"], body)
    )


def _latents(found: Evaluated, _: Mapping[str, str]) -> Iterator[str]:
    body = [
        (
            f"<b>{escape(row.name)}</b>",
            f"{one.bars}",
            _cell(one.accuracy, 4),
            _cell(one.bits, 1),
            _cell(row.latent_nats_per_note, 3),
        )
        for row in found.rows
        for one in row.reconstruction
    ]
    if not body:
        return
    yield (
        f"<h2>Written again by the latent</h2><p>{prose.LATENTS}</p>"
        + _table(["", "bars", "accuracy", "bits in the latent", "nats a note in the latent"], body)
    )


def _steered(found: Evaluated, _: Mapping[str, str]) -> Iterator[str]:
    rows = [row for row in found.rows if row.steered]
    if not rows:
        return
    body = [
        [f"<b>{escape(one.name)}</b>", *(_ask(row, number) for row in rows)]
        for number, one in enumerate(rows[0].steered)
    ]
    yield (
        f"<h2>What is asked is kept</h2><p>{prose.STEERED}</p>"
        + _table(["asked", *(escape(row.heading) for row in rows)], body)
    )


def _ask(row: Row, number: int) -> str:
    one = row.steered[number]
    price = f", {one.price_per_note:.2f} nats" if isfinite(one.price_per_note) else ""
    return f"{one.kept} of {one.asked} <span class='ci'>{one.found} of {one.wanted} pieces{price}</span>"


def _originality(found: Evaluated, palette: Mapping[str, str]) -> Iterator[str]:
    rows = [row for row in found.rows if row.originality]
    if not rows:
        return
    series = {row.name: _cumulative(row.originality.runs) for row in rows if row.originality}
    chart = charts.lines(
        series, palette, "Share of pieces whose longest shared run is no longer", across="notes in a row", steps=True
    )
    heads = ["", "exact", "of real music", "transposed", "of real music", *(f"{share} %" for share in PERCENTILES)]
    body, named = [], []
    for row in rows:
        one = row.originality
        if one is None:
            continue
        means = (one.exact, one.real_exact, one.transposed, one.real_transposed)
        body.append(
            [f"<b>{escape(row.name)}</b>", *(_cell(mean, 2) for mean in means)]
            + [
                f"{notes} <span class='ci'>real {one.real_percentiles[share]}</span>"
                for share, notes in one.percentiles.items()
            ]
        )
        listed = "".join(f"<li>piece {copy.number}: {escape(copy.text)}</li>" for copy in one.longest)
        named.append(f"<h4>{escape(row.name)}</h4><ol>{listed}</ol>")
    yield (f"<h2>Originality</h2>{chart}<p>{prose.ORIGINALITY}</p>" + _table(heads, body))
    summary = "<summary>The longest shared runs, with the pieces that have them too</summary>"
    yield f"<details>{summary}{''.join(named)}</details>"


def _cumulative(runs: Sequence[int]) -> list[tuple[float, float]]:
    return [
        (float(notes), sum(run <= notes for run in runs) / len(runs)) for notes in range(min(runs) - 1, max(runs) + 1)
    ]


def _foot(found: Evaluated, _: Mapping[str, str]) -> Iterator[str]:
    facts = [
        (
            escape(row.name),
            row.architecture,
            "default" if row.temperature is None else f"{row.temperature:g}",
            f"<code>{row.sha256[:16]}</code>",
            f"{row.pieces}",
            f"{row.missing}",
        )
        for row in found.rows
        if row.architecture != "real"
    ]
    notices = "".join(f"<li>{escape(line)}</li>" for line in found.notices)
    yield "<h2>The run</h2>" + _table(["", "kind", "temperature", "SHA-256", "pieces", "not found"], facts)
    yield f"<ul>{notices}</ul><p>{prose.BASELINE}</p>"


_SECTIONS = (
    _head, _summary, _overlap, _frechet, _form, _metrics, _voices, _latents, _steered, _originality, _foot,
)  # fmt: skip


def _words(name: str) -> str:
    return escape(name.replace("_", " "))


def _way(better: str) -> str:
    return better if better == "as the data" else f"{better} is better"


def _number(found: Estimate, digits: int) -> str:
    return f"{found.value:.{digits}f}" if isfinite(found.value) else "–"


def _cell(found: Estimate | None, digits: int) -> str:
    """A figure, its interval small beside it."""
    if found is None or not isfinite(found.value):
        return "–"
    interval = written(found, digits).partition(" ")[2].strip("()")
    return _number(found, digits) + (f" <span class='ci'>{interval}</span>" if interval else "")


def _table(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    heads = "".join(f"<th>{cell}</th>" for cell in head)
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in body)
    return f"<div class='wide'><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"


def _notes(rows: Iterable[tuple[str, str]]) -> str:
    said = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in rows)
    return f"<details><summary>What the figures mean</summary><dl>{said}</dl></details>"


_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fdfdfb; margin: 0 auto; padding: 24px;
  max-width: 1180px; }
h1 { font-size: 28px; line-height: 1.2; } h2 { font-size: 21px; margin: 40px 0 8px; border-top: 1px solid #ddd;
  padding-top: 20px; } h3 { font-size: 16px; margin: 16px 0 6px; } h4 { margin: 12px 0 0; }
p { max-width: 46em; } .wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 12px 5px 0; text-align: left; border-bottom: 1px solid #e8e8e4; vertical-align: baseline; }
td { white-space: nowrap; } .says { white-space: normal; display: block; width: 32em;
  color: #555; font-size: 13px; line-height: 1.35; } th { font-weight: 600; color: #555; }
.summary td + td .ci { display: block; }
.ci { color: #767672; font-size: 12px; }
figure { margin: 12px 0; max-width: 820px; } svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; }
figcaption { color: #555; font-size: 14px; }
.verdicts { padding: 0; list-style: none; max-width: 60em; } .verdicts li { padding: 8px 12px; margin: 6px 0;
  border-left: 4px solid #c1502e; background: #f7f4ef; } .verdicts li.good { border-color: #5b7f2b; }
.players { display: grid; grid-template-columns: repeat(auto-fill, minmax(205px, 1fr)); gap: 12px; }
.players div { background: #f4f4f0; padding: 10px 12px; border-radius: 6px; } .players a { font-size: 13px; }
audio { width: 100%; height: 34px; margin: 6px 0; display: block; }
details { margin: 10px 0; } summary { cursor: pointer; color: #0b6e8a; } dt { font-weight: 600; font-size: 14px; }
dd { margin: 0 0 6px; max-width: 60em; font-size: 14px; }
"""
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""

__all__ = ["Example", "Heard", "page"]
