"""Ctrl-C, SIGTERM and SIGHUP: what is interrupted ends in good order, with exit status 2 and one line.

It imports next to nothing, so that a program can begin with it. What a signal does depends on where the program is:

- at the beginning, or in a command that leaves nothing behind: one line, and the end;
- where children and files must go first (``unwinding``): one line, and SystemExit;
- while checks run (``raise_from_now``): KeyboardInterrupt, once;
- while what a run made is removed (``cut_short``): the first is remembered, the second raises KeyboardInterrupt;
- while a run begins or writes its reports (``postpone``): it is remembered, and asked for by ``requested``;
- after the reports (``over``): what is still to be told is cut short.

Where a run is under way a second signal leaves the reports whole; a third ends it at once.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

STATUS = 2
_PATIENCE = 2
_TOGETHER = 0.5
# Windows has no SIGHUP.
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def _tell(line: str) -> None:
    # A handler may have been called in the middle of anything, a write to sys.stderr too.
    with suppress(OSError):
        os.write(2, f"{line}\n".encode())


def _end(status: int = STATUS) -> None:
    os._exit(status)


def _end_at_once() -> None:
    _tell("interrupted: nothing was decided yet")
    _end()


def _unwind() -> None:
    if _received == 1:
        _tell("interrupted")
        raise SystemExit(STATUS)
    _give_up("interrupted: what was begun could not be ended")


def _raise() -> None:
    if _received == 1:
        raise KeyboardInterrupt
    _give_up("interrupted once more: the reports may not be whole")


def _postpone() -> None:
    _give_up("interrupted once more: the reports may not be whole")


def _give_up(line: str) -> None:
    if _received > _PATIENCE:
        _tell(line)
        _end()


def _cut() -> None:
    if _impatient():
        raise KeyboardInterrupt


def _impatient() -> bool:
    # Signals that come together are one: a terminal sends to all, and a program that started this one hands it on.
    return _received > 1 and _last - _first >= _TOGETHER


_received = 0
_first = _last = 0.0
_action: Callable[[], None] = _end_at_once


def _handle(*_: object) -> None:
    global _received, _first, _last
    _received += 1
    _last = time.monotonic()
    _first = _first or _last
    _action()


def _act(action: Callable[[], None]) -> Callable[[], None]:
    """Have ``action`` answer signals from now on; returns the one before it."""
    global _action
    before, _action = _action, action
    return before


def begin() -> None:
    """Take the signals over. Those that the parent has this process ignore (nohup, a shell's &) stay ignored."""
    for each in _SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, _handle)


def requested() -> bool:
    """Whether a signal has come."""
    return _received > 0


def postpone() -> None:
    """From now on only remember a signal."""
    _act(_postpone)


def raise_from_now() -> None:
    """Raise KeyboardInterrupt at the first signal, or now where one has come."""
    _act(_raise)
    if _received:
        raise KeyboardInterrupt


@contextmanager
def _acting(action: Callable[[], None]) -> Iterator[None]:
    before = _act(action)
    try:
        if _received:
            raise KeyboardInterrupt
        yield
    finally:
        _act(before)


def raising() -> AbstractContextManager[None]:
    """A context of ``raise_from_now``."""
    return _acting(_raise)


@contextmanager
def cut_short() -> Iterator[None]:
    """A context that a second signal ends with KeyboardInterrupt, also one that came before it."""
    before = _act(_cut)
    try:
        _cut()
        yield
    finally:
        _act(before)


def unwinding() -> AbstractContextManager[None]:
    """A context in which the first signal raises SystemExit with the status of an interruption."""
    return _acting(_unwind)


@contextmanager
def held_back() -> Iterator[None]:
    """A context in which signals wait outside; processes that are started in it never see them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def follow_the_controller() -> None:
    """In a worker process, started with signals ``held_back``: whoever interrupts the run interrupts its controller.

    The worker leaves the process group, to which a terminal sends, and can then be ended like any other process.
    """
    if not hasattr(os, "setsid"):
        return
    os.setsid()
    for each in _SIGNALS:
        # What has waited outside is meant for the controller; ignoring it drops it.
        signal.signal(each, signal.SIG_IGN)
        signal.signal(each, signal.default_int_handler if each is signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def over(status: int) -> bool:
    """The reports are written: from now on a signal ends the program with ``status``. Whether one came before."""
    _act(lambda: _end(status))
    _forget()
    return requested()


def _forget() -> None:
    """Have Python forget a KeyboardInterrupt that passed through code which was run from a text.

    Data classes and Hypothesis make functions so. Python would otherwise end as if nobody had caught it: by the signal.
    """
    exec("")


def end() -> None:
    """The status is settled: no signal changes it while Python shuts down."""
    _forget()
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
