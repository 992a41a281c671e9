# --- plotly lines
import plotly.express as px
import plotly.graph_objects as go

frame = pd.DataFrame(
    {
        "d": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]),
        "y": [4.5, 5, 6, 7.25],
        "k": ["a", "b", "a", "b"],
    }
)
expect(
    figure(
        axes(
            series("line", label="a", x=["2024-01-01", "2024-01-03"], y=[4.5, 6]),
            series("line", label="b", x=["2024-01-02", "2024-01-04"], y=[5, 7.25]),
            title="T",
            x={"label": "d", "scale": "datetime"},
            y={"label": "y", "scale": "linear"},
        ),
        source="plotly",
    ),
    daytona={"type": "line", "title": "T", "elements": [{"label": "a"}, {"label": "b"}]},
)
px.line(frame, x="d", y="y", color="k", title="T")

# --- plotly bars
counted = go.Figure(
    [
        go.Bar(name="p", x=["u", "v"], y=np.array([1.5, 2]), error_y={"array": [0.1, 0.2]}),
        go.Bar(name="q", x=["u", "v"], y=np.array([3, 4], dtype="int16")),
    ]
)
expect(
    figure(
        axes(
            bars(
                ["u", "v"],
                [1.5, 2],
                label="p",
                arrangement="grouped",
                errors={"y": {"low": [0.1, 0.2], "high": [0.1, 0.2]}},
            ),
            bars(["u", "v"], [3, 4], label="q", arrangement="grouped"),
            x={"scale": "categorical", "categories": ["u", "v"]},
        )
    )
)
counted

# --- plotly stacked bars, lying down, shown
stacked = go.Figure(
    [
        go.Bar(y=["u", "v"], x=[1, 2], orientation="h"),
        go.Bar(y=["u", "v"], x=[3, 4], orientation="h"),
    ],
    layout={"barmode": "stack"},
)
expect(
    figure(
        axes(
            bars(["u", "v"], [1, 2], arrangement="stacked", orientation="horizontal", base=[0, 0]),
            bars(["u", "v"], [3, 4], arrangement="stacked", base=[1, 2]),
        )
    )
)
stacked

# --- plotly pie
expect(
    one(
        "pie",
        wedges=[
            {"label": "a", "value": 1, "fraction": 0.25, "angle": 90},
            {"label": "b", "value": 3, "fraction": 0.75, "angle": 270},
        ],
        donut_width=0.6,
    )
)
go.Figure(go.Pie(labels=["a", "b"], values=[1, 3], hole=0.4))

# --- plotly heatmap, surface and scatter in three dimensions
expect(
    figure(
        axes(
            series(
                "heatmap",
                values=[[1, 2], [3, 4]],
                x_categories=["a", "b"],
                y_edges=[-0.5, 0.5, 1.5],
            )
        )
    )
)
go.Figure(go.Heatmap(z=np.array([[1.0, 2], [3, 4]]), x=["a", "b"]))

# --- plotly surface
expect(
    figure(axes(series("surface", rows=2, columns=2, z=[1, 2, 3, 4], x=[0, 1, 0, 1]), kind="3d"))
)
go.Figure(go.Surface(z=[[1, 2], [3, 4]]))

# --- plotly boxes
expect(
    one(
        "box",
        boxes=[
            {
                "label": "s",
                "min": 1,
                "first_quartile": 2,
                "median": 3.5,
                "third_quartile": 5,
                "max": 6,
                "outliers": [20],
            }
        ],
    )
)
go.Figure(go.Box(y=[1, 2, 2, 3, 3, 4, 4, 5, 6, 20], name="s"))

# --- plotly histogram with bins
expect(one("histogram", edges=[0, 2, 4], counts=[2, 3]))
go.Figure(go.Histogram(x=[0, 1, 2, 3, 3.5], xbins={"start": 0, "end": 4, "size": 2}))

# --- plotly histogram without bins
expect(one("unknown", x=[0, 1, 2, 3]))
go.Figure(go.Histogram(x=[0, 1, 2, 3]))

