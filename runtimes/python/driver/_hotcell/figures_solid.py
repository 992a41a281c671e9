"""Things in three dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .figures_drawn import Drawn
from .figures_lines import INVISIBLE
from .figures_words import Array, Artist, Model, floats, is_a, numbers


def solids(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    for line in drawn.rest(drawn.axes.lines):
        drawn.take(line)
        x, y, z = (floats(part) for part in line.get_data_3d())
        if len(x):
            kind = "scatter" if line.get_linestyle() in INVISIBLE else "line"
            model = drawn.start(kind, drawn.label(line))
            fill(drawn, model, x, y, z)
            yield line, model
    for collection in drawn.rest(drawn.axes.collections):
        drawn.take(collection)
        model = read(drawn, collection)
        yield collection, model


def fill(drawn: Drawn, model: Model, x: Array, y: Array, z: Array) -> slice:
    kept = drawn.points(model, x, y)
    assert drawn.z is not None
    model["z"] = drawn.z.column(z[kept], model)
    return kept


def read(drawn: Drawn, collection: Artist) -> Model:
    if is_a(collection, "Path3DCollection", "Patch3DCollection"):
        return read_scatter(drawn, collection)
    if is_a(collection, "Poly3DCollection"):
        return read_faces(drawn, collection)
    if is_a(collection, "Line3DCollection"):
        return read_wires(drawn, collection)
    name = type(collection).__name__
    return Model(kind="unknown", reason=f"a {name} in three dimensions")


def read_scatter(drawn: Drawn, collection: Artist) -> Model:
    x, y, z = (floats(part).ravel() for part in collection._offsets3d)
    model = drawn.start("scatter", drawn.label(collection))
    # Drawing sorts points by depth; the places are kept in the order in which they were given.
    fill(drawn, model, x, y, z)
    return model


def faces_of(collection: Artist) -> list[Array]:
    """The corners of each polygon."""
    faces = getattr(collection, "_faces", None)
    if faces is not None:
        invalid: Any = getattr(collection, "_invalid_vertices", False)
        array = floats(faces)
        if np.ndim(invalid) == 2:
            return [face[~bad] for face, bad in zip(array, invalid, strict=False)]
        return list(array)
    points = floats(collection._vec)[:3].T
    return [points[part] for part in collection._segslices]


def read_faces(drawn: Drawn, collection: Artist) -> Model:
    faces = faces_of(collection)
    label = drawn.label(collection)
    bars = read_bars(drawn, faces, label)
    if bars is not None:
        return bars
    model = drawn.start("surface", label)
    grid = grid_of(faces)
    if grid is not None and grid.shape[0] * grid.shape[1] <= 10_000:
        model["rows"], model["columns"] = int(grid.shape[0]), int(grid.shape[1])
        points = grid.reshape(-1, 3)
    else:
        points = np.concatenate(faces) if faces else np.empty((0, 3))
        points = np.unique(points, axis=0)
    fill(drawn, model, points[:, 0], points[:, 1], points[:, 2])
    return model


def read_bars(drawn: Drawn, faces: list[Array], label: str) -> Model | None:
    """bar3d: six rectangles for each bar."""
    n = len(faces) // 6
    if not n or len(faces) % 6 or any(len(face) != 4 for face in faces):
        return None
    corners = np.array(faces).reshape(n, 24, 3)
    low, high = corners.min(axis=1), corners.max(axis=1)
    for i in range(3):
        at_ends = (corners[:, :, i] == low[:, None, i]) | (corners[:, :, i] == high[:, None, i])
        if not bool(np.all(at_ends)):
            return None
    size = high - low
    if np.all(size == 0):
        return None
    model = drawn.start("bar3d", label)
    kept = fill(drawn, model, low[:, 0], low[:, 1], low[:, 2])
    model["dx"], model["dy"], model["dz"] = (numbers(size[kept, i]) for i in range(3))
    return model


def grid_of(faces: list[Array]) -> Array | None:
    """The grid that plot_surface cut into faces, row after row."""
    if not faces or any(len(face) != 4 for face in faces):
        return None
    array = np.array(faces)
    # Corners of a face: (r, c), (r, c + 1), (r + 1, c + 1), (r + 1, c).
    joined = np.all(array[:-1, 1] == array[1:, 0], axis=1)
    breaks = np.nonzero(~joined)[0]
    columns = int(breaks[0]) + 1 if len(breaks) else len(array)
    if len(array) % columns:
        return None
    rows = len(array) // columns
    cells = array.reshape(rows, columns, 4, 3)
    if rows > 1 and not np.array_equal(cells[:-1, :, 3], cells[1:, :, 0]):
        return None
    grid = np.empty((rows + 1, columns + 1, 3))
    grid[:-1, :-1], grid[:-1, -1] = cells[:, :, 0], cells[:, -1, 1]
    grid[-1, :-1], grid[-1, -1] = cells[-1, :, 3], cells[-1, -1, 2]
    return grid


def read_wires(drawn: Drawn, collection: Artist) -> Model:
    """A wireframe, or lines from place to place."""
    pieces = [floats(piece).reshape(-1, 3) for piece in collection._segments3d]
    model = drawn.start("wireframe", drawn.label(collection))
    points = np.concatenate(pieces) if pieces else np.empty((0, 3))
    if pieces and all(len(piece) == 2 for piece in pieces):
        ends = np.array(pieces)
        model["kind"] = "segments"
        kept = fill(drawn, model, ends[:, 0, 0], ends[:, 0, 1], ends[:, 0, 2])
        assert drawn.z is not None
        for i, (way, scale) in enumerate((("x", drawn.x), ("y", drawn.y), ("z", drawn.z))):
            model[f"{way}_end"] = scale.column(ends[kept, 1, i])
        return model
    if len({len(piece) for piece in pieces}) == 1:
        model["rows"], model["columns"] = len(pieces), len(pieces[0])
    fill(drawn, model, points[:, 0], points[:, 1], points[:, 2])
    return model
