"""A model as it ships: `weights.safetensors` (float16) and `config.json` (sizes, style, tokenizer, vocabulary)."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from composer import checkpoint
from composer.checkpoint import Arrays
from composer.config import DecoderConfig
from composer.style import Style
from theory.atomic_file import atomic_path
from theory.errors import ModelError, TokenError, UnknownNameError
from theory.tokens import Settings, Tokenizer

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
    """

    weights: Arrays
    decoder: DecoderConfig
    style: Style
    sha256: str
    path: Path
    tokenizer: Tokenizer = field(default_factory=Tokenizer)

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


def export(
    folder: Path, weights: Arrays, decoder: DecoderConfig, style: Style, tokenizer: Tokenizer | None = None
) -> None:
    """Write a model folder.

    Raises:
        OutputError: the place cannot be written.
    """
    tokenizer = tokenizer or Tokenizer()
    config = {
        "architecture": "lstm",
        "decoder": decoder.to_dict(),
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
    if config.get("architecture") != "lstm":
        raise ModelError(f"{folder} is no LSTM but {config.get('architecture')!r}: this version cannot play it")
    try:
        decoder, style = DecoderConfig.from_dict(config["decoder"]), Style.from_dict(config["style"])
    except KeyError as error:
        raise ModelError(f"{folder / CONFIG} lacks {error}") from None
    if decoder.vocabulary != tokenizer.vocabulary.size:
        raise ModelError(f"{folder / CONFIG} is damaged: {decoder.vocabulary} tokens, its tokenizer has another number")
    arrays, _ = checkpoint.load(folder / WEIGHTS)
    if {name: array.shape for name, array in arrays.items()} != decoder.shapes():
        raise ModelError(f"{folder / WEIGHTS} does not hold the weights that {CONFIG} describes")
    weights = {name: array.astype(np.float32) for name, array in arrays.items()}
    return Bundle(weights, decoder, style, hashlib.sha256(blob).hexdigest(), folder, tokenizer)
