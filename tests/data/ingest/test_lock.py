"""Two runs into one folder: the second is refused while the first is at work, and not after it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'cadenza[train]'")
from music import tune

import data
from data.ingest import prepare
from data.ingest.lock import NAME, alone
from data.ingest.preparation import CARD, UNFINISHED
from theory.errors import OutputError

ROOT = Path(__file__).parents[3]
HOLDER = """
import sys, time
from pathlib import Path
from data.ingest import prepare
class Waiting:
    def phase(self, text): pass
    def begin(self, done, total):
        print("at work", flush=True)
        sys.stdin.readline()
    def step(self, refused): pass
if __name__ == "__main__":
    prepare(Path(sys.argv[1]), Path(sys.argv[2]), workers=1, watcher=Waiting())
"""


@pytest.fixture
def music(tmp_path):
    (tmp_path / "music").mkdir()
    for number in range(4):
        data.write(tune(number), tmp_path / "music" / f"{number}.mid")
    return tmp_path / "music"


@pytest.fixture
def holder(music, tmp_path):
    """A process that holds the folder until it is told to go on."""
    (tmp_path / "program.py").write_text(HOLDER)
    command = [sys.executable, str(tmp_path / "program.py"), str(music), str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        assert process.stdout.readline() == "at work\n"
        yield process
        process.kill()


def test_the_second_run_is_refused_in_one_line(holder, music, tmp_path):
    command = [sys.executable, "-m", "composer", "prepare", str(music), "--out-dir", str(tmp_path / "out")]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert second.returncode == 32
    assert second.stderr == (
        f"cadenza: {tmp_path / 'out'} is being made by another run: wait for it, or choose another place\n"
    )
    assert prepare(music, tmp_path / "other", workers=1).pieces == 4  # elsewhere nothing is in the way
    holder.communicate("go on\n", timeout=60)
    assert holder.returncode == 0
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir() if path.name != CARD) == sorted(
        path.suffix for path in (tmp_path / "other").iterdir() if path.name != CARD
    )


def test_a_killed_run_leaves_nothing_locked(holder, music, tmp_path):
    with pytest.raises(OutputError, match="another run"):
        prepare(music, tmp_path / "out", workers=1)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "out" / UNFINISHED / NAME).exists()  # the file stays, the lock does not
    assert prepare(music, tmp_path / "out", workers=1).pieces == 4
    assert not (tmp_path / "out" / UNFINISHED).exists()


def test_one_after_the_other_also_where_the_folder_goes(tmp_path):
    """Who waits for a lock whose file is taken away must not hold a file that nobody else can see."""
    place = tmp_path / "x"
    with alone(place, "it"):
        (place / NAME).unlink()  # as a run does that has finished
        with alone(place, "it"):  # noqa: SIM117
            with pytest.raises(OutputError, match=r"^it is being made by another run"), alone(place, "it"):
                raise AssertionError
    with alone(place, "it"):
        assert (place / NAME).exists()


def test_a_place_that_is_none(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError), alone(tmp_path / "file", "it"):
        raise AssertionError
