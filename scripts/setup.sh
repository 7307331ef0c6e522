#!/bin/sh
# Set up Cadenza in .venv, for make: `setup.sh base` to compose and render, `setup.sh dev` to test and train as well.
# What the system lacks is installed in one go, asking for sudo at most once. Without FluidSynth all but the sound works.
set -eu
cd "$(dirname "$0")/.."

PYTHON=.venv/bin/python
PIP="$PYTHON -m pip --disable-pip-version-check --no-input -q"

say() { echo "cadenza: $*"; }
fail() { say "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
is_version() { "$1" -c "import sys; sys.exit(not ($2))" 2>/dev/null; }
can_make_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

# TensorFlow, which only training and the tests need, has releases for 3.11 to 3.13: those first.
choose_python() {
    for name in python3 python3.13 python3.12 python3.11; do
        if is_version "$name" '(3, 11) <= sys.version_info < (3, 14)'; then echo "$name"; return; fi
    done
    for name in python3 python3.14; do
        if is_version "$name" 'sys.version_info >= (3, 14)'; then echo "$name"; return; fi
    done
    fail "no Python 3.11 or later among python3 and python3.11 to python3.14 on PATH: install one, then make again"
}

# Homebrew's folder as well: a Python that is not Homebrew's does not look there.
has_fluidsynth() {
    for prefix in "${HOMEBREW_PREFIX:-/opt/homebrew}" /usr/local; do
        if [ -e "$prefix/lib/libfluidsynth.dylib" ]; then return; fi
    done
    "$1" -c 'import sys; from ctypes.util import find_library as find; sys.exit(not find("fluidsynth"))' 2>/dev/null
}

# MANAGER: the system's package manager. FLUIDSYNTH: its name for the library.
name_packages() {
    MANAGER='' FLUIDSYNTH='libfluidsynth'
    if [ "$(uname)" = Darwin ]; then MANAGER=brew FLUIDSYNTH=fluid-synth
    elif have apt-get; then MANAGER=apt-get FLUIDSYNTH=libfluidsynth3
    elif have dnf; then MANAGER=dnf FLUIDSYNTH=fluidsynth-libs
    elif have pacman; then MANAGER=pacman FLUIDSYNTH=fluidsynth
    fi
}

# The line a person would type to install packages.
install_line() {
    case $MANAGER in
        '') echo "your system's package manager ($*)"; return ;;
        brew) echo "brew install $*"; return ;;
        pacman) line="pacman -S $*" ;;
        *) line="$MANAGER install $*" ;;
    esac
    if [ "$(id -u)" -eq 0 ]; then echo "$line"
    elif have sudo; then echo "sudo $line"
    else echo "su -c '$line'"
    fi
}

# sudo may ask for a password only where someone is there to type it.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif ! have sudo; then return 1
    elif [ -t 0 ] && [ -z "${CI:-}" ]; then sudo "$@"
    else sudo -n "$@" 2>/dev/null
    fi
}

# A fresh container has no package lists, an old machine has stale ones: both are fetched, the latter when needed.
# shellcheck disable=SC2016  # for the inner shell to expand
APT='export DEBIAN_FRONTEND=noninteractive
get="apt-get -qq -o DPkg::Lock::Timeout=120"
install() { $get install -y --no-install-recommends "$@" >/dev/null; }
ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || $get update
install "$@" || { $get update && install "$@"; }'

install_packages() {
    say "missing on this system, trying to install: $*"
    case $MANAGER in
        apt-get) as_root sh -c "$APT" sh "$@" ;;
        dnf) as_root dnf install -y -q "$@" ;;
        pacman) as_root pacman -S --needed --noconfirm "$@" ;;
        brew) have brew && NONINTERACTIVE=1 brew install -q "$@" ;;
        *) false ;;
    esac
}

# Whether .venv can be kept: its Python and pip run, and it has not been moved (its scripts hold its path).
works() {
    is_version $PYTHON 'sys.version_info >= (3, 11)' && $PYTHON -m pip --version >/dev/null 2>&1 &&
        [ "$(cat .venv/base.stamp 2>/dev/null || pwd -P)" = "$(pwd -P)" ]
}

set_up_base() {
    python=$PYTHON
    wanted=''
    name_packages
    if ! works; then
        python=$(choose_python)
        if ! can_make_venv "$python"; then wanted="$python-venv"; fi
    fi
    if ! has_fluidsynth "$python"; then wanted="$wanted $FLUIDSYNTH"; fi
    # shellcheck disable=SC2086  # a list of words
    if [ -n "$wanted" ]; then install_packages $wanted || true; fi

    if [ "$python" != $PYTHON ]; then
        # shellcheck disable=SC2086
        can_make_venv "$python" || fail "$python cannot make a virtual environment: run $(install_line $wanted), then make again"
        "$python" -m venv --clear .venv
    fi
    say 'installing what composing needs into .venv (a minute or two)'
    $PIP install -e .
    pwd -P >.venv/base.stamp
    $PYTHON -c 'import synth; synth.fluidsynth_version()' 2>/dev/null ||
        say "no sound without FluidSynth, the rest works; install it with: $(install_line "$FLUIDSYNTH")"
}

set_up_dev() {
    is_version $PYTHON 'sys.version_info < (3, 14)' ||
        fail 'TensorFlow, which the tests need, has no release for this Python: install Python 3.13, then make clean test'
    say 'installing what testing and training need into .venv (TensorFlow: some minutes, 2 GB)'
    $PIP install -e '.[dev]'
    touch .venv/dev.stamp
}

"set_up_$1"
