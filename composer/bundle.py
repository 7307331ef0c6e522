"""A model as it ships: `weights.safetensors` (float16) and `config.json` (sizes, style, tokenizer, vocabulary)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer import checkpoint
from composer.checkpoint import Arrays
from composer.config import DecoderConfig, LatentConfig
from composer.sampler import MOST_TEMPERATURE
from composer.style import Style
from theory.atomic_file import atomic_path
from theory.errors import ModelError, TokenError, UnknownNameError
from theory.tokens import Settings, Tokenizer

DIRECTIONS, TRAINED_ON = "attributes.directions", "trained_on"
# Of a new model, by architecture. One that ships has what serves best on the validation side: see its card.
TEMPERATURES = {"lstm": 1.0, "vae": 0.8, "gan": 0.8}
WEIGHTS, CONFIG = "weights.safetensors", "config.json"
PRETRAINED = Path(__file__).with_name("pretrained")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model that was loaded.

    Attributes:
        weights: float32 arrays by name (stored as float16).
        decoder: sizes.
        style: what it writes.
        sha256: hex digest of the weights file.
        path: its folder.
        tokenizer: whose tokens it reads and writes.
        latent: sizes of what stands around the decoder; None where it stands alone.
        attributes: names of what the latent space has directions for (`composer.attributes`).
        is_experimental: whether its training did not earn its place (`composer.adversarial`).
        temperature: at which it writes where nobody states one.
    """

    weights: Arrays
    decoder: DecoderConfig
    style: Style
    sha256: str
    path: Path
    tokenizer: Tokenizer = field(default_factory=Tokenizer)
    latent: LatentConfig | None = None
    attributes: tuple[str, ...] = ()
    is_experimental: bool = False
    temperature: float = 1.0

    @property
    def directions(self) -> NDArray[np.float32]:
        """Of each attribute, float32 (attributes, size of the latent)."""
        size = self.latent.size if self.latent else 0
        return np.asarray(self.weights[DIRECTIONS] if self.attributes else np.empty((0, size)), dtype=np.float32)

    @property
    def architecture(self) -> str:
        """ "lstm", "vae" or "gan"."""
        return architecture_of(self.latent)

    def check(self, settings: Settings, whose: str) -> None:
        """See that tokens are those that the model reads.

        Args:
            settings: of their tokenizer.
            whose: what holds them, for the message.

        Raises:
            TokenError: they are not; says in what they differ.
        """
        if unlike := settings.unlike(self.tokenizer):
            raise TokenError(f"{whose} holds other tokens than the model {self.path} reads ({unlike})")


