"""What a model is: its sizes, written beside its weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from theory.errors import ModelError, RequestError
from theory.tokens import VOCABULARY
from theory.tokens.features import COLUMNS, PITCHES


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """Sizes of a decoder.

    Attributes:
        vocabulary: number of tokens.
        embedding: size of a token's vector.
        context: size of a context vector.
        units: cells in an LSTM layer.
        layers: LSTM layers.
        dropout: share of each LSTM layer's outputs dropped in training.

    Raises:
        RequestError: a size that is none.
    """

    vocabulary: int = VOCABULARY.size
    embedding: int = 192
    context: int = 128
    units: int = 384
    layers: int = 2
    dropout: float = 0.4

    def __post_init__(self) -> None:
        for name in ("vocabulary", "embedding", "context", "units", "layers"):
            size = getattr(self, name)
            if type(size) is not int or size < 1:
                raise RequestError(f"{name} {size}: must be a whole number above 0")
        if type(self.dropout) is not float or not 0 <= self.dropout < 1:
            raise RequestError(f"dropout {self.dropout}: must be 0 to below 1")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DecoderConfig:
        """Read what `to_dict` wrote.

        Raises:
            ModelError: a field is missing, unknown, or no size.
        """
        known = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or set(values) != known:
            raise ModelError(f"decoder configuration has fields {sorted(values or ())}, expected {sorted(known)}")
        try:
            return cls(**values)
        except RequestError as error:
            raise ModelError(f"decoder configuration: {error}") from None

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every weight, by the name that the runtime reads."""
        result: dict[str, tuple[int, ...]] = {
            "embedding": (self.vocabulary, self.embedding),
            "context.null": (self.context,),
            "context.heard": (PITCHES, self.context),
            "output.kernel": (self.units, self.vocabulary),
            "output.bias": (self.vocabulary,),
        }
        result |= {f"context.{name}": (values, self.context) for name, values in COLUMNS.items()}
        for index in range(self.layers):
            below = self.units if index else self.embedding + self.context
            result[f"lstm{index}.kernel"] = (below, 4 * self.units)
            result[f"lstm{index}.recurrent"] = (self.units, 4 * self.units)
            result[f"lstm{index}.bias"] = (4 * self.units,)
        return result
