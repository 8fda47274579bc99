"""A run's private folder for its book, and what is left of those of runs that were killed.

A living run holds a lock on its folder, which ends with its process however that ends.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing tells the living from the dead there, so nothing is removed
    fcntl = None  # type: ignore[assignment]

_PREFIX = "trigger-conformance-run-"
_LOCK = "lock"


class Scratch:
    """A new folder that only its owner may read; removes those that killed runs of this user left."""

    def __init__(self) -> None:
        _remove_stale()
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        # Under its name it is locked from the first moment.
        new = self.path / "new"
        self._lock = os.open(new, os.O_RDWR | os.O_CREAT, 0o600)
        if fcntl is not None:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        new.rename(self.path / _LOCK)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _remove_stale() -> None:
    if fcntl is None:
        return
    with suppress(OSError):
        for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
            if _is_stale(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_stale(folder: Path) -> bool:
    """Whether ``folder`` is this user's and nobody holds its lock; one that has none yet is just being made."""
    try:
        found = folder.lstat()
        if folder.is_symlink() or found.st_uid != os.getuid():
            return False
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
