"""Originality: what pieces share with those that a model learnt from is found, said, and kept away from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import export, scales

import composer
import data
from composer import bundle, originality
from composer.originality import guard, index_for, index_of, runs_of, source
from composer.originality.line import lines_of
from composer.originality.suffixes import Suffixes
from composer.piece import Piece, Recipe
from composer.report import Report
from data import corpora
from data.corpora import Corpus
from data.split import split_of
from theory.errors import FileFormatError, ModelError, OriginalityError, SearchError
from theory.event import MeterEvent, TempoEvent
from theory.meter import Meter
from theory.score import Score, Track

TUNE = (67, 69, 71, 72, 74, 71, 67, 76, 74, 72, 71, 69, 71, 67, 64)
RHYTHM = (480, 240, 240, 480, 480, 720, 240, 480, 480, 160, 160, 160, 480, 480, 960)


def melody(pitches=TUNE, rhythm=RHYTHM, start=0, **fields):
    onsets = start + np.cumsum([0, *rhythm[:-1]])
    return Track.from_notes(zip(onsets.tolist(), rhythm, pitches, strict=True), **fields)


def noise(seed, notes=60, **fields):
    """A line that shares no long run with any other."""
    dice = np.random.default_rng(seed)
    return melody(dice.integers(50, 80, notes).tolist(), (20 * dice.integers(1, 25, notes)).tolist(), **fields)


def score(*tracks, **fields):
    return Score(tracks, **fields)


# The suffix array


def longest_by_hand(text, symbols):
    found = []
    for first in range(len(symbols)):
        best = 0
        for place in range(len(text)):
            run = 0
            while (
                first + run < len(symbols)
                and place + run < len(text)
                and symbols[first + run] == text[place + run] != 0
            ):
                run += 1
            best = max(best, run)
        found.append(best)
    return found


small = st.lists(st.integers(0, 5), max_size=60)


@given(small, small, st.sampled_from([1, 10**9]), st.booleans())
def test_the_longest_runs_are_those_that_patience_finds(text, symbols, factor, quoted):
    if quoted:
        symbols = symbols + text[3:] + [7] + text
    text, symbols = np.array(text, np.int64) * factor, np.array(symbols, np.int64) * factor
    match = Suffixes(text).longest(symbols)
    assert match.length.tolist() == longest_by_hand(text.tolist(), symbols.tolist())
    for first, (length, place) in enumerate(zip(*match, strict=True)):
        assert text[place : place + length].tolist() == symbols[first : first + length].tolist()


def test_runs_much_longer_than_a_word_are_found_among_nearly_alike_ones():
    dice = np.random.default_rng(0)
    phrase = dice.integers(1, 4, 500)
    texts = []
    for changed in range(0, 500, 25):
        one = phrase.copy()
        one[changed] = 9
        texts += [*one, 0]
    match = Suffixes(np.array(texts)).longest(phrase)
    assert int(match.length.max()) == 499
    assert match.length[:3].tolist() == [475, 499, 498]


# Lines


def test_a_line_is_the_highest_of_what_begins_together_and_no_drum():
    chords = Track.from_notes([(0, 480, 60), (0, 480, 67), (481, 480, 62), (479, 480, 65), (960, 480, 64)])
    (line,) = lines_of(score(chords, Track.from_notes([(0, 10, 36), (480, 10, 38)], is_drum=True), Track.empty()))
    assert line.pitch.tolist() == [67, 65, 64]
    assert line.wait.tolist() == [24, 24, 0]
    assert line.part == "part 1"


def test_bars_are_counted_as_musicians_do():
    meters = (MeterEvent(0, Meter(1, 4)), MeterEvent(480, Meter(3, 4)))
    (line,) = lines_of(score(melody((60, 62, 64, 65), (480, 1440, 480, 480), name="Tune"), meters=meters))
    assert (line.part, line.bar.tolist()) == ("Tune", [0, 1, 2, 2])
    (line,) = lines_of(score(melody((60, 62), (1920, 480))))
    assert line.bar.tolist() == [1, 2]


def test_tempo_resolution_loudness_and_detached_playing_do_not_matter():
    tune = score(melody())
    index = index_of([("tune", tune)])
    notes = [(round(note.onset / 5), 10, note.pitch, 33) for note in tune.tracks[0]]
    played = Score((Track.from_notes(notes),), ticks_per_quarter=96, tempos=(TempoEvent.from_bpm(0, 200),))
    assert index.shared(played).notes == (15, 15)


# The index


@pytest.fixture(scope="module")
def learnt():
    """Three pieces; the second has the tune from its bar 3 on, in its lower part."""
    lower = noise(5, name="Bass")
    lower = Track.from_notes([*melody(start=4 * 960), *(note._replace(onset=note.onset + 20000) for note in lower)])
    second = score(noise(2, name="Soprano"), lower.replace(name="Bass"), title="The Tune")
    return index_of([("first", score(noise(1))), ("book/second", second), ("third", score(noise(3), noise(4)))])


def test_a_quotation_is_named_and_placed_in_both(learnt):
    quoting = score(noise(7), melody(TUNE[:9], RHYTHM[:9], start=1920, name="Alto"))
    run = learnt.shared(quoting).exact
    assert (run.notes, run.piece, run.title) == (9, "book/second", "The Tune")
    assert (run.here, run.there) == (("Alto", 2, 3), ("Bass", 3, 4))
    assert str(run) == '9 notes (alto, bars 2 to 3) with book/second "The Tune" (bass, bars 3 to 4)'


def test_a_title_that_says_no_more_than_the_id_is_left_out():
    index = index_of([("bach/bwv66.6", score(melody(), title="BWV 66.6"))])
    assert str(index.shared(score(melody(TUNE[:2], (480, 480)))).exact) == (
        "2 notes (part 1, bar 1) with bach/bwv66.6 (part 1, bar 1)"
    )


def test_transposed_is_found_and_told_from_exact(learnt):
    exact, transposed = learnt.shared(score(melody([pitch + 5 for pitch in TUNE])))
    assert transposed.notes == 15
    assert transposed.piece == "book/second"
    assert exact is None or exact.notes < 6


def test_another_rhythm_or_a_changed_note_ends_a_run(learnt):
    dotted = list(RHYTHM)
    dotted[7] = 360
    assert learnt.shared(score(melody(TUNE, dotted))).notes == (8, 8)
    altered = list(TUNE)
    altered[4] += 1
    assert learnt.shared(score(melody(altered))).notes == (10, 10)


def test_a_run_does_not_go_on_from_one_part_or_piece_to_the_next():
    index = index_of([("a", score(melody(TUNE[:8], RHYTHM[:8]))), ("b", score(melody(TUNE[8:], RHYTHM[8:])))])
    assert index.shared(score(melody())).notes == (8, 8)
    together = index_of([("a", score(melody()))])
    apart = score(melody(TUNE[:8], RHYTHM[:8]), melody(TUNE[8:], RHYTHM[8:]))
    assert together.shared(apart).notes == (8, 8)


def test_what_has_no_two_notes_in_a_row_shares_nothing(learnt):
    nothing = [score(), score(Track.from_notes([(0, 480, 60)])), score(Track.from_notes([(0, 9, 60), (0, 9, 64)]))]
    for one in nothing:
        assert learnt.shared(one) == (None, None)
    for pieces in ([], [("empty", score())]):
        assert index_of(pieces).shared(score(melody())) == (None, None)
    assert learnt.shared(score(melody((1, 127), (480, 481)))).notes == (0, 0)


def test_many_pieces_are_summed_up(learnt):
    runs = runs_of(learnt, [score(melody()), score(noise(1)), score()])
    assert runs.exact.tolist() == [15, 60, 0]
    assert runs.notes.tolist() == [15, 60, 0]
    assert runs.share_above(15) == pytest.approx(1 / 3)
    assert runs.summary()["transposed"] == {"mean": 25.0, "50 %": 15, "75 %": 60, "90 %": 60, "95 %": 60, "100 %": 60}
    assert runs_of(learnt, []).summary()["exact"]["mean"] is None


def test_it_is_written_and_read_back(learnt, tmp_path):
    path = tmp_path / "deep" / "index.safetensors"
    originality.save(learnt, path)
    again = originality.load(path)
    for one in (score(melody(name="Tune")), score(noise(3)), score(noise(8))):
        assert again.shared(one) == learnt.shared(one)
    originality.save(again, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    originality.save(index_of([]), path)
    assert originality.load(path).shared(score(melody())) == (None, None)


def test_damage_is_one_line(learnt, tmp_path):
    from composer import checkpoint

    path = tmp_path / "index.safetensors"
    originality.save(learnt, path)
    blob = path.read_bytes()
    arrays, meta = checkpoint.load(path)
    changes = [
        ({}, {"originality": 99}), ({}, {"pieces": [["only", ""]]}), ({}, {"pieces": 3}), ({}, {"parts": []}),
        ({"start": arrays["start"] + 1}, {}), ({"wait": arrays["wait"][:-1]}, {}), ({"part": arrays["part"][1:]}, {}),
        ({"pitch": arrays["pitch"].astype(np.int64)}, {}), ({"piece": arrays["piece"] - 1}, {}),
    ]  # fmt: skip
    for columns, said in changes:
        checkpoint.save(path, {**arrays, **columns}, {**meta, **said})
        with pytest.raises(ModelError, match="no index of training pieces"):
            originality.load(path)
    for content in (blob[:-5], b"", b"{}"):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"index\.safetensors"):
            originality.load(path)
    with pytest.raises(ModelError):
        originality.load(tmp_path / "none.safetensors")


# Where an index comes from


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


# Pieces of one's own

REQUEST = {"bars": 3, "density": "4:8"}
OPTIONS = ("--bars", 3, "--density", "4:8")


@pytest.fixture(scope="module")
def copyist(tmp_path_factory, tiny_model):
    """A model that learnt the very pieces it writes of seeds 0 and 2."""
    folder = Path(shutil.copytree(tiny_model, tmp_path_factory.mktemp("models") / "copyist"))
    pieces = [composer.compose(model=tiny_model, seed=seed, **REQUEST).score for seed in (0, 2)]
    index = index_of([(f"mine/{number}", piece.replace(title="")) for number, piece in enumerate(pieces)])
    originality.save(index, folder / originality.INDEX)
    return str(folder)


def test_a_copy_is_drawn_again(copyist):
    before = composer.compose(model=copyist, **REQUEST, seed=0)
    piece = composer.compose(model=copyist, **REQUEST, seed=0, original=8)
    assert before.report.originality is None
    assert "originality" not in before.report.to_dict()
    assert piece.score != before.score
    assert piece.recipe.request["seed"] == 0
    assert piece.recipe.request["original"] == 8
    first, *_ = piece.report.notices
    assert first.startswith("shares ")
    assert "with mine/0 (" in first
    assert first.endswith(": drawn again")
    assert piece.report.originality.most == 8
    assert piece.report.originality.transposed.notes <= 8
    assert index_for(Path(copyist)).shared(piece.score) == (
        piece.report.originality.exact,
        piece.report.originality.transposed,
    )


def test_the_same_request_is_the_same_piece_and_its_recipe_comes_back(copyist):
    piece, again = (composer.compose(model=copyist, **REQUEST, seed=2, original=8) for _ in range(2))
    assert piece.recipe.to_json() == again.recipe.to_json()
    read = Recipe.from_json(piece.recipe.to_json())
    assert (read.report.originality, read.report.notices) == (piece.report.originality, piece.report.notices)
    assert read.to_json() == piece.recipe.to_json()
    assert Piece.from_recipe(read).score == piece.score


@pytest.mark.parametrize(
    "damage",
    [
        {"most": "8"}, {"exact": 3}, {"transposed": {}}, {"transposed": {"notes": "7"}},
        {"exact": {"here": {"part": 1, "bar": 1, "last_bar": 1}}}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_report_with_another_kind_of_originality_is_none(copyist, damage):
    values = json.loads(json.dumps(composer.compose(model=copyist, **REQUEST, original=99).report.to_dict()))
    told = values["originality"]
    for name, change in damage.items():
        told[name] = {**told[name], **change} if isinstance(change, dict) and change else change
    with pytest.raises((TypeError, KeyError)):
        Report.from_dict(values)


def test_one_that_is_original_is_the_piece_of_its_seed(copyist):
    plain, own = (composer.compose(model=copyist, **REQUEST, seed=1, **more) for more in ({}, {"original": 40}))
    assert own.score == plain.score
    assert own.report.notices == plain.report.notices


def test_among_others_a_piece_is_the_same(copyist):
    request = {"model": copyist, **REQUEST, "original": 6}
    many = composer.compose_many(count=6, **request)
    spread = composer.compose_many(count=6, workers=2, **request)
    apart = []
    for seed in range(6):
        try:
            apart.append(composer.compose(seed=seed, **request))
        except SearchError as error:
            apart.append(error)
    texts = [
        [one.recipe.to_json() if isinstance(one, Piece) else str(one) for one in found]
        for found in (many, spread, apart)
    ]
    assert texts[0] == texts[1] == texts[2]
    assert any("drawn again" in text for text in texts[0])


@pytest.fixture(scope="module")
def parrot(tmp_path_factory, tiny_model):
    """A model that learnt what it writes at temperature 0, of whatever seed."""
    folder = Path(shutil.copytree(tiny_model, tmp_path_factory.mktemp("models") / "parrot"))
    piece = composer.compose(model=tiny_model, temperature=0, **REQUEST).score
    originality.save(index_of([("mine", piece)]), folder / originality.INDEX)
    return str(folder)


def test_it_gives_up_with_one_line(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "TRIES", 3)
    drawn = [composer.compose(model=tiny_model, seed=guard.derived(0, at), **REQUEST).score for at in range(3)]
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    originality.save(index_of(("mine", each) for each in drawn), folder / originality.INDEX)
    with pytest.raises(OriginalityError, match=r"each of 3 pieces shares more than 5 notes .* with mine ") as caught:
        composer.compose(model=str(folder), original=5, **REQUEST)
    assert "\n" not in str(caught.value)


def test_what_comes_out_the_same_is_not_drawn_for_ever(parrot):
    request = {"model": parrot, "temperature": 0, "original": 5, **REQUEST}
    with pytest.raises(OriginalityError, match=r"drawn again it is the same; .* a --temperature above 0") as caught:
        composer.compose(**request)
    assert caught.value.exit_code == 44
    assert "\n" not in str(caught.value)
    found = composer.compose_many(count=2, **request)
    assert [type(one) for one in found] == [OriginalityError] * 2
    assert str(found[0]) == str(caught.value)


def test_seeds_of_attempts_are_no_neighbours():
    seeds = {guard.derived(seed, attempt) for seed in range(50) for attempt in range(guard.TRIES)}
    assert len(seeds) == 50 * guard.TRIES
    assert guard.derived(7, 0) == 7
    assert all(0 <= seed < 2**64 for seed in seeds)
    assert guard.derived(7, 1) == 2174948161648732372  # for ever: a seed stays its piece


def test_given_notes_are_nobodys_copy(tmp_path, tiny_model):
    """A locked tune and a primer that the model learnt: only what is composed counts."""
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    primer = scales(1, bars=4)
    originality.save(index_of([("mine", primer)]), folder / originality.INDEX)
    data.write(primer.replace(tracks=primer.tracks[:1]), tmp_path / "tune.mid")
    request = {"model": str(folder), "original": 8, "density": "4:6"}
    locked = composer.compose(bars=4, locks=f"soprano={tmp_path / 'tune.mid'}", **request)
    continued = composer.continue_piece(primer, bars=2, **request)
    for piece in (locked, continued):
        assert index_for(folder).shared(piece.score).exact.notes == 16
        assert not piece.report.originality.is_copy
    again = index_of([("again", continued.score)])
    originality.save(again, folder / originality.INDEX)
    run = composer.continue_piece(primer, bars=2, **(request | {"original": 99})).report.originality.exact
    assert (run.notes > 5, run.here.bar >= 5) == (True, True)
    other = composer.continue_piece(primer, bars=2, **(request | {"original": 5}))
    assert other.report.notices[0].startswith("shares ")
    assert other.score != continued.score


# The command line


def test_the_command_says_what_a_piece_shares(cadenza, copyist, tmp_path):
    command = ("compose", "--model", copyist, *OPTIONS, "--original", 8)
    said = cadenza(*command, "--out", tmp_path / "a", "--formats", "mid,json")
    assert said.code == 0
    assert said.err.startswith("cadenza: shares ")
    assert ": drawn again\n" in said.err
    assert "longest run shared with what the model learnt from: " in said.out
    kept = json.loads((tmp_path / "a.json").read_text())
    assert kept["request"]["original"] == 8
    assert kept["report"]["originality"]["transposed"]["notes"] <= 8
    assert cadenza("replay", tmp_path / "a.json", "--formats", "mid,json", "--out", tmp_path / "b").code == 0
    for suffix in ("mid", "json"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    answer = json.loads(cadenza(*command, "--out", tmp_path / "c.mid", "--json").out)
    assert answer["originality"] == kept["report"]["originality"]


def test_several_pieces(cadenza, copyist, tmp_path):
    said = cadenza("compose", "--model", copyist, *OPTIONS, "--count", 3, "--out", tmp_path / "m.mid", "--original", 8)
    assert (said.code, "3 of 3 pieces" in said.out, ", shares " in said.out) == (0, True, True)
    assert "cadenza: seed 0: shares " in said.err


def test_nothing_is_written_where_all_are_copies(cadenza, parrot, tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "TRIES", 2)
    command = ("compose", "--model", parrot, *OPTIONS, "--temperature", 0, "--original", 5, "--out", tmp_path / "a.mid")
    said = cadenza(*command)
    assert (said.code, said.out, said.err.count("\n")) == (44, "", 1)
    said = cadenza(*command, "--count", 2)
    assert (said.code, said.err.count("\n")) == (44, 2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "code", "line"),
    [("1", 2, "original 1: must be 2 notes or more"), ("-3", 2, "original -3"), ("x", 2, "'x' is no whole number")],
)
def test_numbers_that_make_no_sense(cadenza, copyist, tmp_path, value, code, line):
    said = cadenza("compose", "--model", copyist, "--original", value, "--out", tmp_path / "a.mid")
    assert said.code == code
    assert line in said.err


def test_a_model_that_does_not_say_what_it_learnt_from(cadenza, tiny_model, tmp_path):
    said = cadenza("compose", "--model", tiny_model, "--bars", 2, "--original", 9, "--out", tmp_path / "a.mid")
    assert said.code == 41
    assert "does not say what it was trained on" in said.err
    assert list(tmp_path.iterdir()) == []
