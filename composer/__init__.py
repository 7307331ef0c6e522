"""Cadenza: from a musical idea to a score and the waveform that sounds like it.

>>> import composer
>>> piece = composer.compose(style="chorale", key="D minor", bars=16, seed=11)
>>> composer.write(piece, "song.mid")
"""

from importlib import import_module as _import_module
from importlib.util import find_spec as _find_spec
from pathlib import Path as _Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from composer.files import write
    from composer.generate import compose, continue_piece
    from composer.latent import blend, interpolate, reconstruct, vary
    from composer.many import compose_many
    from composer.piece import Piece, Recipe
    from composer.report import Report
    from composer.request import Request
    from data import read
    from synth import render


def _check_siblings() -> None:
    """The names of our packages are common ones: stop if another distribution's stand in their place."""
    home = _Path(__file__).resolve().parents[1]
    for name in ("theory", "data", "synth"):
        spec = _find_spec(name)
        origin = _Path(spec.origin).resolve().parents[1] if spec and spec.origin else None
        if origin != home:
            where = f"is {origin / name}" if origin else "is missing"
            raise ImportError(
                f"Cadenza stands in {home}, but its package {name!r} {where}: install it in a fresh environment"
            )


_check_siblings()

# Imported when first asked for: the command line must be able to answer, and to be interrupted, at once.
_HOMES = {
    "Piece": "composer.piece", "Recipe": "composer.piece", "Report": "composer.report", "Request": "composer.request",
    "blend": "composer.latent", "compose": "composer.generate", "compose_many": "composer.many",
    "continue_piece": "composer.generate", "interpolate": "composer.latent", "read": "data",
    "reconstruct": "composer.latent", "render": "synth", "vary": "composer.latent", "write": "composer.files",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(_import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


__all__ = [
    "Piece", "Recipe", "Report", "Request", "blend", "compose", "compose_many", "continue_piece", "interpolate", "read",
    "reconstruct", "render", "vary", "write",
]  # fmt: skip
