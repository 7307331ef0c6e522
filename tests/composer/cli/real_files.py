"""Real files beside the checkout; no test needs them to cover its ground."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "testcases" / "midi"


def real_files(most_bytes: int = 60_000) -> list:
    """Small real files of every folder as test parameters, or one that skips."""
    found = sorted(path for path in FOLDER.rglob("*") if path.suffix in (".mid", ".abc"))
    small = [path for path in found if path.stat().st_size < most_bytes]
    absent = pytest.param(None, marks=pytest.mark.skip(reason="needs ../shared/testcases/midi"))
    return [pytest.param(path, id=path.name) for path in small] or [absent]
