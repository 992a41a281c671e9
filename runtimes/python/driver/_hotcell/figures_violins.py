"""Violins: polygons as wide to the left as to the right, with their statistics drawn over them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .figures_areas import Area, read_area
from .figures_boxes import where
from .figures_drawn import Drawn, coordinates
from .figures_lines import INVISIBLE, segment_ends
from .figures_words import Array, Artist, Model, floats, numbers, same

FEWEST = 10  # points of an outline: a density has many
POINTS = 200


class Violin:
    def __init__(self, area: Area, at: float) -> None:
        self.area, self.at = area, at
        self.horizontal = not area.horizontal  # the outline runs along the values
        self.statistics = Model()


def violins(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    found = []
    for body in drawn.rest(drawn.axes.collections, "PolyCollection", "FillBetweenPolyCollection"):
        area = read_area(drawn, body)
        if area is not None and len(area.at) >= FEWEST and area.regions == 1:
            middle = (area.low + area.high) / 2
            if same(middle, middle[0], 1e3) and np.any(area.low != area.high):
                found.append(Violin(area, round(float(np.median(middle)), 9)))
    found = [violin for violin in found if is_violin(drawn, violin)]
    for violin in found:
        drawn.take(violin.area.artist)
    for violin in found:
        take_statistics(drawn, violin)
    series: dict[tuple[str, bool], list[Violin]] = {}
    for violin in found:
        label = drawn.label(violin.area.artist)
        series.setdefault((label, violin.horizontal), []).append(violin)
    for (label, horizontal), group in series.items():
        model = drawn.start("violin", label)
        model["orientation"] = "horizontal" if horizontal else "vertical"
        model["count"] = len(group)
        model["violins"] = [read_violin(drawn, violin) for violin in group]
        yield group[0].area.artist, model


def is_violin(drawn: Drawn, violin: Violin) -> bool:
    """A band around a level is as symmetric as a violin is: it runs along the data, and
    nothing stands across it."""
    along = drawn.scales(violin.horizontal)[0]
    if along.nearest(violin.at, 0.5) is not None or violin.area.horizontal:
        return True
    for collection in drawn.rest(drawn.axes.collections, "LineCollection"):
        ends = segment_ends(collection)
        axis = 1 if violin.horizontal else 0
        if ends is not None and any(same(e[:, axis].mean(), violin.at, 1e3) for e in ends):
            return True
    return False


def read_violin(drawn: Drawn, violin: Violin) -> Model:
    area = violin.area
    model = where(drawn.scales(violin.horizontal)[0], violin.at)
    step = max(1, -(-len(area.at) // POINTS))
    width = np.abs(area.high - area.low)
    model["at"] = numbers(area.at[::step])
    # As wide as drawn: the libraries keep no other measure of it.
    model["density"] = numbers(width[::step])
    model.update(violin.statistics)
    return model


def take_statistics(drawn: Drawn, violin: Violin) -> None:
    """Lines across the violin, and seaborn's little box.

    matplotlib draws means, ends and medians, in this order; nothing else tells them apart.
    """
    axis = 1 if violin.horizontal else 0
    low, high = violin.area.at.min(), violin.area.at.max()
    size = max(abs(low), abs(high), 1)
    ends_seen = 0
    inside: dict[str, list[float]] = {"mean": [], "median": []}
    for collection in drawn.axes.collections:
        ends = segment_ends(collection) if type(collection).__name__ == "LineCollection" else None
        mine = [
            e for e in (() if ends is None else ends) if same(e[:, axis].mean(), violin.at, 1e3)
        ]
        if mine:
            drawn.take(collection)
        for one in mine:
            value = float(one[0, 1 - axis])
            if value != one[1, 1 - axis]:
                continue  # along the violin, from end to end
            if same(value, low, size) or same(value, high, size):
                violin.statistics["min" if same(value, low, size) else "max"] = value
                ends_seen += 1
            else:
                inside["median" if ends_seen >= 2 else "mean"].append(value)
    if ends_seen < 2 and inside["mean"]:
        violin.statistics["middle"] = inside["mean"][0]
    else:
        for name, values in inside.items():
            if values:
                violin.statistics[name] = values[0]
    for line in drawn.lines():
        take_little_box(drawn, violin, line, axis)
    for dot in drawn.rest(drawn.axes.collections, "PathCollection"):
        places = floats(dot.get_offsets()).reshape(-1, 2)
        if len(places) == 1 and abs(places[0, axis] - violin.at) <= 1e-9:
            violin.statistics["median"] = float(places[0, 1 - axis])
            drawn.take(dot)


def take_little_box(drawn: Drawn, violin: Violin, line: Artist, axis: int) -> None:
    x, y = coordinates(line)
    along, values = (y, x) if axis else (x, y)
    if not len(along) or not bool(np.all(np.abs(along - violin.at) <= 1e-9)):
        return
    drawn.take(line)
    statistics = violin.statistics
    if len(values) == 1 and line.get_marker() not in INVISIBLE:
        statistics["median"] = float(values[0])
    elif len(values) == 2:
        ends = pair(values)
        if "whiskers" not in statistics:
            statistics["whiskers"] = ends
        else:
            statistics["quartiles"] = ends


def pair(values: Array) -> list[float]:
    return sorted(float(value) for value in values)
