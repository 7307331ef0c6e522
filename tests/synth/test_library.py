"""Finding libfluidsynth, and saying how to get it where it is missing. Each case is a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ASK = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import synth
from theory.errors import CadenzaError
try:
    print(synth.fluidsynth_version())
except CadenzaError as error:
    print(type(error).__name__, error)
"""
# pyfluidsynth asks ldconfig, the compiler and the linker: a process that may start no other finds no library.
ALONE = """
import sys
def refuse(event, arguments):
    if event == "subprocess.Popen":
        raise PermissionError("no other programs here")
sys.addaudithook(refuse)
"""


def ask(code: str = ASK, **environment: str) -> str:
    variables = os.environ | environment
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=variables)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    return done.stdout.rstrip("\n")


def test_the_version_and_nothing_else_is_printed(fluidsynth):
    assert ask(CI="true") == fluidsynth  # where CI is set, pyfluidsynth prints the library's place
    assert int(fluidsynth.split(".")[0]) >= 2


@pytest.mark.skipif(sys.platform != "linux", reason="hides the library in the way Linux looks for it")
def test_a_machine_without_the_library_is_told_how_to_get_it():
    said = ask(ALONE + ASK, PATH="")
    assert said.startswith("FluidSynthMissingError no usable libfluidsynth (Couldn't find the FluidSynth library): ")
    assert "apt-get install libfluidsynth3" in said


@pytest.mark.skipif(sys.platform != "linux", reason="hides the library in the way Linux looks for it")
def test_a_broken_library_is_told_from_a_missing_one(fluidsynth, tmp_path):
    (tmp_path / "libfluidsynth.so.3").write_text("not a library")
    said = ask(LD_LIBRARY_PATH=str(tmp_path))
    assert said.startswith("FluidSynthMissingError no usable libfluidsynth (")
    assert "libfluidsynth.so.3" in said


def test_the_wrong_package_of_the_same_name_is_recognised(tmp_path):
    (tmp_path / "fluidsynth.py").write_text(
        "FluidSynth = object\n"
    )  # all that PyPI's fluidsynth 0.2 shares is the name
    said = ask(PYTHONPATH=str(tmp_path))
    assert said.startswith("FluidSynthMissingError")
    assert "pip uninstall fluidsynth" in said
