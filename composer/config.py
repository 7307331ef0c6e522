"""What a model is: its sizes, written beside its weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from theory.errors import ModelError
from theory.tokens import VOCABULARY


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """Sizes of a decoder.

    Attributes:
        vocabulary: number of tokens.
        embedding: size of a token's vector.
        context: size of a context vector.
        units: cells in an LSTM layer.
        layers: LSTM layers.
        dropout: share of activations dropped between layers in training.
    """

    vocabulary: int = VOCABULARY.size
    embedding: int = 192
    context: int = 128
    units: int = 384
    layers: int = 2
    dropout: float = 0.4

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DecoderConfig:
        """Read what `to_dict` wrote.

        Raises:
            ModelError: a field is missing or unknown.
        """
        known = {field.name for field in fields(cls)}
        if set(values) != known:
            raise ModelError(f"decoder configuration has fields {sorted(values)}, expected {sorted(known)}")
        return cls(**values)
