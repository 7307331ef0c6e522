"""Corpora inside the music21 package."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from data import corpora
from data.corpora import groups
from data.corpora.chorales import groups as chorale_groups
from data.corpora.corpus import package_folder
from data.split import split_of
from theory.errors import UnknownNameError
from theory.key import Key
from theory.score import Score, Track

NAMES = ("chorales", "airds_airs", "oneills_1850", "ryans_mammoth", "folk", "palestrina", "string_quartets")
SIZES = {"chorales": 365, "airds_airs": 1180, "oneills_1850": 2009, "ryans_mammoth": 1059, "folk": 4248,
         "palestrina": 1318, "string_quartets": 46}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_record_says_what_a_corpus_is(name: str) -> None:
    corpus = corpora.get(name)
    ids = corpus.ids()
    assert all((corpus.title, corpus.source, corpus.licence, corpus.citation))
    assert ids == tuple(sorted(set(ids)))
    assert len(corpus) == SIZES[name]
    assert corpus.read(ids[len(ids) // 2]).notes > 10
    assert split_of(corpus.group(ids[0])) in ("train", "valid", "test")


def test_names_that_do_not_exist() -> None:
    assert corpora.names() == NAMES
    with pytest.raises(UnknownNameError, match="chorales, airds_airs"):
        corpora.load("bach")
    with pytest.raises(UnknownNameError, match=r"bach/bwv66\.6"):
        corpora.read("chorales", "bach/bwv66.66")


def test_the_first_pieces_come_in_the_order_of_their_ids() -> None:
    pieces = corpora.load("chorales")
    first, second = next(pieces), next(pieces)
    assert (first.id, second.id) == corpora.get("chorales").ids()[:2]
    assert isinstance(first.score, Score)


def test_a_chorale() -> None:
    score = corpora.read("chorales", "bach/bwv269")
    quarter = score.ticks_per_quarter
    assert score.title == "BWV 269"
    assert [track.name for track in score.tracks] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert quarter == 480
    assert [str(event.meter) for event in score.meters] == ["1/4", "3/4"]
    assert score.pickup
    assert score.keys[0].key == Key.parse("G major")
    assert len(score.tempos) == 1
    fermatas = [marker.tick // quarter for marker in score.markers if marker.text == "fermata"]
    assert fermatas == [10, 19, 28, 40, 52, 61]
    for track in score.tracks:
        assert track.spelling is not None
        assert np.all(track.onset[1:] >= track.onset[:-1] + track.duration[:-1])


@pytest.mark.parametrize(
    ("number", "meters"),
    [("66.6", "1/4 4/4"), ("261", "1/4 4/4 2/4 4/4"), ("10.7", "4/4"), ("11.6", "3/4"), ("304", "4/4 1/4 3/4")],
)
def test_bars_of_chorales(number: str, meters: str) -> None:
    score = corpora.read("chorales", f"bach/bwv{number}")
    assert " ".join(str(event.meter) for event in score.meters) == meters


@pytest.mark.parametrize(
    ("number", "key"),
    [("66.6", "F# minor"), ("67.4", "F# dorian"), ("33.6", "A minor"), ("244.40", "A major"), ("244.15", "D major"),
     ("62.6", "G minor"), ("121.6", "F# phrygian"), ("11.6", "D major")],
)  # fmt: skip
def test_keys_of_chorales(number: str, key: str) -> None:
    assert corpora.read("chorales", f"bach/bwv{number}").keys[-1].key == Key.parse(key)


def test_one_fermata_a_phrase_though_voices_reach_it_one_after_another() -> None:
    score = corpora.read("chorales", "bach/bwv183.5")
    fermatas = [marker.tick for marker in score.markers if marker.text == "fermata"]
    assert len(fermatas) == 6
    assert min(np.diff(fermatas)) > 2 * score.ticks_per_quarter


def test_every_chorale_of_four_parts_has_a_group() -> None:
    folder = package_folder() / "bach"
    table = chorale_groups()
    for path in sorted(folder.glob("*.mxl")):
        with zipfile.ZipFile(path) as archive:
            parts = sum(archive.read(name).count(b"<score-part ") for name in archive.namelist())
        assert (f"bach/{path.stem}" in table) == (parts == 4), path.name


@pytest.mark.parametrize(
    "family",
    [
        "135.6 153.5 244.15 244.17 244.44 244.54 244.62 248.5 270 271",  # O Haupt voll Blut und Wunden
        "13.6 244.10 244.37 245.11 392 393 394 395 44.7",  # O Welt, ich muss dich lassen
        "227.1 227.11 227.7 358 64.8 81.7 87.7",  # Jesu, meine Freude
        "144.3 69.6-a 99.6",  # Was Gott tut, das ist wohlgetan: one harmonisation, two meters
    ],
)
def test_settings_of_one_tune_are_one_group(family: str) -> None:
    table = chorale_groups()
    assert len({table[f"bach/bwv{number}"] for number in family.split()}) == 1


def test_groups_are_many_and_small() -> None:
    table = chorale_groups()
    sizes = [list(table.values()).count(group) for group in set(table.values())]
    assert len(sizes) > 180
    assert max(sizes) < 15


def test_one_tune_however_it_is_written() -> None:
    rng = np.random.default_rng(7)
    tune = 60 + np.cumsum(rng.choice([-2, -1, 1, 2, 3, -3], 40))
    other = 60 + np.cumsum(rng.choice([-2, -1, 1, 2, 3, -3], 40))
    slow = Track.from_notes([(960 * index, 960, pitch + 5) for index, pitch in enumerate(tune)])
    adorned = Track.from_notes(
        [row for i, p in enumerate(tune) for row in ((480 * i, 240, p - 2), (480 * i + 240, 240, p + 3))]
    )
    plain, foreign = (Track.from_notes([(480 * i, 480, p) for i, p in enumerate(line)]) for line in (tune, other))
    lines = [[groups.melody(Score(tracks=(track,)), 0)] for track in (plain, foreign, slow, adorned)]
    assert groups.groups_of(lines, [None] * 4) == [0, 1, 0, 0]


def test_nothing_is_kept_behind_the_users_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    corpora.read("chorales", "bach/bwv66.6")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
