"""What a context remembers of its cells: In, and the last three values."""

from __future__ import annotations

import builtins
from typing import Any

from .shell import Shell

_LAST = ("_", "__", "___")


class History:
    """IPython also keeps every value (Out, _1, _2 …) and every text (_i1 …) under a
    name of its own. A context lives for days and its values are data frames: here
    only the last three stay."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._values: list[Any] = ["", "", ""]

    def clear(self) -> None:
        manager = self._shell.history_manager
        if manager is not None:
            # In place: the user's In is the first of the two.
            manager.input_hist_parsed[:] = manager.input_hist_raw[:] = [""]

    def add(self, code: str) -> None:
        manager = self._shell.history_manager
        if manager is not None:  # In, %history, %recall
            manager.input_hist_parsed.append(code)
            manager.input_hist_raw.append(code)

    def drop(self, cell: str) -> None:
        """Forget the text of a cell, by its name: <cell 3>."""
        number = int(cell[6:-1])
        manager = self._shell.history_manager
        if manager is None:
            return
        for texts in (manager.input_hist_parsed, manager.input_hist_raw):
            if number < len(texts):
                texts[number] = ""

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
