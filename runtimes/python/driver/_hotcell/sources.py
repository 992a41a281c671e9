"""The text of the cells, kept where Python's own tools look for source lines."""

from __future__ import annotations

import inspect
import io
import linecache
import re
from collections import deque
from collections.abc import Callable
from typing import Any

KEPT_CHARACTERS = 64 << 20  # the oldest cells lose their source lines beyond that

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
    def __init__(self, dropped: Callable[[str], None]) -> None:
        self._dropped = dropped
        self._entries: dict[str, Entry] = {}
        self._order: deque[str] = deque()
        self._size = 0

    def add(self, name: str, code: str) -> None:
        entry: Entry = (len(code), None, lines(code), name)
        if entry[2] and not entry[2][-1].endswith("\n"):
            entry[2][-1] += "\n"
        self._entries[name] = entry
        self._order.append(name)
        self._size += len(code)
        line_cache()[name] = entry
        while self._size > KEPT_CHARACTERS and len(self._order) > 1:
            oldest = self._order.popleft()
            self._size -= self._entries.pop(oldest)[0]
            line_cache().pop(oldest, None)
            self._dropped(oldest)

    def clear(self) -> None:
        """Forget every cell."""
        for name in self._entries:
            line_cache().pop(name, None)
        self._entries.clear()
        self._order.clear()
        self._size = 0

    def restore(self) -> None:
        """Before a traceback: somebody may have cleared the line cache."""
        cache = line_cache()
        for name, entry in self._entries.items():
            cache.setdefault(name, entry)

    def find_class(self, name: str) -> str | None:
        """The newest cell that defines a class of that name."""
        pattern = re.compile(rf"^[ \t]*class[ \t]+{re.escape(name)}\b", re.MULTILINE)
        for cell in reversed(self._order):
            if pattern.search("".join(self._entries[cell][2])):
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
