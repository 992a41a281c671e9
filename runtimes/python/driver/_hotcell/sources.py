"""The text of the cells, kept where Python's own tools look for source lines."""

from __future__ import annotations

import inspect
import linecache
import re
from collections import deque
from collections.abc import Callable
from typing import Any

KEPT_CHARACTERS = 64 << 20  # the oldest cells lose their source lines beyond that

Entry = tuple[int, None, list[str], str]


class Sources:
    def __init__(self, dropped: Callable[[str], None]) -> None:
        self._dropped = dropped
        self._entries: dict[str, Entry] = {}
        self._order: deque[str] = deque()
        self._size = 0

    def add(self, name: str, code: str) -> None:
        entry: Entry = (len(code), None, code.splitlines(keepends=True), name)
        if entry[2] and not entry[2][-1].endswith("\n"):
            entry[2][-1] += "\n"
        self._entries[name] = entry
        self._order.append(name)
        self._size += len(code)
        if not isinstance(linecache.cache, dict):
            linecache.cache = {}
        linecache.cache[name] = entry
        while self._size > KEPT_CHARACTERS and len(self._order) > 1:
            oldest = self._order.popleft()
            self._size -= self._entries.pop(oldest)[0]
            linecache.cache.pop(oldest, None)
            self._dropped(oldest)

    def restore(self) -> None:
        """Before a traceback: somebody may have cleared the line cache."""
        if not isinstance(linecache.cache, dict):
            linecache.cache = {}
        for name, entry in self._entries.items():
            linecache.cache.setdefault(name, entry)

    def find_class(self, name: str) -> str | None:
        """The newest cell that defines a class of that name."""
        pattern = re.compile(rf"^[ \t]*class[ \t]+{re.escape(name)}\b", re.MULTILINE)
        for cell in reversed(self._order):
            if pattern.search("".join(self._entries[cell][2])):
                return cell
        return None


def teach_inspect(sources: Sources) -> None:
    """Let inspect.getsource find classes that were written in a cell.

    For a class it asks the module for its file, and __main__ has none here.
    """
    original = inspect.getfile

    def getfile(object: Any) -> str:
        if inspect.isclass(object) and getattr(object, "__module__", "") == "__main__":
            for member in vars(object).values():
                code = getattr(inspect.unwrap(member) if callable(member) else None, "__code__", None)
                if code is not None and code.co_filename.startswith("<cell "):
                    if code.co_qualname.startswith(object.__qualname__ + ".") if hasattr(
                        code, "co_qualname"
                    ) else True:
                        return str(code.co_filename)
            cell = sources.find_class(object.__name__)
            if cell is not None:
                return cell
        return original(object)

    inspect.getfile = getfile