def _names(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ModelError(f"attributes are {values!r:.40}, expected a list of names")
    return tuple(values)


def _temperature(value: Any, folder: Path) -> float:
    """A temperature of a configuration; 1 where models of older versions state none."""
    if type(value) not in (int, float) or not 0 <= value <= MOST_TEMPERATURE:
        raise ModelError(f"{folder / CONFIG}: temperature {value!r:.40} must be 0 to {MOST_TEMPERATURE}")
    return float(value)


def architecture_of(latent: LatentConfig | None) -> str:
    """What a model with such sizes is called: its architecture in STYLE-ARCHITECTURE."""
    return "lstm" if latent is None else "vae" if latent.encoder else "gan"


def export(
    folder: Path,
    weights: Arrays,
    decoder: DecoderConfig,
    style: Style,
    tokenizer: Tokenizer | None = None,
    latent: LatentConfig | None = None,
    attributes: Sequence[str] = (),
    *,
    trained_on: Sequence[str] = (),
    is_experimental: bool = False,
) -> None:
    """Write a model folder.

    Args:
        folder: that is written.
        weights: of all parts, by name.
        decoder: sizes.
        style: what it writes.
        tokenizer: whose tokens it reads; the usual one when not given.
        latent: sizes of what stands around the decoder.
        attributes: names of those that the weights have directions for.
        trained_on: names of corpora that come along, where it learnt from these (`composer.originality`).
        is_experimental: whether it failed to become better than what it started from.

    Raises:
        OutputError: the place cannot be written.
    """
    tokenizer = tokenizer or Tokenizer()
    config = {
        "architecture": architecture_of(latent),
        "decoder": decoder.to_dict(),
        **({"latent": asdict(latent)} if latent else {}),
        **({"experimental": True} if is_experimental else {}),
        **({"attributes": list(attributes)} if attributes else {}),
        **({TRAINED_ON: list(trained_on)} if trained_on else {}),
        "temperature": TEMPERATURES[architecture_of(latent)],
        "style": style.to_dict(),
        "tokenizer": asdict(tokenizer),
        "vocabulary": tokenizer.fingerprint,
    }
    checkpoint.save(folder / WEIGHTS, {name: array.astype(np.float16) for name, array in weights.items()}, {})
    with atomic_path(folder / CONFIG) as temporary:
        temporary.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def names() -> tuple[str, ...]:
    """Models that come with Cadenza, STYLE-ARCHITECTURE each."""
    return tuple(sorted(path.parent.name for path in PRETRAINED.glob(f"*/{CONFIG}")))


def find(style: str, model: str) -> Path:
    """Folder of a model: a path, or an architecture ("lstm") that comes with Cadenza for the style.

    Raises:
        UnknownNameError: no such style, or no such model for it; lists what exists.
    """
    if f"{style}-{model}" in names():
        return PRETRAINED / f"{style}-{model}"
    if os.path.isfile(Path(model) / CONFIG):  # False, not an error, for what can be no path
        return Path(model).resolve()
    styles = sorted({name.rsplit("-", 1)[0] for name in names()})
    if style not in styles:
        raise UnknownNameError(f"no style is called {style!r}: choose one of {', '.join(styles)}")
    known = [name.rsplit("-", 1)[1] for name in names() if name.startswith(f"{style}-")]
    raise UnknownNameError(f"no model {model!r} for style {style}: choose one of {', '.join(known)}, or a model folder")


def load(folder: Path) -> Bundle:
    """Read a model folder.

    Raises:
        ModelError: the folder is no model, is damaged, or its token ids mean something else.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        blob = (folder / WEIGHTS).read_bytes()
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{folder} is no model: {error}") from None
    if not isinstance(config, dict):
        raise ModelError(f"{folder / CONFIG} is damaged: it holds no object")
    try:
        tokenizer = Tokenizer.of(config.get("tokenizer", {}))
    except TokenError as error:
        raise ModelError(f"{folder / CONFIG}: {error}") from None
    if config.get("vocabulary") != tokenizer.fingerprint:
        raise ModelError(f"{folder} speaks another vocabulary than this version of Cadenza: train it again")
    try:
        decoder, style = DecoderConfig.from_dict(config["decoder"]), Style.from_dict(config["style"])
        latent = LatentConfig.from_dict(config["latent"]) if "latent" in config else None
        attributes = _names(config.get("attributes", []))
    except KeyError as error:
        raise ModelError(f"{folder / CONFIG} lacks {error}") from None
    if config.get("architecture") != architecture_of(latent):
        raise ModelError(
            f"{folder} is of an architecture {config.get('architecture')!r:.40} that this version cannot play"
        )
    if decoder.vocabulary != tokenizer.vocabulary.size:
        raise ModelError(f"{folder / CONFIG} is damaged: {decoder.vocabulary} tokens, its tokenizer has another number")
    arrays, _ = checkpoint.load(folder / WEIGHTS)
    shapes = decoder.shapes() | (latent.shapes(decoder.context) if latent else {})
    shapes |= {DIRECTIONS: (len(attributes), latent.size)} if latent and attributes else {}
    if {name: array.shape for name, array in arrays.items()} != shapes:
        raise ModelError(f"{folder / WEIGHTS} does not hold the weights that {CONFIG} describes")
    weights = {name: array.astype(np.float32) for name, array in arrays.items()}
    sha256, is_experimental = hashlib.sha256(blob).hexdigest(), config.get("experimental") is True
    stated = _temperature(config.get("temperature", 1.0), folder)
    return Bundle(weights, decoder, style, sha256, folder, tokenizer, latent, attributes, is_experimental, stated)