# --- plotly sub-plots with lines of reference
from plotly.subplots import make_subplots

grid = make_subplots(rows=1, cols=2, subplot_titles=["left", "right"])
grid.add_scatter(x=[1, 2], y=[3, 4], mode="markers", row=1, col=1)
grid.add_bar(x=["a"], y=[1], row=1, col=2)
grid.add_hline(y=3.5, row=1, col=1)
expect(
    figure(
        axes(
            series("scatter", x=[1, 2], y=[3, 4]),
            title="left",
            row=0,
            column=0,
            lines=[{"orientation": "horizontal", "value": 3.5}],
        ),
        axes(bars(["a"], [1]), title="right", row=0, column=1),
        layout={"rows": 1, "columns": 2},
    ),
    daytona={"type": "composite_chart"},
)
grid

# --- plotly twin axes
twin = make_subplots(specs=[[{"secondary_y": True}]])
twin.add_scatter(x=[1, 2], y=[3, 4])
twin.add_scatter(x=[1, 2], y=[30, 40], secondary_y=True)
expect(
    figure(
        axes(series("line", y=[3, 4])), axes(series("line", y=[30, 40])), layout={"twins": [[0, 1]]}
    )
)
twin

# --- plotly shown as a page
html = px.scatter(x=[1, 2], y=[3, 4]).to_html()
expect(one("scatter", x=[1, 2], y=[3, 4]))
display({"text/html": html}, raw=True)

# --- altair bars
import altair as alt

frame = pd.DataFrame({"k": ["b", "a", "b"], "v": [1, 2, 4], "c": ["p", "p", "q"]})
expect(
    figure(
        axes(
            bars(["a", "b"], [2, 5], orientation="vertical"),
            title="Sums",
            x={"label": "k", "scale": "categorical", "categories": ["a", "b"]},
            y={"label": "Sum of v"},
        ),
        source="vega-lite",
    )
)
alt.Chart(frame, title="Sums").mark_bar().encode(x="k:N", y="sum(v):Q")

# --- altair stacked bars by the type of the bundle
alt.renderers.enable("mimetype")
expect(
    figure(
        axes(
            bars(["b", "a"], [1, 2], label="p", arrangement="stacked", base=[0, 0]),
            bars(["b"], [4], label="q", arrangement="stacked", base=[1]),
        )
    )
)
alt.Chart(frame).mark_bar().encode(x="k", y="v", color="c")

# --- altair lines over dates with a rule
frame = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=3), "v": [1, 3, 2]})
line = alt.Chart(frame).mark_line().encode(x="t", y="v")
rule = alt.Chart().mark_rule().encode(y=alt.datum(2.5))
expect(
    figure(
        axes(
            series("line", x=["2024-01-01", "2024-01-02", "2024-01-03"], y=[1, 3, 2]),
            x={"scale": "datetime"},
            lines=[{"orientation": "horizontal", "value": 2.5}],
        )
    )
)
line + rule

# --- altair histogram
expect(one("histogram", edges=range(11), counts=[10] * 9 + [11], orientation="vertical"))
alt.Chart(pd.DataFrame({"v": np.arange(101) / 10})).mark_bar().encode(
    x=alt.X("v", bin=True), y="count()"
)

# --- altair beside each other
one_chart = alt.Chart(pd.DataFrame({"x": [1, 2], "y": [3, 4]})).mark_point().encode(x="x", y="y")
expect(
    figure(
        axes(series("scatter", x=[1, 2], y=[3, 4]), column=0),
        axes(series("scatter"), column=1),
        layout={"rows": 1, "columns": 2},
    )
)
one_chart | one_chart

# --- altair facets
frame = pd.DataFrame({"x": [1, 2, 3], "y": [3, 4, 5], "k": ["a", "b", "b"]})
expect(
    figure(
        axes(series("scatter", x=[1], y=[3]), title="a", column=0),
        axes(series("scatter", x=[2, 3], y=[4, 5]), title="b", column=1),
    )
)
alt.Chart(frame).mark_circle().encode(x="x", y="y", column="k")

