"""The figures of a script: told to the server, never a reason for the script to fail."""

from __future__ import annotations

import base64
import itertools
import sys
from types import ModuleType
from typing import Any

from .charts import Charts, png
from .plain import KEPT
from .protocol import Connection, Hangup

FIGURES = 100  # of one run; drawing takes a twentieth of a second each


def newer(module: str) -> list[str]:
    """The names in sys.modules that came after one, newest first. Looking at all of them would
    cost a forked process a copy of the pages that they are on."""
    return list(itertools.takewhile(module.__ne__, reversed(sys.modules)))


class Driver:
    """Keeps the driver's modules out of sys.modules but while they are in use."""

    def __init__(self, names: list[str]) -> None:
        self._modules: dict[str, ModuleType] = {}
        self._take_away(names)

    def __enter__(self) -> None:
        self._newest = next(reversed(sys.modules))
        sys.modules.update(self._modules)

    def __exit__(self, *_: object) -> None:
        self._take_away(newer(self._newest))

    def _take_away(self, names: list[str]) -> None:
        for name in names:
            if name.startswith("_hotcell.") and name not in KEPT and name in sys.modules:
                self._modules[name] = sys.modules.pop(name)


class ScriptCharts(Charts):
    def __init__(self, connection: Connection, driver: Driver) -> None:
        super().__init__(self._tell)
        self._connection = connection
        self._driver = driver
        self._told = 0

    def show(self, figure: Any) -> None:
        """Draw a figure and tell it."""
        if not self._connection.ours:
            return
        self._told += 1
        if self._told > FIGURES:
            self._send({"type": "chart", "more": 1})
            return
        try:
            with self._driver:
                super().show(figure)
        except Exception as error:
            complain(f"a figure could not be drawn: {type(error).__name__}: {error}")

    def pictures(self, figure: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"image/png": png(figure)}, {}

    def show_open(self) -> None:
        """plt.show()"""
        try:
            super().show_open()
        except Exception as error:
            complain(f"figures could not be shown: {type(error).__name__}: {error}")

    def finish(self) -> None:
        """At the end of the script: figures that are still open."""
        try:
            super().finish()
        except Exception as error:
            complain(f"figures could not be shown: {type(error).__name__}: {error}")

    def _tell(self, data: dict[str, Any], _metadata: dict[str, Any]) -> None:
        # Not by the encoder for cells, which needs IPython: a picture is bytes, and all else is
        # what JSON can carry.
        parts = {kind: text_of(part) for kind, part in data.items()}
        try:
            self._send({"type": "display", "data": parts})
        except (TypeError, ValueError):  # it can't, or it is too large; the picture is left
            texts = {kind: part for kind, part in parts.items() if isinstance(part, str)}
            self._send({"type": "display", "data": texts})

    def _send(self, frame: dict[str, Any]) -> None:
        try:
            self._connection.send(frame)
        except Hangup:
            pass


def text_of(part: Any) -> Any:
    return base64.b64encode(part).decode("ascii") if isinstance(part, bytes) else part


def complain(text: str) -> None:
    try:
        sys.stderr.write(text + "\n")
    except Exception:
        pass
