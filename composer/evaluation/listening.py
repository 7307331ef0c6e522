"""A blind listening test: pairs of pieces as one static page with sound files, the key to it apart.

Both pieces of a pair answer the same request, in one tempo and equally loud; which is A, and in which order pairs come,
is drawn from the seed. The page writes the answers as CSV by itself: no server is needed.
"""

from __future__ import annotations

import hashlib
import json
from html import escape
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from composer.evaluation import report
from composer.evaluation.run import Evaluated, Show
from composer.evaluation.sound import Clip, encoded, rendered
from theory.atomic_file import atomic_paths
from theory.errors import RequestError

PAGE = "index.html"
# Columns of the answers, as the page says them too.
COLUMNS = {
    "test": "which test: the key has the same",
    "listener": "the name that was given",
    "pair": "number of the pair",
    "preference": "-2 A clearly, -1 A a little, 0 no difference, 1 B a little, 2 B clearly; empty: not answered",
    "plays_a": "how often A was started",
    "plays_b": "how often B was started",
    "comment": "in the listener's words",
}
_PAIRS = 24  # about half an hour
_FEWEST = 2  # of each kind
_RATE = 44_100
_STREAM = 7  # of the seed's random numbers


class Pair(NamedTuple):
    """Two pieces of one request.

    Attributes:
        place: of the request.
        names: who wrote A and B.
    """

    place: int
    names: tuple[str, str]


