"""Remove the folder of a run that keeps nothing (mode `production`), once it is over."""

from __future__ import annotations

import shutil

from tasks.kernel import Kernel
from tasks.runs.loading import staging_root


def tidy(kernel: Kernel, run_hash: str) -> None:
    """A folder that is not there is as good."""
    root = staging_root(kernel.settings.data).resolve()
    folder = (root / run_hash).resolve()
    if folder.parent == root:
        shutil.rmtree(folder, ignore_errors=True)
