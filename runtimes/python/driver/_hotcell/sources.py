"""The text of the cells, kept where Python's own tools look for source lines."""

from __future__ import annotations

import inspect
import io
import linecache
import re
from collections import deque
from typing import Any

# Beyond these the oldest cells lose their source lines.
CHARACTERS_KEPT = 64 << 20  # of all cells, with what each takes beside its text
OVERHEAD = 1 << 10  # about what that is
PASSING_KEPT = 256  # cells that define nothing

Entry = tuple[int, None, list[str], str]


def line_cache() -> dict[str, Any]:
    """linecache's own, also after somebody has put something else there."""
    module: Any = linecache
    if not isinstance(getattr(module, "cache", None), dict):
        module.cache = {}
    cache: dict[str, Any] = module.cache
    return cache


def forget_command_line() -> None:
    """Python 3.13 takes the program given with -c for the source of every <string>."""
    line_cache().pop("<string>", None)
    remembered = getattr(linecache, "_interactive_cache", None)
    if isinstance(remembered, dict):
        remembered.clear()


def lines(code: str) -> list[str]:
    """Lines as Python counts them: str.splitlines also ends one at a form feed."""
    return list(io.StringIO(code, newline=None))


class Sources:
    """The lines of a cell are needed for as long as code of it may run. A cell that
    defines nothing has none once it is over; the newest of those are kept all the
    same, for what may still hold a frame of theirs: a traceback, a debugger."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}  # oldest first
        self._passing: deque[str] = deque()  # those of them that define nothing
        self._size = 0

    def add(self, name: str, code: str) -> None:
        """Keep a new cell, until it is seen that it defines something as one that doesn't."""
        entry: Entry = (len(code), None, lines(code), name)
        if entry[2] and not entry[2][-1].endswith("\n"):
            entry[2][-1] += "\n"
        self._entries[name] = entry
        self._size += len(code) + OVERHEAD
        line_cache()[name] = entry
        self._passing.append(name)
        if len(self._passing) > PASSING_KEPT:
            self._drop(self._passing.popleft())
        while self._size > CHARACTERS_KEPT and len(self._entries) > 1:
            self._drop(next(iter(self._entries)))

    def defines(self) -> None:
        """The newest cell has code that may be called when it is over."""
        self._passing.pop()

    def _drop(self, name: str) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._size -= entry[0] + OVERHEAD
            line_cache().pop(name, None)

    def clear(self) -> None:
        """Forget every cell."""
        for name in self._entries:
            line_cache().pop(name, None)
        self._entries.clear()
        self._passing.clear()
        self._size = 0

    def restore(self) -> None:
        """Before a traceback: somebody may have cleared the line cache."""
        cache = line_cache()
        if not self._entries.keys() <= cache.keys():
            cache.update(self._entries)

    def find_class(self, name: str) -> str | None:
        """The newest cell that defines a class of that name."""
        pattern = re.compile(rf"^[ \t]*class[ \t]+{re.escape(name)}\b", re.MULTILINE)
        for cell, entry in reversed(self._entries.items()):
            if pattern.search("".join(entry[2])):
                return cell
        return None


_getfile = inspect.getfile


def teach_inspect(sources: Sources) -> None:
    """Let inspect.getsource find classes that were written in a cell.

    For a class it asks the module for its file, and __main__ has none here.
    """

    def getfile(object: Any) -> str:
        if inspect.isclass(object) and getattr(object, "__module__", "") == "__main__":
            cell = cell_of_methods(object) or sources.find_class(object.__name__)
            if cell is not None:
                return cell
        return _getfile(object)

    inspect.getfile = getfile


def cell_of_methods(kind: type) -> str | None:
    for name, member in vars(kind).items():
        code = getattr(member, "__code__", None)
        if code is not None and code.co_name == name and code.co_filename.startswith("<cell "):
            return str(code.co_filename)
    return None
