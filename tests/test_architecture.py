"""The shape of the house: which way imports go, where heavy libraries may stand, what composing a piece loads."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("theory", "data", "synth", "composer")
FILES = tuple(path.relative_to(ROOT) for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py")))
OFFERING = [
    ".".join(path.parent.parts)
    for path in FILES
    if path.name == "__init__.py" and len(ast.parse((ROOT / path).read_bytes()).body) > 1  # more than a docstring
]

# package: those of ours that it may import
FLOORS = {
    "theory": {"theory"},
    "data": {"data", "theory"},
    "synth": {"synth", "theory"},
    "composer": {"composer", "synth", "data", "theory"},
}
# library: the only files and folders that may import it, even inside a function
HOMES = {
    "tensorflow": ("composer/models", "composer/train.py", "composer/adversarial.py", "data/dataset.py"),
    "keras": ("composer/models", "composer/train.py", "composer/adversarial.py", "data/dataset.py"),
    "typer": ("composer/cli",),
    "rich": ("composer/cli",),
}
# library: the only folder whose modules may import it as they load; nowhere else but inside the function that needs it
HEAVY = {
    "tensorflow": "composer/models",
    "keras": "composer/models",
    "typer": "composer/cli",
    "rich": "composer/cli",
    **dict.fromkeys(
        ("fluidsynth", "matplotlib", "music21", "pretty_midi", "pyarrow", "ray", "safetensors", "soundfile", "torch"),
        None,
    ),
}
# A module of such a name stands in the way of the library of that name.
TAKEN = {"fluidsynth", "random", "time", "types", "wave"}
DISTRIBUTIONS = {"fluidsynth": "pyfluidsynth", "keras": "tensorflow"}  # where it is not the import's name


class Import(NamedTuple):
    """One imported module: where, its full name, and whether it is imported as the file itself is."""

    file: Path
    line: int
    name: str
    at_load: bool

    @property
    def root(self) -> str:
        return self.name.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.file.as_posix()}:{self.line} imports {self.name}"


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _called(node: ast.Call) -> list[str]:
    """Name given to import_module, as far as it is written out."""
    if ast.unparse(node.func).rpartition(".")[2] not in ("import_module", "__import__") or not node.args:
        return []
    text = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
    return [text.value] if isinstance(text, ast.Constant) and isinstance(text.value, str) else []


def _names(node: ast.AST, file: Path) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(level=0):
            return [node.module or ""]
        case ast.ImportFrom():
            return [file.parts[0]]  # relative: within its own package
        case ast.Call():
            return _called(node)
    return []


def _imports(node: ast.AST, file: Path, at_load: bool = True) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _is_for_types(child)
        if isinstance(child, ast.stmt | ast.expr):
            yield from (Import(file, child.lineno, name, at_load) for name in _names(child, file))
        yield from _imports(child, file, at_load and not deferred)


IMPORTS = tuple(found for file in FILES for found in _imports(ast.parse((ROOT / file).read_bytes()), file))


def _stands_in(found: Import, places: tuple[str, ...]) -> bool:
    return any(found.file.is_relative_to(place) for place in places)


def _loaded_by(program: str, folder: Path = ROOT) -> set[str]:
    """Top-level modules that a fresh process has loaded once the program has run."""
    script = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{program}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()}


def test_reader_of_imports_sees_every_kind() -> None:
    source = """
import a.b, c
from d import e
from . import f
def g():
    import h
if TYPE_CHECKING:
    import i
class J:
    import k
import_module(f"l.{m}")
try:
    import n
except OSError: ...
"""
    found = [(name, at_load) for _, _, name, at_load in _imports(ast.parse(source), Path("theory/x.py"))]
    early = ["a.b", "c", "d", "theory", "k", "l.", "n"]
    assert found == [(name, name not in "hi") for name in [*early[:4], "h", "i", *early[4:]]]
    assert {found.root for found in IMPORTS} >= {"numpy", *PACKAGES}


def test_imports_go_down_only() -> None:
    assert [
        str(found)
        for found in IMPORTS
        if found.root in {*PACKAGES, "tests", "benchmarks"} and found.root not in FLOORS[found.file.parts[0]]
    ] == []


def test_theory_needs_the_standard_library_and_numpy_only() -> None:
    allowed = {"theory", "numpy", *sys.stdlib_module_names}
    assert [str(found) for found in IMPORTS if found.file.parts[0] == "theory" and found.root not in allowed] == []


def test_libraries_stay_at_home() -> None:
    assert [str(found) for found in IMPORTS if found.root in HOMES and not _stands_in(found, HOMES[found.root])] == []


def test_heavy_libraries_wait_for_the_function_that_needs_them() -> None:
    assert [
        str(found)
        for found in IMPORTS
        if found.at_load and found.root in HEAVY and not _stands_in(found, (HEAVY[found.root] or "nowhere",))
    ] == []


def test_what_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(line for name in extras if name != "dev" for line in extras[name])]
    declared = {re.split(r"[^\w-]", line)[0].replace("-", "_") for line in wanted}
    known = {*PACKAGES, *sys.stdlib_module_names}
    assert [
        str(found)
        for found in IMPORTS
        if found.root not in known and DISTRIBUTIONS.get(found.root, found.root) not in declared
    ] == []


def test_no_module_takes_the_name_of_a_library() -> None:
    assert [file.as_posix() for file in FILES if {file.stem, file.parent.name} & TAKEN] == []


@pytest.mark.parametrize("name", PACKAGES)
def test_packages_are_typed(name: str) -> None:
    assert (ROOT / name / "py.typed").is_file()


@pytest.mark.parametrize("name", OFFERING)
def test_packages_say_what_they_offer(name: str) -> None:
    package = import_module(name)
    assert [offered for offered in package.__all__ if not hasattr(package, offered)] == []
    assert len(package.__all__) == len(set(package.__all__))


def test_importing_the_packages_loads_nothing_heavy() -> None:
    assert _loaded_by("import data, synth, theory; from composer import *") & HEAVY.keys() == set()


COMPOSE_AND_RENDER = """
import composer
from theory.errors import FluidSynthMissingError
piece = composer.compose(style="chorale", bars=2, seed=1)
try:
    composer.render(piece.score)
except FluidSynthMissingError:
    pass
"""
COMMAND = """
import composer.cli
try:
    composer.cli.main(["compose", "--bars", "2", "--seed", "1", "--out", "song"])
except SystemExit as end:
    assert not end.code, end.code
"""


@pytest.mark.parametrize("program", [COMPOSE_AND_RENDER, COMMAND], ids=["library", "command line"])
def test_composing_and_rendering_never_loads_tensorflow(program: str, tmp_path: Path) -> None:
    assert _loaded_by(program, tmp_path) & {"tensorflow", "keras", "torch"} == set()
