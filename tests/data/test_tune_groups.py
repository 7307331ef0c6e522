"""Groups of folk tunes that share their music: how they are found, and the table that comes along."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from data.corpora.tune_books import FOLK, groups, title_group
from data.corpora.tune_groups import RUN, RUN_OF_INTERVALS, Tune, groups_of, named, tune_of
from data.split import split_of
from theory.score import IntArray, Score, Track

# One tune under two titles; by title alone the first was held out while the second trained.
ONE_TUNE = (
    ("airdsAirs/book3#0426", "airdsAirs/book3#0427"),  # 167 notes: Welcome to the Isle of Sky, The Prince's Welcome
    ("airdsAirs/book2#0362", "airdsAirs/book5#0862"),
    ("ryansMammoth/BostonReel", "ryansMammoth/FlowersOfStPetersburgReel"),
    ("ryansMammoth/JimClarksHornpipe", "oneills1850/1625-1700#1663"),
    ("ryansMammoth/ComeToTheRaffleJig", "oneills1850/0951-0981#962"),
    ("oneills1850/1476-1555#1496", "ryansMammoth/KissTheBrideReel"),
    ("oneills1850/1476-1555#1526", "ryansMammoth/JoeTanzysReel"),
    ("ryansMammoth/RileysFavorite", "oneills1850/1276-1375#1299"),  # 27 notes
    ("oneills1850/0759-0810#764", "oneills1850/0759-0810#785"),  # 17 notes
)
SAMPLED = ONE_TUNE[-3:]  # parsed here
# Sides of every 200th tune when all groups were by title.
SIDES_BY_TITLE = {
    "airdsAirs/book1#0001": "train", "airdsAirs/book2#0201": "valid", "airdsAirs/book3#0401": "valid",
    "airdsAirs/book4#0601": "train", "airdsAirs/book5#0801": "train", "airdsAirs/book6#1001": "train",
    "oneills1850/0001-0050#28": "train", "oneills1850/0201-0300#221": "valid", "oneills1850/0401-0486#421": "train",
    "oneills1850/0626-0635#627": "train", "oneills1850/0759-0810#790": "train", "oneills1850/0981-1000#988": "valid",
    "oneills1850/1136-1175#1168": "train", "oneills1850/1276-1375#1368": "train", "oneills1850/1556-1576#1572": "train",
    "oneills1850/1701-1780#1703": "valid", "ryansMammoth/AlistairMaclalastairStrathspey": "train",
    "ryansMammoth/CupOfTeaReel": "test", "ryansMammoth/HowardReel": "train", "ryansMammoth/McDonaldsReel": "train",
    "ryansMammoth/PostHornReel": "valid", "ryansMammoth/VillageBellsHighlandFling": "train",
}  # fmt: skip
TRAINS_LESS = ("train", "valid", "test")


def test_the_table_names_title_groups_of_the_corpora() -> None:
    titles = {title_group(id_) for id_ in FOLK.ids()}
    table = groups()
    assert len(table) > 600
    assert titles.issuperset(table)
    assert titles.issuperset(table.values())
    assert not set(table) & set(table.values())


def test_no_piece_moves_towards_the_test() -> None:
    """A model that trained or was chosen when groups were by title has not seen what is held out now."""
    for id_ in FOLK.ids():
        before, now = split_of(title_group(id_)), split_of(FOLK.group(id_))
        assert TRAINS_LESS.index(now) <= TRAINS_LESS.index(before), id_


def test_sides_by_title_are_what_they_were() -> None:
    assert {id_: split_of(title_group(id_)) for id_ in SIDES_BY_TITLE} == SIDES_BY_TITLE


def test_groups_are_small_and_enough_is_held_out() -> None:
    names = [FOLK.group(id_) for id_ in FOLK.ids()]
    assert max(Counter(names).values()) == 15
    assert Counter(map(split_of, names)) == {"train": 3620, "valid": 326, "test": 302}


@pytest.mark.parametrize("pair", ONE_TUNE)
def test_one_tune_under_two_titles_is_one_group(pair: tuple[str, str]) -> None:
    one, other = pair
    assert title_group(one) != title_group(other)
    assert FOLK.group(one) == FOLK.group(other)


def test_what_the_scores_say_is_what_the_table_says() -> None:
    """A sample, parsed: known pairs, and held-out tunes that share no long run with what trains in it."""
    held_out = [id_ for id_ in FOLK.ids() if split_of(FOLK.group(id_)) != "train"]
    ids = [*(id_ for pair in SAMPLED for id_ in pair), *held_out[::90]]
    tunes = [tune_of(FOLK.read(id_)) for id_ in ids]
    first = groups_of(tunes, [title_group(id_) for id_ in ids])
    assert len(set(first)) == len(ids) - len(SAMPLED)
    for (one, of_one), (other, of_other) in combinations(zip(ids, first, strict=True), 2):
        assert FOLK.group(one) == FOLK.group(other) or of_one != of_other, (one, other)
    rows = [(split_of(FOLK.group(id_)) == "train", _runs(tune)) for id_, tune in zip(ids, tunes, strict=True)]
    trains = set().union(*(runs for trained, runs in rows if trained))
    assert trains
    assert not any(runs & trains for trained, runs in rows if not trained)


def _runs(tune: Tune) -> set[tuple[int, ...]]:
    steps = np.column_stack(tune)
    return {tuple(steps[at : at + RUN - 1].ravel().tolist()) for at in range(len(steps) - RUN + 2)}


def _tune(seed: int, notes: int = 100) -> Tune:
    rng = np.random.default_rng(seed)
    return Tune(rng.integers(-7, 8, notes - 1), rng.choice([12, 24], notes - 1))


def _groups(*tunes: Tune) -> list[int]:
    return groups_of(tunes, [f"tunes/{number}" for number in range(len(tunes))])


def _with_run(tune: Tune, source: Tune, notes: int, wait: IntArray | None = None) -> Tune:
    interval, waits = tune.interval.copy(), tune.wait.copy()
    interval[40 : 39 + notes] = source.interval[10 : 9 + notes]
    interval[39] = source.interval[9] + 1  # the run is no longer than that
    interval[39 + notes] = source.interval[9 + notes] + 1
    waits[40 : 39 + notes] = source.wait[10 : 9 + notes] if wait is None else wait[10 : 9 + notes]
    return Tune(interval, waits)


def test_a_run_links_from_so_many_notes_on() -> None:
    source, other = _tune(1), _tune(2)
    assert _groups(source, _with_run(other, source, RUN)) == [0, 0]
    assert _groups(source, _with_run(other, source, RUN - 1)) == [0, 1]


def test_a_run_in_another_rhythm_must_be_longer() -> None:
    source, other = _tune(1), _tune(2)
    halved = source.wait // 2
    assert _groups(source, _with_run(other, source, RUN_OF_INTERVALS, halved)) == [0, 0]
    assert _groups(source, _with_run(other, source, RUN_OF_INTERVALS - 1, halved)) == [0, 1]


def test_versions_that_share_no_long_run_are_linked() -> None:
    source, other = _tune(1), _tune(2)
    varied = source.interval.copy()
    varied[13::14] += 1
    assert _groups(source, other, Tune(varied, source.wait[::-1])) == [0, 1, 0]
    varied[6::14] += 1
    assert _groups(source, other, Tune(varied, source.wait[::-1])) == [0, 1, 2]


def test_links_are_followed_and_titles_link() -> None:
    first, third = _tune(1), _tune(3)
    chain = (first, Tune(*(np.append(one[:40], other[40:]) for one, other in zip(first, third, strict=True))), third)
    assert _groups(*chain, _tune(4)) == [0, 0, 0, 3]
    assert groups_of([_tune(5), _tune(6), _tune(7)], ["tunes/a", "tunes/b", "tunes/a"]) == [0, 1, 0]


def test_tunes_of_a_note_or_none_are_no_versions_of_each_other() -> None:
    empty = Tune(np.empty(0, np.int64), np.empty(0, np.int64))
    assert _groups(empty, empty, _tune(1, 5), _tune(2)) == [0, 1, 2, 3]


def test_a_tune_is_its_upper_line_in_any_key_and_at_any_resolution() -> None:
    rows = [(0, 24, 67), (0, 24, 60), (24, 12, 69), (36, 12, 71), (48, 48, 67)]
    tune = tune_of(Score(tracks=(Track.from_notes(rows),), ticks_per_quarter=24))
    assert (tune.interval.tolist(), tune.wait.tolist()) == ([2, 2, -4], [24, 12, 12])
    higher = Track.from_notes([(20 * onset, 20 * length, pitch + 5) for onset, length, pitch in rows])
    again = tune_of(Score(tracks=(higher,), ticks_per_quarter=480))
    assert all(np.array_equal(*columns) for columns in zip(tune, again, strict=True))
    below = tune_of(Score(tracks=(Track.from_notes(()), higher), ticks_per_quarter=480))  # as two of Aird's airs are
    assert all(np.array_equal(*columns) for columns in zip(tune, below, strict=True))
    assert len(tune_of(Score(tracks=(), ticks_per_quarter=480)).interval) == 0


@pytest.mark.parametrize(
    ("members", "name"),
    [("train valid test", "train"), ("valid test", "valid"), ("test", "test"), ("train train", "train")],
)
def test_a_group_is_named_by_the_first_of_its_titles_on_the_side_it_goes_to(members: str, name: str) -> None:
    titles = {side: [f"t{n}" for n in range(200) if split_of(f"t{n}") == side] for side in TRAINS_LESS}
    chosen = [titles[side][-1 - number] for number, side in enumerate(members.split())]
    expected = min(title for title in chosen if split_of(title) == name)
    assert named(chosen, [0] * len(chosen)) == {title: expected for title in sorted(chosen) if title != expected}
    assert named(chosen, range(len(chosen))) == {}
