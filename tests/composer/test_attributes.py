"""What a latent space learns of attributes, and words that ask for them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from tiny_models import tune

from composer.attributes import MOST, changes_of, check, learn, parsed
from composer.bar_notes import bar_forms
from composer.latent_runtime import Posterior
from composer.style import FOLK
from theory.analysis.attributes import ATTRIBUTES
from theory.errors import ModelError, RequestError, UnknownNameError
from theory.key import Key
from theory.meter import Meter

SIZE = 6


class Space:
    """A latent space in which a piece, which is a number here, lies where a table says."""

    def __init__(self, places):
        self.places = places

    def posterior(self, piece):
        rows = np.array([self.places[piece] - 1, self.places[piece] + 1], np.float32)  # their mean counts
        return Posterior(rows, np.ones_like(rows), bar_forms([Meter(4, 4)] * 2, Key.parse("C major")))


def world(pieces=600, noise=0.0, seed=0):
    """Places, of unlike spread, and three attributes that they tell: two of them go together."""
    dice = np.random.default_rng(seed)
    places = dice.normal(size=(pieces, SIZE)) * (1, 2, 0.5, 1, 1, 1)
    values = {
        "one": 10 + 3 * places[:, 0],
        "other": places[:, 0] + places[:, 1],
        "third": -2 * places[:, 2],
    }
    heard = {name: (lambda piece, row=row: float(row[piece])) for name, row in values.items()}
    return places, values, heard, Space(places + noise * dice.normal(size=places.shape))


def test_a_direction_moves_its_attribute_by_a_deviation():
    """The others go along as they do among pieces; here "one" with "other", neither with "third"."""
    _, values, heard, space = world()
    found = learn(space, range(600), heard)
    assert found.names == ("one", "other", "third")
    assert (found.directions.dtype, found.directions.shape) == (np.float32, (3, SIZE))
    np.testing.assert_allclose(found.deviations, [row.std() for row in values.values()], rtol=0.01)
    effects = np.array([[3 * row[0], row[0] + row[1], -2 * row[2]] for row in found.directions]) / found.deviations
    expected = np.corrcoef(list(values.values()))
    np.testing.assert_allclose(effects, expected, atol=0.03)
    assert expected[0, 1] > 0.4


def test_meters_are_not_taken_for_attributes():
    """Pieces of one meter are long and lie elsewhere: that says nothing of what makes a piece longer."""
    dice, meters = np.random.default_rng(3), [Meter(4, 4), Meter(6, 8)]
    kinds = dice.integers(2, size=600)
    places = dice.normal(size=(600, 2)) + 10 * kinds[:, None] * (0, 1)
    row = places[:, 0] + 10 * kinds

    class Meters(Space):
        def posterior(self, piece):
            return super().posterior(piece)._replace(form=bar_forms([meters[kinds[piece]]] * 2, Key.parse("C major")))

    found = learn(Meters(places), range(600), {"long": lambda piece: float(row[piece])})
    assert found.directions[0] == pytest.approx([1, 0], abs=0.1)
    assert found.deviations == pytest.approx(1, abs=0.1)


def test_it_goes_where_pieces_are():
    """A number that varies with the attribute moves along, though it tells nothing more."""
    dice = np.random.default_rng(1)
    places = dice.normal(size=(600, 2))
    places[:, 1] = places[:, 0] + 0.5 * dice.normal(size=600)
    row = places[:, 0].copy()
    found = learn(Space(places), range(600), {"one": lambda piece: row[piece]})
    assert found.directions[0] == pytest.approx([row.std(), row.std()], rel=0.1)


def test_attributes_that_the_latent_does_not_tell_or_that_do_not_vary_are_left_out():
    _, _, heard, space = world()
    dice = np.random.default_rng(5).normal(size=600)
    heard = {"still": lambda piece: 4.0, "chance": lambda piece: float(dice[piece]), **heard}
    found = learn(space, range(600), heard)
    assert found.names == ("one", "other", "third")
    np.testing.assert_allclose(found.directions, learn(space, range(600), dict(list(heard.items())[2:])).directions)


def test_few_pieces_do_not_make_chance_look_like_knowledge():
    """As many numbers as a third of the pieces tell a third of anything, until a piece is left out."""
    dice = np.random.default_rng(0)
    places, row = dice.normal(size=(48, 16)), dice.normal(size=48)
    found = learn(Space(places), range(48), {"chance": lambda piece: float(row[piece])})
    assert found.names == ()
    assert found.directions.shape == (0, 16)


def test_a_collapsed_latent_knows_no_direction():
    _, _, heard, _ = world()
    found = learn(Space(np.zeros((600, SIZE))), range(600), heard)
    assert (found.names, found.directions.shape) == ((), (0, SIZE))


def test_noise_is_no_reason_to_go_astray():
    """The latent tells a third of an attribute: its direction still is the attribute's, and of bounded length."""
    _, _, heard, space = world(pieces=2000, noise=1.5)
    found = learn(space, range(2000), heard)
    assert "one" in found.names
    assert np.linalg.norm(found.directions, axis=1).max() < 12


def test_too_few_pieces():
    _, _, heard, space = world()
    with pytest.raises(ModelError, match="47 pieces: too few to learn what 3 attributes look like"):
        learn(space, range(47), heard)
    assert learn(space, range(48), heard).names


def test_the_same_pieces_give_the_same_directions():
    _, _, heard, space = world()
    one, other = (learn(space, range(600), heard) for _ in range(2))
    assert one.directions.tobytes() == other.directions.tobytes()


# Asking


def test_what_is_known_and_how_far_it_goes():
    known = ("density", "register")
    check(known, {"register": -0.5, "density": MOST})
    with pytest.raises(UnknownNameError, match="no attribute is called 'loudness': this model knows density, register"):
        check(known, {"loudness": 1})
    for amount in (MOST + 0.1, -MOST - 1, float("nan"), float("inf")):
        with pytest.raises(RequestError, match=r"density by .* standard deviations: must be -5 to 5"):
            check(known, {"density": amount})


@pytest.mark.parametrize(
    ("text", "dial", "toward"),
    [
        ("+density", 1, {"density": 1}),
        ("density", 1, {"density": 1}),
        ("+density -syncopation", 1, {"density": 1, "syncopation": -1}),
        ("+density=0.5, -register=2", 2, {"density": 1, "register": -4}),
        ("-pitch-classes", -1, {"pitch-classes": 1}),
        ("density=-2", 1, {"density": -2}),
        ("  +a   -b  ", 0, {"a": 0, "b": 0}),
    ],
)
def test_words_of_attributes(text, dial, toward):
    assert parsed(text, dial) == toward


@pytest.mark.parametrize("text", ["", " ", ",", "+", "-", "++density", "+-a", "+a=", "+a=x", "+a=nan", "+a=inf"])
def test_words_that_are_none(text):
    said = "write attributes with signs, and amounts as numbers, as in '+density -syncopation=0.5'"
    with pytest.raises(RequestError, match=re.escape(said)):
        parsed(text)


def test_a_word_that_stands_twice():
    with pytest.raises(RequestError, match="toward '\\+a -a': a stands there twice"):
        parsed("+a -a")


def test_a_long_text_is_not_repeated_whole():
    with pytest.raises(RequestError) as caught:
        parsed("+" * 10_000)
    assert len(str(caught.value)) < 300


def test_what_became_of_a_piece():
    before, after = FOLK.undress(tune(0)), FOLK.undress(tune(1))
    found = changes_of(before, after)
    assert list(found) == list(ATTRIBUTES)
    assert found["density"] == (ATTRIBUTES["density"](before), ATTRIBUTES["density"](after))
