"""Where an index comes from: beside the model, from corpora, from the cache."""

from __future__ import annotations

import json

import pytest
from melodies import melody, noise, score
from tiny_models import export

from composer import bundle, originality
from composer.originality import index_for, index_of, source
from data import corpora
from data.corpora import Corpus
from data.split import split_of
from theory.errors import FileFormatError, ModelError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The user's cache folder, and a process that has read nothing."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(source, "_made", {})
    return tmp_path / "cache" / "cadenza"


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """A corpus of 30 lines; `.reads` says which were read."""
    ids = tuple(f"made/{number:02d}" for number in range(30))
    file = tmp_path / "corpus.txt"
    file.write_text("as it is")
    reads = []

    def read(id_):
        reads.append(id_)
        if id_ == ids[3]:
            raise FileFormatError("damaged")
        return score(noise(ids.index(id_)), title=f"Tune {id_}")

    made = Corpus("made", "", "", "", "", lambda: ids, read, lambda id_: id_, lambda id_: file)
    monkeypatch.setitem(corpora._CORPORA, "made", made)
    made_of = {"ids": ids, "reads": reads, "file": file}
    assert split_of(ids[3]) == "train"
    return made_of


def test_a_corpus_is_read_once_and_only_its_training_side(corpus, cache, monkeypatch):
    seen = []
    index = source.index_of_corpora(["made"], lambda done, total: seen.append((done, total)))
    train = [id_ for id_ in corpus["ids"] if split_of(id_) == "train"]
    assert corpus["reads"] == train
    assert [id_ for id_, _ in index.pieces] == [id_ for id_ in train if id_ != "made/03"]
    assert seen == [(number, len(train)) for number in range(1, len(train) + 1)]
    assert index.shared(score(noise(int(train[-1][-2:])))).exact.title == f"Tune {train[-1]}"
    source.index_of_corpora(["made"])
    monkeypatch.setattr(source, "_made", {})
    again = source.index_of_corpora(["made"])
    assert corpus["reads"] == train
    assert again.pieces == index.pieces
    assert len(list(cache.iterdir())) == 1


def test_a_changed_corpus_is_read_again(corpus, cache, monkeypatch):
    source.index_of_corpora(["made"])
    count = len(corpus["reads"])
    corpus["file"].write_text("as it was never before")
    monkeypatch.setattr(source, "_made", {})
    source.index_of_corpora(["made"])
    assert len(corpus["reads"]) == 2 * count


def test_a_damaged_cache_is_made_anew(corpus, cache, monkeypatch):
    source.index_of_corpora(["made"])
    (file,) = cache.iterdir()
    good = file.read_bytes()
    for content in (good[:-9], b"", b"x" * 99):
        file.write_bytes(content)
        monkeypatch.setattr(source, "_made", {})
        source.index_of_corpora(["made"])
        assert file.read_bytes() == good


def test_a_cache_that_cannot_be_written_is_no_error(corpus, cache):
    cache.parent.write_text("a file stands in the way")
    index = source.index_of_corpora(["made"])
    assert source.index_of_corpora(["made"]) is index


@pytest.mark.parametrize("told", ["", "relative/place"])
def test_without_a_folder_of_its_own_the_cache_is_under_home(corpus, cache, tmp_path, monkeypatch, told):
    monkeypatch.setenv("XDG_CACHE_HOME", told)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    source.index_of_corpora(["made"])
    assert len(list((tmp_path / "home" / ".cache" / "cadenza").iterdir())) == 1


def test_models_say_what_they_learnt_from(tmp_path, corpus, cache):
    folder = export(tmp_path / "model")
    assert originality.trained_on(folder) == ()
    with pytest.raises(ModelError, match="does not say what it was trained on"):
        index_for(folder)
    config = json.loads((folder / bundle.CONFIG).read_text())
    (folder / bundle.CONFIG).write_text(json.dumps({**config, bundle.TRAINED_ON: ["made"]}))
    assert bundle.load(folder)
    assert originality.trained_on(folder) == ("made",)
    assert "made/01" in dict(index_for(folder).pieces)
    for wrong in (["no such corpus"], "made", [3]):
        (folder / bundle.CONFIG).write_text(json.dumps({**config, bundle.TRAINED_ON: wrong}))
        with pytest.raises(ModelError, match="no list of corpora"):
            index_for(folder)


def test_an_index_beside_the_model_and_its_corpora_are_one(tmp_path, corpus, cache):
    """Of a model that went on from another, on music of the user's own."""
    folder = export(tmp_path / "model")
    config = json.loads((folder / bundle.CONFIG).read_text())
    (folder / bundle.CONFIG).write_text(json.dumps({**config, bundle.TRAINED_ON: ["made"]}))
    corpora = index_for(folder)
    own = index_of([("mine", score(melody())), ("mine too", score(noise(2)))])
    originality.save(own, folder / originality.INDEX)
    both = index_for(folder)
    assert both.pieces == own.pieces + corpora.pieces
    for one in (own, corpora):
        for line, start in enumerate(one.start):
            at = both.start[line + (len(own.start) if one is corpora else 0)]
            assert both.pitch[at] == one.pitch[start]
    assert both.shared(score(melody())).exact.piece == "mine"


def test_an_index_beside_the_model_is_read_again_when_it_changes(tmp_path, corpus, cache):
    folder = export(tmp_path / "model")
    for id_ in ("mine", "mine too"):
        originality.save(index_of([(id_, score(melody()))]), folder / originality.INDEX)
        assert index_for(folder).pieces == ((id_, ""),)
    assert corpus["reads"] == []


def test_models_that_ship_say_what_they_learnt_from():
    for name in bundle.names():
        assert originality.trained_on(bundle.PRETRAINED / name)
