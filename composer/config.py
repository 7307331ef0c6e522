"""What a model is: its sizes, written beside its weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from composer.bar_notes import FORM, PLACES, SIZES
from theory.errors import ModelError, RequestError
from theory.tokens import VOCABULARY
from theory.tokens.features import COLUMNS, PITCHES

# Shape of a recurrent cell's bias, the last axis in units; it is as many times the units as the cell has gates, the
# candidate among them. Keras' GRU has two biases: for what comes from below, and for what it said itself.
CELLS: dict[str, tuple[int, ...]] = {"lstm": (4,), "gru": (2, 3), "rnn": (1,)}
LAGS = (1, 2, 4, 8)  # rows of a latent so far back are what its prior reads, and may say again
MOST_BARS = 64  # that a VAE learns from at a time
_ENCODERS = ("lstm", "cnn", "")


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """Sizes of a decoder.

    Attributes:
        vocabulary: number of tokens.
        embedding: size of a token's vector.
        context: size of a context vector.
        units: cells in a recurrent layer.
        layers: recurrent layers.
        dropout: share of each recurrent layer's outputs dropped in training.
        cell: what these layers are made of: "lstm", "gru" or "rnn" (a hyperbolic tangent, no gates).

    Raises:
        RequestError: a size that is none, or no cell.
    """

    vocabulary: int = VOCABULARY.size
    embedding: int = 192
    context: int = 128
    units: int = 384
    layers: int = 2
    dropout: float = 0.4
    cell: str = "lstm"

    def __post_init__(self) -> None:
        for name in ("vocabulary", "embedding", "context", "units", "layers"):
            size = getattr(self, name)
            if type(size) is not int or size < 1:
                raise RequestError(f"{name} {size}: must be a whole number above 0")
        if type(self.dropout) is not float or not 0 <= self.dropout < 1:
            raise RequestError(f"dropout {self.dropout}: must be 0 to below 1")
        if not isinstance(self.cell, str) or self.cell not in CELLS:
            raise RequestError(f"cell {self.cell!r:.40}: choose one of {', '.join(CELLS)}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DecoderConfig:
        """Read what `to_dict` wrote; without a cell, as models before there was a choice, an LSTM.

        Raises:
            ModelError: a field is missing, unknown, or no size.
        """
        known = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or {*values, "cell"} != known:
            raise ModelError(f"decoder configuration has fields {sorted(values or ())}, expected {sorted(known)}")
        try:
            return cls(**dict({"cell": "lstm"}, **values))
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
        *biases, gates = CELLS[self.cell]
        for index in range(self.layers):
            below = self.units if index else self.embedding + self.context
            result[f"{self.cell}{index}.kernel"] = (below, gates * self.units)
            result[f"{self.cell}{index}.recurrent"] = (self.units, gates * self.units)
            result[f"{self.cell}{index}.bias"] = (*biases, gates * self.units)
        return result


@dataclass(frozen=True, slots=True)
class LatentConfig:
    """Sizes of what stands around the decoder of a model with a latent.

    Attributes:
        size: of the latent, a bar.
        conductor_units: cells in each direction of the conductor's LSTM.
        prior_units: cells of the prior's LSTM.
        encoder: what reads the notes of a bar: "lstm" or "cnn"; "" where there is no encoder (a GAN).
        encoder_units: cells in each direction of the encoder's LSTMs, or channels of its convolutions.
        note: size of a note's vector.
        dropout: share of what the encoder read of a bar, and of what the prior beside it reads and says, dropped in
            training.
        hierarchical: whether there is a latent a bar; otherwise one for the piece, without a conductor.

    Raises:
        RequestError: a size that is none.
    """

    size: int = 32
    conductor_units: int = 128
    prior_units: int = 256
    encoder: str = "lstm"
    encoder_units: int = 160
    note: int = 96
    dropout: float = 0.05
    hierarchical: bool = True

    def __post_init__(self) -> None:
        for name in ("size", "conductor_units", "prior_units", "encoder_units", "note"):
            size = getattr(self, name)
            if type(size) is not int or size < 1:
                raise RequestError(f"{name} {size}: must be a whole number above 0")
        if self.encoder not in _ENCODERS:
            raise RequestError(f"encoder {self.encoder!r:.40}: choose one of {', '.join(filter(None, _ENCODERS))}")
        if type(self.dropout) is not float or not 0 <= self.dropout < 1:
            raise RequestError(f"dropout {self.dropout}: must be 0 to below 1")
        if type(self.hierarchical) is not bool:
            raise RequestError(f"hierarchical {self.hierarchical!r:.40}: must be true or false")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> LatentConfig:
        """Read what `dataclasses.asdict` wrote.

        Raises:
            ModelError: a field is missing, unknown, or no size.
        """
        known = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or set(values) != known:
            raise ModelError(f"latent configuration has fields {sorted(values or ())}, expected {sorted(known)}")
        try:
            return cls(**values)
        except RequestError as error:
            raise ModelError(f"latent configuration: {error}") from None

    def shapes(self, context: int) -> dict[str, tuple[int, ...]]:
        """Shape of every weight around the decoder, by the name that `composer.latent_runtime` reads.

        Args:
            context: size of the decoder's context vectors.
        """
        result: dict[str, tuple[int, ...]] = {}
        if self.hierarchical:
            result |= _both_ways("conductor.bars", self.size, self.conductor_units)
            result |= _dense("conductor.bar", self.size + 2 * self.conductor_units, 2 * self.conductor_units)
            result |= _dense("conductor.output", 2 * self.conductor_units, PLACES * context)
        else:
            result |= _dense("conductor.output", self.size, context)
        result |= {f"prior.{name}": (values, self.size) for name, values in FORM.items()}
        result |= _lstm("prior.reader", (len(LAGS) + 1) * self.size, self.prior_units)
        result |= _dense("prior", self.prior_units, sum(self.prior_outputs))
        result |= {f"prior.again.{name}": (len(LAGS), self.size) for name in ("scale", "shift")}
        return result | (self._encoder() if self.encoder else {})

    @property
    def prior_outputs(self) -> tuple[int, ...]:
        """How many numbers the prior says of a row: means, logarithms of variances, those of rows said again, logits.

        The logits are of what the row is: new, or that of one of the `LAGS`.
        """
        return self.size, self.size, len(LAGS) * self.size, 1 + len(LAGS)

    def _encoder(self) -> dict[str, tuple[int, ...]]:
        units = self.encoder_units
        result: dict[str, tuple[int, ...]] = {f"encoder.notes.{name}": (n, self.note) for name, n in SIZES.items()}
        if self.encoder == "lstm":
            result |= _both_ways("encoder.notes", self.note, units)
        else:
            for index, below in enumerate((self.note, 2 * units)):
                result[f"encoder.notes.conv{index}.kernel"] = (3, below, 2 * units)
                result[f"encoder.notes.conv{index}.bias"] = (2 * units,)
        result |= _both_ways("encoder.bars", 2 * units, units)
        return (
            result | _dense("encoder.mean", 2 * units, self.size) | _dense("encoder.log_variance", 2 * units, self.size)
        )


def _both_ways(name: str, below: int, units: int) -> dict[str, tuple[int, ...]]:
    return _lstm(f"{name}.forward", below, units) | _lstm(f"{name}.backward", below, units)


def _lstm(name: str, below: int, units: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{name}.kernel": (below, 4 * units),
        f"{name}.recurrent": (units, 4 * units),
        f"{name}.bias": (4 * units,),
    }


def _dense(name: str, below: int, units: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.kernel": (below, units), f"{name}.bias": (units,)}
