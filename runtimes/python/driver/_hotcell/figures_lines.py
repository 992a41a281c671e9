"""Lines, steps, marks along a line, error bars, stems, and lines of reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .figures_drawn import Drawn, coordinates
from .figures_words import (
    Array,
    Artist,
    Model,
    floats,
    is_a,
    label_of,
    lengths,
    number,
    numbers,
    span,
)

INVISIBLE = ("None", "", " ", None)
STEPS = {"steps": "pre", "steps-pre": "pre", "steps-mid": "mid", "steps-post": "post"}


def lines(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    found = drawn.lines()
    series: list[tuple[Artist, Model]] = []
    for line in found:
        drawn.take(line)
        if is_a(line, "AxLine", "_AxLine"):
            slope_line(drawn, line)
            continue
        x_is_data, y_is_data = drawn.branches(line)
        if x_is_data and y_is_data:
            model = read_line(drawn, line)
            if model is not None:
                series.append((line, model))
        elif x_is_data or y_is_data:
            reference_line(drawn, line, vertical=x_is_data)
    yield from attach_errors(series)


def read_line(drawn: Drawn, line: Artist) -> Model | None:
    x, y = coordinates(line)
    if len(x) == 0 or len(x) != len(y):
        return None
    label = drawn.label(line)
    if not label and not np.any(np.isfinite(x) & np.isfinite(y)):
        return None  # an error bar of one observation
    drawn_line = line.get_linestyle() not in INVISIBLE
    if not drawn_line and line.get_marker() in INVISIBLE:
        return None
    where = STEPS.get(line.get_drawstyle())
    kind = "scatter" if not drawn_line else "step" if where else "line"
    model = drawn.start(kind, label)
    if where and drawn_line:
        model["where"] = where
    drawn.points(model, x, y)
    return model


def reference_line(drawn: Drawn, line: Artist, vertical: bool) -> None:
    """axhline, axvline: across the whole axes, whatever the data are."""
    values = coordinates(line)[0 if vertical else 1]
    scale = drawn.x if vertical else drawn.y
    for value in list(dict.fromkeys(values.tolist()))[:1]:
        model = Model(orientation="vertical" if vertical else "horizontal")
        model["value"] = scale.column([value])[0]
        if label_of(line):
            model["label"] = label_of(line)
        drawn.reference_lines.append(model)


def slope_line(drawn: Drawn, line: Artist) -> None:
    xy1 = getattr(line, "_xy1", None)
    slope = getattr(line, "_slope", None)
    other = getattr(line, "_xy2", None)
    if xy1 is None:
        return
    if slope is None and other is not None:
        run = float(other[0]) - float(xy1[0])
        slope = (float(other[1]) - float(xy1[1])) / run if run else None
    model = Model(orientation="sloped" if slope is not None else "vertical")
    model["value"] = drawn.place(drawn.y if slope is not None else drawn.x, xy1[slope is not None])
    if slope is not None:
        model["slope"], model["at"] = number(slope), drawn.place(drawn.x, xy1[0])
    if label_of(line):
        model["label"] = label_of(line)
    drawn.reference_lines.append(model)


def attach_errors(series: list[tuple[Artist, Model]]) -> Iterator[tuple[Artist, Model]]:
    """Error bars that were drawn as lines of two points, one for every point of a series."""
    bars = {id(line): bar for line, _ in series if (bar := upright(line)) is not None}
    for line, model in series:
        if id(line) in bars or len(bars) < 2:
            continue
        if model["kind"] in ("line", "scatter") and not model.get("decimated_from"):
            x, y = coordinates(line)
            matched = match_errors(x, y, bars)
            if matched is not None:
                low, high, used = matched
                size = span(y)
                model["errors"] = {"y": {"low": lengths(low, size), "high": lengths(high, size)}}
                model["connected"] = model["kind"] == "line"
                model["kind"] = "errorbar"
                for one in used:
                    del bars[one]
    for line, model in series:
        if upright(line) is None or id(line) in bars:
            yield line, model


def upright(line: Artist, horizontal: bool = False) -> tuple[float, float, float] | None:
    """x, low and high of a line without a label that goes straight up, caps or not."""
    if label_of(line) or line.get_marker() not in INVISIBLE:
        return None
    x, y = coordinates(line)
    if len(x) > 8:
        return None
    if horizontal:
        x, y = y, x
    kept = np.isfinite(x) & np.isfinite(y)
    x, y = x[kept], y[kept]
    if len(x) == 2 and x[0] == x[1]:
        return float(x[0]), float(y.min()), float(y.max())
    # With caps: three pieces of two points each.
    if len(x) == 6 and x[2] == x[3] and y[0] == y[1] and y[4] == y[5]:
        return float(x[2]), float(y.min()), float(y.max())
    return None


def match_errors(
    x: Array, y: Array, bars: dict[int, tuple[float, float, float]]
) -> tuple[Array, Array, list[int]] | None:
    """Lengths below and above each point, if each has its bar."""
    used: list[int] = []
    low, high = np.zeros(len(x)), np.zeros(len(x))
    if len(x) < 2 or len(x) > len(bars) or len(bars) > 1000:
        return None
    for i, (at, value) in enumerate(zip(x.tolist(), y.tolist(), strict=False)):
        reach = 1e-9 * max(1.0, abs(at))
        for name, (place, bottom, top) in bars.items():
            if name not in used and abs(place - at) <= reach and bottom <= value <= top:
                low[i], high[i] = value - bottom, top - value
                used.append(name)
                break
        else:
            return None
    return low, high, used


def errorbars(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    for container in drawn.rest_of_containers("ErrorbarContainer"):
        line, caps, bars = container.lines
        drawn.take(line, *caps, *bars)
        first = line if line is not None else next(iter(bars), None)
        errors, middle = read_errors(line, bars)
        if line is not None:
            x, y = coordinates(line)
        elif middle is not None:
            x, y = middle
        else:
            continue
        label = label_of(container) or (drawn.label(line) if line is not None else "")
        model = drawn.start("errorbar", label)
        kept = drawn.points(model, x, y)
        model["errors"] = {
            way: {
                side: lengths(ends[kept], span(x if way == "x" else y))
                for side, ends in sizes.items()
            }
            for way, sizes in errors.items()
            if all(len(ends) == len(x) for ends in sizes.values())
        }
        model["connected"] = line is not None and line.get_linestyle() not in INVISIBLE
        yield first, model


def read_errors(line: Artist, bars: Any) -> tuple[dict[str, Any], Any]:
    """The lengths of error bars; and, without a line, the points that they cross in."""
    pieces: dict[str, Array] = {}
    for collection in bars:
        ends = segment_ends(collection)
        if ends is None or len(ends) == 0:
            continue
        upright = np.all((ends[:, 0, 0] == ends[:, 1, 0]) | ~np.isfinite(ends[:, 0, 0]))
        flat = np.all((ends[:, 0, 1] == ends[:, 1, 1]) | ~np.isfinite(ends[:, 0, 1]))
        way = "y" if upright and (not flat or "y" not in pieces) else "x"
        pieces.setdefault(way, ends)
    if line is not None:
        x, y = coordinates(line)
    elif "x" in pieces and "y" in pieces:
        x, y = pieces["y"][:, 0, 0], pieces["x"][:, 0, 1]
    elif "y" in pieces:
        # Only the ends are known; where bars are as long on both sides, that is the middle.
        x, y = pieces["y"][:, 0, 0], pieces["y"][:, :, 1].mean(axis=1)
    elif "x" in pieces:
        x, y = pieces["x"][:, :, 0].mean(axis=1), pieces["x"][:, 0, 1]
    else:
        return {}, None
    errors: dict[str, Any] = {}
    for way, ends in pieces.items():
        middle, axis = (x, 0) if way == "x" else (y, 1)
        if len(ends) == len(middle):
            errors[way] = {
                "low": middle - ends[:, :, axis].min(axis=1),
                "high": ends[:, :, axis].max(axis=1) - middle,
            }
    return errors, (x, y)


def segment_ends(collection: Artist) -> Array | None:
    """Both ends of each line of a collection, as n × 2 × 2; None when they are longer."""
    paths = collection.get_paths()
    if any(len(path.vertices) != 2 for path in paths):
        return None
    if not paths:
        return np.empty((0, 2, 2))
    return floats(np.ma.array([path.vertices for path in paths]))


def stems(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    for container in drawn.rest_of_containers("StemContainer"):
        heads, stalks, baseline = container.markerline, container.stemlines, container.baseline
        drawn.take(heads, baseline, *(stalks if isinstance(stalks, (list, tuple)) else [stalks]))
        x, y = coordinates(heads)
        base_x, base_y = coordinates(baseline)
        horizontal = len(base_x) == 2 and base_x[0] == base_x[1] and base_y[0] != base_y[1]
        model = drawn.start("stem", label_of(container))
        model["orientation"] = "horizontal" if horizontal else "vertical"
        drawn.points(model, x, y)
        base = base_x if horizontal else base_y
        model["base"] = numbers(base[:1])
        yield heads, model
