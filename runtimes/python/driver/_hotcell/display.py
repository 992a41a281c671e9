"""Bundles: what display() and the value of a cell become on the wire."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from typing import Any

Bundle = dict[str, Any]


class Plain(dict[str, Any]):
    """A value that is made of nothing but what JSON can carry: it is sent as it is, for
    going through the points of a chart would take longer than reading them did."""


# Values whose only format is their repr, when nobody registered another one.
SIMPLE = (int, bool, str, bytes, type(None))


def encode(data: dict[Any, Any]) -> Bundle:
    """A bundle as frames carry it: text and base64 as strings, JSON as values."""
    if len(data) == 1 and type(data.get("text/plain")) is str:
        return data
    return {
        str(kind): encode_part(str(kind), part) for kind, part in data.items() if part is not None
    }


def encode_part(kind: str, part: Any) -> Any:
    if isinstance(part, (bytes, bytearray, memoryview)):
        return base64.b64encode(part).decode("ascii")
    if is_json(kind):
        return part if isinstance(part, Plain) else plain(part)
    if isinstance(part, str):
        return part
    if isinstance(part, (list, tuple)):  # front ends take a list of lines as well
        return "".join(str(line) for line in part)
    return str(part)


def is_json(kind: str) -> bool:
    """Of JSON formats the value goes out, not a text. vega-lite's end in .json."""
    return kind == "application/json" or kind.endswith(("+json", ".json"))


def plain(value: Any, depth: int = 0) -> Any:
    """A value that JSON can carry: NaN and infinities are null."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if depth > 200:  # the decoder on the other side has a limit too
        return repr(value)
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, depth + 1) for item in value]
    listed = getattr(value, "tolist", None)
    if callable(listed):  # an array or a number of numpy
        return plain(listed(), depth + 1)
    return str(value)


class Formatter:
    """Formats values by IPython's formatters, and plain ones without the detour."""

    def __init__(self, display_formatter: Any) -> None:
        self._format: Callable[[Any], tuple[dict[str, Any], dict[str, Any]]] = (
            display_formatter.format
        )
        formatters = display_formatter.formatters
        self._printers = [f.type_printers for n, f in formatters.items() if n != "text/plain"]
        self._texts = formatters["text/plain"].type_printers
        self._defaults = {t: self._texts.get(t) for t in SIMPLE}

    def format(self, value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        kind = type(value)
        if kind in self._defaults and self._untouched(kind):
            return {"text/plain": repr(value)}, {}
        data, metadata = self._format(value)
        if "text/plain" not in data and (data or not shows_itself(value)):
            data["text/plain"] = stand_in(value)  # its repr has raised, which was said
        return data, metadata

    def _untouched(self, kind: type) -> bool:
        if self._texts.get(kind) is not self._defaults[kind]:
            return False
        for printers in self._printers:
            if printers and kind in printers:
                return False
        return True


def shows_itself(value: Any) -> bool:
    """Whether a value displays itself and leaves nothing to be shown."""
    from IPython.utils.dir2 import get_real_method  # scripts do without IPython

    return get_real_method(value, "_ipython_display_") is not None


def stand_in(value: Any) -> str:
    kind = type(value)
    return f"<{kind.__module__}.{kind.__qualname__} object at {id(value):#x}; its repr raised>"
