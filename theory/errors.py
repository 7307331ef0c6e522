"""Every error Cadenza raises on purpose, and the exit code the command line gives it.

    CadenzaError                                   1
    ├── RequestError       (ValueError)            2   a request that makes no sense: 0 bars, tempo -5
    │   ├── PitchError                            10   "H#4" is no pitch
    │   ├── KeyNameError                          11   "H# minor" is no key
    │   ├── ChordNameError                        12   "Cmaj99" is no chord symbol
    │   │   └── RomanNumeralError                 16   "VIII" is no Roman numeral
    │   ├── MeterError                            13   "4/0" is no meter
    │   ├── UnknownNameError   (LookupError)      14   a style, model or corpus that does not exist
    │   └── ClashError                            15   constraints that exclude each other
    ├── ScoreError         (ValueError)           20   columns or events that contradict each other
    ├── FileFormatError    (ValueError)           30   a file that is not what it claims to be
    ├── InputFileError     (OSError)              31   a file that is missing or cannot be read
    ├── OutputError        (OSError)              32   a place that cannot be written
    ├── TokenError         (ValueError)           40   token ids that spell no score
    ├── ModelError         (ValueError)           41   a model folder that is none, or of another vocabulary
    ├── TrainingError      (RuntimeError)         42   training that cannot go on
    ├── SearchError        (RuntimeError)         43   no piece was found that keeps all constraints
    │   └── OriginalityError                      44   every piece that was drawn copies a training piece
    ├── SoundError         (RuntimeError)         50   FluidSynth refuses to play
    │   ├── FluidSynthMissingError                51   no libfluidsynth on this machine
    │   └── SoundfontError                        52   no soundfont, or a file that is none
    ├── DependencyError    (ImportError)          60   an optional package is not installed
    └── WorkerError        (RuntimeError)         70   worker processes or a cluster that cannot be had

Beside them stands one warning, RepairWarning (UserWarning): a damaged file was read after all.

A message is one line: what is wrong, where, and what to do.
"""

from __future__ import annotations


class CadenzaError(Exception):
    """Root of all errors that Cadenza raises on purpose."""

    exit_code = 1


class RequestError(CadenzaError, ValueError):
    """The request itself makes no sense."""

    exit_code = 2


class PitchError(RequestError):
    """Not the name or number of a pitch or an interval."""

    exit_code = 10


class KeyNameError(RequestError):
    """Not the name of a key."""

    exit_code = 11


class ChordNameError(RequestError):
    """Not a chord symbol."""

    exit_code = 12


class RomanNumeralError(ChordNameError):
    """Not a Roman numeral."""

    exit_code = 16


class MeterError(RequestError):
    """Not a meter."""

    exit_code = 13


class UnknownNameError(RequestError, LookupError):
    """A name that is not in the list of what exists; the message gives the list."""

    exit_code = 14


class ClashError(RequestError):
    """Constraints that exclude each other; the message names a smallest set of them."""

    exit_code = 15


class ScoreError(CadenzaError, ValueError):
    """Columns or events that cannot stand together in one score."""

    exit_code = 20


class FileFormatError(CadenzaError, ValueError):
    """A file whose content is not what its name or caller claims."""

    exit_code = 30


class InputFileError(CadenzaError, OSError):
    """A file that is missing or cannot be read."""

    exit_code = 31


class OutputError(CadenzaError, OSError):
    """A place that cannot be written."""

    exit_code = 32


class TokenError(CadenzaError, ValueError):
    """Token ids that spell no score."""

    exit_code = 40


class ModelError(CadenzaError, ValueError):
    """A model folder that is none, is damaged, or speaks another vocabulary."""

    exit_code = 41


class TrainingError(CadenzaError, RuntimeError):
    """Training that cannot start or go on."""

    exit_code = 42


class SearchError(CadenzaError, RuntimeError):
    """The budget for trying again is spent, and no piece was found that keeps all constraints."""

    exit_code = 43


class OriginalityError(SearchError):
    """Every piece that was drawn shares too many notes in a row with one that the model learnt from."""

    exit_code = 44


class SoundError(CadenzaError, RuntimeError):
    """FluidSynth refuses to play."""

    exit_code = 50


class FluidSynthMissingError(SoundError):
    """No libfluidsynth on this machine."""

    exit_code = 51


class SoundfontError(SoundError):
    """No soundfont, or a file that is none."""

    exit_code = 52


class DependencyError(CadenzaError, ImportError):
    """An optional package is not installed; the message names the line that installs it."""

    exit_code = 60


class WorkerError(CadenzaError, RuntimeError):
    """Worker processes that end as they start, or a cluster that cannot be reached."""

    exit_code = 70


class RepairWarning(UserWarning):
    """A damaged file was read; the message says what was repaired."""
