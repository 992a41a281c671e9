"""Reads a matplotlib figure: what is drawn in it, as data.

describe() is called when a figure is shown, after its picture was drawn, and
never before: matplotlib is imported only after the user did. It changes nothing in
the figure, and whatever goes wrong inside becomes a series of kind `unknown`
that says why. docs/charts.md has the model.
"""

from __future__ import annotations

from typing import Any

from .figures_axes import read_axes
from .figures_words import Artist, Model, Reading, excuse, words

MIME = "application/vnd.hotcell.chart+json"

MAX_AXES = 200


def describe(figure: Artist) -> Model:
    """The model of a figure. Raises nothing but what ends the cell."""
    try:
        return read_figure(figure)
    except Exception as error:
        return Model(source="matplotlib", axes=[], reason=excuse(error))


def read_figure(figure: Artist) -> Model:
    model = Model(source="matplotlib")
    title = getattr(figure, "_suptitle", None)
    if title is not None and title.get_text().strip():
        model["title"] = words(title.get_text())
    every = with_insets(figure.axes)
    found = [axes for axes in every if not skipped(axes)]
    reading = Reading(figure)
    model["axes"] = [read_axes(axes, reading) for axes in found[:MAX_AXES]]
    if len(found) > MAX_AXES:
        model["omitted"] = len(found) - MAX_AXES
    add_colorbars(every, found[:MAX_AXES], model["axes"])
    layout = read_layout(found[:MAX_AXES], model["axes"])
    if layout:
        model["layout"] = layout
    return model


def with_insets(axes: list[Artist]) -> list[Artist]:
    every: list[Artist] = []
    for one in axes:
        if one not in every:
            every.append(one)
        for inset in getattr(one, "child_axes", ()):
            if type(inset).__name__ != "SecondaryAxis" and inset not in every:
                every.append(inset)
    return every


def skipped(axes: Artist) -> bool:
    return colorbar_of(axes) is not None or not axes.get_visible()


def colorbar_of(axes: Artist) -> Any:
    return getattr(axes, "_colorbar", None)


def add_colorbars(every: list[Artist], found: list[Artist], models: list[Model]) -> None:
    """A colour bar belongs to the axes that its colours are in."""
    for axes in every:
        bar = colorbar_of(axes)
        if bar is None:
            continue
        try:
            owner = getattr(getattr(bar, "mappable", None), "axes", None)
            parents = getattr(axes, "_colorbar_info", {}).get("parents") or []
            owner = owner or next(iter(parents), None)
            if owner in found:
                models[found.index(owner)]["colorbar"] = read_colorbar(bar)
        except Exception:  # the colours' scale is less than the data
            continue


def read_colorbar(bar: Any) -> Model:
    axis = bar.long_axis if hasattr(bar, "long_axis") else bar._long_axis()
    model = Model()
    label = words(axis.get_label().get_text())
    if label:
        model["label"] = label
    low, high = bar.vmin, bar.vmax
    if low is not None and high is not None:
        model["limits"] = [float(low), float(high)]
        ticks = [float(t) for t in bar.get_ticks() if min(low, high) <= t <= max(low, high)]
        model["ticks"] = ticks[:1000]
        model["tick_labels"] = [words(t) for t in axis.get_major_formatter().format_ticks(ticks)][
            :1000
        ]
    return model


def read_layout(found: list[Artist], models: list[Model]) -> Model:
    """Where the axes stand, and which share an axis or lie on each other."""
    layout = Model()
    rows = columns = 0
    for axes, model in zip(found, models, strict=False):
        spec = axes.get_subplotspec() if hasattr(axes, "get_subplotspec") else None
        if spec is None:
            continue
        spec = spec.get_topmost_subplotspec()
        grid = spec.get_gridspec()
        rows, columns = max(rows, grid.nrows), max(columns, grid.ncols)
        model["row"], model["column"] = spec.rowspan.start, spec.colspan.start
        for name, size in (("row_span", len(spec.rowspan)), ("column_span", len(spec.colspan))):
            if size > 1:
                model[name] = size
    if rows:
        layout["rows"], layout["columns"] = rows, columns
    for name, grouper in (
        ("shared_x", lambda a: a.get_shared_x_axes()),
        ("shared_y", lambda a: a.get_shared_y_axes()),
        ("twins", lambda a: a._twinned_axes),
    ):
        groups = grouped(found, grouper)
        if groups:
            layout[name] = groups
    return layout if len(found) > 1 else Model()


def grouped(found: list[Artist], grouper: Any) -> list[list[int]]:
    groups: list[list[int]] = []
    for axes in found:
        mates = [found.index(mate) for mate in grouper(axes).get_siblings(axes) if mate in found]
        mates.sort()
        if len(mates) > 1 and mates not in groups:
            groups.append(mates)
    return groups
