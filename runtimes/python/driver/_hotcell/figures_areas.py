"""Areas between two lines, stacked ones, spans, and what nobody else could read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from .figures_drawn import Drawn
from .figures_words import Array, Artist, Model, floats, is_a, label_of, numbers


class Area:
    """Between `low` and `high`, at each of `at`; horizontal when `at` runs along y."""

    def __init__(self, artist: Artist, horizontal: bool) -> None:
        self.artist, self.horizontal = artist, horizontal
        self.at: Array = np.empty(0)
        self.low: Array = np.empty(0)  # the second line that was given, usually the lower
        self.high: Array = np.empty(0)
        self.regions = 0
        self.where = ""


def read_area(drawn: Drawn, collection: Artist) -> Area | None:
    """fill_between makes polygons of one pattern: a start, one line, an end, the other
    line backwards."""
    paths = collection.get_paths()
    if not paths or len(paths) > 10_000 or collection.get_array() is not None:
        return None
    if not drawn.in_data(collection):
        return None
    for horizontal in (False, True):
        pieces = [region(floats(path.vertices), horizontal) for path in paths]
        if all(piece is not None for piece in pieces):
            area = Area(collection, horizontal)
            area.regions = len(pieces)
            parts = [piece for piece in pieces if piece is not None]
            area.at, area.high, area.low = (
                np.concatenate([part[i] for part in parts]) for i in range(3)
            )
            unstep(area)
            put_base_below(area)
            return area
    return None


def region(vertices: Array, horizontal: bool) -> tuple[Array, Array, Array] | None:
    if len(vertices) % 2:
        vertices = vertices[:-1]  # closed
    n = (len(vertices) - 2) // 2
    if n < 1:
        return None
    if horizontal:
        vertices = vertices[:, ::-1]
    one, other = vertices[1 : n + 1], vertices[n + 2 :][::-1]
    if not np.array_equal(one[:, 0], other[:, 0]) or np.any(one[:, 0] != one[:, 0]):
        return None
    return one[:, 0], one[:, 1], other[:, 1]


def unstep(area: Area) -> None:
    """fill_between(step=...) doubles the points."""
    x, y = area.at, area.high
    if area.regions != 1 or len(x) < 5 or len(x) % 2 == 0:
        return
    if np.array_equal(x[1::2], x[2::2]) and np.array_equal(y[0:-1:2], y[1::2]):
        area.where = "post"
    elif np.array_equal(x[0:-1:2], x[1::2]) and np.array_equal(y[1::2], y[2::2]):
        area.where = "pre"
    if area.where and np.any(y != y[0]):
        area.at, area.high, area.low = x[::2], y[::2], area.low[::2]
    else:
        area.where = ""


def put_base_below(area: Area) -> None:
    """Either line may have been given first. The base is the one at zero, or that lies below."""
    if not np.any(area.low):
        return
    if not np.any(area.high) or bool(np.all(area.high <= area.low)):
        area.high, area.low = area.low, area.high


def areas(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    for collection in drawn.rest(
        drawn.axes.collections, "PolyCollection", "FillBetweenPolyCollection"
    ):
        if reference_span(drawn, collection):
            continue
        area = read_area(drawn, collection)
        if area is None:
            continue
        drawn.take(collection)
        along, across = drawn.scales(area.horizontal)
        model = drawn.start("area", drawn.label(collection))
        model["orientation"] = "horizontal" if area.horizontal else "vertical"
        if area.where:
            model["where"] = area.where
        kept = drawn.reading.thin(model, len(area.at))
        names = ("y", "x") if area.horizontal else ("x", "y")
        model[names[0]] = along.column(area.at[kept], model)
        model[names[1]] = across.column(area.high[kept], model)
        model["base"] = across.column(area.low[kept])
        yield collection, model


def mark_stacked(series: list[Model]) -> None:
    """Areas are stacked when one begins where another ends; so are outlines with a base."""
    outlined = [model for model in series if model["kind"] == "histogram"]
    for model in outlined:
        stacked = any("base" in other for other in outlined)
        model.setdefault("arrangement", "stacked" if stacked else "single")
    found = [model for model in series if model["kind"] == "area"]
    for i, model in enumerate(found):
        for other in found[:i]:
            across = "x" if model["orientation"] == "horizontal" else "y"
            if model["base"] == other[across] and any(model["base"]):
                model["arrangement"] = other["arrangement"] = "stacked"


def reference_span(drawn: Drawn, artist: Artist) -> bool:
    """axhspan, axvspan: across the whole axes."""
    x_is_data, y_is_data = drawn.branches(artist)
    if x_is_data == y_is_data or not hasattr(artist, "get_path"):
        return False
    corners = floats(artist.get_patch_transform().transform(artist.get_path().vertices))
    values = corners[:, 0 if x_is_data else 1]
    scale = drawn.x if x_is_data else drawn.y
    low, high = scale.column([values.min(), values.max()])
    model = Model(orientation="vertical" if x_is_data else "horizontal")
    model["from"], model["to"] = low, high
    if label_of(artist):
        model["label"] = label_of(artist)
    drawn.reference_spans.append(model)
    drawn.take(artist)
    return True


def leftovers(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    """Spans; then one series of kind unknown that says what else is there."""
    patches = [p for p in drawn.rest(drawn.axes.patches) if not reference_span(drawn, p)]
    shapes = [p for p in patches if not is_a(p, "Shadow", "FancyArrowPatch", "ConnectionPatch")]
    shapes = [p for p in shapes if not nowhere(p)]
    others = [*shapes, *(c for c in drawn.rest(drawn.axes.collections) if c.get_paths())]
    if not others:
        return
    kinds = Counter(type(artist).__name__ for artist in others)
    model = Model(kind="unknown", count=len(others))
    named = [label for artist in others if (label := label_of(artist))]
    if named:
        model["label"] = ", ".join(dict.fromkeys(named[:20]))
    model["reason"] = "shapes: " + ", ".join(f"{n} {kind}" for kind, n in kinds.items())
    corners = [place(drawn, artist) for artist in others[:1000]]
    centres = floats([corner for corner in corners if corner is not None]).reshape(-1, 2)
    if len(centres) == len(others) and drawn.x.kind == drawn.y.kind == "number":
        model["x"], model["y"] = numbers(centres[:, 0]), numbers(centres[:, 1])
    yield others[0], model


def nowhere(patch: Artist) -> bool:
    """Stand-ins for a legend have no size."""
    return is_a(patch, "Rectangle") and patch.get_width() == 0 == patch.get_height()


def place(drawn: Drawn, artist: Artist) -> tuple[float, float] | None:
    """The middle of a patch in data."""
    if not hasattr(artist, "get_patch_transform") or not drawn.in_data(artist):
        return None
    box = artist.get_path().get_extents(artist.get_patch_transform())
    return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
