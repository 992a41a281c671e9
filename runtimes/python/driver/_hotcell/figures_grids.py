"""Values on a grid: images, meshes, hexagons, contours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .figures_drawn import Drawn
from .figures_scale import Scale
from .figures_words import MAX_POINTS, Array, Artist, Model, floats, is_a, numbers, same, words

MAX_PATHS = 1000


def grids(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    for image in drawn.rest(drawn.axes.images):
        drawn.take(image)
        yield image, read_image(drawn, image)
    for collection in drawn.rest(drawn.axes.collections):
        model = None
        if is_a(collection, "QuadMesh"):
            model = read_mesh(drawn, collection)
        elif is_a(collection, "ContourSet"):
            model = read_contours(drawn, collection)
        elif is_a(collection, "PolyCollection") and collection.get_array() is not None:
            model = read_hexagons(drawn, collection)
        if model is not None:
            drawn.take(collection)
            yield collection, model
    yield from loose_contours(drawn)


def read_image(drawn: Drawn, image: Artist) -> Model:
    array = image.get_array()
    left, right, bottom, top = (float(edge) for edge in image.get_extent())
    rows, columns = np.shape(array)[:2]
    model = drawn.start("heatmap" if np.ndim(array) == 2 else "image", drawn.label(image))
    model["rows"], model["columns"] = int(rows), int(columns)
    first, last = (bottom, top) if getattr(image, "origin", "upper") == "lower" else (top, bottom)
    x, y = np.linspace(left, right, columns + 1), np.linspace(first, last, rows + 1)
    if is_a(image, "NonUniformImage", "PcolorImage"):
        x, y = floats(image._Ax), floats(image._Ay)
        if len(x) == columns and len(y) == rows:
            x, y = edges_around(x), edges_around(y)
    if np.ndim(array) != 2:
        model["x_edges"], model["y_edges"] = numbers(x[[0, -1]]), numbers(y[[0, -1]])
        return model
    fill_grid(drawn, model, x, y, array)
    add_colours(model, image)
    return model


def edges_around(centres: Array) -> Array:
    if len(centres) < 2:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    between = (centres[1:] + centres[:-1]) / 2
    first, last = 2 * centres[0] - between[0], 2 * centres[-1] - between[-1]
    return np.concatenate([[first], between, [last]])


def fill_grid(drawn: Drawn, model: Model, x: Array, y: Array, values: Any) -> None:
    """Edges, and values by row: values[i][j] lies between y_edges[i] and y_edges[i + 1]."""
    rows, columns = np.shape(values)
    model["count"] = rows * columns
    step = 1
    while -(-rows // step) * -(-columns // step) > MAX_POINTS:
        step += 1
    if step > 1:
        model["decimated_from"] = rows * columns
        x, y = every(x, step), every(y, step)
    array = floats(values[::step, ::step])
    drawn.reading.thin(Model(), int(array.size))
    for way, scale, edges in (("x", drawn.x, x), ("y", drawn.y, y)):
        names = names_of(scale, edges) if step == 1 else None
        if names is not None:
            model[f"{way}_categories"] = names
        else:
            model[f"{way}_edges"] = scale.column(edges)
    flat = numbers(array.ravel(), model)
    width = array.shape[1]
    model["values"] = [flat[i : i + width] for i in range(0, len(flat), width)]
    add_annotations(drawn, model, x, y)


def every(edges: Array, step: int) -> Array:
    kept = edges[:-1][::step]
    return np.append(kept, edges[-1])


def names_of(scale: Scale, edges: Array) -> list[str] | None:
    """The names of cells, when each has its own tick in the middle."""
    if not scale.names:
        return None
    names = scale.named(np.round((edges[1:] + edges[:-1]) / 2, 9))
    if names is not None:
        scale.kind = "category"
    return names


def add_annotations(drawn: Drawn, model: Model, x: Array, y: Array) -> None:
    """Texts that stand in the middle of the cells, one in each."""
    texts = [text for text in drawn.axes.texts if id(text) not in drawn.taken]
    middles_x, middles_y = (x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2
    n, width = len(middles_x) * len(middles_y), len(middles_x)
    if not texts or n > 2500 or len(texts) < n / 2:
        return
    cells = [""] * n
    for text in texts:
        try:
            at_x, at_y = (float(part) for part in text.get_position())
        except (TypeError, ValueError):
            return
        column, row = nearest(middles_x, at_x), nearest(middles_y, at_y)
        if column is None or row is None:
            return
        cells[row * width + column] = words(text.get_text())
    drawn.take(*texts)
    model["annotations"] = [cells[i : i + width] for i in range(0, n, width)]


def nearest(middles: Array, at: float) -> int | None:
    place = int(np.argmin(np.abs(middles - at)))
    size = abs(middles[1] - middles[0]) if len(middles) > 1 else 1.0
    return place if abs(middles[place] - at) <= 0.25 * size else None


def add_colours(model: Model, mappable: Artist) -> None:
    model["color_map"] = str(mappable.get_cmap().name)
    limits = mappable.get_clim()
    if None not in limits:
        model["color_limits"] = numbers(floats(limits))


def read_mesh(drawn: Drawn, mesh: Artist) -> Model | None:
    corners = mesh.get_coordinates() if hasattr(mesh, "get_coordinates") else mesh._coordinates
    corners = floats(corners)
    values = mesh.get_array()
    if values is None:
        return None
    rows, columns = corners.shape[0] - 1, corners.shape[1] - 1
    x, y = corners[0, :, 0], corners[:, 0, 1]
    model = drawn.start("heatmap", drawn.label(mesh))
    if np.size(values) == corners.shape[0] * corners.shape[1]:  # gouraud: a value at each corner
        rows, columns = corners.shape[:2]
        x, y = edges_around(x), edges_around(y)
    if np.size(values) != rows * columns:
        return None
    straight = same(corners[..., 0], corners[0, :, 0], float(np.abs(corners).max())) and same(
        corners[..., 1], corners[:, :1, 1], float(np.abs(corners).max())
    )
    model["rows"], model["columns"] = rows, columns
    if straight:
        fill_grid(drawn, model, x, y, np.ma.reshape(values, (rows, columns)))
    else:
        middle = (corners[1:, 1:] + corners[:-1, :-1]) / 2 if rows < corners.shape[0] else corners
        kept = drawn.points(model, middle[..., 0].ravel(), middle[..., 1].ravel())
        model["color_values"] = numbers(floats(values).ravel()[kept], model)
    add_colours(model, mesh)
    return model


def read_hexagons(drawn: Drawn, collection: Artist) -> Model | None:
    values = floats(collection.get_array())
    places = floats(collection.get_offsets()).reshape(-1, 2)
    paths = collection.get_paths()
    if len(paths) == len(values) and len(places) != len(values):  # logarithmic: drawn one by one
        places = floats([path.vertices[:-1].mean(axis=0) for path in paths])
    if len(places) != len(values) or not paths:
        return None
    sides = len(paths[0].vertices) - 1
    model = drawn.start("hexbin" if sides == 6 else "unknown", drawn.label(collection))
    if sides != 6:
        model["reason"] = f"{len(paths)} coloured polygons of {sides} sides"
    kept = drawn.points(model, places[:, 0], places[:, 1])
    model["color_values"] = numbers(values[kept], model)
    add_colours(model, collection)
    return model


def read_contours(drawn: Drawn, contours: Artist) -> Model:
    """matplotlib 3.8 and newer: one collection, a path for each level."""
    model = drawn.start("contour", drawn.label(contours))
    model["filled"] = bool(contours.filled)
    model["levels"] = numbers(floats(contours.levels))
    add_colours(model, contours)
    paths = [(path, model["levels"][i : i + 1]) for i, path in enumerate(contours.get_paths())]
    add_paths(drawn, model, paths)
    return model


def starts_of(path: Any) -> Array:
    """A path of a level has a piece for each hill and each hole: where they begin."""
    if path.codes is None:
        return np.zeros(min(len(path.vertices), 1), dtype=int)
    return np.flatnonzero(np.asarray(path.codes) == path.MOVETO)


def one_path(drawn: Drawn, vertices: Any, level: list[Any]) -> Model:
    array = floats(vertices)
    path = Model(x=drawn.x.column(array[:, 0]), y=drawn.y.column(array[:, 1]))
    if level:
        path["level"] = level[0]
    return path


def add_paths(drawn: Drawn, model: Model, paths: list[tuple[Any, list[Any]]]) -> None:
    """Paths can't be thinned out: what is too many is left out, and said so."""
    kept: list[Model] = []
    count = points = 0
    for path, level in paths:
        starts = starts_of(path)
        count += len(starts)
        for start, end in zip(starts, [*starts[1:], len(path.vertices)], strict=True):
            points += end - start
            if points > MAX_POINTS or len(kept) == MAX_PATHS:
                break
            kept.append(one_path(drawn, path.vertices[start:end], level))
    model["count"] = count
    if len(kept) < count:
        model["decimated_from"] = count
    drawn.reading.thin(Model(), sum(len(path["x"]) for path in kept))
    model["paths"] = kept


def loose_contours(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    """Older ones: a collection for each level, and only a colour bar knows the levels."""
    found = [
        collection
        for collection in drawn.rest(drawn.axes.collections, "PathCollection")
        if drawn.in_data(collection) and collection.get_paths()
    ]
    filled = [c for c in found if len(c.get_facecolor())]
    for group in (filled, [c for c in found if c not in filled]):
        if not group:
            continue
        drawn.take(*group)
        levels = levels_of(group[0])
        model = drawn.start("contour", "")
        model["filled"] = group is filled
        if levels:
            model["levels"] = levels
        paths = [
            (path, levels[i : i + 1])
            for i, collection in enumerate(group)
            for path in collection.get_paths()
        ]
        add_paths(drawn, model, paths)
        yield group[0], model


def levels_of(collection: Artist) -> list[Any]:
    """From the colour bar of the set that a collection is part of."""
    for axes in collection.figure.axes:
        contours = getattr(getattr(axes, "_colorbar", None), "mappable", None)
        members = getattr(contours, "collections", ())
        if contours is not None and any(member is collection for member in members):
            return numbers(floats(contours.levels))
    return []
