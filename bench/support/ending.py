"""SIGTERM ends the runner by an exception, so that all is released on the way out. Not between a process's start and the
moment at which somebody has it to release."""

import contextlib
import signal
import sys

TERMINATED = 143

_held = 0
_wanted = False


def _on_sigterm(*_):
    global _wanted
    _wanted = True
    if not _held:
        sys.exit(TERMINATED)


def on_sigterm():
    signal.signal(signal.SIGTERM, _on_sigterm)


@contextlib.contextmanager
def held():
    """Who is asked to end in here does so when it is over."""
    global _held
    _held += 1
    try:
        yield
    finally:
        _held -= 1
        if _wanted and not _held:
            sys.exit(TERMINATED)
