"""One Axes: its series in the order in which they were drawn, and all that stands around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import (
    figures_areas,
    figures_bars,
    figures_boxes,
    figures_grids,
    figures_lines,
    figures_pies,
    figures_points,
    figures_solid,
    figures_violins,
)
from .figures_drawn import Drawn
from .figures_legend import Legend, read_legend
from .figures_words import Artist, Model, Reading, excuse, is_a, words

MAX_SERIES = 500
MAX_TEXTS = 500
MAX_CELLS = 10_000

Reader = Callable[[Drawn], Iterator[tuple[Artist, Model]]]

# In this order: what comes first takes the artists that later ones would take for something else.
FLAT: tuple[Reader, ...] = (
    figures_pies.pies,
    figures_bars.containers,
    figures_lines.errorbars,
    figures_lines.stems,
    figures_boxes.boxes,
    figures_violins.violins,
    figures_bars.outlines,
    figures_lines.lines,
    figures_points.scatters,
    figures_areas.areas,
    figures_points.segments,
    figures_grids.grids,
    figures_points.arrows,
    figures_areas.leftovers,
)
SOLID: tuple[Reader, ...] = (figures_solid.solids,)

PROJECTIONS = {"rectilinear": "cartesian", "polar": "polar", "3d": "3d"}


def read_axes(axes: Artist, reading: Reading) -> Model:
    try:
        return Model(_read(axes, reading))
    except Exception as error:
        failed = Model(kind="unknown", reason=excuse(error))
        return Model(kind="cartesian", series=[failed])


def _read(axes: Artist, reading: Reading) -> Model:
    name = getattr(axes, "name", "rectilinear")
    kind = PROJECTIONS.get(name) or ("geo" if is_geographic(axes) else "cartesian")
    model = Model(kind=kind)
    titles = [words(axes.get_title(loc)) for loc in ("center", "left", "right")]
    title = " – ".join(text for text in titles if text)
    if title:
        model["title"] = title
    drawn = Drawn(axes, reading, Legend(axes, reading.figure))
    series = read_series(drawn, SOLID if kind == "3d" else FLAT)
    model["series"] = [found for _, found in series[:MAX_SERIES]]
    if len(series) > MAX_SERIES:
        model["omitted"] = len(series) - MAX_SERIES
    if not (model["series"] and all(found["kind"] == "pie" for found in model["series"])):
        model.update(drawn.axis_models())
    for name, parts in (("lines", drawn.reference_lines), ("spans", drawn.reference_spans)):
        if parts:
            model[name] = parts[:MAX_SERIES]
    legend = read_legend(axes)
    if legend:
        model["legend"] = legend
    add_texts(model, drawn)
    return model


def read_series(drawn: Drawn, readers: tuple[Reader, ...]) -> list[tuple[Artist, Model]]:
    """Every series, in the order in which they were drawn."""
    series: list[tuple[Artist, Model]] = []
    failed: list[tuple[Artist, Model]] = []
    for reader in readers:
        try:
            for first, model in reader(drawn):
                series.append((first, model))
        except Exception as error:
            failed.append((None, Model(kind="unknown", reason=excuse(error))))
    order = {id(child): place for place, child in enumerate(drawn.axes.get_children())}
    series.sort(key=lambda pair: order.get(id(pair[0]), len(order)))
    series = [pair for pair in series if not is_marks_of(pair[1], [model for _, model in series])]
    figures_areas.mark_stacked([model for _, model in series])
    return series + drawn.failures + failed


def is_marks_of(model: Model, others: list[Model]) -> bool:
    """Whether points without a label are those of a series with error bars: some libraries
    draw the markers by themselves."""
    return (
        model["kind"] == "scatter"
        and "label" not in model
        and any(
            other["kind"] == "errorbar" and other["x"] == model["x"] and other["y"] == model["y"]
            for other in others
        )
    )


def is_geographic(axes: Artist) -> bool:
    return is_a(axes, "GeoAxes") or getattr(axes, "projection", None) is not None


def add_texts(model: Model, drawn: Drawn) -> None:
    """Notes that were written into the axes, and tables."""
    texts: list[Model] = []
    for text in drawn.axes.texts:
        content = words(text.get_text())
        if not content or not text.get_visible() or id(text) in drawn.taken:
            continue
        note = Model(text=content)
        place = text.xy if is_a(text, "Annotation") else text.get_position()
        if drawn.in_data(text) or is_a(text, "Annotation") and text.xycoords == "data":
            note["x"] = drawn.place(drawn.x, place[0])
            note["y"] = drawn.place(drawn.y, place[1])
        texts.append(note)
    if texts:
        model["texts"] = texts[:MAX_TEXTS]
    if drawn.axes.tables:
        model["tables"] = [read_table(table) for table in drawn.axes.tables[:10]]


def read_table(table: Artist) -> list[list[str]]:
    cells = table.get_celld()
    rows = sorted({row for row, _ in cells})
    columns = sorted({column for _, column in cells})
    if len(rows) * len(columns) > MAX_CELLS:
        rows = rows[: max(1, MAX_CELLS // len(columns))]
    return [
        [
            words(cells[row, column].get_text().get_text()) if (row, column) in cells else ""
            for column in columns
        ]
        for row in rows
    ]
