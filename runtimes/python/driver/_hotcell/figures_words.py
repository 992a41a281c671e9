"""What the readers of figures have in common: names, texts, bounds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from time import monotonic
from typing import Any

import numpy as np

from .display import Plain

Artist = Any
Array = Any


class Model(Plain):
    """A part of a figure's model."""


# Points of one series, and of all series of a figure: what is more is thinned
# out. A figure at the bound is about 4 MB of JSON.
MAX_POINTS = 10_000
MAX_FIGURE_POINTS = 100_000
FEWEST_POINTS = 100  # kept of every series, whatever the others took

MAX_SECONDS = 2  # the picture is drawn already, and somebody waits for it

MAX_TEXT = 10_000  # characters of a label


class Reading:
    """The state of reading one figure: what is left of its budget."""

    def __init__(self, figure: Artist) -> None:
        self.figure = figure
        self._left = MAX_FIGURE_POINTS
        self._late = monotonic() + MAX_SECONDS

    def thin(self, model: Model, size: int) -> slice:
        """Which of a series' points to keep. Says in the model how many there were."""
        if monotonic() > self._late:
            raise TimeoutError(f"reading the figure took more than {MAX_SECONDS} s")
        model["count"] = size
        limit = min(MAX_POINTS, max(self._left, FEWEST_POINTS))
        step = max(1, -(-size // limit))
        kept = len(range(0, size, step))
        if step > 1:
            model["decimated_from"] = size
        self._left -= kept
        return slice(None, None, step)


_classes: dict[type, frozenset[str]] = {}


def is_a(artist: Artist, *names: str) -> bool:
    """Whether an artist's class, or one that it derives from, has one of these names.

    By name, since the classes differ among matplotlib's versions.
    """
    kind = type(artist)
    known = _classes.get(kind)
    if known is None:
        known = frozenset(base.__name__ for base in kind.__mro__)
        if len(_classes) < 1000:  # users can make classes without end
            _classes[kind] = known
    return any(name in known for name in names)


_DEFAULT = re.compile(r"\$\\mathdefault\{(.*?)\}\$$")
_POWER = re.compile(r"\^\{(.*?)\}")


def words(text: object) -> str:
    """A text as people read it: without the markup of tick labels, minus signs as in code."""
    plain = str(text).strip()
    if plain.startswith("$\\mathdefault{"):
        found = _DEFAULT.match(plain)
        if found:
            plain = _POWER.sub(r"^\1", found[1]).replace("\\times", "×")
    return encodable(plain.replace("\N{MINUS SIGN}", "-")[:MAX_TEXT])


def encodable(text: str) -> str:
    """Half characters would make the whole message unreadable."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def label_of(artist: Artist) -> str:
    """The label that the user gave, if any: matplotlib's own begin with an underscore."""
    label = artist.get_label()
    return "" if label is None or str(label).startswith("_") else words(label)


def excuse(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:1000].encode("utf-8", "replace").decode()
    except Exception:
        return type(error).__name__


def floats(values: Any) -> Array:
    """Numbers as an array; what is masked is NaN."""
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(float), np.nan)
    return np.asarray(values, dtype=float)


def numbers(values: Any, model: Model | None = None) -> list[Any]:
    """Numbers for JSON: what isn't finite is null, and counted in the model."""
    array = floats(values)
    finite = np.isfinite(array)
    if finite.all():
        return list(array.tolist())
    if model is not None:
        model["nulls"] = model.get("nulls", 0) + int(array.size - finite.sum())
    boxed = array.astype(object)
    boxed[~finite] = None
    return list(boxed.tolist())


def lengths(values: Any, size: float) -> list[Any]:
    """Differences of numbers of that size, without what the subtraction left in the last digits."""
    if not size or not np.isfinite(size):
        return numbers(values)
    return numbers(np.round(floats(values), 12 - int(np.floor(np.log10(size)))))


def number(value: Any) -> float | None:
    real = float(value)
    return real if np.isfinite(real) else None


def same(one: Any, other: Any, scale: float = 1.0) -> bool:
    """Whether numbers are equal but for what arithmetic did to them."""
    difference = np.abs(np.asarray(one, dtype=float) - np.asarray(other, dtype=float))
    return bool(np.all(difference <= 1e-9 * max(abs(scale), 1e-300)))


def constant(values: Array) -> bool:
    return len(values) > 0 and bool(np.all(values == values[0]))


def span(values: Iterable[float]) -> float:
    """The size of the numbers, to compare them by."""
    array = np.abs(floats(list(values)))
    array = array[np.isfinite(array)]
    return float(array.max()) if array.size else 0.0
