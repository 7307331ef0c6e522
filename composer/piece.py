"""A finished piece: its score, a report, and the recipe that makes the same bytes again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.bundle import Bundle
from composer.report import Report
from composer.request import Form, Request
from theory.errors import FileFormatError, TokenError
from theory.score import Score
from theory.tokens import Tokenizer

_PACKAGES = ("cadenza", "numpy", "mido", "music21", "matplotlib", "soundfile")
_FORMAT = 1
_KINDS = {"request": dict, "model": dict, "versions": dict, "vocabulary": str, "title": str, "sound": dict}


@dataclass(frozen=True, slots=True)
class Recipe:
    """All it takes to write the piece again, byte for byte.

    Attributes:
        request: what was asked for, completed.
        model: name of the model and SHA-256 (hex) of its weights.
        versions: of the packages that wrote the files.
        vocabulary: fingerprint of what the ids mean.
        ids: the piece as token ids.
        parts: (name, program) of each track.
        title: of the piece.
        sound: soundfont (file name, SHA-256), FluidSynth's version and the sample rate, once rendered; else empty.
        report: what the model thought of it.
        tokenizer: that made the ids; left out of JSON where its settings are those of the models that ship.
    """

    request: dict[str, Any]
    model: dict[str, str]
    versions: dict[str, str]
    vocabulary: str
    ids: tuple[int, ...]
    parts: tuple[tuple[str, int], ...]
    title: str
    sound: dict[str, Any]
    report: Report
    tokenizer: Tokenizer = field(default_factory=Tokenizer)

    def score(self) -> Score:
        """The piece.

        Raises:
            TokenError: the ids spell no score, or one of another number of parts.
            ScoreError: a part has no General MIDI program.
        """
        plain = self.tokenizer.decode(self.ids)
        if len(plain.tracks) != len(self.parts):
            raise TokenError(f"the recipe names {len(self.parts)} parts, its token ids hold {len(plain.tracks)}")
        tracks = tuple(
            track.replace(name=name, program=program)
            for track, (name, program) in zip(plain.tracks, self.parts, strict=True)
        )
        return plain.replace(tracks=tracks, title=self.title)

    def to_json(self) -> str:
        """ASCII, one line, the same for the same recipe."""
        values = {"cadenza_recipe": _FORMAT, **asdict(self), "report": self.report.to_dict()}
        if self.tokenizer == Tokenizer():
            del values["tokenizer"]
        return signed(values)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read what `to_json` wrote.

        Raises:
            FileFormatError: it is no recipe, or one of another vocabulary.
        """
        try:
            values = json.loads(text)
            if _exactly(int, values["cadenza_recipe"]) > _FORMAT:
                raise FileFormatError("the recipe was written by a newer version of Cadenza: update it")
            if json.loads(signed(values))["sha256"] != values.pop("sha256"):
                raise FileFormatError("the recipe was changed after Cadenza wrote it: it makes another piece now")
            if values.pop("cadenza_recipe") != _FORMAT:
                raise FileFormatError("there is no Cadenza recipe in it")
            values["ids"] = tuple(_exactly(int, token) for token in values["ids"])
            values["parts"] = tuple((_exactly(str, name), _exactly(int, program)) for name, program in values["parts"])
            values["report"] = Report.from_dict(values["report"])
            values["tokenizer"] = Tokenizer.of(values.get("tokenizer", {}))
            for name, kind in _KINDS.items():
                _exactly(kind, values[name])
            recipe = cls(**values)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            if isinstance(error, FileFormatError):
                raise
            raise FileFormatError("there is no Cadenza recipe in it") from None
        if recipe.vocabulary != recipe.tokenizer.fingerprint:
            raise FileFormatError("the recipe's token ids mean something else in this version of Cadenza")
        return recipe


def signed(values: dict[str, Any]) -> str:
    """JSON of a recipe's values with the SHA-256 of the rest among them: ASCII, one line, keys in order."""
    unsigned = {name: value for name, value in values.items() if name != "sha256"}
    return _plain({**unsigned, "sha256": hashlib.sha256(_plain(unsigned).encode()).hexdigest()})


def _plain(values: dict[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def _exactly(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


@dataclass(frozen=True, slots=True)
class Piece:
    """A finished piece.

    Attributes:
        score: the music.
        recipe: what makes it again.
    """

    score: Score
    recipe: Recipe

    @property
    def report(self) -> Report:
        """What the model thought of it."""
        return self.recipe.report

    def write(self, path: str | Path) -> None:
        """Write it as `composer.write` does: a file of a known suffix, or all formats under a stem."""
        from composer import files

        files.write(self, path)

    @classmethod
    def from_recipe(cls, recipe: Recipe) -> Piece:
        """The piece that a recipe makes."""
        return cls(recipe.score(), recipe)

    def with_sound(self, sound: dict[str, Any]) -> Piece:
        """The piece with a recipe that says how it is rendered."""
        return replace(self, recipe=replace(self.recipe, sound=sound))

    def with_notices(self, notices: tuple[str, ...]) -> Piece:
        """The piece with other lines for the user in its report."""
        return replace(self, recipe=replace(self.recipe, report=replace(self.report, notices=notices)))


def recipe_of(request: Request, form: Form, bundle: Bundle, ids: NDArray[np.int32], report: Report) -> Recipe:
    """The recipe of a piece that a model wrote, given as its final token ids."""
    completed = {"key": str(form.key), "meter": str(form.meter), "tempo": form.tempo, "bars": request.bars or form.bars}
    return Recipe(
        request={**asdict(request), **completed, "model": bundle.path.name},
        model={"name": bundle.path.name, "sha256": bundle.sha256},
        versions=installed_versions(),
        vocabulary=bundle.tokenizer.fingerprint,
        ids=tuple(ids.tolist()),
        parts=tuple((part.name, part.program) for part in bundle.style.parts),
        title=request.title or f"{bundle.style.name.capitalize()} in {form.key}",
        sound={},
        report=report,
        tokenizer=bundle.tokenizer,
    )


def installed_versions() -> dict[str, str]:
    """Versions of the packages whose output a piece's files are."""
    return {name: version_of(name) for name in _PACKAGES}


@cache
def version_of(package: str) -> str:
    """Version of an installed package, or "unknown", as for Cadenza itself in a bare checkout."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
