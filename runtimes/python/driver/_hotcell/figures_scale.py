"""The axes' own axes: what a coordinate means, and what stands beside it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .figures_words import Array, Artist, Model, floats, is_a, number, numbers, words

MAX_TICKS = 1000
SCALES = {"datetime": "datetime", "category": "categorical"}

_UNIT = re.compile(r"[(\[]([^()\[\]]+)[)\]]\s*$")


class Scale:
    """One axis. `kind` is number, datetime or category."""

    def __init__(self, axis: Artist) -> None:
        self._axis = axis
        self.kind = "number"
        self.names: dict[float, str] = {}  # of categories, by position
        self._places: Array = np.empty(0)  # the same positions, sorted
        self._freq: Any = None
        converter = getattr(axis, "_converter", None) or vars(axis).get("converter")
        formatter = axis.get_major_formatter()
        if is_a(converter, "StrCategoryConverter") and axis.units is not None:
            self.kind = "category"
            self.names = {float(at): words(name) for name, at in axis.units._mapping.items()}
        elif getattr(axis, "freq", None) is not None and is_a(
            formatter, "TimeSeries_DateFormatter"
        ):
            self.kind, self._freq = "datetime", axis.freq
        elif is_a(converter, "DateConverter", "_SwitchableDateConverter") or is_a(
            formatter, "DateFormatter", "AutoDateFormatter", "ConciseDateFormatter"
        ):
            self.kind = "datetime"
        else:
            self._read_fixed_labels(formatter)

    def _read_fixed_labels(self, formatter: Artist) -> None:
        """Ticks that somebody named one by one, as for the bars of a bar chart."""
        locator = self._axis.get_major_locator()
        named = is_a(formatter, "FixedFormatter") or (
            is_a(formatter, "FuncFormatter") and hasattr(formatter.func, "func")
        )
        if not (is_a(locator, "FixedLocator") and named):
            return
        try:
            places = np.asarray(locator.locs, dtype=float).ravel()[:MAX_TICKS]
            labels = [words(text) for text in formatter.format_ticks(places)]
        except Exception:  # places are dates of a kind of their own, or labels aren't texts
            return
        if any(labels) and not all(
            is_number(at, text) for at, text in zip(places, labels, strict=False)
        ):
            self.names = {float(at): text for at, text in zip(places, labels, strict=False) if text}

    def categories(self) -> list[str]:
        return [self.names[at] for at in sorted(self.names)]

    def named(self, values: Array) -> list[str] | None:
        """The names of positions, when each has one of its own."""
        if not self.names or len(set(self.names.values())) < len(self.names):
            return None
        found = [self.names.get(float(value)) for value in values]
        return None if None in found else found  # type: ignore[return-value]

    def nearest(self, value: float, reach: float) -> str | None:
        """The category around a position: bars of a group stand beside its tick."""
        if not self.names or not np.isfinite(value):
            return None
        if len(self._places) != len(self.names):
            self._places = np.array(sorted(self.names))
        right = min(int(np.searchsorted(self._places, value)), len(self._places) - 1)
        around = self._places[max(right - 1, 0) : right + 1]
        at = float(around[int(np.argmin(np.abs(around - value)))])
        return self.names[at] if abs(at - value) <= reach else None

    def around(self, values: Array) -> list[str] | None:
        """The names of categories that stand one apart, when points are scattered about them."""
        places = np.array(sorted(self.names))
        if len(values) < 3 or not np.array_equal(places, np.arange(len(places))):
            return None
        found = [self.nearest(value, 0.42) for value in values.tolist()]
        return None if None in found else found  # type: ignore[return-value]

    def column(self, values: Any, model: Model | None = None) -> list[Any]:
        """Coordinates as data: numbers, ISO 8601 dates, or the names of categories."""
        if self.kind == "datetime":
            dates = self.dates(floats(values))
            if model is not None and None in dates:
                model["nulls"] = model.get("nulls", 0) + dates.count(None)
            return dates
        array = floats(values)
        if self.names:
            found = self.named(array) if array.ndim == 1 else None
            if found is not None:
                self.kind = "category"
                return found
        return numbers(array, model)

    def dates(self, values: Array) -> list[Any]:
        if self._freq is not None:
            return periods(values, self._freq)
        import matplotlib.dates

        valid = np.isfinite(values) & (np.abs(values) < 3e6)
        if zone_of(self._axis.get_major_formatter()) is not None:
            return [
                matplotlib.dates.num2date(v, zone_of(self._axis.get_major_formatter())).isoformat()
                if fine
                else None
                for v, fine in zip(values.tolist(), valid, strict=False)
            ]
        micros = np.rint(np.where(valid, values, 0) * 86_400_000_000)
        # A day is a float: what looks like a thousandth of a second is one.
        millis = np.rint(micros / 1000) * 1000
        micros = np.where(np.abs(micros - millis) <= 20, millis, micros).astype("int64")
        moments = np.datetime64(matplotlib.dates.get_epoch(), "us") + micros.astype(
            "timedelta64[us]"
        )
        return iso(moments, valid)

    def model(self) -> Model:
        """The axis as it is drawn. To be called after the series were read."""
        axis = self._axis
        model = Model()
        label = words(axis.get_label().get_text())
        if label:
            model["label"] = label
            unit = _UNIT.search(label)
            if unit:
                model["unit"] = unit[1].strip()
        scale = axis.get_scale()
        model["scale"] = SCALES.get(self.kind, scale) if scale == "linear" else scale
        if self.kind == "category":
            model["categories"] = self.categories()
        low, high = sorted(axis.get_view_interval())
        self._add_ticks(model, float(low), float(high))
        model["limits"] = (
            self.dates(np.array([low, high]))
            if self.kind == "datetime"
            else [number(low), number(high)]
        )
        if axis.get_inverted():
            model["inverted"] = True
        return model

    def _add_ticks(self, model: Model, low: float, high: float) -> None:
        axis = self._axis
        places = np.asarray(axis.get_majorticklocs(), dtype=float).ravel()[: MAX_TICKS * 2]
        formatter = axis.get_major_formatter()
        labels = drawn_labels(axis, places)
        if labels is None:
            labels = [words(text) for text in formatter.format_ticks(places)]
        margin = 1e-9 * max(abs(low), abs(high), high - low)
        shown = [
            (at, text)
            for at, text in zip(places.tolist(), labels, strict=False)
            if low - margin <= at <= high + margin
        ][:MAX_TICKS]
        ticks = np.array([at for at, _ in shown])
        model["ticks"] = self.dates(ticks) if self.kind == "datetime" else numbers(ticks)
        model["tick_labels"] = [text for _, text in shown]
        offset = words(formatter.get_offset()) if hasattr(formatter, "get_offset") else ""
        if offset and self.kind == "number":
            model["offset"] = offset


def drawn_labels(axis: Artist, places: Array) -> list[str] | None:
    """The labels as they were drawn: a formatter of the user's needn't be called again."""
    ticks = axis.majorTicks[: len(places)]
    if [tick.get_loc() for tick in ticks] != places.tolist():
        return None
    return [words(tick.label1.get_text()) for tick in ticks]


def is_number(place: float, text: str) -> bool:
    """Whether a tick's label is only its number again."""
    try:
        return abs(float(text) - place) <= 1e-6 * max(abs(place), 1e-300)
    except ValueError:
        return not text


