"""A model as it ships: `weights.safetensors` (float16) and `config.json` (sizes, style, tokenizer, vocabulary).

Where its latent space was heard, `attributes.safetensors` says what was found.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer import checkpoint
from composer.checkpoint import Arrays
from composer.config import DecoderConfig, LatentConfig
from composer.sampler import MOST_TEMPERATURE
from composer.style import Style
from theory.analysis.attributes import ATTRIBUTES
from theory.atomic_file import atomic_path
from theory.errors import ModelError, TokenError, UnknownNameError
from theory.tokens import Settings, Tokenizer

TRAINED_ON = "trained_on"  # in config.json: names of corpora that come along
# Of a new model, by architecture. One that ships has what serves best on the validation side: see its card.
TEMPERATURES = {"lstm": 1.0, "vae": 0.4, "gan": 0.4}
WEIGHTS, CONFIG, HEARD = "weights.safetensors", "config.json", "attributes.safetensors"
_DIRECTIONS_OF_OLD = "attributes.directions"  # among the weights of models that were trained before there was `HEARD`
PRETRAINED = Path(__file__).with_name("pretrained")


class Heard(NamedTuple):
    """What a latent space knows of attributes of pieces (`composer.attributes`).

    Attributes:
        names: of the attributes, as in `theory.analysis.attributes.ATTRIBUTES`.
        deviations: of each among pieces of one meter, float32 (attributes,).
        directions: along which each rises by that, float32 (attributes, size of the latent).
    """

    names: tuple[str, ...] = ()
    deviations: NDArray[np.float32] = np.empty(0, np.float32)
    directions: NDArray[np.float32] = np.empty((0, 0), np.float32)


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
        heard: what its latent space knows of attributes.
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
    heard: Heard = field(default_factory=Heard)
    is_experimental: bool = False
    temperature: float = 1.0

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
    *,
    trained_on: Sequence[str] = (),
    is_experimental: bool = False,
) -> None:
    """Write a model folder; what was heard of another model in it is gone.

    Args:
        folder: that is written.
        weights: of all parts, by name.
        decoder: sizes.
        style: what it writes.
        tokenizer: whose tokens it reads; the usual one when not given.
        latent: sizes of what stands around the decoder.
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
        **({TRAINED_ON: list(trained_on)} if trained_on else {}),
        "temperature": TEMPERATURES[architecture_of(latent)],
        "style": style.to_dict(),
        "tokenizer": asdict(tokenizer),
        "vocabulary": tokenizer.fingerprint,
    }
    (folder / HEARD).unlink(missing_ok=True)
    checkpoint.save(folder / WEIGHTS, {name: array.astype(np.float16) for name, array in weights.items()}, {})
    with atomic_path(folder / CONFIG) as temporary:
        temporary.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def add_heard(folder: Path, heard: Heard) -> None:
    """Write beside a model what its latent space knows of attributes.

    Raises:
        OutputError: the place cannot be written.
    """
    arrays: Arrays = {"deviations": heard.deviations, "directions": heard.directions}
    checkpoint.save(folder / HEARD, arrays, {"names": list(heard.names)})


def _heard(path: Path, size: int) -> Heard:
    """What `add_heard` wrote, of a latent of so many numbers a row; nothing where there is no such file.

    Raises:
        ModelError: it is damaged.
    """
    if not path.exists():
        return Heard(directions=np.empty((0, size), np.float32))
    arrays, meta = checkpoint.load(path)
    known = meta.get("names") if isinstance(meta, dict) else None
    if not isinstance(known, list) or not all(name in ATTRIBUTES for name in known):
        raise ModelError(f"{path} speaks of {known!r:.80}: expected a list of {', '.join(ATTRIBUTES)}")
    shapes = {"deviations": (len(known),), "directions": (len(known), size)}
    sound = {name: array.shape for name, array in arrays.items()} == shapes
    if not sound or not all(np.isfinite(array).all() for array in arrays.values()) or (arrays["deviations"] <= 0).any():
        raise ModelError(f"{path} is damaged: it does not hold deviations and directions of {', '.join(known)}")
    return Heard(tuple(known), *(array.astype(np.float32) for _, array in sorted(arrays.items())))


def names() -> tuple[str, ...]:
    """Models that come with Cadenza, STYLE-ARCHITECTURE each."""
    return tuple(sorted(path.parent.name for path in PRETRAINED.glob(f"*/{CONFIG}")))


def styles_of(architecture: str) -> tuple[str, ...]:
    """Styles for which a model of an architecture comes along."""
    return tuple(style for style, _, known in (name.rpartition("-") for name in names()) if known == architecture)


def find(style: str, model: str) -> Path:
    """Folder of a model: a path, or one that comes along: an architecture of the style ("vae"), a name ("folk-vae").

    Raises:
        UnknownNameError: no such style, or no such model for it; lists what exists.
        ModelError: a folder that holds none.
    """
    for name in (f"{style}-{model}", model):
        if name in names():
            return PRETRAINED / name
    if os.path.isdir(model):  # False, not an error, for what can be no path
        _check_whole(Path(model))
        return Path(model).resolve()
    styles = sorted({name.rsplit("-", 1)[0] for name in names()})
    if style not in styles:
        raise UnknownNameError(f"no style is called {style!r}: choose one of {', '.join(styles)}")
    known = [name.rsplit("-", 1)[1] for name in names() if name.startswith(f"{style}-")]
    raise UnknownNameError(f"no model {model!r} for style {style}: choose one of {', '.join(known)}, or a model folder")


def _check_whole(folder: Path) -> None:
    """See that a folder has the files of a model."""
    if missing := [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]:
        raise ModelError(f"{folder} is no model: it has no {' and no '.join(missing)}")


def load(folder: Path) -> Bundle:
    """Read a model folder.

    Raises:
        ModelError: the folder is no model, is damaged, or its token ids mean something else.
    """
    _check_whole(folder)
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
    except KeyError as error:
        raise ModelError(f"{folder / CONFIG} lacks {error}") from None
    if config.get("architecture") != architecture_of(latent):
        raise ModelError(
            f"{folder} is of an architecture {config.get('architecture')!r:.40} that this version cannot play"
        )
    if decoder.vocabulary != tokenizer.vocabulary.size:
        raise ModelError(f"{folder / CONFIG} is damaged: {decoder.vocabulary} tokens, its tokenizer has another number")
    arrays, _ = checkpoint.load(folder / WEIGHTS)
    arrays.pop(_DIRECTIONS_OF_OLD, None)
    shapes = decoder.shapes() | (latent.shapes(decoder.context) if latent else {})
    if {name: array.shape for name, array in arrays.items()} != shapes:
        raise ModelError(f"{folder / WEIGHTS} does not hold the weights that {CONFIG} describes")
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ModelError(f"{folder / WEIGHTS} holds weights that are no numbers: train it again")
    weights = {name: array.astype(np.float32) for name, array in arrays.items()}
    sha256, is_experimental = hashlib.sha256(blob).hexdigest(), config.get("experimental") is True
    stated = _temperature(config.get("temperature", 1.0), folder)
    heard = _heard(folder / HEARD, latent.size) if latent else Heard()
    return Bundle(weights, decoder, style, sha256, folder, tokenizer, latent, heard, is_experimental, stated)
