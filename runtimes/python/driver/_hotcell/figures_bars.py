"""Bars and histograms.

Both are rectangles. A histogram is taken for one when its rectangles touch, or
share their bins as matplotlib divides them, and its heights can be counts or densities;
what people place at whole numbers, or name, is bars.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .figures_drawn import Drawn
from .figures_histograms import bins_of, outline, shared_bins
from .figures_lines import match_errors, read_errors, upright
from .figures_words import Array, Artist, Model, floats, label_of, lengths, numbers, same, span

MAX_COMPARED = 100  # series of bars, each with each


class Bars:
    """The rectangles of one container: where they stand, and how far they reach."""

    def __init__(self, drawn: Drawn, container: Artist) -> None:
        self.container = container
        self.patches = list(container.patches)
        corner = floats([(p.get_x(), p.get_y()) for p in self.patches]).reshape(-1, 2)
        size = floats([(p.get_width(), p.get_height()) for p in self.patches]).reshape(-1, 2)
        self.horizontal = getattr(container, "orientation", "vertical") == "horizontal"
        along = 1 if self.horizontal else 0
        self.edge, self.width = corner[:, along], size[:, along]
        self.base, self.value = corner[:, 1 - along], size[:, 1 - along]
        self.centre = self.edge + self.width / 2
        self.top = self.base + self.value
        self.errors: dict[str, Array] | None = None
        self.label = label_of(container) or drawn.label(self.patches[0])
        # bar(label=[...]) names each bar instead of all of them.
        own = [label_of(patch) for patch in self.patches]
        self.named = own if len(own) > 1 and len(set(filter(None, own))) > 1 else None
        if self.named:
            self.label = ""
        self.arrangement = "single"


def containers(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    found = []
    for container in drawn.rest_of_containers("BarContainer"):
        if len(container.patches) and any(p.get_visible() for p in container.patches):
            found.append(Bars(drawn, container))
    for bars in found:
        drawn.take(*bars.patches, bars.container)
    # Some libraries draw one that is nowhere, to be given a colour.
    found = [bars for bars in found if np.any(np.isfinite(bars.edge))]
    found = merge(found)
    add_errors(drawn, found)
    arrange(found)
    for bars, bins in zip(found, histogram_bins(drawn, found), strict=False):
        model = read_bars(drawn, bars) if bins is None else read_histogram(drawn, bars, bins)
        yield bars.patches[0], model


def merge(found: list[Bars]) -> list[Bars]:
    """Bars that were drawn one at a time, each in a place of its own, are one series."""
    if len(found) < 2 or any(len(bars.patches) != 1 for bars in found):
        return found
    places = [float(bars.centre[0]) for bars in found]
    alike = all(
        bars.horizontal == found[0].horizontal and same(bars.width, found[0].width)
        for bars in found
    )
    if not alike or min(np.diff(sorted(places)), default=0) < float(found[0].width[0]) * 0.999:
        return found
    whole = found[0]
    for bars in found[1:]:
        whole.patches += bars.patches
        for name in ("edge", "width", "base", "value", "centre", "top"):
            setattr(whole, name, np.concatenate([getattr(whole, name), getattr(bars, name)]))
    labels = [bars.label for bars in found]
    whole.named = labels if any(labels) else None
    whole.label = ""
    return [whole]


def arrange(found: list[Bars]) -> None:
    """Say of bars how they stand to each other: stacked on or beside one another."""
    for i, bars in enumerate(found[:MAX_COMPARED]):
        for other in found[:i]:
            if bars.horizontal != other.horizontal:
                continue
            _, at, place = np.intersect1d(
                np.round(bars.centre, 9), np.round(other.centre, 9), return_indices=True
            )
            if len(at) and _on_top(bars, other, at, place):
                bars.arrangement = other.arrangement = "stacked"
            elif not len(at) and _beside(bars, other):
                bars.arrangement = other.arrangement = "grouped"


def _on_top(bars: Bars, other: Bars, at: Array, place: Array) -> bool:
    size = max(span(bars.top), span(other.top))
    above = bars.base[at]
    touches = np.abs(above - other.top[place]) <= 1e-9 * max(size, 1e-300)
    # Negative parts are stacked downwards, from the line at zero.
    return bool(np.any(touches & (above != 0)) or np.any(above != other.base[place]))


def _beside(bars: Bars, other: Bars) -> bool:
    places = np.sort(other.centre)
    right = np.clip(np.searchsorted(places, bars.centre), 1, max(len(places) - 1, 1))
    gap = np.minimum(
        np.abs(bars.centre - places[np.minimum(right, len(places) - 1)]),
        np.abs(bars.centre - places[right - 1]),
    )
    return bool(np.any(gap <= 1.5 * max(bars.width.max(), other.width.max())))


def add_errors(drawn: Drawn, found: list[Bars]) -> None:
    loose = [
        container
        for container in drawn.rest_of_containers("ErrorbarContainer")
        if container.lines[0] is None
    ]
    upright_lines = {
        id(line): (line, bar) for line in drawn.lines() if (bar := upright(line)) is not None
    }
    for bars in found:
        own = getattr(bars.container, "errorbar", None)
        for container in [own] if own is not None else loose:
            if bars.errors is None and _take_errors(bars, container):
                drawn.take(container, *container.lines[1], *container.lines[2])
        if bars.errors is None and upright_lines:
            _match_lines(drawn, bars, upright_lines)


def _take_errors(bars: Bars, container: Artist) -> bool:
    """Error bars are for the bars whose ends they stand at."""
    errors, middle = read_errors(None, container.lines[2])
    way = "x" if bars.horizontal else "y"
    if middle is None or way not in errors:
        return False
    places = middle[1 if bars.horizontal else 0]
    low = middle[0 if bars.horizontal else 1] - errors[way]["low"]
    high = middle[0 if bars.horizontal else 1] + errors[way]["high"]
    if len(places) != len(bars.top) or not same(places, bars.centre, span(places) or 1):
        return False
    size = 1e-9 * max(span(high), 1e-300)
    bare = ~(np.isfinite(low) & np.isfinite(high))
    if not bool(np.all(bare | (low <= bars.top + size) & (bars.top <= high + size))):
        return False
    bars.errors = {"low": bars.top - low, "high": high - bars.top}
    return True


def _match_lines(drawn: Drawn, bars: Bars, candidates: dict[int, Any]) -> None:
    """seaborn draws the error of a bar as a line through its end."""
    if bars.horizontal:
        flat = {
            id(line): (line, bar)
            for line in drawn.lines()
            if (bar := upright(line, horizontal=True)) is not None
        }
        candidates = flat
    kept = np.isfinite(bars.top)
    plain = {name: bar for name, (_, bar) in candidates.items()}
    matched = match_errors(bars.centre[kept], bars.top[kept], plain)
    if matched is None:
        return
    low, high, used = matched
    bars.errors = {side: np.full(len(kept), np.nan) for side in ("low", "high")}
    bars.errors["low"][kept], bars.errors["high"][kept] = low, high
    for name in used:
        drawn.take(candidates.pop(name)[0])


def read_bars(drawn: Drawn, bars: Bars) -> Model:
    along, across = drawn.scales(bars.horizontal)
    model = drawn.start("bar", bars.label)
    model["orientation"] = "horizontal" if bars.horizontal else "vertical"
    model["arrangement"] = bars.arrangement
    kept = drawn.reading.thin(model, len(bars.value))
    reach = max(0.5, float(np.nanmax(np.abs(bars.width), initial=0)))
    names = [along.nearest(float(at), reach) for at in bars.centre[kept]]
    if along.names and None not in names:
        along.kind = "category"
        model["category"] = names
    elif bars.named and not any(names):
        model["category"] = bars.named[kept]
    else:
        model["category"] = along.column(_clean(bars.centre[kept], bars.width[kept]), model)
    model["value"] = numbers(bars.value[kept], model)
    if across.kind == "datetime":
        # From one date to another, as in a chart of what happened when.
        model["start"], model["end"] = across.column(bars.base[kept]), across.column(bars.top[kept])
    else:
        model["base"] = numbers(bars.base[kept])
    model["width"] = lengths(bars.width[kept], span(bars.edge))
    if bars.errors is not None:
        way, size = "x" if bars.horizontal else "y", span(bars.top)
        model["errors"] = {way: {side: lengths(e[kept], size) for side, e in bars.errors.items()}}
    return model


def _clean(centres: Array, widths: Array) -> Array:
    """x - w/2 + w/2 isn't always x."""
    rounded = np.round(centres, 9)
    return np.where(
        np.abs(rounded - centres) <= 1e-12 * np.maximum(1, np.abs(centres)), rounded, centres
    )