def pairs(found: Evaluated) -> list[Pair]:
    """The pairs in their order: each two of the models and the real music equally often, the n-grams left out.

    Raises:
        RequestError: there are too few requests.
    """
    names = [row.name for row in found.rows if row.architecture != "5-gram"]
    kinds = list(combinations(names, 2))
    places = report.chosen(found, len(kinds) * max(_FEWEST, _PAIRS // len(kinds)))
    each = len(places) // len(kinds)
    if not each:
        raise RequestError(f"{len(places)} requests are too few for {len(kinds)} kinds of pairs: compose more pieces")
    generator = np.random.default_rng([found.settings.seed, _STREAM])
    order = generator.permutation(len(places)).tolist()
    rows = [(places[order[number]], kinds[number % len(kinds)]) for number in range(each * len(kinds))]
    turned = generator.random(len(rows)) < 0.5
    result = [Pair(place, kind[::-1] if turn else kind) for (place, kind), turn in zip(rows, turned, strict=True)]
    return [result[place] for place in generator.permutation(len(result)).tolist()]


def key_path(folder: Path) -> Path:
    """Where the key is written: beside the folder, so that the folder can be given away."""
    return folder.with_name(f"{folder.name}-key.json")


def write(found: Evaluated, folder: Path, show: Show, soundfont: str | None = None) -> tuple[Path, Path]:
    """Write the page, its sound files and the key.

    Args:
        found: what was evaluated.
        folder: of page and sound.
        show: as `run.evaluate` takes it.
        soundfont: to play with.

    Returns:
        The page and the key.

    Raises:
        RequestError: there are too few pieces.
        SoundError: FluidSynth or the soundfont is missing or fails.
        OutputError: the folder cannot be written.
    """
    chosen = pairs(found)
    clips: list[tuple[Clip, Clip]] = []
    with show("playing", "pairs") as progress:
        for number, pair in enumerate(chosen):
            if progress:
                progress(number, len(chosen))
            scores = report.of_request(found, pair.place)
            both = [encoded(rendered(scores[name], found.style, _RATE, soundfont), _RATE) for name in pair.names]
            clips.append((both[0], both[1]))
    test = hashlib.sha256(b"".join(clip.data for both in clips for clip in both)).hexdigest()[:12]
    sounds = {
        f"{number:02d}-{letter}{clip.suffix}": clip.data
        for number, both in enumerate(clips, 1)
        for letter, clip in zip("ab", both, strict=True)
    }
    places = {name: folder / name for name in (*sounds, PAGE)} | {"key": key_path(folder)}
    with atomic_paths(places) as beside:
        for name, content in sounds.items():
            beside[name].write_bytes(content)
        beside[PAGE].write_text(_page(test, list(sounds)), encoding="utf-8")
        beside["key"].write_text(json.dumps(_key(found, chosen, test), indent=1) + "\n", encoding="ascii")
    return places[PAGE], places["key"]


def _key(found: Evaluated, chosen: list[Pair], test: str) -> dict[str, Any]:
    rows = [
        {"pair": number, "a": pair.names[0], "b": pair.names[1], "request": report.title(found, pair.place)}
        | {"piece": pair.place + 1, "real": found.held_out.excerpts[_source(found, pair.place)].id}
        for number, pair in enumerate(chosen, 1)
    ]
    return {"test": test, "seed": found.settings.seed, "answers": COLUMNS, "pairs": rows}


def _source(found: Evaluated, place: int) -> int:
    return next(iter(found.made.values()))[place].wanted.excerpt


def _page(test: str, sounds: list[str]) -> str:
    cards = "".join(_card(number, *sounds[2 * number - 2 : 2 * number]) for number in range(1, len(sounds) // 2 + 1))
    columns = "".join(f"<dt><code>{name}</code></dt><dd>{escape(text)}</dd>" for name, text in COLUMNS.items())
    facts = json.dumps({"test": test, "columns": list(COLUMNS)})
    return _PAGE.format(style=_STYLE, cards=cards, columns=columns, script=_SCRIPT.replace("FACTS", facts))


_CHOICES = ("A, clearly", "A, a little", "no difference", "B, a little", "B, clearly")


def _card(number: int, first: str, second: str) -> str:
    players = "".join(
        f"<label>{letter}<audio controls preload='none' data-side='{letter.lower()}' src='{name}'></audio></label>"
        for letter, name in (("A", first), ("B", second))
    )
    choices = "".join(
        f"<label><input type='radio' name='p{number}' value='{value}'> {text}</label>"
        for value, text in enumerate(_CHOICES, -2)
    )
    return (
        f"<section data-pair='{number}'><h2>Pair {number}</h2><div class='players'>{players}</div>"
        f"<div class='choices'>{choices}</div>"
        "<input class='comment' placeholder='a word on why, if you like'></section>"
    )


_STYLE = """
body { font: 17px/1.5 system-ui, sans-serif; color: #222; background: #fdfdfb; max-width: 820px; margin: 0 auto;
  padding: 24px; } h1 { font-size: 26px; } h2 { font-size: 17px; margin: 0 0 8px; }
section { background: #f4f4f0; border-radius: 8px; padding: 14px 16px; margin: 14px 0; }
section.done { background: #eaf0e2; } .players { display: grid; grid-template-columns: 1fr 1fr; gap: 16px; }
.players label { display: flex; align-items: center; gap: 8px; font-weight: 600; } audio { width: 100%; height: 38px; }
.choices { display: flex; flex-wrap: wrap; gap: 6px 18px; margin: 10px 0; }
input.comment { width: 100%; box-sizing: border-box; font: inherit; font-size: 15px; padding: 5px 8px;
  border: 1px solid #ccc; border-radius: 5px; }
button { font: inherit; padding: 8px 16px; border: 0; border-radius: 6px; background: #0b6e8a; color: #fff; }
footer { margin: 24px 0; } dt { font-weight: 600; } dd { margin: 0 0 4px 16px; font-size: 15px; }
@media (max-width: 560px) { .players { grid-template-columns: 1fr; } }
"""
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Listening test</title>
<style>{style}</style>
</head>
<body>
<h1>Which would you rather hear again?</h1>
<p>Each pair has two short pieces, A and B. Listen to both, as often as you like, then choose. There is no right answer.
Your answers stay in this browser until you download them as a table.</p>
<p><label>Your name or a nickname: <input id="listener" class="comment"></label></p>
{cards}
<footer>
<p><button id="save">Download answers (CSV)</button> <span id="state"></span></p>
<details><summary>The columns of the table</summary><dl>{columns}</dl></details>
</footer>
<script>{script}</script>
</body>
</html>
"""
_SCRIPT = """
"use strict";
const facts = FACTS;
const sections = [...document.querySelectorAll("section")];
const listener = document.getElementById("listener");
const state = document.getElementById("state");
const place = "listening-" + facts.test;
const plays = {};
const answer = section => {
  const pair = section.dataset.pair;
  const chosen = section.querySelector("input[type=radio]:checked");
  return {test: facts.test, listener: listener.value, pair: pair, preference: chosen ? chosen.value : "",
    plays_a: plays[pair + "a"] || 0, plays_b: plays[pair + "b"] || 0,
    comment: section.querySelector(".comment").value};
};
const update = () => {
  const answers = sections.map(answer);
  answers.forEach((one, place) => sections[place].classList.toggle("done", one.preference !== ""));
  state.textContent = answers.filter(one => one.preference !== "").length + " of " + answers.length + " answered";
  try { localStorage.setItem(place, JSON.stringify(answers)); } catch (error) { /* kept on the page alone */ }
};
const restore = () => {
  let known = null;
  try { known = JSON.parse(localStorage.getItem(place)); } catch (error) { /* nothing is kept */ }
  if (!known) return;
  listener.value = known[0].listener;
  known.forEach((one, place) => {
    const section = sections[place];
    const chosen = section.querySelector("input[value='" + one.preference + "']");
    if (chosen) chosen.checked = true;
    section.querySelector(".comment").value = one.comment;
    plays[one.pair + "a"] = one.plays_a;
    plays[one.pair + "b"] = one.plays_b;
  });
};
const quoted = value => '"' + String(value).replaceAll('"', '""').replaceAll(/\\s+/g, " ") + '"';
document.querySelectorAll("audio").forEach(audio => audio.addEventListener("play", () => {
  document.querySelectorAll("audio").forEach(other => { if (other !== audio) other.pause(); });
  if (audio.currentTime === 0) {
    const name = audio.closest("section").dataset.pair + audio.dataset.side;
    plays[name] = (plays[name] || 0) + 1;
  }
  update();
}));
document.addEventListener("input", update);
document.getElementById("save").addEventListener("click", () => {
  const rows = [facts.columns, ...sections.map(answer).map(one => facts.columns.map(name => one[name]))];
  const text = rows.map(row => row.map(quoted).join(",") + "\\r\\n").join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "text/csv"}));
  link.download = "answers-" + facts.test + ".csv";
  link.click();
});
restore();
update();
"""

__all__ = ["COLUMNS", "PAGE", "Pair", "key_path", "pairs", "write"]
