"""Standard output and error, which may be closed, full, or a pipe that nobody reads any more.

A verdict must not hang on them: what cannot be written is dropped, the first reason is kept, and the program tells it
at its end.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
import time
from dataclasses import dataclass
from typing import TextIO

_ENCODING = "utf-8"
LONGEST_WAIT = 30.0


class _Lossy(io.RawIOBase):
    """Writes to a file descriptor until that fails, and drops the rest; a full pipe is waited for, within bounds."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.lost: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self.lost is None:
            try:
                return self._written(data)
            except OSError as error:
                self.lost = error
        return len(data)

    def _written(self, data: bytes) -> int:
        """How much of ``data`` was taken. Raises OSError."""
        deadline = time.monotonic() + LONGEST_WAIT
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                # Whoever began this program may have made the pipe so that it does not block.
                left = max(0.0, deadline - time.monotonic())
                room = select.poll()
                room.register(self._descriptor, select.POLLOUT)
                if not left or not room.poll(1000 * left):
                    raise


class LossyStream(io.TextIOWrapper):
    """A text stream onto ``descriptor`` that never fails; ``lost`` is why something was dropped, or None."""

    def __init__(self, descriptor: int, encoding: str | None = None) -> None:
        self._raw = _Lossy(descriptor)
        super().__init__(
            io.BufferedWriter(self._raw),  # type: ignore[type-var]
            encoding=encoding or _ENCODING,
            errors="backslashreplace",
            line_buffering=self._raw.isatty(),
        )

    @property
    def lost(self) -> OSError | None:
        """Why something was dropped, or None."""
        return self._raw.lost


def open_all() -> None:
    """Make the standard streams ones that never fail; a closed one is opened onto nothing.

    Were one left closed, the next file that is opened would take its place and get what is told.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            closed = os.open(os.devnull, os.O_RDWR)
            if closed != descriptor:
                os.dup2(closed, descriptor)
                os.close(closed)
            _closed.add(descriptor)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if not isinstance(stream, LossyStream):
            setattr(sys, name, LossyStream(descriptor, getattr(stream, "encoding", None)))


_closed: set[int] = set()


def output() -> TextIO:
    """Standard output, for a program whose standard streams are another's, such as pytest's."""
    if isinstance(sys.stdout, LossyStream):
        return sys.stdout
    if sys.stdout is None:
        return LossyStream(os.open(os.devnull, os.O_WRONLY))
    return LossyStream(sys.stdout.fileno(), sys.stdout.encoding)


def copy() -> LossyStream:
    """A second way to standard output."""
    return LossyStream(os.dup(sys.stdout.fileno()), sys.stdout.encoding)


@dataclass(frozen=True)
class Lost:
    """Standard output did not take all: ``why``, and whether it is no more than that nobody reads on."""

    why: str
    unread: bool = False


def lost() -> Lost | None:
    """What became of standard output; to be asked at a program's end."""
    sys.stdout.flush()
    error = getattr(sys.stdout, "lost", None)
    if 1 in _closed:
        return Lost("it is closed")
    if error is None:
        return None
    if error.errno == errno.EPIPE:
        return Lost("nobody reads it any more", unread=True)
    return Lost(str(error.strerror))
