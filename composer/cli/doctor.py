"""`cadenza doctor`: what is installed, what is missing, and the line that fixes it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import NamedTuple

from composer.cli import options

NAME = "doctor"

_BASE = (
    "numpy", "music21", "pretty_midi", "mido", "pyfluidsynth", "soundfile", "safetensors", "matplotlib",
    "threadpoolctl", "typer", "rich",
)  # fmt: skip
_TRAIN = ("tensorflow", "keras", "tensorboard")


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        name: what.
        state: "ok", "missing" (something Cadenza needs) or "optional" (only some commands need it).
        detail: version, place, or the line that mends it.
    """

    name: str
    state: str
    detail: str


def run(json: options.Json = False) -> None:
    """Look at the installation: Python, packages, FluidSynth, soundfont, models. Exit code 1 if something is missing.

    Example:
        cadenza doctor
    """
    findings = list(_findings())
    if json:
        options.print_json({"findings": [finding._asdict() for finding in findings]})
    else:
        width = max(len(finding.name) for finding in findings)
        for name, state, detail in findings:
            print(f"{state:8}  {name:{width}}  {detail}")
    if any(finding.state == "missing" for finding in findings):
        sys.exit(1)


def _findings() -> Iterator[Finding]:
    yield Finding("Python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield _package("cadenza", "optional", "not installed: running from a checkout")
    for name in _BASE:
        yield _package(name, "missing", f"{sys.executable} -m pip install {name}")
    for name in _TRAIN:
        yield _package(name, "optional", f"only to train: {sys.executable} -m pip install tensorflow tensorboard")
    yield from _namesakes()
    yield from (_checked(name, look) for name, look in _LOOKS.items())


def _package(name: str, otherwise: str, advice: str) -> Finding:
    try:
        return Finding(name, "ok", version(name))
    except PackageNotFoundError:
        return Finding(name, otherwise, advice)


def _namesakes() -> Iterator[Finding]:
    """Other distributions that put files into our packages (mosaicml ships a `composer`)."""
    owners = packages_distributions()
    for package in ("composer", "theory", "data", "synth"):
        others = sorted({owner for owner in owners.get(package, []) if owner.lower() != "cadenza"})
        if others:
            yield Finding(package, "missing", f"also installed by {', '.join(others)}: use a fresh environment")
    try:
        yield Finding("fluidsynth", "missing", f"the wrong package ({version('fluidsynth')}): pip uninstall fluidsynth")
    except PackageNotFoundError:
        return


def _checked(name: str, look: Callable[[], str]) -> Finding:
    from theory.errors import CadenzaError

    try:
        return Finding(name, "ok", look())
    except CadenzaError as error:
        return Finding(name, "missing", str(error))


def _fluidsynth() -> str:
    import synth

    return synth.fluidsynth_version()


def _soundfont() -> str:
    import synth

    return str(synth.find_soundfont())


def _models() -> str:
    from composer import bundle
    from theory.errors import ModelError

    names = bundle.names()
    if not names:
        raise ModelError("no model is installed: install Cadenza again")
    for name in names:
        bundle.load(bundle.PRETRAINED / name)
    return ", ".join(names)


def _styles() -> str:
    from composer import bundle

    return ", ".join(sorted({name.rsplit("-", 1)[0] for name in bundle.names()}))


_LOOKS: dict[str, Callable[[], str]] = {
    "libfluidsynth": _fluidsynth,
    "soundfont": _soundfont,
    "models": _models,
    "styles": _styles,
}
