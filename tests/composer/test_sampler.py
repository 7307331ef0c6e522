"""Draws follow the probabilities, and the same numbers come on every machine."""

from __future__ import annotations

import numpy as np
import pytest

from composer.sampler import Dice, Sampling, draw, draw_each

LOGITS = np.array([0.3, -1.2, 2.0, 0.0, 1.1, -0.4, 0.9], dtype=np.float32)
ALL = np.arange(len(LOGITS))
CHI_SQUARE = {2: 13.8, 3: 16.3, 4: 18.5, 6: 22.5}  # exceeded once in a thousand, by degrees of freedom


def counts(allowed, sampling, draws=20_000, seed=5):
    dice = Dice(seed)
    found = [allowed[draw(LOGITS[allowed], sampling, dice.roll())] for _ in range(draws)]
    return np.bincount(found, minlength=len(LOGITS))


def check(found, tokens, temperature=1.0):
    assert found.sum() == found[tokens].sum()
    weights = np.exp(LOGITS[tokens].astype(float) / temperature)
    expected = found.sum() * weights / weights.sum()
    assert ((found[tokens] - expected) ** 2 / expected).sum() < CHI_SQUARE[len(tokens) - 1]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_come_as_often_as_the_model_says(temperature):
    check(counts(ALL, Sampling(temperature)), ALL, temperature)


def test_only_allowed_tokens_and_in_their_proportion():
    allowed = np.array([0, 1, 4, 5])
    check(counts(allowed, Sampling()), allowed)


def test_top_k_keeps_the_k_likeliest():
    check(counts(ALL, Sampling(top_k=3)), np.array([2, 4, 6]))
    assert (counts(ALL, Sampling(top_k=1), 200) > 0).tolist() == (ALL == 2).tolist()
    check(counts(ALL, Sampling(top_k=100)), ALL)


def test_top_p_keeps_the_fewest_that_reach_it():
    shares = np.sort(np.exp(LOGITS.astype(float)))[::-1]
    shares = np.cumsum(shares) / shares.sum()
    check(counts(ALL, Sampling(top_p=float(shares[2]) - 1e-6)), np.array([2, 4, 6]))
    check(counts(ALL, Sampling(top_p=float(shares[2]) + 1e-6)), np.array([0, 2, 4, 6]))
    assert (counts(ALL, Sampling(top_p=1e-9), 200) > 0).tolist() == (ALL == 2).tolist()


@pytest.mark.parametrize("temperature", [0, 1e-3, 1e-320])
def test_without_warmth_the_likeliest_token_wins(temperature):
    assert counts(ALL, Sampling(temperature), 50)[2] == 50
    assert counts(np.array([1, 3, 5]), Sampling(temperature), 50)[3] == 50


def test_ties_go_to_the_lower_id():
    even = np.zeros(4, dtype=np.float32)
    assert {draw(even, Sampling(0), Dice(n).roll()) for n in range(20)} == {0}
    assert {draw(even, Sampling(top_k=2), Dice(n).roll()) for n in range(50)} == {0, 1}


def test_dice_are_the_documented_stream_of_pcg64():
    dice, raw, generator = Dice(2024), np.random.PCG64(2024), np.random.Generator(np.random.PCG64(2024))
    rolls = [dice.roll() for _ in range(1000)]
    assert rolls == [(int(word) >> 11) / 2**53 for word in raw.random_raw(1000)] == generator.random(1000).tolist()
    assert 0 <= min(rolls) < max(rolls) < 1
    assert Dice(2**64 - 1).roll() != Dice(0).roll()


def test_dice_never_change():
    dice = Dice(7)
    assert [dice.roll().hex() for _ in range(3)] == [
        "0x1.400c8353e3ca9p-1",
        "0x1.cb5f9b795e4cdp-1",
        "0x1.8d26acbf2815fp-1",
    ]


# Side by side

SAMPLINGS = [
    Sampling(), Sampling(0), Sampling(0.7), Sampling(1.5, top_k=3), Sampling(top_p=0.8), Sampling(2.0, 5, 0.9),
    Sampling(1e-320),
]  # fmt: skip


def crowd(sampling, error, count=3000, choices=12, seed=1):
    """Random logits, masks and points, with what is drawn from them."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (count, choices)).astype(np.float32)
    logits[::7] *= 8
    allowed = random.random((count, choices)) < 0.6
    allowed[np.arange(count), random.integers(0, choices, count)] = True
    points = random.random(count)
    return logits, allowed, points, draw_each(logits, allowed, sampling, points, error)


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_each_draws_what_it_would_alone(sampling):
    logits, allowed, points, drawn = crowd(sampling, 0.0)
    for row, open_, point, place in zip(logits, allowed, points, drawn.places, strict=True):
        own = np.flatnonzero(open_)
        assert place == own[draw(row[own], sampling, point)]


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
@pytest.mark.parametrize("error", [1e-3, 1e-2])
def test_who_is_sure_draws_the_same_from_logits_that_are_off(sampling, error):
    logits, allowed, points, drawn = crowd(sampling, error)
    changed = np.zeros(len(points), dtype=bool)
    for seed in range(20):
        off = np.random.default_rng(seed).choice([-error, error], logits.shape)
        changed |= draw_each((logits + off).astype(np.float32), allowed, sampling, points).places != drawn.places
    assert not (changed & drawn.sure).any()
    assert drawn.sure.any() or sampling.temperature == 1e-320
    if error == 1e-2 and sampling.temperature != 1e-320:
        assert changed.any()
        assert (~drawn.sure).sum() < 30 * changed.sum()
