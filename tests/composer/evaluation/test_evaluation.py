"""The whole run: all writers asked for the same, every figure beside real music, the same bytes for the same seed."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pytest
from tunes import BARS, tune

import data
from composer.evaluation import REAL, Settings, Split, evaluate, jobs, report, steered
from composer.evaluation.composing import wanted
from composer.evaluation.estimates import mean, ratio
from composer.evaluation.page import page
from composer.evaluation.rows import faults_of, originality, plain
from composer.evaluation.split import Excerpt, held_out
from composer.originality import index_of
from composer.style import FOLK
from theory.errors import InputFileError, RequestError, UnknownNameError
from theory.score import Score

FEW = {"range": {"ranges": "melody=C4:G5"}, "density": {"density": "2:6"}}


@pytest.fixture(scope="module")
def settings(models, music):
    return Settings((models["lstm"], f"{models['vae']}@0.9", models["gan"]), str(music.folder), count=9, seed=3)


@pytest.fixture(scope="module")
def found(settings, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steered, "asks", lambda style: FEW)
        patch.setattr(steered, "PIECES", 2)
        return evaluate(settings, tmp_path_factory.mktemp("kept"))


def row(found, name):
    return next(one for one in found.rows if one.name.endswith(name))


# What is asked


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("folk", ("folk", "test")), ("folk:test", ("folk", "test")), ("folk:valid", ("folk", "valid")),
        ("a:b/c", ("a:b/c", "test")), ("", ("", "test")),
    ],
)  # fmt: skip
def test_a_split_is_named(text, split):
    assert Split.parse(text) == split


def test_the_training_side_is_refused():
    with pytest.raises(RequestError, match="choose folk:test or folk:valid"):
        Split.parse("folk:train")


def test_a_side_that_is_none_is_refused():
    with pytest.raises(RequestError, match="folk:tset: tset is no side; write folk:test or folk:valid"):
        Split.parse("folk:tset")


def test_requests_follow_the_real_pieces():
    keys = ("G major", "D major", "D major", "A minor")
    excerpts = [Excerpt(key, tune(0), {"key": key, "meter": "4/4", "tempo": 120, "bars": 4}) for key in keys]
    asked = wanted(excerpts, 10, 5)
    assert asked == wanted(excerpts, 10, 5)
    assert len({one.seed for one in asked}) == 10
    assert {one.seed for one in asked}.isdisjoint(one.seed for one in wanted(excerpts, 10, 6))
    uses = Counter(one.excerpt for one in asked)
    assert set(uses.values()) == {2, 3}
    assert all(one.request == excerpts[one.excerpt].request for one in asked)
    alike = [one.request["key"] for one in asked]
    assert alike == sorted(alike), "pieces of one request are drawn side by side"


def test_real_pieces_are_cut_to_whole_bars(music, tmp_path):
    held = held_out(Split.parse(f"{music.folder}:valid"), FOLK, 2, tmp_path)
    assert [one.id for one in held.excerpts] == sorted(music.names["valid"])
    assert all(one.score.bars == 2 and one.request["bars"] == 2 for one in held.excerpts)
    assert {piece for piece, _ in held.learnt.pieces} == set(music.names["train"])
    assert held_out(held.split, FOLK, None, tmp_path).bars == BARS, "16, or what most of them have"


def test_too_few_real_pieces(music, tmp_path):
    with pytest.raises(RequestError, match=r"0 of 17 have 16 bars .*; 16 are needed: choose fewer --bars"):
        held_out(Split.parse(str(music.folder)), FOLK, 16, tmp_path)


def test_too_few_pieces_to_have_fewer_bars_of(tmp_path):
    for number in range(40):
        data.write(tune(number), tmp_path / "tunes" / f"{number}.mid")
    with pytest.raises(RequestError, match=r"16 are needed: choose another data set or side"):
        held_out(Split.parse(str(tmp_path / "tunes")), FOLK, 2, tmp_path / "kept")


def test_a_folder_that_changed_is_read_again(music, tmp_path):
    folder = tmp_path / "tunes"
    shutil.copytree(music.folder, folder)
    split, keep = Split.parse(str(folder)), tmp_path / "kept"
    first = held_out(split, FOLK, 2, keep)
    (folder / music.names["test"][0]).unlink()
    assert len(held_out(split, FOLK, 2, keep).excerpts) == len(first.excerpts) - 1


# What comes out


def test_every_writer_was_asked_for_the_same(found):
    assert [one.architecture for one in found.rows] == ["lstm", "vae", "gan", "5-gram", "real"]
    requests = [[made.wanted for made in each] for each in found.made.values()]
    assert all(one == requests[0] for one in requests)
    for each in found.made.values():
        for made in each:
            if made.piece:
                assert str(made.piece.score.keys[0].key) == made.wanted.request["key"]
                assert made.piece.score.bars == BARS
    chosen = {made.piece.recipe.request["temperature"] for made in found.made[row(found, "vae@0.9").name] if made.piece}
    assert chosen == {0.9}


def test_each_has_the_figures_that_it_can_have(found):
    lstm, vae, gan, ngrams, real = found.rows
    assert lstm.nats_per_note
    assert ngrams.nats_per_note
    assert vae.nats_per_note
    assert vae.latent_nats_per_note
    assert vae.nats_per_note.value > vae.latent_nats_per_note.value > 0
    assert gan.nats_per_note is None
    assert real.nats_per_note is None
    assert [one.bars for one in vae.reconstruction] == [2, BARS]
    assert lstm.reconstruction == gan.reconstruction == ()
    assert all(one.kept == one.asked > 0 for one in lstm.steered)
    assert real.share.value == 1
    assert real.originality
    assert real.originality.holds
    assert gan.originality is None
    assert any("gan: originality is not known: model" in line for line in found.notices)
    for one in (lstm, vae, ngrams):
        assert one.originality
        assert one.originality.real_exact == real.originality.exact


def test_what_did_not_earn_its_place_is_marked(found):
    assert [row.heading for row in found.rows] == [
        "lstm", "vae@0.9", "gan (experimental)", "5-gram", "real held-out",
    ]  # fmt: skip
    assert [row["is_experimental"] for row in found.to_dict()["rows"]] == [False, False, True, False, False]


def test_figures_are_json_and_say_what_is_not_known(found):
    text = json.dumps(found.to_dict(), allow_nan=False)
    figures = json.loads(text)
    assert figures["against"]["used"] == 17
    assert figures["against"]["bars"] == BARS
    assert figures["rows"][2]["nats_per_note"] is None
    assert any("17 of 17 pieces are used" in line for line in figures["notices"])


class Outline(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], Counter(), ""

    def handle_starttag(self, tag, attributes):
        self.tags[tag] += 1
        if tag not in ("meta", "circle", "line", "polyline", "input", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_is_whole_and_needs_nothing_beside_it(found):
    text = page(found, [])
    outline = Outline()
    outline.feed(text)
    assert outline.open == []
    assert outline.tags["svg"] == 4
    assert outline.tags["link"] == outline.tags["img"] == 0
    assert "src='http" not in text
    for one in found.rows:
        assert one.name in outline.text
    assert "nan" not in outline.text.split()


def test_names_are_escaped(found):
    from dataclasses import replace

    odd = replace(found, rows=tuple(replace(one, name=f"<b>&{one.name}") for one in found.rows), made={})
    text = page(odd, [])
    assert "<b>&" not in text.replace("&lt;b&gt;&amp;", "")


def test_the_same_settings_give_the_same_bytes_and_take_what_was_kept(settings, found, tmp_path, monkeypatch):
    monkeypatch.setattr(steered, "asks", lambda style: FEW)
    monkeypatch.setattr(steered, "PIECES", 2)
    again = evaluate(settings, tmp_path)
    assert again.to_dict() == found.to_dict()
    assert page(again, []) == page(found, [])
    monkeypatch.setattr(jobs, "_run", lambda job: pytest.fail("it was kept"))
    assert evaluate(settings, tmp_path).to_dict() == found.to_dict()


def test_examples_are_of_one_request_each(found):
    places = report.chosen(found, 3)
    sources = [found.made[found.rows[0].name][place].wanted.excerpt for place in places]
    assert len(set(sources)) == len(places) == 3
    scores = report.of_request(found, places[0])
    assert set(scores) == {one.name for one in found.rows}
    assert scores[REAL] == found.held_out.excerpts[sources[0]].score


# What is refused


def test_models_of_other_styles_are_not_compared(models, music, tmp_path, tiny_model):
    with pytest.raises(RequestError, match=r"writes style chorale, .* folk: compare like with like"):
        evaluate(Settings((models["lstm"], tiny_model), str(music.folder)), tmp_path)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"models": ()}, "name a model"), ({"models": ("a", "b", "a")}, "a is named twice"),
        ({"count": 1}, "count 1: must be 8 to 10000"), ({"bars": 1}, "bars 1: must be 2 to 256"),
        ({"seed": -1}, "seed -1"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense(fields, says):
    with pytest.raises(RequestError, match=says):
        Settings(**{"models": ("chorale-lstm",), "against": "chorales", **fields}).check()


@pytest.mark.parametrize(
    ("model", "against", "error"),
    [
        ("folk-tcn", "{music}", UnknownNameError), ("{lstm}@11", "{music}", RequestError),
        ("{lstm}", "no such folder", InputFileError), ("{lstm}", "", InputFileError),
    ],
)  # fmt: skip
def test_what_does_not_exist(models, music, tmp_path, model, against, error):
    model, against = (text.format(music=music.folder, lstm=models["lstm"]) for text in (model, against))
    with pytest.raises(error):
        evaluate(Settings((model,), against), tmp_path / "kept")


# Work that is kept


class Counted:
    size = 1

    def __init__(self, number, stop=False):
        self.number, self.stop = number, stop

    def key(self):
        return self.number

    def run(self):
        if self.stop:
            raise KeyboardInterrupt
        Counted.done.append(self.number)
        return [self.number, {"half": self.number / 2}]


def test_what_was_broken_off_goes_on(tmp_path):
    Counted.done = []
    seen = []
    with pytest.raises(KeyboardInterrupt):
        jobs.done([Counted(0), Counted(1), Counted(2, stop=True), Counted(3)], tmp_path)
    results = jobs.done(
        [Counted(n) for n in range(4)], tmp_path, progress=lambda done, total: seen.append((done, total))
    )
    assert Counted.done == [0, 1, 2, 3]
    assert results == [[n, {"half": n / 2}] for n in range(4)]
    assert seen == [(2, 4), (3, 4), (4, 4)]


def test_a_damaged_result_is_made_anew(tmp_path):
    Counted.done = []
    jobs.done([Counted(0)], tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_text("[1, 2", encoding="ascii")
    assert jobs.done([Counted(0)], tmp_path) == [[0, {"half": 0}]]
    assert Counted.done == [0, 0]


# Figures


def test_a_ratio_weighs_pieces_by_what_they_have():
    found = ratio([10, 0, 20], [10, 10, 10])
    assert found
    assert (found.value, found.pieces) == (1, 3)
    assert found.low < 1 < found.high
    assert ratio([], []) is None
    one = ratio([3], [2])
    assert one
    assert np.isnan(one.low)
    assert mean([1, 2, 3]).value == 2


def test_a_copy_is_named():
    learnt = [("first", tune(1)), ("second", tune(2))]
    found = originality(index_of(learnt), [tune(50), tune(2)], [tune(60), tune(61)], 0)
    assert found.longest[0].number == 2
    assert found.longest[0].notes == tune(2).notes
    assert "with second" in found.longest[0].text
    assert not found.holds
    assert found.runs[1] == found.percentiles["100 %"] == tune(2).notes


def test_four_part_faults_are_counted_for_four_parts_only():
    from tiny_models import scales

    found = faults_of([scales(seed) for seed in range(4)], 0)
    assert found["parallel_fifths"].value > 0
    assert faults_of([tune(1)], 0) == {}
    assert faults_of([Score(())], 0) == {}


def test_plain_figures():
    assert plain({"a": float("nan"), "b": 1 / 3, "c": (1, "x")}) == {"a": None, "b": 0.333333, "c": [1, "x"]}
