"""The picture of a latent space: a dot for every piece, two axes along which pieces differ most."""

from __future__ import annotations

import os

import numpy as np
import pytest
from tiny_models import export, export_vae, scales, tune

import data
from composer.latent_map import draw, plane
from theory.errors import InputFileError, ModelError, OutputError, RequestError, UnknownNameError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two folders of tunes, one piece in four parts, and a file that is none."""
    place = tmp_path_factory.mktemp("tunes")
    for number in range(8):
        key = ("D major", "E minor")[number % 2]
        data.write(tune(number, key=key), place / ("reels" if number < 5 else "jigs") / f"{number}.mid")
    data.write(scales(0), place / "choir.mid")
    (place / "broken.mid").write_bytes(b"no music")
    return place


def test_a_picture_of_a_folder(folder, tiny_vae, tmp_path):
    seen = []
    shown = draw(str(folder), "folk", tiny_vae, tmp_path / "map.png", progress=lambda *done: seen.append(done))
    assert shown.pieces == 8
    (line,) = shown.unread
    assert "broken.mid" in line
    assert shown.others == 1
    assert 0 < shown.share <= 1
    assert seen == [(number, 10) for number in range(1, 11)]
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    from matplotlib.image import imread

    picture = imread(tmp_path / "map.png")
    assert len(np.unique(picture.reshape(-1, picture.shape[-1]), axis=0)) > 10


def test_the_same_pieces_give_the_same_bytes(folder, tiny_vae, tmp_path):
    for name in "ab":
        draw(str(folder), "folk", tiny_vae, tmp_path / f"{name}.png", most=5)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(("most", "pieces"), [(3, 3), (5, 5), (8, 8), (100, 8)])
def test_of_many_some_are_drawn(folder, tiny_vae, tmp_path, most, pieces):
    assert draw(str(folder), "folk", tiny_vae, tmp_path / "map.png", most=most).pieces == pieces


def test_axes_are_principal_components():
    dice = np.random.default_rng(0)
    places = dice.normal(size=(500, 5)) * (1, 3, 0.2, 10, 0.1) + 7
    points, share = plane(places)
    assert points.std(axis=0) == pytest.approx([10, 3], rel=0.1)
    assert share == pytest.approx(109 / (1 + 9 + 0.04 + 100 + 0.01), rel=0.05)
    assert np.corrcoef(points[:, 0], places[:, 3])[0, 1] == pytest.approx(1, abs=0.01)  # never turned over
    np.testing.assert_allclose(plane(places + 100)[0], points, atol=1e-9)


def test_pieces_that_lie_together():
    points, share = plane(np.ones((4, 3)))
    assert (points == 0).all()
    assert share == 0
    assert plane(np.array([[1.0], [2.0], [4.0]]))[0].shape == (3, 2)  # a latent of one number


@pytest.mark.parametrize("name", ["map", "map.pdf", "map.jpg"])
def test_it_is_a_png(folder, tiny_vae, tmp_path, name):
    with pytest.raises(RequestError, match=r"a map is written as \.png"):
        draw(str(folder), "folk", tiny_vae, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_drawn(folder, tiny_vae, tmp_path):
    out = tmp_path / "map.png"
    with pytest.raises(RequestError, match="most 2: must be 3 pieces or more"):
        draw(str(folder), "folk", tiny_vae, out, most=2)
    with pytest.raises(InputFileError, match=r"'no-corpus' is neither a corpus \(.*chorales.*\) nor a folder"):
        draw("no-corpus", "folk", tiny_vae, out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputFileError, match="holds no file that can be read"):
        draw(str(tmp_path / "empty"), "folk", tiny_vae, out)
    data.write(scales(0), tmp_path / "choirs" / "choir.mid")
    with pytest.raises(RequestError, match=r"0 pieces of style folk in .*choirs: at least 3 are needed"):
        draw(str(tmp_path / "choirs"), "folk", tiny_vae, out)
    with pytest.raises(ModelError, match="has no latent space"):
        draw(str(folder), "chorale", "lstm", out)
    with pytest.raises(ModelError, match="has no latent space"):
        draw(str(folder), "chorale", str(export(tmp_path / "lstm")), out)
    with pytest.raises(UnknownNameError):
        draw(str(folder), "jazz", "vae", out)
    assert not out.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written(folder, tiny_vae, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError):
        draw(str(folder), "folk", tiny_vae, tmp_path / "map.png")


def test_a_folder_in_the_place_of_the_picture(folder, tiny_vae, tmp_path):
    (tmp_path / "map.png").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        draw(str(folder), "folk", tiny_vae, tmp_path / "map.png")


def test_styles_are_those_of_the_model(folder, tmp_path):
    """A model of another style than is asked for draws what it knows."""
    model = str(export_vae(tmp_path / "vae"))
    with pytest.raises(RequestError, match="writes style folk, not chorale"):
        draw(str(folder), "chorale", model, tmp_path / "map.png")
