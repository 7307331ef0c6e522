"""What a model learnt from, read before a piece is held against it; a bar shows how far where that takes long."""

from __future__ import annotations

from typing import Any

from composer.cli.options import bar_progress


def read(request: dict[str, Any]) -> None:
    """Have the index of a model's training pieces at hand, if a request needs it.

    Raises:
        CadenzaError: the request makes no sense; see `composer.originality.index_for`.
    """
    if request["original"] is None:
        return
    from composer import bundle
    from composer.originality import index_for
    from composer.request import Request
    from data.workers import processors

    wanted = Request.of(request)
    with bar_progress("reading what the model learnt from", "pieces") as progress:
        index_for(bundle.find(wanted.style, wanted.model), progress, workers=processors())
