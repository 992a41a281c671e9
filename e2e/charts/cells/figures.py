# --- twin axes
fig, left = plt.subplots()
left.bar(["a", "b"], [1, 2])
right = left.twinx()
right.plot(["a", "b"], [30, 40], color="r")
right.set_ylabel("rate")
expect(
    figure(
        axes(bars(["a", "b"], [1, 2])),
        axes(series("line", x=["a", "b"], y=[30, 40]), y={"label": "rate"}),
        layout={"twins": [[0, 1]], "shared_x": [[0, 1]]},
    ),
    daytona={
        "type": "composite_chart",
        "elements": [
            {"type": "bar", "elements": [{"label": "a"}, {"label": "b"}]},
            {"type": "line", "y_label": "rate", "elements": [{"points": [[0, 30], [1, 40]]}]},
        ],
    },
    e2b={"type": "superchart", "elements": [{"type": "bar"}, {"type": "line"}]},
)

# --- sub-plots with empty ones and colour bars
fig, all_axes = plt.subplots(2, 2, sharex="col")
fig.suptitle("Whole")
all_axes[0, 0].plot([1, 2], [3, 4])
all_axes[0, 0].set_title("first")
picture = all_axes[1, 1].imshow([[1, 2], [3, 4]])
fig.colorbar(picture, ax=all_axes[1, 1])
expect(
    figure(
        axes(series("line"), title="first", row=0, column=0),
        axes(row=0, column=1),
        axes(row=1, column=0),
        axes(series("heatmap"), row=1, column=1, colorbar={}),
        title="Whole",
        layout={"rows": 2, "columns": 2, "shared_x": [[0, 2], [1, 3]]},
    ),
    daytona={
        "type": "composite_chart",
        "title": "Whole",
        "elements": [{"type": "line", "title": "first"}, {"type": "unknown"}],
    },
)

# --- suptitle alone
plt.plot([1, 2])
plt.suptitle("Above")
expect(figure(axes(series("line")), title="Above"), daytona={"type": "line", "title": "Above"})

# --- a table and text only
plt.axis("off")
plt.table([["1", "2"], ["3", "4"]], colLabels=["a", "b"], loc="center")
plt.text(0.5, 0.25, "note")
expect(
    figure(
        axes(
            texts=[{"text": "note", "x": 0.5, "y": 0.25}],
            tables=[[["a", "b"], ["1", "2"], ["3", "4"]]],
        )
    ),
    daytona={"type": "unknown"},
)

# --- annotations
plt.plot([1, 2], [3, 4])
plt.annotate("peak", (2, 4), xytext=(1.2, 3.8), arrowprops={"arrowstyle": "->"})
expect(figure(axes(series("line"), texts=[{"text": "peak", "x": 2, "y": 4}])))

# --- non-ASCII and mathtext labels
plt.plot([1, 2], [3, 4], label="größe ∑")
plt.title(r"$\alpha^2$ – 温度")
plt.xlabel("時間 (秒)")
plt.legend()
expect(
    figure(
        axes(
            series("line", label="größe ∑"),
            title=r"$\alpha^2$ – 温度",
            x={"label": "時間 (秒)", "unit": "秒"},
        )
    )
)

# --- style sheets
with plt.style.context(["ggplot", "dark_background"]):
    plt.bar(["a", "b"], [1, 2])
    plt.show()
expect(one("bar", category=["a", "b"], value=[1, 2]))

# --- several figures
for i in range(3):
    plt.figure()
    plt.plot([i, i + 1])
expect(*[one("line", y=[i, i + 1]) for i in range(3)])

# --- two that look alike
for _ in range(2):
    plt.figure()
    plt.plot([1, 2])
plt.show()
expect(one("line", y=[1, 2]), one("line", y=[1, 2]))

# --- the same one twice
fig, ax = plt.subplots()
ax.plot([1, 2])
display(fig)
display(fig)
expect(one("line", y=[1, 2]), one("line", y=[1, 2]))

# --- shown while it grows
fig, ax = plt.subplots()
ax.plot([1, 2])
fig.show()
ax.plot([3, 4])
fig.show()
expect(one("line", y=[1, 2]), figure(axes(series("line", y=[1, 2]), series("line", y=[3, 4]))))

# --- savefig alone
from matplotlib.figure import Figure

alone = Figure()
alone.subplots().plot([1, 2])
alone.savefig("alone.png")
expect()

# --- closed before the end
fig, ax = plt.subplots()
ax.plot([1, 2])
plt.close(fig)
expect()

# --- in a thread
import threading


def draw():
    plt.plot([5, 6])


