"""The fixtures of `tunes`."""

from __future__ import annotations

from tunes import models, music

__all__ = ["models", "music"]
