"""What is drawn in one Axes, and what of it has been read."""

from __future__ import annotations

from typing import Any

from .figures_legend import Legend
from .figures_scale import SCALES, Scale
from .figures_words import Array, Artist, Model, Reading, excuse, floats, is_a, label_of


def coordinates(line: Artist) -> tuple[Array, Array]:
    return floats(line.get_xdata(orig=False)), floats(line.get_ydata(orig=False))


class Drawn:
    def __init__(self, axes: Artist, reading: Reading, legend: Legend) -> None:
        self.axes = axes
        self.reading = reading
        self.legend = legend
        self.x = Scale(axes.xaxis)
        self.y = Scale(axes.yaxis)
        self.z = Scale(axes.zaxis) if hasattr(axes, "zaxis") else None
        self.taken: set[int] = set()
        self.reference_lines: list[Model] = []
        self.reference_spans: list[Model] = []
        self.failures: list[tuple[Artist, Model]] = []

    def take(self, *artists: Artist) -> None:
        self.taken.update(id(artist) for artist in artists if artist is not None)

    def rest(self, artists: Any, *names: str) -> list[Artist]:
        """Those of some artists that are seen, and that nobody has read yet."""
        return [
            artist
            for artist in artists
            if id(artist) not in self.taken
            and artist.get_visible()
            and (not names or is_a(artist, *names))
        ]

    def lines(self) -> list[Artist]:
        """The lines that nobody has read yet. One that can't be read is set aside, once."""
        found = []
        for line in self.rest(self.axes.lines):
            try:
                coordinates(line)
            except Exception as error:
                self.take(line)
                self.failures.append((line, Model(kind="unknown", reason=excuse(error))))
            else:
                found.append(line)
        return found

    def rest_of_containers(self, name: str) -> list[Artist]:
        """Containers have no visibility of their own; their parts do."""
        return [
            container
            for container in self.axes.containers
            if id(container) not in self.taken and is_a(container, name)
        ]

    def label(self, artist: Artist) -> str:
        """The user's label, else what the legend says of things that look like it."""
        return label_of(artist) or self.legend.of(artist)

    def in_data(self, artist: Artist) -> bool:
        return self.branches(artist) == (True, True)

    def branches(self, artist: Artist) -> tuple[bool, bool]:
        """Whether its x and its y are data, and not fractions of the axes."""
        transform = artist.get_transform()
        if transform == self.axes.transData:
            return True, True
        x, y = transform.contains_branch_seperately(self.axes.transData)
        return bool(x), bool(y)

    def scales(self, horizontal: bool) -> tuple[Scale, Scale]:
        """The scale along which things stand, and that of their values."""
        return (self.y, self.x) if horizontal else (self.x, self.y)

    def place(self, scale: Scale, value: Any) -> Any:
        """One coordinate, which may be a date or a name still."""
        try:
            return scale.column([float(value)])[0]
        except (TypeError, ValueError):
            pass
        try:
            return scale.column([float(scale._axis.convert_units(value))])[0]
        except Exception:
            return None

    def start(self, kind: str, label: str) -> Model:
        model = Model(kind=kind)
        if label:
            model["label"] = label
        return model

    def points(self, model: Model, x: Array, y: Array) -> slice:
        """Fill in x and y; says which points were kept."""
        kept = self.reading.thin(model, len(x))
        model["x"] = self.x.column(x[kept], model)
        model["y"] = self.y.column(y[kept], model)
        return kept

    def axis_models(self) -> Model:
        models = Model()
        for way, scale in (("x", self.x), ("y", self.y), ("z", self.z)):
            if scale is None:
                continue
            try:
                models[way] = scale.model()
            except Exception:  # ticks of numbers that are too large, say: the data are there
                models[way] = Model(scale=SCALES.get(scale.kind, "linear"))
        return models
