"""The data of data frames, beside what they look like.

Nothing here imports pandas or polars: their objects bring everything along.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable
from typing import Any

from IPython.core.formatters import BaseFormatter
from traitlets import ObjectName, Unicode

from .display import Plain

TYPE = "application/vnd.hotcell.table+json"

# What a table holds at most, from its beginning. Ten thousand rows are what a
# front end sorts and draws; the rest bounds wide tables and long texts.
MAX_ROWS = 10_000
MAX_COLUMNS = 1_000
MAX_CELLS = 200_000
MAX_BYTES = 2 << 20  # about

NUMBER_BYTES = 12  # of a number and its comma
NESTED = 50  # levels of lists in a cell

Table = dict[str, Any]


class TableFormatter(BaseFormatter):
    """The format, for IPython."""

    format_type = Unicode(TYPE)
    print_method = ObjectName("_repr_hotcell_table_")
    _return_type = dict


def register(display_formatter: Any) -> None:
    formatter = TableFormatter(parent=display_formatter)
    display_formatter.formatters[TYPE] = formatter
    # Its own name for its modules is pandas from version 3 on.
    for module in ("pandas", "pandas.core.frame"):
        formatter.for_type_by_name(module, "DataFrame", guarded(pandas_frame))
    for module in ("pandas", "pandas.core.series"):
        formatter.for_type_by_name(module, "Series", guarded(pandas_series))
    formatter.for_type_by_name("polars.dataframe.frame", "DataFrame", guarded(polars_frame))
    formatter.for_type_by_name("polars.series.series", "Series", guarded(polars_series))


def guarded(build: Callable[[Any], Table]) -> Callable[[Any], Plain]:
    """Whatever goes wrong costs this format, and not the others."""

    def format(value: Any) -> Plain:
        try:
            return Plain(build(value))
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
            return Plain(rows=0, fault=fault)

    return format


class Column:
    """One column: how it is called, and its values as far as they are sent."""

    def __init__(self, label: Any, dtype: Any, values: list[Any], weighed: bool) -> None:
        self.label = label
        self.type = str(dtype)
        self.values = values
        self.weighed = weighed  # whether its values differ in size


def pandas_frame(frame: Any) -> Table:
    shape = frame.shape
    rows, columns = extent(*shape)
    part = frame.iloc[:rows, :columns]
    taken = [
        pandas_column(label, part.iloc[:, i]) for i, label in enumerate(frame.columns[:columns])
    ]
    return table(shape, taken, pandas_index(part.index), rows)


def pandas_series(series: Any) -> Table:
    part = series.iloc[: extent(len(series), 1)[0]]
    label = "value" if series.name is None else series.name
    return table(
        (len(series), 1), [pandas_column(label, part)], pandas_index(part.index), len(part)
    )


def pandas_index(index: Any) -> list[Column]:
    """The levels of an index; none of one that only counts the rows."""
    if type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1:
        return []
    levels = (index.get_level_values(i) for i in range(index.nlevels))
    return [pandas_column(level.name, level) for level in levels]


def pandas_column(label: Any, column: Any) -> Column:
    # Other types of columns than numpy's can hold a missing value among integers.
    native = type(column.dtype).__module__.startswith("numpy")
    kind = column.dtype.kind if native else "O"
    return Column(label, column.dtype, *converted(column.tolist(), kind))


def polars_frame(frame: Any) -> Table:
    rows, columns = extent(*frame.shape)
    part = frame.head(rows)
    taken = [polars_column(series) for series in part.get_columns()[:columns]]
    return table(frame.shape, taken, [], rows)


def polars_series(series: Any) -> Table:
    part = series.head(extent(len(series), 1)[0])
    column = polars_column(part)
    column.label = series.name or "value"
    return table((len(series), 1), [column], [], len(part))


def polars_column(series: Any) -> Column:
    kind = "i" if series.dtype.is_integer() else "f" if series.dtype.is_float() else "O"
    values = series if kind == "O" else series.to_list()
    return Column(series.name, series.dtype, *converted(values, kind))


def extent(rows: int, columns: int) -> tuple[int, int]:
    """How much of a table is looked at."""
    columns = min(columns, MAX_COLUMNS)
    return min(rows, MAX_ROWS, max(1, MAX_CELLS // max(columns, 1))), columns


def converted(values: Iterable[Any], kind: str) -> tuple[list[Any], bool]:
    """JSON's values for a column's, and whether they differ in size. Those that
    are sure to be left out are not converted."""
    if kind in "biu":
        return list(values), False
    if kind == "f":
        finite = math.isfinite
        return [v if v is not None and finite(v) else None for v in values], False
    out, size = [], 0
    for value in values:
        out.append(plain(value))
        size += weight(out[-1])
        if size > MAX_BYTES:
            break
    return out, True


def plain(value: Any, depth: int = 0) -> Any:
    """A cell as JSON: dates in ISO 8601, exact numbers as text, bytes in base64."""
    if value is None or value is True or value is False or type(value) in (str, int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, (str, int)):
        return str(value) if isinstance(value, str) else int(value)
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    count = len(value) if hasattr(value, "__len__") else 0
    if count > MAX_CELLS:
        return f"[{count} values]"
    if depth < NESTED:
        if isinstance(value, dict):
            return {str(key): plain(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [plain(item, depth + 1) for item in value]
        listed = getattr(value, "tolist", None) or getattr(value, "to_list", None)
        if callable(listed):  # an array, a series, a number of numpy
            return plain(listed(), depth + 1)
    iso = getattr(value, "isoformat", None)  # dates, times, and pandas' durations
    if callable(iso):
        return str(iso())
    seconds = getattr(value, "total_seconds", None)
    return duration(seconds()) if callable(seconds) else str(value)


def duration(seconds: float) -> str:
    """A duration in ISO 8601."""
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}PT{f'{seconds:.6f}'.rstrip('0').rstrip('.')}S"


def table(shape: tuple[int, int], columns: list[Column], index: list[Column], rows: int) -> Table:
    rows = min([rows, *(len(c.values) for c in (*columns, *index))])
    rows = fitting([*columns, *index], rows)
    names = unique(columns)
    out: Table = {
        "shape": [int(n) for n in shape],
        "rows": rows,
        "columns": [about(c, name) for c, name in zip(columns, names, strict=True)],
        "data": {name: c.values[:rows] for c, name in zip(columns, names, strict=True)},
    }
    if index:
        out["index"] = [
            {**about(c, "" if c.label is None else text(c.label)), "values": c.values[:rows]}
            for c in index
        ]
    if rows < shape[0] or len(columns) < shape[1]:
        out["truncated"] = True
    return out


def fitting(columns: list[Column], rows: int) -> int:
    """How many rows stay below the bound of bytes."""
    weights = [NUMBER_BYTES * len(columns)] * rows
    for column in columns:
        if column.weighed:
            for i, value in enumerate(column.values[:rows]):
                weights[i] += weight(value)
    total = 0
    for i, size in enumerate(weights):
        total += size
        if total > MAX_BYTES:
            return i
    return rows


def weight(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(NUMBER_BYTES + weight(item) for item in value)
    if isinstance(value, dict):
        return sum(NUMBER_BYTES + len(k) + weight(item) for k, item in value.items())
    return 0


def about(column: Column, name: str) -> Table:
    out: Table = {"name": name, "type": column.type}
    if not isinstance(column.label, str) and column.label is not None:
        out["label"] = plain(column.label)
    return out


def text(label: Any) -> str:
    """The name of a column: of one with several levels, all of them."""
    if isinstance(label, tuple):
        return "_".join(text(part) for part in label if part != "")
    label = plain(label)
    return label if isinstance(label, str) else str(label)


def unique(columns: list[Column]) -> list[str]:
    """Names under which no column hides another: a, a.1, a.2."""
    seen: set[str] = set()
    taken = {text(c.label) for c in columns}
    out = []
    for column in columns:
        base = name = text(column.label)
        n = 0
        while name in seen or (n and name in taken):
            n += 1
            name = f"{base}.{n}"
        seen.add(name)
        out.append(name)
    return out
