"""Validation: what it passes decodes, what it refuses it refuses in one line that says where."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from token_strategies import MANY, walk

from theory.errors import TokenError
from theory.score import Score
from theory.tokens import VOCABULARY, Kind, Tokenizer
from theory.tokens.grammar import FOLLOWERS
from theory.tokens.vocabulary import END, START

TOKENIZER = Tokenizer()
PIECES = [walk(seed, 120) for seed in range(12)]
_IDS = {VOCABULARY.name(token): token for token in range(VOCABULARY.size)}
OPENING = (
    "START TRACK_0 PROGRAM_0 TRACK_1 DRUMS PROGRAM_0 BAR NUMERATOR_4 DENOMINATOR_2 "
    "POSITION_LOW_0 TEMPO_HIGH_112 TEMPO_LOW_8"
)


def ids_of(text: str) -> list[int]:
    return [_IDS[re.sub(r"_(-?\d+|[A-G].*)$", r" \1", name)] for name in text.split()]


def decoded_or_refused(ids: list[int]) -> Score | None:
    """The score, which must be a sound one, or None after a TokenError that points into the ids."""
    try:
        score = TOKENIZER.decode(ids)
    except TokenError as error:
        message = str(error)
        assert "\n" not in message
        where = re.match(r"token (\d+): ", message)
        assert where or message.startswith("token ids must be one row")
        assert where is None or 0 <= int(where[1]) < len(ids)
        return None
    clean = TOKENIZER.quantize(score)
    assert TOKENIZER.decode(TOKENIZER.encode(score)) == clean
    return score


@given(st.sampled_from(PIECES))
def test_what_the_grammar_lets_through_is_valid(ids: list[int]) -> None:
    assert decoded_or_refused(ids) is not None


@MANY
@given(st.sampled_from(PIECES), st.data())
def test_one_wrong_token_is_refused_or_spells_another_score(ids: list[int], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(ids) - 1))
    token = data.draw(st.integers(0, VOCABULARY.size - 1))
    if data.draw(st.booleans()):  # one of the same kind is harder to tell
        kind = VOCABULARY.span(Kind(VOCABULARY.kinds[ids[index]]))
        token = kind.start + token % (kind.stop - kind.start)
    decoded_or_refused([*ids[:index], token, *ids[index + 1 :]])


@MANY
@given(st.sampled_from(PIECES), st.data())
def test_missing_doubled_and_swapped_tokens_are_refused_or_spell_another_score(
    ids: list[int], data: st.DataObject
) -> None:
    index = data.draw(st.integers(1, len(ids) - 2))
    other = data.draw(st.integers(1, len(ids) - 2))
    decoded_or_refused([*ids[:index], *ids[index + 1 :]])
    decoded_or_refused([*ids[:index], ids[other], *ids[index:]])
    swapped = list(ids)
    swapped[index], swapped[other] = ids[other], ids[index]
    decoded_or_refused(swapped)


def test_every_wrong_kind_is_refused_at_its_place() -> None:
    ids = PIECES[0]
    kinds = VOCABULARY.kinds[ids]
    for index in range(1, len(ids) - 1):
        wrong = next(
            kind for kind in reversed(Kind) if VOCABULARY.has(kind) and kind not in FOLLOWERS[Kind(kinds[index - 1])]
        )
        with pytest.raises(TokenError, match=rf"^token {index}: {wrong.name}\b.* cannot follow "):
            TOKENIZER.decode([*ids[:index], VOCABULARY.span(wrong).start, *ids[index + 1 :]])


@MANY
@given(st.lists(st.integers(-2, VOCABULARY.size + 1), max_size=40), st.booleans())
def test_random_ids_are_refused(ids: list[int], framed: bool) -> None:
    decoded_or_refused([START, *ids, END] if framed else ids)


@pytest.mark.parametrize("seed", range(60))
def test_random_ids_of_kinds_that_may_follow_are_refused_or_spell_a_score(seed: int) -> None:
    """The right kinds with any values: this reaches the checks behind the first."""
    dice = np.random.default_rng(seed)
    ids, kind = ids_of(OPENING), Kind.TEMPO_LOW
    for _ in range(int(dice.integers(5, 60))):
        followers = [other for other in FOLLOWERS[kind] if other is not Kind.END and VOCABULARY.has(other)]
        kind = Kind(dice.choice(followers))
        span = VOCABULARY.span(kind)
        ids.append(int(dice.integers(span.start, min(span.stop, span.start + int(dice.choice([2, 30, 200]))))))
        decoded_or_refused([*ids, END])


@pytest.mark.parametrize("token", [VOCABULARY.size, -1, 2**40, -(2**40)])
def test_ids_outside_the_vocabulary_are_refused(token: int) -> None:
    with pytest.raises(TokenError, match=rf"token 1: id {token} is not in the vocabulary of {VOCABULARY.size}"):
        TOKENIZER.decode([START, token, END])


@pytest.mark.parametrize(
    ("text", "index", "why"),
    [
        ("START TRACK_1 PROGRAM_0", 1, "declares a track out of turn"),
        ("START TRACK_0 PROGRAM_0 TRACK_0 PROGRAM_0", 3, "declares a track out of turn"),
        ("START TRACK_0 PITCH_60 DURATION_LOW_1", 2, "stands before the first bar"),
        (f"{OPENING} TRACK_0 PROGRAM_5", 13, "stands after the first bar"),
        (f"{OPENING} TRACK_2 PITCH_60 DURATION_LOW_1", 12, "was never declared"),
        ("START BAR POSITION_LOW_0 FERMATA", 1, "starts the piece without a meter"),
        ("START BAR", 1, "starts the piece without a meter"),
        ("START BAR NUMERATOR_1 DENOMINATOR_6", 3, "makes a bar that is finer than the grid, after NUMERATOR 1"),
        (f"{OPENING} TRACK_0 CONTROL VALUE_7", 13, "has not as many values as it needs"),
        (f"{OPENING} TRACK_0 CONTROL VALUE_7 VALUE_7 VALUE_7", 13, "has not as many values as it needs"),
        (f"{OPENING} TRACK_0 PRESSURE VALUE_7 VALUE_7", 13, "has not as many values as it needs"),
        (f"{OPENING} BAR POSITION_LOW_0 TEMPO_HIGH_0 TEMPO_LOW_3", 15, "makes a tempo outside 4 to 1000"),
        (f"{OPENING} BAR POSITION_LOW_0 TEMPO_HIGH_1008 TEMPO_LOW_0", 15, "makes a tempo outside 4 to 1000"),
        (f"{OPENING} BAR POSITION_HIGH_0 POSITION_LOW_0 FERMATA", 14, "lies outside its bar"),
        (f"{OPENING} POSITION_LOW_0 FERMATA", 12, "does not come later than the position before it"),
        (f"{OPENING} TRACK_0 PITCH_60 DURATION_HIGH_1 DURATION_HIGH_1 DURATION_LOW_1", 15, "must be a smaller power"),
        (f"{OPENING} POSITION_LOW_24 BAR", 12, "cuts its bar short without a meter to follow"),
        (f"{OPENING} BAR POSITION_LOW_0 BAR NUMERATOR_3 DENOMINATOR_2", 13, "cuts its bar short"),
        (f"{OPENING} TRACK_1 DRUM_38 DURATION_LOW_1 TRACK_0 PITCH_60 DURATION_LOW_1", 15, "must be a later track"),
        (f"{OPENING} TRACK_0 PITCH_60 DURATION_LOW_1 PITCH_60 DURATION_LOW_1", 15, "is not above the note before it"),
        (f"{OPENING} TRACK_0 DRUM_60 DURATION_LOW_1", 13, "stands in a track of the other sort"),
        (f"{OPENING} TRACK_1 PITCH_60 DURATION_LOW_1", 13, "stands in a track of the other sort"),
    ],
)
def test_what_is_refused_and_where(text: str, index: int, why: str) -> None:
    ids = [*ids_of(text), END]
    with pytest.raises(TokenError, match=rf"^token {index}: {re.escape(VOCABULARY.name(ids[index]))} .*{why}"):
        TOKENIZER.decode(ids)