thread = threading.Thread(target=draw)
thread.start()
thread.join()
expect(one("line", y=[5, 6]))


# --- shown in a thread
def draw_and_show():
    plt.plot([7, 8])
    plt.show()


thread = threading.Thread(target=draw_and_show)
thread.start()
thread.join()
expect(one("line", y=[7, 8]))


# --- a subclass of Figure
class Mine(Figure):
    pass


plt.figure(FigureClass=Mine).subplots().plot([1, 9])
expect(one("line", y=[1, 9]))

# --- the value of the cell
fig = Figure()
fig.subplots().plot([2, 3])
expect(one("line", y=[2, 3]))
fig

# --- a blank one that is shown
plt.figure()
plt.show()
expect(figure(), daytona={"type": "unknown", "elements": []})

# --- FacetGrid
frame = pd.DataFrame({"x": [1, 2, 3, 4], "y": [4, 3, 2, 1], "k": ["a", "a", "b", "b"]})
grid = sns.FacetGrid(frame, col="k")
grid.map(plt.scatter, "x", "y")
expect(
    figure(
        axes(series("scatter", x=[1, 2], y=[4, 3]), title="k = a", column=0),
        axes(series("scatter", x=[3, 4], y=[2, 1]), title="k = b", column=1),
        layout={"rows": 1, "columns": 2},
    )
)

# --- PairGrid
sns.pairplot(frame[["x", "y"]], diag_kind="hist", diag_kws={"bins": 2})
if NEW_SEABORN:
    expect(
        figure(
            axes(),
            axes(series("scatter", x=frame.y, y=frame.x)),
            axes(series("scatter", x=frame.x, y=frame.y)),
            axes(),
            axes(series("histogram", counts=[2, 2])),
            axes(series("histogram", counts=[2, 2])),
        )
    )
else:
    expect(figure({}, {}, {}, {}, {}, {}))

# --- JointGrid
sns.jointplot(data=frame, x="x", y="y", marginal_kws={"bins": 2})
expect(
    figure(
        axes(series("scatter", x=frame.x, y=frame.y)),
        axes(series("histogram", counts=[2, 2], orientation="vertical")),
        axes(series("histogram", counts=[2, 2], orientation="horizontal")),
    )
)

# --- insets
fig, ax = plt.subplots()
ax.plot([1, 2])
ax.inset_axes([0.5, 0.5, 0.4, 0.4]).bar([3], [1])
expect(figure(axes(series("line")), axes(bars([3], [1]))))


# --- a figure that is hard to read
class Broken(plt.Line2D):
    def get_xdata(self, orig=True):
        if not orig:
            raise RuntimeError("no data")
        return super().get_xdata(orig)


fig, ax = plt.subplots()
ax.bar(["a"], [1])
ax.add_line(Broken([1, 2], [3, 4]))
expect(
    figure(axes(bars(["a"], [1]), series("unknown", reason="RuntimeError: no data"))),
    daytona={"type": "bar"},
)

# --- shapes
fig, ax = plt.subplots()
ax.add_patch(plt.Circle((1, 2), 0.5, label="disc"))
ax.set(xlim=(0, 3), ylim=(0, 3))
expect(one("unknown", label="disc", x=[1], y=[2], reason="shapes: 1 Circle"))

# --- nothing in the figure is changed
fig, ax = plt.subplots()
ax.plot([1, 2], [10, 1000], label="l")
ax.set_yscale("log")
ax.legend()
before = (
    ax.get_xlim(),
    ax.get_ylim(),
    len(ax.get_children()),
    fig.dpi,
    fig.get_size_inches().tolist(),
)
fig.show()
after = (
    ax.get_xlim(),
    ax.get_ylim(),
    len(ax.get_children()),
    fig.dpi,
    fig.get_size_inches().tolist(),
)
assert before == after, (before, after)
expect(one("line", y=[10, 1000]))

# --- reading a figure takes less than drawing it
import io
from time import perf_counter

from _hotcell import charts as driver
from _hotcell.display import encode
from _hotcell.protocol import pack

fig, ax = plt.subplots()
ax.plot(np.arange(10_000), rng.normal(size=10_000))
drawing = reading = 9.0
for _ in range(5):
    began = perf_counter()
    fig.savefig(io.BytesIO(), format="png", bbox_inches="tight")
    drawing = min(drawing, perf_counter() - began)
    began = perf_counter()
    pack(encode({driver.MIME: driver.describe(fig)}))
    reading = min(reading, perf_counter() - began)
assert reading < drawing, (reading, drawing)
expect(one("line", count=10_000, decimated_from=ABSENT))
