"""Model folders: found by name, read whole, and refused in one line when they are not what they say."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from tiny_models import TINY, TINY_LATENT, export, export_vae, random_weights

import composer
from composer import bundle, checkpoint
from composer.config import DecoderConfig
from composer.style import CHORALE, Style
from theory.errors import ModelError, RequestError, UnknownNameError
from theory.tokens import VOCABULARY


@pytest.fixture
def model(tmp_path):
    return export(tmp_path / "model")


def damaged_config(folder, change):
    path = folder / bundle.CONFIG
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def test_export_and_load(model):
    loaded = bundle.load(model)
    assert (loaded.decoder, loaded.style, loaded.path) == (TINY, CHORALE, model)
    assert loaded.sha256 == hashlib.sha256((model / bundle.WEIGHTS).read_bytes()).hexdigest()
    for name, array in random_weights().items():
        assert loaded.weights[name].dtype == np.float32
        np.testing.assert_array_equal(loaded.weights[name], array.astype(np.float16).astype(np.float32))


def test_the_same_weights_are_the_same_bytes(model, tmp_path):
    again = export(tmp_path / "again")
    for name in (bundle.WEIGHTS, bundle.CONFIG):
        assert (model / name).read_bytes() == (again / name).read_bytes()


def test_a_model_of_ones_own_composes(model):
    piece = composer.compose(model=str(model), bars=2, seed=1)
    assert piece.score.bars == 2
    assert piece.recipe.model == {"name": "model", "sha256": bundle.load(model).sha256}


def test_every_model_that_ships_can_be_read():
    assert "chorale-lstm" in bundle.names()
    for name in bundle.names():
        loaded = bundle.load(bundle.PRETRAINED / name)
        assert name.startswith(f"{loaded.style.name}-")
        assert all(np.isfinite(array).all() for array in loaded.weights.values())
        assert loaded.decoder.vocabulary == VOCABULARY.size


@pytest.mark.parametrize("style", ["jazz", "", "../chorale", "x" * 5000])
def test_an_unknown_style_lists_what_exists(style):
    with pytest.raises(UnknownNameError, match=r"choose one of .*chorale"):
        bundle.find(style, "lstm")


@pytest.mark.parametrize("name", ["gpt", "", "runs/none", "x" * 5000, "a\0b"])
def test_an_unknown_model_lists_what_exists(name):
    with pytest.raises(UnknownNameError, match=r"choose one of .*lstm"):
        bundle.find("chorale", name)


@pytest.mark.parametrize("missing", [bundle.WEIGHTS, bundle.CONFIG])
def test_a_folder_that_is_no_model_is_not_found(model, missing):
    (model / missing).unlink()
    with pytest.raises(ModelError, match=f"is no model: it has no {missing}"):
        bundle.find("chorale", str(model))


def test_a_model_is_found_by_its_whole_name_too():
    assert bundle.find("folk", "folk-vae") == bundle.find("folk", "vae") == bundle.PRETRAINED / "folk-vae"


@pytest.mark.parametrize("keep", [0, 7, 200, -1])
def test_truncated_weights(model, keep):
    path = model / bundle.WEIGHTS
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match="no readable checkpoint"):
        bundle.load(model)


@pytest.mark.parametrize("missing", [bundle.WEIGHTS, bundle.CONFIG])
def test_missing_files(model, missing):
    (model / missing).unlink()
    with pytest.raises(ModelError, match=f"is no model: it has no {missing}"):
        bundle.load(model)


def test_weights_that_are_no_numbers(model):
    arrays = random_weights()
    arrays["output.bias"][3] = np.nan
    checkpoint.save(model / bundle.WEIGHTS, arrays, {})
    with pytest.raises(ModelError, match="holds weights that are no numbers"):
        bundle.load(model)


@pytest.mark.parametrize("name", ["embedding", "context.mode", "lstm1.recurrent", "output.bias"])
@pytest.mark.parametrize("how", ["missing", "misshapen"])
def test_weights_that_the_sizes_do_not_describe(model, name, how):
    arrays = random_weights()
    if how == "missing":
        del arrays[name]
    else:
        arrays[name] = arrays[name][:-1]
    checkpoint.save(model / bundle.WEIGHTS, arrays, {})
    with pytest.raises(ModelError, match=r"does not hold the weights that config\.json describes"):
        bundle.load(model)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\ud800".encode("utf-8", "surrogatepass")])
def test_config_files_that_are_none(model, text):
    (model / bundle.CONFIG).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ModelError) as caught:
        bundle.load(model)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("field", ["vocabulary", "decoder", "style"])
def test_config_files_that_lack_something(model, field):
    damaged_config(model, lambda config: {name: value for name, value in config.items() if name != field})
    with pytest.raises(ModelError):
        bundle.load(model)


def test_another_vocabulary(model):
    damaged_config(model, lambda config: config | {"vocabulary": "0" * 64})
    with pytest.raises(ModelError, match="another vocabulary"):
        bundle.load(model)


def test_a_model_has_a_temperature_of_its_own(model):
    def drawn(**request):
        piece = composer.compose(model=str(model), bars=2, **request)
        return piece.recipe.ids, piece.recipe.request["temperature"]

    damaged_config(model, lambda config: config | {"temperature": 0.3})
    assert drawn() == drawn(temperature=0.3)
    assert drawn() != drawn(temperature=1.0)
    damaged_config(model, lambda config: {name: value for name, value in config.items() if name != "temperature"})
    assert bundle.load(model).temperature == 1.0  # as of models from before there was one


@pytest.mark.parametrize("value", [-0.1, 11, "warm", None, True, [1]])
def test_temperatures_that_are_none(model, value):
    damaged_config(model, lambda config: config | {"temperature": value})
    with pytest.raises(ModelError, match=r"temperature .* must be 0 to 10"):
        bundle.load(model)


@pytest.mark.parametrize("change", [{"units": 9}, {"layers": 1}, {"layers": 3}, {"context": 4}, {"vocabulary": 5}])
def test_sizes_that_the_weights_do_not_have(model, change):
    damaged_config(model, lambda config: config | {"decoder": config["decoder"] | change})
    with pytest.raises(ModelError):
        bundle.load(model)


@pytest.mark.parametrize("values", [None, [], {}, {"units": 5}, TINY.to_dict() | {"more": 1}])
def test_configurations_with_wrong_fields(values):
    with pytest.raises(ModelError, match="fields"):
        DecoderConfig.from_dict(values)


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_a_model_of_another_cell_composes(cell, tmp_path):
    folder = export(tmp_path / cell, replace(TINY, cell=cell))
    assert bundle.load(folder).decoder.cell == cell
    assert composer.compose(model=str(folder), bars=2, seed=1).score.bars == 2


def test_a_model_from_before_there_were_cells_is_an_lstm(model):
    def without_cell(config):
        del config["decoder"]["cell"]
        return config

    damaged_config(model, without_cell)
    assert bundle.load(model).decoder == TINY


@pytest.mark.parametrize("cell", ["LSTM", "transformer", "", None, 3, ["lstm"]])
def test_cells_that_are_none(model, cell):
    with pytest.raises(RequestError, match="choose one of lstm, gru, rnn"):
        DecoderConfig(cell=cell)
    damaged_config(model, lambda config: config | {"decoder": config["decoder"] | {"cell": cell}})
    with pytest.raises(ModelError, match=r"^decoder configuration: cell .*: choose one of lstm, gru, rnn$"):
        bundle.load(model)


def test_a_cell_that_the_weights_are_not_of(model):
    damaged_config(model, lambda config: config | {"decoder": config["decoder"] | {"cell": "gru"}})
    with pytest.raises(ModelError, match="does not hold the weights"):
        bundle.load(model)


@pytest.mark.parametrize("size", [0, -1, 2.5, "8", None, True])
def test_sizes_that_are_none(size):
    with pytest.raises(RequestError, match="units"):
        DecoderConfig(units=size)
    with pytest.raises(ModelError, match="units"):
        DecoderConfig.from_dict(TINY.to_dict() | {"units": size})


@pytest.mark.parametrize(
    "change",
    [
        {"name": 5}, {"key": "H#"}, {"key": 5}, {"meter": "7/8"}, {"meters": "4/4"}, {"tempo": 0}, {"tempo": "72"},
        {"bars": 0}, {"modes": ["loud"]}, {"parts": []}, {"fermatas": 1}, {"parts": [{"name": "A"}]},
        {"parts": [{"name": 5, "program": 1, "lowest": 1, "highest": 2}]},
        {"parts": [{"name": "A", "program": "x", "lowest": 1, "highest": 2}]},
        {"parts": [{"name": "A", "program": 1, "lowest": 90, "highest": 2}]},
    ],
)  # fmt: skip
def test_a_damaged_style(change):
    with pytest.raises(ModelError, match="style is damaged"):
        Style.from_dict(CHORALE.to_dict() | change)


def test_a_model_of_another_style_is_refused(model):
    with pytest.raises(RequestError, match="writes style chorale, not waltz"):
        composer.compose(style="waltz", model=str(model), bars=1)


def test_a_folder_called_like_an_architecture_hides_no_shipped_model(tmp_path, monkeypatch):
    (tmp_path / "lstm").mkdir()
    (tmp_path / "lstm" / bundle.CONFIG).write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert bundle.find("chorale", "lstm") == bundle.PRETRAINED / "chorale-lstm"


def test_what_was_heard_of_a_latent_space(tmp_path):
    folder = export_vae(tmp_path)
    found = bundle.load(folder).heard
    assert found.names == ("density", "register")
    assert found.deviations.tolist() == [1, 1]
    assert found.directions.shape == (2, TINY_LATENT.size)
    (folder / bundle.HEARD).unlink()
    assert bundle.load(folder).heard.names == ()
    bundle.add_heard(folder, found)
    assert bundle.load(folder).heard.directions.tobytes() == found.directions.tobytes()
    model = bundle.load(folder)
    bundle.export(folder, model.weights, model.decoder, model.style, latent=model.latent)  # another one: not heard yet
    assert bundle.load(folder).heard.names == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda heard: heard._replace(names=("density",)),
        lambda heard: heard._replace(names=("density", "loudness")),
        lambda heard: heard._replace(deviations=np.zeros(2, np.float32)),
        lambda heard: heard._replace(directions=heard.directions[:, 1:]),
        lambda heard: heard._replace(directions=heard.directions * np.float32("nan")),
    ],
)
def test_damage_to_what_was_heard(tmp_path, change):
    folder = export_vae(tmp_path)
    bundle.add_heard(folder, change(bundle.load(folder).heard))
    with pytest.raises(ModelError, match=r"attributes\.safetensors (is damaged|speaks of)"):
        bundle.load(folder)
    (folder / bundle.HEARD).write_bytes(b"nothing")
    with pytest.raises(ModelError, match="no readable checkpoint"):
        bundle.load(folder)
