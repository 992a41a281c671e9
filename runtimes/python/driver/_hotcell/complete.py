"""Completion, inspection and is-it-complete, on the live objects.

jedi stays off: it guesses from source, at a cost in time and memory, while the
objects themselves are here to be asked.
"""

from __future__ import annotations

import builtins
import inspect
import keyword
import re
from types import ModuleType
from typing import Any

from IPython.core.completer import provisionalcompleter, rectify_completions
from IPython.utils.tokenutil import token_at_cursor

from .protocol import Frame
from .shell import Shell

MATCHES = 1000  # more than anybody reads, less than a frame
# What IPython calls a match whose object it has not looked at.
GUESSES = ("", "<unknown>", "variable", "attribute")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def nothing(frame: Frame) -> Frame:
    """The reply to a question that nothing is known about."""
    kind, cursor = str(frame["type"]), int(frame.get("cursor", 0))
    reply: Frame = {"type": kind + "_reply", "id": frame.get("id", "")}
    if kind == "complete":
        reply.update(matches=[], start=cursor, end=cursor)
    elif kind == "inspect":
        reply.update(found=False)
    else:
        reply.update(status="unknown")
    return reply


def answer(shell: Shell, frame: Frame) -> Frame:
    """What is known: the members of a reply."""
    kind, code = frame["type"], str(frame.get("code", ""))
    cursor = max(0, min(int(frame.get("cursor", 0)), len(code)))
    if kind == "complete":
        return complete(shell, code, cursor)
    if kind == "inspect":
        return inspect_at(shell, code, cursor, int(frame.get("detail", 0)))
    return is_complete(shell, code)


def complete(shell: Shell, code: str, cursor: int) -> Frame:
    with provisionalcompleter():
        shell.Completer.use_jedi = False
        found = shell.Completer.completions(code, cursor)
        rectified = list(rectify_completions(code, found))
    matches: dict[str, str] = {}
    owner = owner_of(shell, code[:cursor])
    for one in rectified:
        if len(matches) >= MATCHES:
            break
        matches.setdefault(one.text, kind_of(shell, owner, one.text, str(one.type or "")))
    start = rectified[0].start if rectified else cursor
    end = rectified[0].end if rectified else cursor
    # IPython replaces the dot by itself; front ends compare with what is after it.
    dot = 1 if code[start : start + 1] == "." and all(t[:1] == "." for t in matches) else 0
    start += dot
    listed = [{"text": text[dot:], "kind": kind} for text, kind in matches.items()]
    return {"matches": listed, "start": start, "end": end}


def owner_of(shell: Shell, before: str) -> Any:
    """The object before the last dot, if it is a plain path of names."""
    found = re.search(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\.\w*$", before)
    if found is None:
        return None
    names = found.group(1).split(".")
    value = shell.user_ns.get(names[0])
    for name in names[1:]:
        try:
            value = inspect.getattr_static(value, name)
        except AttributeError:
            return None
    return value


def kind_of(shell: Shell, owner: Any, text: str, known: str) -> str:
    if known not in GUESSES:
        return known
    if text.startswith("%"):
        return "magic"
    name = text.rstrip("(").rpartition(".")[2]
    if owner is not None:
        try:
            return kind_of_value(inspect.getattr_static(owner, name))
        except AttributeError:
            return ""
    if name in shell.user_ns:
        return kind_of_value(shell.user_ns[name])
    if keyword.iskeyword(name):
        return "keyword"
    if hasattr(builtins, name):
        return kind_of_value(getattr(builtins, name))
    return ""


def kind_of_value(value: Any) -> str:
    if isinstance(value, ModuleType):
        return "module"
    if isinstance(value, type):
        return "class"
    if isinstance(value, property) or inspect.isdatadescriptor(value):
        return "property"
    if callable(value) or isinstance(value, (staticmethod, classmethod)):
        return "function"
    return "instance"


def inspect_at(shell: Shell, code: str, cursor: int, detail: int) -> Frame:
    name = token_at_cursor(code, cursor)
    try:
        bundle = shell.object_inspect_mime(name, detail_level=detail) if name else {}
    except KeyError:
        bundle = {}
    if not bundle:
        return {"found": False}
    texts = {kind: _ESCAPES.sub("", part) for kind, part in bundle.items() if isinstance(part, str)}
    return {"found": True, "data": texts}


def is_complete(shell: Shell, code: str) -> Frame:
    status, indent = shell.check_complete(code)
    if status not in ("complete", "incomplete", "invalid"):
        status = "unknown"
    return {"status": status, "indent": indent or ""}
