"""The shipped network as a Keras model and as the NumPy runtime, with the same float16 weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from composer import bundle
from composer.bundle import Bundle
from composer.runtime import Runtime


def shipped(style: str = "chorale", model: str = "lstm") -> tuple[Bundle, Runtime]:
    """A model that comes with Cadenza, and its runtime."""
    loaded = bundle.load(bundle.find(style, model))
    return loaded, Runtime(loaded)


def in_keras(loaded: Bundle) -> Any:
    """The Keras model with the bundle's weights."""
    from composer.models import decoder

    model = decoder.build(loaded.decoder)
    decoder.set_weights(model, loaded.weights)
    return model


def piece_features(seed: int, bars: int = 32) -> tuple[list[int], Any, Any]:
    """Token ids of a composed piece with the model's inputs beside them."""
    import composer
    from theory.tokens.features import features

    ids = composer.compose(bars=bars, seed=seed).recipe.ids
    plan, heard = features(np.array(ids))
    return list(ids), plan, heard
