import pytest

from data import midi


@pytest.fixture
def read(tmp_path):
    """Bytes of a MIDI file -> score and report."""

    def reader(content):
        (tmp_path / "test.mid").write_bytes(content)
        return midi.read_with_report(tmp_path / "test.mid")

    return reader
