"""What a context remembers of its cells: In, and the last three values."""

from __future__ import annotations

import builtins
from collections import deque
from typing import Any

from .shell import Shell

_LAST = ("_", "__", "___")

# Beyond that the oldest texts become empty; In keeps its length.
CHARACTERS_KEPT = 64 << 20  # of all cells, with what each takes beside its text
OVERHEAD = 64  # a string's own


class History:
    """IPython also keeps every value (Out, _1, _2 …) and every text (_i1 …) under a
    name of its own. A context lives for days and its values are data frames: here
    only the last three stay."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        manager = shell.history_manager
        # In, %history, %recall; the user's In is the first of the two.
        self._inputs: tuple[list[str], ...] = (
            () if manager is None else (manager.input_hist_parsed, manager.input_hist_raw)
        )
        self._values: list[Any] = ["", "", ""]
        self._lengths: deque[int] = deque()  # of the texts that are kept
        self._size = 0  # of all of them
        self._emptied = 0  # how many are no longer

    def clear(self) -> None:
        for texts in self._inputs:
            texts[:] = [""]

    def add(self, code: str) -> None:
        for texts in self._inputs:
            texts.append(code)
        self._lengths.append(len(code) + OVERHEAD)
        self._size += self._lengths[-1]
        while self._size > CHARACTERS_KEPT and len(self._lengths) > 1:
            self._size -= self._lengths.popleft()
            self._emptied += 1
            for texts in self._inputs:
                if self._emptied < len(texts):  # In is the user's
                    texts[self._emptied] = ""

    def remember(self, value: Any) -> None:
        """Make a value `_`, unless the user has a `_` of their own (gettext does)."""
        namespace = self._shell.user_ns
        before = self._values
        self._values = [value, before[0], before[1]]
        if "_" in vars(builtins):
            return
        for name, old in zip(_LAST, before, strict=True):
            if namespace.get(name, old) is not old:
                return
        for name, new in zip(_LAST, self._values, strict=True):
            namespace[name] = new