def histogram_bins(drawn: Drawn, found: list[Bars]) -> list[Array | None]:
    """The edges of the bins of each series, or None where it is bars."""
    if not found:
        return []
    along = drawn.scales(found[0].horizontal)[0]
    if along.names and all(along.nearest(float(at), 0.5) for at in found[0].centre):
        return [None] * len(found)
    alone = [bins_of(bars.edge, bars.width, bars.value, bars.base) for bars in found]
    if any(bins is not None for bins in alone) or len(found) < 2:
        return alone
    bins = shared_bins(
        [bars.edge for bars in found],
        [bars.width for bars in found],
        [bars.value for bars in found],
    )
    return [bins] * len(found)


def read_histogram(drawn: Drawn, bars: Bars, edges: Array) -> Model:
    model = drawn.start("histogram", bars.label)
    model["orientation"] = "horizontal" if bars.horizontal else "vertical"
    model["arrangement"] = bars.arrangement
    finish_histogram(drawn, model, edges, bars.value, bars.base)
    return model


def finish_histogram(drawn: Drawn, model: Model, edges: Array, counts: Array, base: Array) -> None:
    along = drawn.scales(model["orientation"] == "horizontal")[0]
    model["count"] = len(counts)
    # Bins side by side can't be thinned out: what is too many is cut off, and said so.
    if len(counts) > 10_000:
        model["decimated_from"] = len(counts)
        edges, counts, base = edges[:10_001], counts[:10_000], base[:10_000]
    model["edges"] = along.column(edges)
    model["counts"] = numbers(counts, model)
    area = float(np.nansum(np.diff(edges) * counts))
    whole = bool(np.all(counts == np.rint(counts)))
    model["density"] = abs(area - 1) < 1e-6 and not whole
    if np.any(base != 0):
        model["base"] = numbers(base)


def outlines(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    """Histograms that are drawn as one outline: hist(histtype='step'), stairs()."""
    for patch in drawn.rest(drawn.axes.patches, "StepPatch"):
        counts, edges, baseline = patch.get_data()
        drawn.take(patch)
        model = drawn.start("histogram", drawn.label(patch))
        model["orientation"] = getattr(patch, "orientation", "vertical")
        base = (
            np.zeros(len(counts))
            if baseline is None
            else np.broadcast_to(floats(baseline), len(counts))
        )
        finish_histogram(drawn, model, floats(edges), floats(counts) - base, base)
        yield patch, model
    for patch in drawn.rest(drawn.axes.patches, "Polygon"):
        if not drawn.in_data(patch):
            continue
        for horizontal in (False, True):
            found = outline(floats(patch.get_xy()), horizontal)
            if found is not None:
                edges, counts, base = found
                drawn.take(patch)
                model = drawn.start("histogram", drawn.label(patch))
                model["orientation"] = "horizontal" if horizontal else "vertical"
                finish_histogram(drawn, model, edges, counts, base)
                yield patch, model
                break
