"""Box plots, which matplotlib leaves behind as lines and patches.

A box plot draws, for each box and in this order: the box (a line, or a patch),
two whiskers, two caps, the median, the mean, the outliers. Boxes are found by that
order and by how the ends meet; so they are whoever drew them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .figures_drawn import Drawn, coordinates
from .figures_lines import INVISIBLE
from .figures_words import Array, Artist, Model, label_of, numbers, same

MAX_OUTLIERS = 10_000


class Box:
    """One box: `at` where it stands, the rest are values."""

    def __init__(self) -> None:
        self.parts: list[Artist] = []
        self.colour_from: Artist = None
        self.at = self.q1 = self.q3 = self.low = self.high = self.median = 0.0
        self.mean: float | None = None
        self.outliers: Array = np.empty(0)


def boxes(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    lines = [line for line in drawn.lines() if drawn.in_data(line)]
    patches = [patch for patch in drawn.rest(drawn.axes.patches, "PathPatch")]
    for horizontal in (False, True):
        found: list[Box] = []
        i = 0
        while i < len(lines):
            box = read_box(lines, i, horizontal)
            if box is None:
                i += 1
                continue
            own = find_patch(patches, box, horizontal)
            box.colour_from = own if own is not None else box.parts[0]
            if own is not None:
                patches.remove(own)
                drawn.take(own)
            drawn.take(*box.parts)
            found.append(box)
            i += len(box.parts)
        lines = [line for line in lines if id(line) not in drawn.taken]
        yield from grouped(drawn, found, horizontal)


def grouped(drawn: Drawn, found: list[Box], horizontal: bool) -> Iterator[tuple[Artist, Model]]:
    """One series for each label: with a hue, boxes of one colour belong together."""
    series: dict[str, list[Box]] = {}
    for box in found:
        series.setdefault(drawn.label(box.colour_from), []).append(box)
    along = drawn.scales(horizontal)[0]
    for label, group in series.items():
        model = drawn.start("box", label)
        model["orientation"] = "horizontal" if horizontal else "vertical"
        model["count"] = len(group)
        model["boxes"] = [numbers_of(box) for box in group]
        for box, one in zip(group, model["boxes"], strict=False):
            one.update(where(along, box.at))
        yield group[0].parts[0], model


def where(along: Any, at: float) -> Model:
    """The name of a place, and its number."""
    model = Model(position=along.column([at])[0])
    name = along.nearest(at, 0.5)
    if name is not None:
        along.kind = "category"
        model["label"], model["position"] = name, at
    else:
        model["label"] = str(model["position"])[:-2] if at == round(at) else str(model["position"])
    return model


def numbers_of(box: Box) -> Model:
    names = ("min", "first_quartile", "median", "third_quartile", "max")
    values = numbers([box.low, box.q1, box.median, box.q3, box.high])
    model = Model(zip(names, values, strict=True))
    if box.mean is not None:
        model["mean"] = numbers([box.mean])[0]
    model["outliers"] = numbers(box.outliers[:MAX_OUTLIERS])
    if len(box.outliers) > MAX_OUTLIERS:
        model["outliers_from"] = len(box.outliers)
    return model


class Lines:
    """Lines in turn, with x along the places and y along the values."""

    def __init__(self, lines: list[Artist], start: int, horizontal: bool) -> None:
        self._lines, self._next, self._horizontal = lines, start, horizontal
        self.used: list[Artist] = []

    def peek(self) -> tuple[Artist, Array, Array] | None:
        if self._next >= len(self._lines):
            return None
        line = self._lines[self._next]
        x, y = coordinates(line)
        return (line, y, x) if self._horizontal else (line, x, y)

    def take(self) -> None:
        self.used.append(self._lines[self._next])
        self._next += 1


def read_box(lines: list[Artist], start: int, horizontal: bool) -> Box | None:
    rest = Lines(lines, start, horizontal)
    box = Box()
    outline = take_outline(rest)
    if not take_whiskers(rest, box):
        return None
    capped = take_bar(rest, box, box.low) and take_bar(rest, box, box.high)
    median = rest.peek()
    if median is None or not crosses(median, box.at):
        return None
    box.median = float(median[2][0])
    if not box.q1 <= box.median <= box.q3 or not (outline or capped or box.q1 < box.q3):
        return None
    order = median[0].get_zorder()
    rest.take()
    take_mean(rest, box, order)
    take_outliers(rest, box)
    box.parts = rest.used
    return box


def take_outline(rest: Lines) -> bool:
    """The box as a line: five points, or eleven with notches."""
    found = rest.peek()
    if found is None:
        return False
    _, x, y = found
    if len(x) in (5, 11) and x[0] == x[-1] and y[0] == y[-1]:
        rest.take()
        return True
    return False


def take_whiskers(rest: Lines, box: Box) -> bool:
    low = rest.peek()
    if low is None or not stands(low):
        return False
    rest.take()
    high = rest.peek()
    if high is None or not stands(high) or high[1][0] != low[1][0]:
        return False
    rest.take()
    box.at = float(low[1][0])
    (box.q1, box.low), (box.q3, box.high) = low[2].tolist(), high[2].tolist()
    return box.low <= box.q1 <= box.q3 <= box.high


def stands(found: tuple[Artist, Array, Array]) -> bool:
    line, x, _ = found
    return len(x) == 2 and x[0] == x[1] and line.get_marker() in INVISIBLE


def crosses(found: tuple[Artist, Array, Array], at: float) -> bool:
    """Two points at one height, as far to the left as to the right."""
    _, x, y = found
    return len(x) == 2 and y[0] == y[1] and x[0] != x[1] and same((x[0] + x[1]) / 2, at, 1e3)


def take_bar(rest: Lines, box: Box, height: float) -> bool:
    found = rest.peek()
    if found is None or not crosses(found, box.at) or found[2][0] != height:
        return False
    # Without caps the median comes next, and may lie where a cap would.
    rest.take()
    return True


def take_mean(rest: Lines, box: Box, order: float) -> None:
    found = rest.peek()
    if found is None or found[0].get_zorder() != order or label_of(found[0]):
        return
    line, x, y = found
    one = len(x) == 1 and x[0] == box.at and line.get_marker() not in INVISIBLE
    if one or crosses(found, box.at) and line.get_linestyle() not in INVISIBLE:
        box.mean = float(y[0])
        rest.take()


def take_outliers(rest: Lines, box: Box) -> None:
    found = rest.peek()
    if found is None or found[0].get_linestyle() not in INVISIBLE:
        return
    _, x, y = found
    if np.all(x == box.at) and np.all((y < box.low) | (y > box.high)):
        box.outliers = y
        rest.take()


def find_patch(patches: list[Artist], box: Box, horizontal: bool) -> Artist:
    for patch in patches:
        path = patch.get_path()
        corners = path.vertices[: -1 if len(path.vertices) > 4 else None]
        x, y = corners[:, int(horizontal)], corners[:, 1 - int(horizontal)]
        around = same((x.min() + x.max()) / 2, box.at, 1e3)
        if around and same([y.min(), y.max()], [box.q1, box.q3], max(abs(box.q1), abs(box.q3), 1)):
            return patch
    return None
