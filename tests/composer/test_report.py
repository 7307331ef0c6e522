"""The report: every rule, how far it holds and what it cost; and the rules of four-part writing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import composer
from composer.report import Fault, Kept, Report
from theory.voice_leading import BACH_RATES, rates, violations

REQUEST = {
    "key": "D minor", "chords": "Dm | Gm | A7 | Dm", "cadences": "4=perfect", "scale": "key",
    "ranges": ("soprano=C4:G5", "bass=E2:D4"), "leaps": "9", "density": "bass=1:4", "rules": "no-parallels",
}  # fmt: skip


@pytest.fixture(scope="module")
def steered(tiny_model):
    return composer.compose(model=tiny_model, bars=4, **REQUEST)


@pytest.fixture(scope="module")
def report(steered):
    return steered.report


def test_every_rule_is_in_it_and_holds(report):
    assert [row.rule for row in report.rules] == [
        "range Alto E3 to E5", "range Tenor Bb2 to Bb4", "range Soprano C4 to G5", "range Bass E2 to D4",
        "chords Dm Gm A7 Dm", "perfect cadence in bar 4", "scale D minor", "leaps up to 9", "1 to 4 notes a bar (Bass)",
        "no parallel fifths or octaves", "chords with their thirds", "notes on the grid of 16ths",
    ]  # fmt: skip
    assert all(row.kept == row.asked for row in report.rules)
    asked = {row.rule: row.asked for row in report.rules}
    assert asked["perfect cadence in bar 4"] == 1
    assert asked["1 to 4 notes a bar (Bass)"] == 4
    assert asked["chords Dm Gm A7 Dm"] >= 8


def test_what_it_counts(steered, report):
    score = steered.score
    assert (report.bars, report.notes, report.new_notes) == (4, score.notes, score.notes)
    ranges = [row for row in report.rules if row.rule.startswith("range")]
    assert sum(row.asked for row in ranges) == score.notes
    assert sum(row.asked for row in report.rules if row.rule == "scale D minor") == score.notes


def test_prices_are_what_a_rule_takes_away(report):
    """No rule alone costs more than all together, and all together cost no more than the piece is unlikely."""
    assert all(row.price_per_note >= 0 for row in report.rules)
    dearest = max(report.rules, key=lambda row: row.price_per_note)
    assert 0 < dearest.price_per_note <= report.price_per_note + 1e-9
    assert report.price_per_note <= report.nats_per_note + 1e-9


def test_a_rule_that_forbids_nothing_costs_nothing_and_a_narrow_one_something(tiny_model):
    request = {"model": tiny_model, "bars": 2, "ending": "open", "ranges": "alto=C-1:G9,soprano=C5:E5"}
    prices = {row.rule: row.price_per_note for row in composer.compose(**request).report.rules}
    assert prices["range Alto C-1 to G9"] == pytest.approx(0, abs=1e-9)
    assert prices["range Soprano C5 to E5"] > 0.1


def test_a_rule_that_applies_nowhere_is_left_out(tiny_model):
    request = {"model": tiny_model, "bars": 2, "ending": "open", "density": "soprano=0:0"}
    rows = composer.compose(**request).report.rules
    assert "range Soprano A3 to A5" not in [row.rule for row in rows]  # it sings nothing
    assert all(row.asked > 0 for row in rows)


def test_without_rules_it_tells_the_styles(tiny_model):
    report = composer.compose(model=tiny_model, bars=2).report
    assert [row.rule for row in report.rules][-1] == "ends on the tonic"
    assert [row.rule.split()[0] for row in report.rules] == ["range"] * 4 + ["notes", "ends"]
    assert report.redraws == 0


def test_faults_are_those_of_the_score_as_it_sounds(steered, report):
    plain = steered.score.replace(chords=())
    found = [violation.rule for violation in violations(plain)]
    assert [fault.rule for fault in report.faults] == list(BACH_RATES)
    assert sum(fault.found for fault in report.faults) == len(found)
    for fault in report.faults:
        assert fault.found == found.count(fault.rule)
        assert fault.bach == BACH_RATES[fault.rule]
        assert fault.rate == pytest.approx(rates(plain)[fault.rule], abs=1e-6)
    assert sum(fault.found for fault in report.faults if "parallel" in fault.rule) == 0  # it was asked for


def test_a_melody_has_no_faults_of_part_writing(tiny_vae):
    assert composer.compose(style="folk", model=tiny_vae, bars=2, chords="D | A7").report.faults == ()


def test_a_continuation_reports_on_its_own_notes(tiny_model, steered):
    longer = composer.continue_piece(steered.score, model=tiny_model, bars=2)
    report = longer.report
    assert report.bars == 6
    assert report.new_notes == longer.score.notes - steered.score.notes
    ranges = [row for row in report.rules if row.rule.startswith("range")]
    assert sum(row.asked for row in ranges) == report.new_notes
    assert all(row.kept == row.asked for row in report.rules)


def test_a_habit_that_gives_way_is_named(tiny_model):
    """No tonic of C major among these pitches."""
    asked = {"model": tiny_model, "bars": 2, "ranges": "bass=D3:G3"}
    report = composer.compose(**asked).report
    assert report.notices == ("the ending on the tonic gave way to what is asked",)
    assert Report.from_dict(json.loads(json.dumps(report.to_dict()))).notices == report.notices
    assert composer.compose(**asked, ending="open").report.notices == ()
    report = composer.compose(model=tiny_model, bars=2, chords="C | Am", ranges="soprano=F4:G4").report
    assert report.notices == ("the ending on Am gave way to what is asked",)


def test_where_nothing_gives_way_nothing_is_said(report):
    assert report.notices == ()
    assert "notices" not in report.to_dict()


@pytest.mark.parametrize("notices", [5, [5], [None], None])
def test_notices_that_are_none(report, notices):
    with pytest.raises((TypeError, ValueError)):
        Report.from_dict({**report.to_dict(), "notices": notices})


def test_it_comes_back_from_json(report):
    text = json.dumps(report.to_dict())
    again = Report.from_dict(json.loads(text))
    assert json.dumps(again.to_dict()) == text
    assert [row.rule for row in again.rules] == [row.rule for row in report.rules]
    assert all(type(row) is Kept for row in again.rules)
    assert all(type(row) is Fault for row in again.faults)
    assert again.price_per_note == pytest.approx(report.price_per_note, abs=1e-6)


def test_figures_are_short(report):
    text = json.dumps(replace(report, nats_per_note=1 / 3).to_dict())
    assert '"nats_per_note": 0.3333,' in text


@pytest.mark.parametrize(
    "change",
    [
        {"bars": "4"}, {"bars": 4.0}, {"bars": True}, {"nats_per_note": None}, {"nats_per_note": 1}, {"more": 1},
        {"rules": None}, {"rules": [{}]}, {"faults": [{"rule": "x"}]},
        {"rules": [{"rule": "x", "kept": 1.5, "asked": 2, "price_per_note": 0.0}]},
        {"rules": [{"rule": 5, "kept": 1, "asked": 2, "price_per_note": 0.0}]},
        {"rules": [{"rule": "x", "kept": 1, "asked": 2, "price_per_note": "0"}]},
    ],
)  # fmt: skip
def test_a_damaged_report(report, change):
    with pytest.raises((TypeError, ValueError, KeyError)):
        Report.from_dict(report.to_dict() | change)


@pytest.mark.parametrize("missing", ["bars", "notes", "nats_per_note"])
def test_a_report_that_lacks_something(report, missing):
    with pytest.raises((TypeError, KeyError)):
        Report.from_dict({name: value for name, value in report.to_dict().items() if name != missing})


def test_a_report_of_a_time_when_there_were_no_rules_can_still_be_read(report):
    names = ("bars", "notes", "new_notes", "nats_per_note", "price_per_note")
    old = Report.from_dict({name: report.to_dict()[name] for name in names})
    assert (old.bars, old.redraws, old.rules, old.faults) == (4, 0, (), ())
