# --- imshow
grid = np.arange(6.0).reshape(2, 3)
plt.imshow(grid, cmap="magma")
plt.colorbar(label="heat")
expect(
    figure(
        axes(
            series(
                "heatmap",
                rows=2,
                columns=3,
                values=grid,
                x_edges=[-0.5, 0.5, 1.5, 2.5],
                y_edges=[-0.5, 0.5, 1.5],
                color_map="magma",
                color_limits=[0, 5],
            ),
            colorbar={"label": "heat"},
        )
    ),
    daytona={"type": "unknown", "elements": []},
    e2b={"type": "unknown"},
)

# --- imshow from the bottom with an extent
plt.imshow(grid, origin="lower", extent=[0, 6, 10, 20])
expect(one("heatmap", values=grid, x_edges=[0, 2, 4, 6], y_edges=[10, 15, 20]))

# --- imshow with names
plt.imshow(grid)
plt.xticks(range(3), ["a", "b", "c"])
plt.yticks(range(2), ["u", "v"])
expect(one("heatmap", values=grid, x_categories=["a", "b", "c"], y_categories=["u", "v"]))

# --- a picture
plt.imshow(np.zeros((4, 5, 3)))
expect(one("image", rows=4, columns=5, values=ABSENT))

# --- pcolormesh with NaN
x, y = [0, 1, 3, 4], [0, 2, 5]
holes = np.array([[1, np.nan, 3], [4, 5, 6]])
plt.pcolormesh(x, y, holes)
expect(one("heatmap", values=[[1, None, 3], [4, 5, 6]], x_edges=x, y_edges=y, nulls=1))

# --- hist2d
u, v = rng.normal(size=300), rng.normal(size=300)
plt.hist2d(u, v, bins=4)
counts, ex, ey = np.histogram2d(u, v, bins=4)
expect(one("heatmap", values=counts.T, x_edges=ex, y_edges=ey))

# --- hexbin
drawn = plt.hexbin(u, v, gridsize=6)
expect(one("hexbin", color_values=drawn.get_array(), count=len(drawn.get_array())))

# --- a seaborn heatmap with annotations
frame = pd.DataFrame([[1, 2], [3, 4]], index=["r", "s"], columns=["c", "d"])
sns.heatmap(frame, annot=True)
expect(
    figure(
        axes(
            series(
                "heatmap",
                values=[[1, 2], [3, 4]],
                x_categories=["c", "d"],
                y_categories=["r", "s"],
                # One release wrote only the first row.
                **({"annotations": [["1", "2"], ["3", "4"]]} if SEABORN != (0, 12) else {}),
            ),
            y={"inverted": True},
            texts=ABSENT,
            colorbar={},
        )
    )
)

# --- contours
side = np.linspace(-2, 2, 9)
X, Y = np.meshgrid(side, side)
plt.contour(X, Y, X + Y, levels=[-1, 1])
straight = [{"level": -1}, {"level": 1}] if MATPLOTLIB >= (3, 8) else [{}, {}]
expect(one("contour", filled=False, paths=straight))

# --- filled contours
plt.contourf(X, Y, X + Y, levels=[-2, 0, 2])
plt.colorbar()
expect(one("contour", filled=True, levels=[-2, 0, 2]))

# --- quiver
plt.quiver([0, 1], [0, 2], [1, 2], [3, 4])
expect(one("quiver", x=[0, 1], y=[0, 2], u=[1, 2], v=[3, 4]))

# --- events
plt.eventplot([1, 3, 4])
expect(one("event", x=[1, 3, 4], orientation="horizontal"))

# --- vlines
plt.vlines([1, 2], 0, [3, 4])
expect(one("segments", x=[1, 2], y=[0, 0], x_end=[1, 2], y_end=[3, 4]))

# --- polar line and bar
ax = plt.subplot(projection="polar")
ax.plot([0, 1, 2], [1, 2, 3])
ax.bar([0.5, 1.5], [1, 2], width=0.4)
expect(
    figure(
        axes(
            series("line", x=[0, 1, 2], y=[1, 2, 3]),
            series("bar", category=[0.5, 1.5], value=[1, 2]),
            kind="polar",
        )
    )
)

# --- three dimensions
ax = plt.subplot(projection="3d")
ax.plot([0, 1], [1, 2], [2, 3], label="path")
ax.scatter([5, 1, 3], [4, 2, 6], [1, 9, 5])
ax.set_zlabel("height (m)")
expect(
    figure(
        axes(
            series("line", label="path", x=[0, 1], y=[1, 2], z=[2, 3]),
            series("scatter", x=[5, 1, 3], y=[4, 2, 6], z=[1, 9, 5]),
            kind="3d",
            z={"label": "height (m)", "unit": "m"},
        )
    ),
    daytona={"type": "unknown"},
)

# --- surface
gx, gy = np.meshgrid(np.arange(4.0), np.arange(3.0))
plt.subplot(projection="3d").plot_surface(gx, gy, gx * gy)
expect(one("surface", rows=3, columns=4, x=gx.ravel(), y=gy.ravel(), z=(gx * gy).ravel()))

# --- bars in three dimensions
plt.subplot(projection="3d").bar3d([0, 1], [0, 1], [0, 0], 0.5, 0.5, [2, 3])
expect(one("bar3d", x=[0, 1], y=[0, 1], dx=[0.5, 0.5], dz=[2, 3]))

# --- lines that are no contours
from matplotlib.collections import LineCollection

plt.gca().add_collection(LineCollection([[(0, 0), (1, 1), (2, 0)], [(0, 1), (1, 0), (2, 1)]]))
expect(one("unknown", reason="shapes: 1 LineCollection"))
