"""What a folder holds: in one order, each file once, with the rights that its folder states."""

from __future__ import annotations

import os

import pytest
from music import ABC, KERN

from data.ingest.listing import Listed, Rights, listed
from theory.errors import FileFormatError

NOBODY = Rights("here", "not stated")


@pytest.fixture
def folder(tmp_path):
    for name in ("b/2.mid", "b/10.mid", "a/x.MXL", "c.krn", "B.xml", "b.mid/inner.midi", "notes.txt", "deep/er/z.smf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(KERN)
    return tmp_path


def paths(folder):
    return [item.path for item in listed(folder, NOBODY)]


def test_all_files_that_can_be_read_in_order(folder):
    wanted = ["B.xml", "c.krn", "a/x.MXL", "b/10.mid", "b/2.mid", "b.mid/inner.midi", "deep/er/z.smf"]
    assert paths(folder) == wanted
    assert paths(folder) == wanted


def test_loops_of_links_end(folder):
    os.symlink(folder, folder / "a" / "up")
    os.symlink(folder / "b", folder / "deep" / "again")
    os.symlink(folder / "nowhere", folder / "deep" / "gone.mid")
    found = paths(folder)
    assert sorted(found) == sorted({*found})
    assert len([path for path in found if path.endswith("/2.mid")]) == 1
    assert "deep/gone.mid" in found  # and reading it will say so


def test_tunes_of_a_book_are_pieces(folder):
    (folder / "book.abc").write_text(ABC)
    (folder / "one.abc").write_text(ABC[: ABC.index("X:2")])
    (folder / "none.abc").write_text("no ABC")
    items = [item for item in listed(folder, NOBODY) if item.path.endswith("abc")]
    assert [item.id for item in items] == ["book.abc#1", "book.abc#2", "none.abc", "one.abc"]
    assert [item.stem for item in items] == ["book#1", "book#2", "none", "one"]


def test_rights_hold_for_a_folder_and_below(folder):
    (folder / "cadenza.toml").write_text('source = "Everybody"\nlicense = "CC0 1.0"\n')
    (folder / "deep" / "cadenza.toml").write_text('license = "CC BY 4.0"\n')
    rights = {item.path: item.rights for item in listed(folder, NOBODY)}
    assert rights["deep/er/z.smf"] == Rights("Everybody", "CC BY 4.0")
    assert rights["b/2.mid"] == Rights("Everybody", "CC0 1.0")


@pytest.mark.parametrize(
    ("text", "says"),
    [("license = CC0", "as TOML"), ("licence = 'CC0'", "says licence"), ("license = 4", "write values as text")],
)
def test_rights_that_make_no_sense(folder, text, says):
    (folder / "cadenza.toml").write_text(text)
    with pytest.raises(FileFormatError, match=says) as caught:
        list(listed(folder, NOBODY))
    assert "\n" not in str(caught.value)


def test_names_that_are_no_text(folder):
    name = os.fsdecode(b"caf\xe9.mid")
    try:
        (folder / name).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes only names that are text")
    (item,) = [item for item in listed(folder, NOBODY) if item.path.startswith("caf")]
    assert Listed.from_line(item.to_line()) == item
    assert item.id == r"caf\xe9.mid"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything can be read by root")
def test_a_folder_that_cannot_be_read_is_said(folder):
    (folder / "b").chmod(0)
    try:
        (item,) = [item for item in listed(folder, NOBODY) if item.error]
    finally:
        (folder / "b").chmod(0o755)
    assert item.path == "b"
    assert "Permission denied" in item.error


def test_the_data_set_itself_is_not_looked_into(folder):
    assert [item.path for item in listed(folder, NOBODY, apart=folder / "b")] == [
        path for path in paths(folder) if not path.startswith("b/")
    ]


def test_a_pipe_does_not_hold_the_listing_up(folder):
    os.mkfifo(folder / "book.abc")
    assert "book.abc" in paths(folder)  # and reading it will say why not
