"""Kinds of latent spaces, a piece to give them, and what was drawn: what the tests of latents share."""

from __future__ import annotations

from dataclasses import replace

from tiny_models import TINY_LATENT, tune

from composer.latent_runtime import Latent
from theory.event import TempoEvent

KINDS = {"whole": TINY_LATENT, "flat": replace(TINY_LATENT, hierarchical=False)}
GAN = replace(TINY_LATENT, encoder="")


def given(seed=0, bars=4, bpm=132, **form):
    return tune(seed, bars, **form).replace(tempos=(TempoEvent.from_bpm(0, bpm),))


def told_by(make, monkeypatch):
    """The latents that pieces were composed from."""
    seen = []
    before = Latent.contexts
    monkeypatch.setattr(Latent, "contexts", lambda space, latent: seen.append(latent) or before(space, latent))
    made = make()
    return made, seen
