import errno
import os

import pytest

from theory.atomic_file import atomic_path, atomic_paths
from theory.errors import FileFormatError, OutputError


def fail(path, error):
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"half")
        raise error


def fill_up(path):
    with atomic_path(path) as temporary:
        temporary.symlink_to("/dev/full")
        temporary.write_bytes(b"x")


def test_content_arrives_whole_and_alone(tmp_path):
    with atomic_path(tmp_path / "new" / "deep" / "song.mid") as temporary:
        assert temporary.suffix == ".mid"
        temporary.write_bytes(b"music")
        assert not (tmp_path / "new" / "deep" / "song.mid").exists()
    assert (tmp_path / "new" / "deep" / "song.mid").read_bytes() == b"music"
    assert os.listdir(tmp_path / "new" / "deep") == ["song.mid"]


@pytest.mark.parametrize("error", [ValueError("no"), FileFormatError("no"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    target = tmp_path / "song.mid"
    target.write_bytes(b"old")
    with pytest.raises(type(error)):
        fail(target, error)
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["song.mid"]


def test_a_full_disk_is_one_line(tmp_path):
    with pytest.raises(OutputError, match=r"song\.mid cannot be written: No space left on device$"):
        fail(tmp_path / "song.mid", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this machine")
def test_a_really_full_disk_is_one_line(tmp_path):
    with pytest.raises(OutputError, match="No space left"):
        fill_up(tmp_path / "song.mid")
    assert os.listdir(tmp_path) == []


def test_places_that_cannot_be_files(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    places = {
        tmp_path: "is a folder",
        f"{tmp_path}/none/": "is a folder",
        tmp_path / "file" / "song.mid": "cannot be written",
        tmp_path / ("x" * 300) / "song.mid": "cannot be written: File name too long",
        "": "is no file name",
        "a\0b": "is no file name",
    }
    for place, message in places.items():
        with pytest.raises(OutputError, match=message) as caught, atomic_path(place) as temporary:
            temporary.write_bytes(b"x")
        assert "\n" not in str(caught.value)


def test_a_device_is_not_replaced():
    with pytest.raises(OutputError, match="no ordinary file"), atomic_path(os.devnull):
        raise AssertionError("never reached")
    assert not os.path.isfile(os.devnull)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"), atomic_path(tmp_path / "song.mid") as temporary:
        temporary.write_bytes(b"x")


def test_nothing_written_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="nothing was written"), atomic_path(tmp_path / "song.mid"):
        pass


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.mid").write_bytes(b"old")
    (tmp_path / "link.mid").symlink_to("real.mid")
    with atomic_path(tmp_path / "link.mid") as temporary:
        temporary.write_bytes(b"new")
    assert (tmp_path / "link.mid").is_symlink()
    assert (tmp_path / "real.mid").read_bytes() == b"new"


def test_permissions_are_those_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    with atomic_path(tmp_path / "song.mid") as temporary:
        temporary.write_bytes(b"x")
    assert (tmp_path / "song.mid").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_several_files_are_written_together_or_not_at_all(tmp_path):
    paths = {"a": tmp_path / "song.a", "b": tmp_path / "song.b"}
    paths["a"].write_text("old")

    def write_half(places):
        places["a"].write_text("new")
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"), atomic_paths(paths) as places:
        write_half(places)
    assert [path.name for path in tmp_path.iterdir()] == ["song.a"]
    assert paths["a"].read_text() == "old"
    with atomic_paths(paths) as places:
        for name, place in places.items():
            place.write_text(name)
    assert [paths[name].read_text() for name in "ab"] == ["a", "b"]


def test_a_writer_inside_names_the_place_the_user_named(tmp_path):
    with pytest.raises(OutputError, match=r"song\.mid is a bad place"), atomic_path(tmp_path / "song.mid") as temporary:
        raise OutputError(f"{temporary} is a bad place")
