"""What the tests of composing share: one small piece, a soundfont that renders in no time, and the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import composer
from composer.cli import main
from composer.style import CHORALE
from synth.library import fluidsynth_version
from theory.errors import FluidSynthMissingError

sys.path.append(str(Path(__file__).parents[1] / "synth"))  # for its soundfont of one sine wave


class Said(NamedTuple):
    """What a command answered: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def piece() -> composer.Piece:
    return composer.compose(key="D minor", bars=2, seed=7)


@pytest.fixture(scope="session")
def long_piece() -> composer.Piece:
    return composer.compose(key="G major", bars=16, seed=1)


@pytest.fixture(scope="session")
def soundfont(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One sine wave, as the program of the choir; the test is skipped where libfluidsynth is absent."""
    from tiny_soundfont import tiny_soundfont

    try:
        fluidsynth_version()
    except FluidSynthMissingError as error:
        pytest.skip(f"needs libfluidsynth: {error}")
    content = bytearray(tiny_soundfont())
    program = content.index(b"phdr") + 8 + 20  # after the chunk's head and the preset's name
    content[program : program + 2] = CHORALE.parts[0].program.to_bytes(2, "little")
    path = tmp_path_factory.mktemp("soundfonts") / "sine.sf2"
    path.write_bytes(content)
    return path


@pytest.fixture
def cadenza(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs the command line in this process."""

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        return Said(int(stopped.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a small model of random weights, which composes in no time."""
    from tiny_models import export

    return str(export(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="session")
def tiny_vae(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a small VAE of random weights, for folk tunes."""
    from tiny_models import export_vae

    return str(export_vae(tmp_path_factory.mktemp("models") / "tiny-vae"))


@pytest.fixture
def request_(tiny_vae: str) -> dict[str, Any]:
    """What a request of the small VAE says."""
    return {"style": "folk", "model": tiny_vae, "temperature": 1.0}
