"""Cadenza: from a musical idea to a score and the waveform that sounds like it.

>>> import composer
>>> piece = composer.compose(style="chorale", key="D minor", bars=16, seed=11)
>>> composer.write(piece.score, "song.mid")
"""

from importlib.util import find_spec as _find_spec
from pathlib import Path as _Path


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

from composer.generate import compose, continue_piece  # noqa: E402  # only once the siblings are known to be ours
from composer.piece import Piece, Recipe  # noqa: E402
from composer.report import Report  # noqa: E402
from composer.request import Request  # noqa: E402
from data import read, write  # noqa: E402
from synth import render  # noqa: E402

__all__ = ["Piece", "Recipe", "Report", "Request", "compose", "continue_piece", "read", "render", "write"]
