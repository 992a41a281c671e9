"""What the interpreter does when a program has ended, for a script."""

from __future__ import annotations

import sys
from typing import Any


def leaving(error: SystemExit) -> int:
    """The exit status that sys.exit() asked for; text is printed."""
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code if -(1 << 63) <= code < 1 << 63 else -1
    try:
        sys.stderr.write(f"{code}\n")
    except BaseException:
        pass
    return 1


def report(raised: BaseException) -> int:
    """Have sys.excepthook tell an error. Returns the exit status."""
    shown = (type(raised), raised, raised.__traceback__)
    hook = getattr(sys, "excepthook", None)
    if hook is None:
        say("sys.excepthook is missing\n")
        sys.__excepthook__(*shown)
        return 1
    try:
        hook(*shown)
    except SystemExit as error:
        return leaving(error)
    except BaseException as error:
        if error.__traceback__ is not None:
            error.__traceback__ = error.__traceback__.tb_next
        say("Error in sys.excepthook:\n")
        sys.__excepthook__(type(error), error, error.__traceback__)
        say("\nOriginal exception was:\n")
        sys.__excepthook__(*shown)
    return 1


def say(text: str) -> None:
    try:
        sys.stderr.write(text)
    except BaseException:
        pass


def join_threads() -> None:
    """Wait for the threads that a program has to wait for."""
    threading: Any = sys.modules.get("threading")
    shutdown = getattr(threading, "_shutdown", None)
    if shutdown is None:
        return
    try:
        shutdown()
    except BaseException as error:
        say(f"Exception ignored on threading shutdown {shutdown!r}:\n")
        sys.__excepthook__(type(error), error, error.__traceback__)


def flush() -> bool:
    """Flush what the program has put in the place of its streams."""
    written = True
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name, None)
        if stream is None or getattr(stream, "closed", False):
            continue
        try:
            stream.flush()
        except BaseException:
            written = written and name == "stderr"
    return written


def flush_c_output() -> None:
    """C's exit() would flush every open file."""
    ctypes: Any = sys.modules.get("ctypes") or __import__("ctypes")
    try:
        ctypes.CDLL(None).fflush(None)
    except Exception:
        pass


def empty(names: dict[str, Any]) -> None:
    """What the interpreter does with the names of a module at the end."""
    for private in (True, False):
        for name in list(names):
            if name != "__builtins__" and private == (name[:1] == "_" and name[1:2] != "_"):
                names[name] = None
