"""What the networks run on."""

from __future__ import annotations

import os
from functools import cache

import keras


@cache
def on_processor() -> bool:
    """Whether TensorFlow computes, and no GPU for it."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


__all__ = ["cores", "on_processor"]
