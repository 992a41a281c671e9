"""What is said about an exception: name, value, and the user's own frames."""

from __future__ import annotations

import os
import sys
import traceback
from types import TracebackType

import IPython

FRAMES = 100  # a traceback shows at most so many, the first and the last ones
CHARACTERS = 1 << 18  # of a value or a traceback, so that an error fits everywhere

_HIDDEN = ("<hotcell ", os.path.join(os.path.dirname(IPython.__file__), ""))


def describe(error: BaseException) -> tuple[str, str, str]:
    """Name, value and traceback of an exception. Never raises an Exception."""
    kind = type(error)
    name = str(getattr(kind, "__name__", "Exception"))
    return name, clip(text_of(error)), clip(trace_of(error))


def text_of(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        text = error.msg
        if isinstance(text, str):
            where = f" ({error.filename}, line {error.lineno})" if error.lineno else ""
            return text + where
    try:
        return str(error)
    except Exception:
        return f"<exception str() failed: {type(error).__name__}>"


def trace_of(error: BaseException) -> str:
    error_trace = error.__traceback__
    try:
        frames, left_out = shorten(error_trace)
        error.__traceback__ = frames
        try:
            report = traceback.TracebackException(type(error), error, frames, compact=True)
        finally:
            error.__traceback__ = error_trace
        clean(report)
        text = "".join(report.format())
    except RecursionError:
        text = f"{type(error).__name__}: {text_of(error)}\n"
        left_out = 0
    except Exception as failure:
        text = f"{type(error).__name__}: {text_of(error)}\n"
        text += f"(the traceback can't be shown: {type(failure).__name__})\n"
        left_out = 0
    if left_out:
        text += f"({left_out} frames in the middle were left out)\n"
    header = "Traceback (most recent call last):\n"
    return text if "Traceback (most recent call last)" in text[:4096] else header + text


def hidden(filename: str) -> bool:
    return filename.startswith(_HIDDEN)


def shorten(trace: TracebackType | None) -> tuple[TracebackType | None, int]:
    """A copy without our own frames and without the middle of a deep recursion."""
    entries = []
    while trace is not None:
        if not hidden(trace.tb_frame.f_code.co_filename):
            entries.append(trace)
        trace = trace.tb_next
    left_out = max(0, len(entries) - FRAMES)
    if left_out:
        entries = entries[: FRAMES // 2] + entries[-FRAMES // 2 :]
    short: TracebackType | None = None
    for entry in reversed(entries):
        short = TracebackType(short, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return short, left_out


def clean(report: traceback.TracebackException) -> None:
    """Take our frames out of the chained exceptions too."""
    pending = [report]
    seen: set[int] = set()
    while pending:
        one = pending.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if one.stack is not None:
            one.stack[:] = [frame for frame in one.stack if not hidden(frame.filename)]
            if len(one.stack) > FRAMES:
                del one.stack[FRAMES // 2 : -FRAMES // 2]
        pending += [e for e in (one.__cause__, one.__context__) if e is not None]
        pending += getattr(one, "exceptions", None) or []


def clip(text: str) -> str:
    if len(text) <= CHARACTERS:
        return text
    half = CHARACTERS // 2
    return f"{text[:half]}\n… {len(text) - CHARACTERS} characters left out …\n{text[-half:]}"


def remember(error: BaseException) -> None:
    """For post-mortem tools: %debug, pdb.pm()."""
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error
