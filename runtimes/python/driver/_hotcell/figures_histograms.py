"""What tells a histogram from other rectangles and polygons."""

from __future__ import annotations

import numpy as np

from .figures_words import Array, same, span


def bins_of(edge: Array, width: Array, value: Array, base: Array) -> Array | None:
    """The edges of the bins, when bars touch and can be a histogram."""
    if len(edge) < 2 or not np.all(np.isfinite(edge)) or np.any(width <= 0):
        return None
    size = max(span(edge), span(width))
    ends = edge + width
    if not same(ends[:-1], edge[1:], size) or not np.all(np.isfinite(value)):
        return None
    edges = np.append(edge, ends[-1])
    return edges if countable(edges, width, value) else None


def countable(edges: Array, width: Array, value: Array) -> bool:
    """Whether heights can be counts or densities of bins, not values at whole numbers."""
    if np.any(value < 0):
        return False
    whole = bool(np.all(value == np.rint(value)))
    dense = abs(float(np.sum(np.diff(edges) * value)) - 1) < 1e-6
    equal = bool(np.all(width == width[0]))
    centres = edges[:-1] + width / 2
    at_whole_numbers = equal and width[0] == 1 and bool(np.all(centres == np.rint(centres)))
    if at_whole_numbers:
        return False
    if whole or dense:
        return True
    # Weights, percentages and sums: a histogram's bins are what divided a range, and
    # that leaves traces in the last digits, where bars were given one width.
    rising = bool(np.all(np.diff(value) >= 0)) and abs(float(value[-1]) - 1) < 1e-9
    shares = abs(float(value.sum()) - 1) < 1e-6 or abs(float(value.sum()) - 100) < 1e-4
    return rising or shares or not equal


def shared_bins(edges: list[Array], widths: list[Array], values: list[Array]) -> Array | None:
    """The bins that several series share side by side, as hist() of several data sets draws them."""
    n = len(edges)
    if len({len(edge) for edge in edges}) > 1 or len(edges[0]) < 2:
        return None
    first, width = edges[0], widths[0]
    size = max(span(first), span(width))
    for i in range(1, n):
        if not same(edges[i], first + i * width, size) or not same(widths[i], width, size):
            return None
    whole = all(bool(np.all(value == np.rint(value)) and np.all(value >= 0)) for value in values)
    # Each bin is filled by eight tenths, or by what rwidth says.
    step = np.diff(first)
    if not same(step, step[0], size):
        return None
    filled = n * float(width[0]) / float(step[0])
    left = first - (1 - filled) / 2 * step[0]
    centres = left + step[0] / 2
    named_like = bool(np.all(np.abs(centres - np.rint(centres)) < 1e-9))
    total = [float(np.sum(value) * step[0]) for value in values]
    dense = all(abs(area - 1) < 1e-6 for area in total)
    if not same(filled, 0.8, 1e3) or named_like or not (whole or dense):
        return None
    return np.append(left, left[-1] + step[0])


def outline(vertices: Array, horizontal: bool) -> tuple[Array, Array, Array] | None:
    """Edges, heights and bases, when a polygon is the outline of a histogram."""
    x, y = (vertices[:, 1], vertices[:, 0]) if horizontal else (vertices[:, 0], vertices[:, 1])
    if len(x) < 6 or not np.all(np.isfinite(vertices)):
        return None
    if x[0] == x[-1] and y[0] == y[-1]:
        x, y = x[:-1], y[:-1]  # closed
    n = rising_steps(x)
    if n is None:
        return None
    if not np.array_equal(y[1 : 2 * n : 2], y[2 : 2 * n + 1 : 2]):
        return None
    edges, tops = x[0 : 2 * n + 1 : 2], y[1 : 2 * n : 2]
    back = y[2 * n + 1 :][::-1]  # the way back, along the bottom
    if len(back) == 2 * n - 1:
        base = np.concatenate([back[:1], back[1::2]])
    elif len(back) <= 1:
        base = np.full(n, y[0])
    else:
        return None
    return edges, tops - base, base


def rising_steps(x: Array) -> int | None:
    """How many bins a path goes over: every edge comes twice, the last one may come once more."""
    n = 0
    while 2 * n + 2 < len(x) and x[2 * n] == x[2 * n + 1] and x[2 * n + 2] > x[2 * n]:
        n += 1
    return n if n >= 1 and 2 * n + 1 < len(x) and x[2 * n + 1] == x[2 * n] else None