# --- altair heatmap, boxes and arcs
frame = pd.DataFrame({"x": ["a", "b", "a"], "y": ["u", "u", "v"], "z": [1, 2, 3]})
expect(one("heatmap", values=[[1, 2], [3, None]], x_categories=["a", "b"], y_categories=["u", "v"]))
alt.Chart(frame).mark_rect().encode(x="x:N", y="y:N", color="z:Q")

# --- altair boxes
numbers = rng.normal(size=30)
expect(
    one(
        "box",
        boxes=[
            {
                **quartiles(numbers),
                "label": "k",
                "outliers": np.sort(quartiles(numbers)["outliers"]),
            }
        ],
    )
)
alt.Chart(pd.DataFrame({"g": ["k"] * 30, "v": numbers})).mark_boxplot().encode(x="g", y="v")

# --- altair arcs
expect(
    one(
        "pie",
        wedges=[{"label": "a", "value": 4, "angle": 240}, {"label": "b", "value": 2, "angle": 120}],
    )
)
alt.Chart(frame).mark_arc().encode(theta="sum(z)", color="x")

# --- altair with a transform
expect(one("unknown", reason="its data are computed when it is drawn (filter)"))
alt.Chart(frame).transform_filter("datum.z > 1").mark_point().encode(x="x", y="z")

# --- polars
import polars as pl

table = pl.DataFrame({"x": [1, 2, 3], "y": [2.5, 1.5, 3.5]})
expect(one("line", x=[1, 2, 3], y=[2.5, 1.5, 3.5]))
table.plot.line(x="x", y="y")

# --- polars in matplotlib
plt.plot(table["x"], table["y"])
plt.bar(table["x"], table["y"])
expect(
    figure(axes(series("line", x=[1, 2, 3], y=[2.5, 1.5, 3.5]), bars([1, 2, 3], [2.5, 1.5, 3.5])))
)

# --- bokeh
from bokeh.embed.notebook import notebook_content
from bokeh.io import output_notebook, show
from bokeh.layouts import row
from bokeh.plotting import figure as bokeh_figure

plot = bokeh_figure(title="B", x_axis_label="time (s)")
plot.line([1, 2, 3], np.array([4.0, 5.5, 6.0]), legend_label="l")
plot.scatter([1, 2], [3, np.nan])
script, _, _ = notebook_content(plot)
expect(
    figure(
        axes(
            series("line", label="l", x=[1, 2, 3], y=[4, 5.5, 6]),
            series("scatter", x=[1, 2], y=[3, None]),
            title="B",
            x={"label": "time (s)", "unit": "s"},
        ),
        source="bokeh",
    )
)
display({"application/javascript": script}, raw=True)

# --- bokeh shown in a notebook
bars_plot = bokeh_figure(x_range=["a", "b"])
bars_plot.vbar_stack(
    ["u", "v"], x="k", source={"k": ["a", "b"], "u": [1, 2], "v": [3, 4]}, legend_label=["u", "v"]
)
dates_plot = bokeh_figure(x_axis_type="datetime")
dates_plot.line(pd.to_datetime(["2024-01-01", "2024-01-02"]), [1, 2])
dates_plot.quad(top=[1, 2], bottom=0, left=[0, 1], right=[1, 2])
output_notebook(hide_banner=True)
show(row(bars_plot, dates_plot))
expect(
    figure(
        axes(
            bars(["a", "b"], [1, 2], label="u", arrangement="stacked", base=[0, 0]),
            bars(["a", "b"], [3, 4], label="v", arrangement="stacked", base=[1, 2]),
            column=0,
        ),
        axes(
            series("line", x=["2024-01-01", "2024-01-02"], y=[1, 2]),
            series("histogram", counts=[1, 2]),
            column=1,
        ),
        layout={"rows": 1, "columns": 2},
    )
)
