# --- a histogram
values = rng.normal(size=500)
plt.hist(values)
counts, edges = np.histogram(values, 10)
expect(
    one("histogram", edges=edges, counts=counts, density=False, orientation="vertical"),
    daytona={"type": "bar", "elements": [{"value": str(n)} for n in counts]},
)

# --- a histogram of densities
plt.hist(values, bins=7, density=True, orientation="horizontal")
counts, edges = np.histogram(values, 7, density=True)
expect(one("histogram", edges=edges, counts=counts, density=True, orientation="horizontal"))

# --- a histogram with weights
weights = rng.random(500)
plt.hist(values, bins=12, weights=weights)
counts, edges = np.histogram(values, 12, weights=weights)
expect(one("histogram", edges=edges, counts=counts))

# --- a histogram of whole numbers
dice = rng.integers(1, 7, 300)
plt.hist(dice, bins=np.arange(1, 8))
expect(one("histogram", edges=np.arange(1, 8), counts=np.bincount(dice, minlength=7)[1:]))

# --- a histogram of bins that differ
plt.hist(values, bins=[-4, -1, 0, 0.5, 4])
counts, edges = np.histogram(values, [-4, -1, 0, 0.5, 4])
expect(one("histogram", edges=edges, counts=counts))

# --- a histogram drawn as steps
plt.hist(values, bins=8, histtype="step", label="s")
counts, edges = np.histogram(values, 8)
expect(one("histogram", edges=edges, counts=counts, label="s"))

# --- a histogram drawn as filled steps
plt.hist(values, bins=8, histtype="stepfilled")
expect(one("histogram", edges=edges, counts=counts))

# --- two histograms side by side
others = rng.normal(1, 1, 400)
edges = np.histogram_bin_edges(np.concatenate([values, others]), 6)
plt.hist([values, others], bins=6, label=["v", "o"])
plt.legend()
expect(
    figure(
        axes(
            series("histogram", label="v", edges=edges, counts=np.histogram(values, edges)[0]),
            series("histogram", label="o", edges=edges, counts=np.histogram(others, edges)[0]),
        )
    )
)

# --- two histograms on each other
plt.hist([values, others], bins=6, stacked=True, label=["v", "o"])
expect(
    figure(
        axes(
            series("histogram", arrangement="stacked", counts=np.histogram(values, edges)[0]),
            series(
                "histogram",
                arrangement="stacked",
                counts=np.histogram(others, edges)[0],
                base=np.histogram(values, edges)[0],
            ),
        )
    )
)

# --- two histograms in one axes
plt.hist(values, bins=5, alpha=0.5, label="v")
plt.hist(others, bins=4, alpha=0.5, label="o")
expect(
    figure(
        axes(
            series("histogram", label="v", counts=np.histogram(values, 5)[0]),
            series("histogram", label="o", counts=np.histogram(others, 4)[0]),
        )
    )
)

# --- stairs
if MATPLOTLIB >= (3, 4):
    plt.stairs([1, 3, 2], [0, 1, 2.5, 3])
    expect(one("histogram", edges=[0, 1, 2.5, 3], counts=[1, 3, 2]))

# --- a pandas histogram
pd.Series(values).plot.hist(bins=9)
counts, edges = np.histogram(values, 9)
expect(one("histogram", edges=edges, counts=counts))

# --- a pandas histogram for each column
frame = pd.DataFrame({"v": values[:100], "w": others[:100]})
frame.hist(bins=5)
expect(
    figure(
        axes(series("histogram", counts=np.histogram(frame.v, 5)[0]), title="v"),
        axes(series("histogram", counts=np.histogram(frame.w, 5)[0]), title="w"),
        layout={"rows": 1, "columns": 2},
    )
)

# --- a seaborn histogram
sns.histplot(values, bins=11)
counts, edges = np.histogram(values, 11)
expect(one("histogram", edges=edges, counts=counts))

# --- a seaborn histogram with a density curve
sns.histplot(x=values, bins=11, kde=True)
expect(
    figure(axes(series("histogram", edges=edges, counts=counts), series("line", count=200))),
    daytona={"type": "composite_chart", "elements": [{"type": "bar"}, {"type": "line"}]},
)

# --- a seaborn histogram with a hue
frame = pd.DataFrame({"v": np.r_[values, others], "k": ["a"] * 500 + ["b"] * 400})
sns.histplot(data=frame, x="v", hue="k", bins=6)
edges = np.histogram_bin_edges(frame.v, 6)
expect(
    figure(
        axes(
            series("histogram", label="b", edges=edges, counts=np.histogram(others, edges)[0]),
            series("histogram", label="a", edges=edges, counts=np.histogram(values, edges)[0]),
        )
    )
)
