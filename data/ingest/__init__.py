"""Any folder of music to training data: read, checked, grouped by near-duplicates, split, tokenized, reported.

    from pathlib import Path
    from data.ingest import prepare

    prepare(Path("my-music"), Path("dataset"))

Then `cadenza train dataset`, or `data.dataset.tensors("dataset", "train")`.
"""

from data.ingest.piece import Encoding
from data.ingest.preparation import Summary, Watcher, prepare

__all__ = ["Encoding", "Summary", "Watcher", "prepare"]
