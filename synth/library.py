"""The FluidSynth library itself, as pyfluidsynth finds it.

pyfluidsynth knows where each platform keeps libfluidsynth; the few functions that rendering needs are bound here, with
their C prototypes, on the library it has loaded. (pyfluidsynth 1.4 does not bind `fluid_synth_write_float` at all, and
16-bit output has a noise floor of -54 to -61 dB.) FluidSynth's own log never reaches stderr: errors are kept, thread
by thread, and become the reason in a `SoundError`.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import io
import os
import sys
import threading
from collections import deque
from ctypes import CFUNCTYPE, c_char_p, c_double, c_int, c_void_p
from typing import Any

from theory.errors import FluidSynthMissingError, SoundError

OK = 0
_HOMEBREW = "/opt/homebrew"  # on Apple Silicon

# name: (result, arguments), from fluidsynth's public headers, version 2.
_PROTOTYPES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "fluid_version_str": (c_char_p, ()),
    "new_fluid_settings": (c_void_p, ()),
    "delete_fluid_settings": (None, (c_void_p,)),
    "fluid_settings_setint": (c_int, (c_void_p, c_char_p, c_int)),
    "fluid_settings_setnum": (c_int, (c_void_p, c_char_p, c_double)),
    "new_fluid_synth": (c_void_p, (c_void_p,)),
    "delete_fluid_synth": (None, (c_void_p,)),
    "fluid_synth_sfload": (c_int, (c_void_p, c_char_p, c_int)),
    "fluid_synth_program_select": (c_int, (c_void_p, c_int, c_int, c_int, c_int)),
    "fluid_synth_noteon": (c_int, (c_void_p, c_int, c_int, c_int)),
    "fluid_synth_noteoff": (c_int, (c_void_p, c_int, c_int)),
    "fluid_synth_cc": (c_int, (c_void_p, c_int, c_int, c_int)),
    "fluid_synth_pitch_bend": (c_int, (c_void_p, c_int, c_int)),
    "fluid_synth_channel_pressure": (c_int, (c_void_p, c_int, c_int)),
    "fluid_synth_write_float": (c_int, (c_void_p, c_int, c_void_p, c_int, c_int, c_void_p, c_int, c_int)),
}

# platform: (how to install, where it is looked for)
_INSTALL = {
    "linux": (
        "apt-get install libfluidsynth3 (Debian, Ubuntu), dnf install fluidsynth-libs (Fedora) or "
        "pacman -S fluidsynth (Arch)",
        "the folders of ldconfig and LD_LIBRARY_PATH",
    ),
    "darwin": ("brew install fluid-synth", "Homebrew's lib folder ($HOMEBREW_PREFIX/lib) and DYLD_LIBRARY_PATH"),
    "win32": (
        "choco install fluidsynth, or unpack the zip of github.com/FluidSynth/fluidsynth to C:\\tools\\fluidsynth",
        "C:\\tools\\fluidsynth\\bin and PATH",
    ),
}

_LogFunction = CFUNCTYPE(None, c_int, c_char_p, c_void_p)
_ERROR, _LOG_LEVELS = 1, 5  # panic is 0


class _Complaints(threading.local):
    def __init__(self) -> None:
        self.texts: deque[str] = deque(maxlen=8)


_complaints = _Complaints()


def _collect(level: int, message: bytes | None, _data: int | None) -> None:
    if level <= _ERROR and message:
        _complaints.texts.append(message.decode("utf-8", "replace").strip())


_collector = _LogFunction(_collect)  # kept here: FluidSynth holds only its address

# A soundfont that FluidSynth cannot read goes on to libinstpatch's DLS reader, where that is built in, and that one's
# assertions would go to stderr through GLib's default log.
_GLibFunction = CFUNCTYPE(None, c_char_p, c_int, c_char_p, c_void_p)
_GLIB_CRITICAL_AND_WARNING = 1 << 3 | 1 << 4
_glib_silence = _GLibFunction(lambda *_: None)


@functools.lru_cache(maxsize=1)
def load() -> ctypes.CDLL:
    """The library, its functions bound to their C prototypes and its log silenced.

    Raises:
        FluidSynthMissingError: libfluidsynth (version 2 or later) or pyfluidsynth is not installed, or is broken.
    """
    library = ctypes.CDLL(_library_name())
    try:
        for name, (result, arguments) in _PROTOTYPES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        set_log = library.fluid_set_log_function
    except AttributeError as error:
        raise FluidSynthMissingError(f"libfluidsynth is too old ({error}): version 2 is needed, {_advice()}") from None
    set_log.argtypes, set_log.restype = (c_int, _LogFunction, c_void_p), c_void_p
    for level in range(_LOG_LEVELS):
        set_log(level, _collector, None)
    if hasattr(library, "g_log_set_handler"):  # GLib, as one of the libraries that this one has loaded
        library.g_log_set_handler.argtypes = (c_char_p, c_int, _GLibFunction, c_void_p)
        library.g_log_set_handler(None, _GLIB_CRITICAL_AND_WARNING, _glib_silence, None)
    return library


def fluidsynth_version() -> str:
    """Version of the library, as in "2.3.1".

    Raises:
        FluidSynthMissingError: not installed.
    """
    version: bytes = load().fluid_version_str()
    return version.decode("ascii", "replace")


def first_complaint() -> str:
    """The first error that FluidSynth has logged on this thread, on one line, and those after it forgotten.

    The first is the cause; what follows says that some larger thing has failed.
    """
    text = _complaints.texts[0] if _complaints.texts else "no reason given"
    _complaints.texts.clear()
    return " ".join(text.split())


class Synth:
    """One FluidSynth synthesizer with one soundfont; a context manager, to be used from one thread.

    Args:
        soundfont: path, as FluidSynth takes it.
        numbers: settings that are floats, by their FluidSynth names.
        integers: settings that are integers.

    Raises:
        SoundError: FluidSynth refuses a setting, the synthesizer or the soundfont.
    """

    def __init__(self, soundfont: bytes, numbers: dict[str, float], integers: dict[str, int]) -> None:
        self.library = load()
        _complaints.texts.clear()
        self._settings = self.library.new_fluid_settings()
        self.handle: int | None = None
        try:
            for name, number in numbers.items():
                self._check(self.library.fluid_settings_setnum(self._settings, name.encode(), number), name)
            for name, integer in integers.items():
                self._check(self.library.fluid_settings_setint(self._settings, name.encode(), integer), name)
            self.handle = self.library.new_fluid_synth(self._settings)
            if not self.handle:
                raise SoundError(f"FluidSynth makes no synthesizer: {first_complaint()}")
            self.soundfont = self.library.fluid_synth_sfload(self.handle, soundfont, 0)
            if self.soundfont < 0:
                raise SoundError(f"FluidSynth cannot read the soundfont: {first_complaint()}")
        except SoundError:
            self.close()
            raise

    def _check(self, status: int, name: str) -> None:
        if status != OK:
            raise SoundError(f"FluidSynth refuses the setting {name}: {first_complaint()}")

    def select(self, channel: int, bank: int, program: int) -> bool:
        """Give a channel a preset; whether the soundfont has it."""
        status = self.library.fluid_synth_program_select(self.handle, channel, self.soundfont, bank, program)
        _complaints.texts.clear()
        return bool(status == OK)

    def close(self) -> None:
        """Free the synthesizer; a second call does nothing."""
        if self.handle:
            self.library.delete_fluid_synth(self.handle)
        if self._settings:
            self.library.delete_fluid_settings(self._settings)
        self.handle = self._settings = None

    def __enter__(self) -> Synth:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _library_name() -> str:
    """File that pyfluidsynth has loaded."""
    if sys.platform == "darwin" and os.path.isdir(_HOMEBREW):
        # Without it pyfluidsynth finds Homebrew's library only from Homebrew's own Python.
        os.environ.setdefault("HOMEBREW_PREFIX", _HOMEBREW)
    try:
        # Where CI is set, pyfluidsynth prints the place it found.
        with contextlib.redirect_stdout(io.StringIO()):
            import fluidsynth
    except ModuleNotFoundError:
        raise FluidSynthMissingError("pyfluidsynth is not installed: pip install pyfluidsynth") from None
    except (ImportError, OSError) as error:
        raise FluidSynthMissingError(f"no usable libfluidsynth ({_one_line(error)}): {_advice()}") from None
    if not hasattr(fluidsynth, "Synth") or not hasattr(fluidsynth, "_fl"):
        raise FluidSynthMissingError(
            f"{getattr(fluidsynth, '__file__', 'fluidsynth')} is not pyfluidsynth but another package of that name: "
            "pip uninstall fluidsynth, then pip install --force-reinstall pyfluidsynth"
        )
    name: str = fluidsynth._fl._name
    return name


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _advice() -> str:
    install, places = _INSTALL.get(sys.platform, _INSTALL["linux"])
    return f"install it with {install}; it is looked for in {places}"


__all__ = ["OK", "Synth", "fluidsynth_version", "first_complaint", "load"]