def zone_of(formatter: Artist) -> Any:
    zone = getattr(formatter, "tz", None) or getattr(formatter, "_tz", None)
    return None if zone is None or str(zone) in ("UTC", "tzutc()") else zone


def iso(moments: Array, valid: Array) -> list[Any]:
    """ISO 8601, no finer than it has to be."""
    kept = moments[valid]
    for unit in ("D", "s", "ms", "us"):
        if bool(np.all(kept.astype(f"datetime64[{unit}]") == kept)):
            break
    texts = np.datetime_as_string(moments, unit=unit)
    if valid.all():
        return list(texts.tolist())
    return [text if fine else None for text, fine in zip(texts.tolist(), valid, strict=False)]


def periods(values: Array, freq: Any) -> list[Any]:
    """pandas draws a regular series at the ordinals of its periods."""
    import pandas

    valid = np.isfinite(values)
    ordinals = np.rint(np.where(valid, values, 0)).astype("int64")
    alias = str(getattr(freq, "rule_code", None) or freq)
    if alias.endswith("B") and not alias.endswith("MB"):
        # Business days are counted, Saturdays and Sundays left out.
        days = np.busday_offset("1970-01-01", ordinals, roll="forward")
        return iso(days.astype("datetime64[us]"), valid)
    index = pandas.PeriodIndex([pandas.Period(ordinal=int(o), freq=freq) for o in ordinals])
    return iso(index.to_timestamp().to_numpy().astype("datetime64[us]"), valid)
