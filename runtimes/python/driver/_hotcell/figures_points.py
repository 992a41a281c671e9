"""Points, single lines, arrows: things with a place each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .figures_drawn import Drawn
from .figures_lines import segment_ends
from .figures_words import Array, Artist, Model, floats, is_a, label_of, numbers

MAX_COLOURED = 20_000  # points whose colours are looked up one by one


def scatters(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    for collection in drawn.rest(
        drawn.axes.collections, "PathCollection", "RegularPolyCollection", "CircleCollection"
    ):
        if not drawn_at_offsets(drawn, collection):
            continue
        drawn.take(collection)
        places = floats(collection.get_offsets()).reshape(-1, 2)
        if not len(places):
            continue
        for rows, label in parts(drawn, collection, len(places)):
            yield collection, read_scatter(drawn, collection, places, rows, label)


def drawn_at_offsets(drawn: Drawn, collection: Artist) -> bool:
    transform = collection.get_offset_transform()
    return bool(
        transform == drawn.axes.transData or transform.contains_branch(drawn.axes.transData)
    )


def parts(drawn: Drawn, collection: Artist, n: int) -> list[tuple[Array, str]]:
    """One series, or one for each colour that the legend names."""
    whole = np.arange(n)
    own = label_of(collection)
    colours = collection.get_facecolor()
    if not own and len(colours) == n <= MAX_COLOURED and collection.get_array() is None:
        labels = drawn.legend.of_each(colours)
        if labels is not None and len(set(labels)) > 1:
            named = np.array(labels, dtype=object)
            return [(whole[named == label], label) for label in dict.fromkeys(labels)]
    return [(whole, own or drawn.legend.of(collection))]


def read_scatter(drawn: Drawn, collection: Artist, places: Array, rows: Array, label: str) -> Model:
    model = drawn.start("scatter", label)
    kept = drawn.points(model, places[rows, 0], places[rows, 1])
    for i, (way, scale) in enumerate((("x", drawn.x), ("y", drawn.y))):
        beside = scale.names and any(not isinstance(value, str) for value in model[way])
        names = scale.around(places[rows, i][kept]) if beside else None
        if names is not None:
            model[way], scale.kind = names, "category"
    sizes = floats(collection.get_sizes()) if hasattr(collection, "get_sizes") else np.empty(0)
    if len(sizes) == len(places) and np.ptp(sizes) > 0:
        model["sizes"] = numbers(sizes[rows][kept])
    colours = collection.get_array()
    if colours is not None and np.size(colours) == len(places):
        model["color_values"] = numbers(floats(colours).ravel()[rows][kept])
        model["color_map"] = str(collection.get_cmap().name)
    return model


def segments(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    """vlines, hlines, event plots, rugs and the like: lines of two points each."""
    for collection in drawn.rest(drawn.axes.collections, "LineCollection"):
        if is_a(collection, "EventCollection"):
            drawn.take(collection)
            yield collection, read_events(drawn, collection)
            continue
        x_is_data, y_is_data = drawn.branches(collection)
        ends = segment_ends(collection)
        if ends is None or not len(ends) or not (x_is_data or y_is_data):
            continue
        drawn.take(collection)
        if x_is_data and y_is_data:
            yield collection, read_segments(drawn, collection, ends)
        else:
            model = drawn.start("event", drawn.label(collection))
            model["orientation"] = "horizontal" if x_is_data else "vertical"
            scale, way = (drawn.x, "x") if x_is_data else (drawn.y, "y")
            kept = drawn.reading.thin(model, len(ends))
            model[way] = scale.column(ends[kept, 0, 0 if x_is_data else 1], model)
            yield collection, model


def read_events(drawn: Drawn, collection: Artist) -> Model:
    model = drawn.start("event", drawn.label(collection))
    horizontal = collection.is_horizontal()  # the events follow each other along x
    model["orientation"] = "horizontal" if horizontal else "vertical"
    places = floats(collection.get_positions())
    kept = drawn.reading.thin(model, len(places))
    scale = drawn.x if horizontal else drawn.y
    model["x" if horizontal else "y"] = scale.column(places[kept], model)
    model["offset"] = numbers([collection.get_lineoffset()])[0]
    model["length"] = numbers([collection.get_linelength()])[0]
    return model


def read_segments(drawn: Drawn, collection: Artist, ends: Array) -> Model:
    model = drawn.start("segments", drawn.label(collection))
    kept = drawn.points(model, ends[:, 0, 0], ends[:, 0, 1])
    model["x_end"] = drawn.x.column(ends[kept, 1, 0])
    model["y_end"] = drawn.y.column(ends[kept, 1, 1])
    return model


def arrows(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    for field in drawn.rest(drawn.axes.collections, "Quiver", "Barbs"):
        drawn.take(field)
        lower = hasattr(field, "u")  # Barbs
        x, y = floats(field.x if lower else field.X), floats(field.y if lower else field.Y)
        u, v = floats(field.u if lower else field.U), floats(field.v if lower else field.V)
        model = drawn.start("quiver", drawn.label(field))
        kept = drawn.points(model, x.ravel(), y.ravel())
        model["u"], model["v"] = numbers(u.ravel()[kept]), numbers(v.ravel()[kept])
        colours = field.get_array()
        if colours is not None and np.size(colours) == np.size(u):
            model["color_values"] = numbers(floats(colours).ravel()[kept])
        yield field, model
