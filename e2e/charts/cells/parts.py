# --- scatter with sizes and colours
plt.scatter([1, 2, 3], [4, 5, 6], s=[10, 20, 30], c=[0.1, 0.2, 0.3], label="p")
plt.colorbar(label="depth")
expect(
    figure(
        axes(
            series(
                "scatter",
                label="p",
                x=[1, 2, 3],
                y=[4, 5, 6],
                sizes=[10, 20, 30],
                color_values=[0.1, 0.2, 0.3],
                color_map="viridis",
            ),
            colorbar={"label": "depth", "limits": [0.1, 0.3]},
        )
    ),
    daytona={"type": "scatter", "elements": [{"label": "p", "points": [[1, 4], [2, 5], [3, 6]]}]},
)

# --- scatter with NaN
plt.scatter([1, 2, 3], [1, np.nan, 3])
expect(one("scatter", y=[1, None, 3]))

# --- scatter of categories
plt.scatter(["a", "b", "a"], [1, 2, 3])
expect(one("scatter", x=["a", "b", "a"], y=[1, 2, 3]))

# --- seaborn scatter with a hue
frame = pd.DataFrame({"x": [1, 2, 3, 4], "y": [4, 3, 2, 1], "k": ["a", "b", "a", "b"]})
sns.scatterplot(data=frame, x="x", y="y", hue="k")
expect(
    figure(
        axes(
            series("scatter", label="a", x=[1, 3], y=[4, 2]),
            series("scatter", label="b", x=[2, 4], y=[3, 1]),
            legend={"title": "k"},
        )
    )
)

# --- pandas scatter
frame.plot.scatter(x="x", y="y")
expect(one("scatter", x=[1, 2, 3, 4], y=[4, 3, 2, 1]))

# --- box plots
groups = [rng.normal(size=40), rng.normal(2, 3, 50), np.r_[rng.normal(size=30), 9, -9]]
plt.boxplot(groups)
expect(
    figure(
        axes(
            series(
                "box",
                orientation="vertical",
                boxes=[{**quartiles(g), "label": str(i + 1)} for i, g in enumerate(groups)],
            )
        )
    ),
    daytona={
        "type": "box_and_whisker",
        "elements": [{**quartiles(g), "label": str(i + 1)} for i, g in enumerate(groups)],
    },
)

# --- filled box plots with names
plt.boxplot(groups, patch_artist=True)
plt.xticks([1, 2, 3], ["a", "b", "c"])
expect(one("box", boxes=[{**quartiles(g), "label": n} for g, n in zip(groups, "abc")]))

# --- horizontal box plots with means and notches
plt.boxplot(groups, notch=True, showmeans=True, vert=False)
expect(
    one(
        "box",
        orientation="horizontal",
        boxes=[{**quartiles(g), "mean": np.mean(g)} for g in groups],
    )
)

# --- a single box
plt.boxplot([1, 2, 3, 4, 100])
expect(one("box", boxes=[quartiles([1, 2, 3, 4, 100])]))

# --- a box without length
plt.boxplot([[5, 5, 5, 5], [1, 2, 3, 4]])
expect(one("box", boxes=[quartiles([5, 5, 5, 5]), quartiles([1, 2, 3, 4])]))

# --- whiskers without length
plt.boxplot([[1, 1, 2, 3, 3]])
expect(one("box", boxes=[quartiles([1, 1, 2, 3, 3])]))

# --- boxes without caps and outliers
plt.boxplot(groups, showcaps=False, showfliers=False)
expect(one("box", boxes=[{**quartiles(g), "outliers": []} for g in groups]))

# --- pandas boxes
frame = pd.DataFrame({"u": rng.normal(size=30), "v": rng.normal(size=30)})
frame.plot.box()
expect(
    one("box", boxes=[{**quartiles(frame.u), "label": "u"}, {**quartiles(frame.v), "label": "v"}])
)

# --- pandas boxes by group
frame["k"] = ["x", "y"] * 15
frame.boxplot(column="u", by="k")
expect(
    one("box", boxes=[{**quartiles(frame[frame.k == k].u), "label": k} for k in "xy"]),
)

# --- seaborn boxes
tips = pd.DataFrame(
    {"day": ["Thu", "Fri"] * 20, "sex": ["m"] * 20 + ["f"] * 20, "tip": rng.gamma(2, 2, 40)}
)
sns.boxplot(data=tips, x="day", y="tip")
expect(
    one("box", boxes=[{**quartiles(tips[tips.day == d].tip), "label": d} for d in ("Thu", "Fri")])
)

# --- seaborn boxes with a hue
sns.boxplot(data=tips, x="day", y="tip", hue="sex")
days = ("Thu", "Fri")
expect(
    figure(
        axes(
            *[
                series(
                    "box",
                    label=sex,
                    boxes=[
                        {**quartiles(tips[(tips.day == d) & (tips.sex == sex)].tip), "label": d}
                        for d in days
                    ],
                )
                for sex in ("m", "f")
            ]
        )
    )
)

# --- seaborn boxes lying down
sns.boxplot(data=tips, y="day", x="tip", order=days)
expect(
    one(
        "box",
        orientation="horizontal",
        boxes=[{**quartiles(tips[tips.day == d].tip), "label": d} for d in days],
    )
)

# --- violins
plt.violinplot(groups, showmedians=True)
expect(
    one(
        "violin",
        violins=[
            {"min": g.min(), "max": g.max(), "median": np.median(g), "position": i + 1}
            for i, g in enumerate(groups)
        ],
    )
)

# --- violins with means, lying down
plt.violinplot(groups, showmeans=True, vert=False)
expect(
    one(
        "violin",
        orientation="horizontal",
        violins=[{"min": g.min(), "max": g.max(), "mean": g.mean()} for g in groups],
    )
)

# --- seaborn violins
sns.violinplot(data=tips, x="day", y="tip")
if NEW_SEABORN:
    expect(
        one(
            "violin",
            violins=[
                {
                    "label": d,
                    "median": quartiles(tips[tips.day == d].tip)["median"],
                    "whiskers": [quartiles(tips[tips.day == d].tip)[k] for k in ("min", "max")],
                    "quartiles": [
                        quartiles(tips[tips.day == d].tip)[k]
                        for k in ("first_quartile", "third_quartile")
                    ],
                }
                for d in days
            ],
        )
    )
else:
    expect(figure({}))

# --- a pie
sizes, names = [10, 20, 30, 40], ["a", "b", "c", "d"]
plt.pie(sizes, labels=names, autopct="%1.1f%%", shadow=True, startangle=90, explode=[0, 0.1, 0, 0])
plt.title("Shares")
expect(
    figure(
        axes(
            series(
                "pie",
                wedges=[
                    {
                        "label": n,
                        "angle": s * 3.6,
                        "fraction": s / 100,
                        "text": f"{s}.0%",
                        "radius": 1,
                    }
                    for n, s in zip(names, sizes)
                ],
                donut_width=ABSENT,
            ),
            title="Shares",
            texts=ABSENT,
        )
    ),
    daytona={
        "type": "pie",
        "elements": [{"label": n, "angle": s * 3.6, "radius": 1} for n, s in zip(names, sizes)],
    },
    tolerance=1e-5,
)

# --- a ring in a ring
plt.pie([1, 3], radius=1, wedgeprops={"width": 0.3})
plt.pie([2, 2], radius=0.7, wedgeprops={"width": 0.3}, labels=["i", "j"])
expect(
    figure(
        axes(
            series("pie", wedges=[{"angle": 90}, {"angle": 270}], donut_width=0.3),
            series("pie", wedges=[{"label": "i", "angle": 180, "radius": 0.7}, {"label": "j"}]),
        )
    ),
    tolerance=1e-5,
)

# --- a pie that isn't whole
plt.pie([0.25, 0.25], normalize=False)
expect(one("pie", wedges=[{"fraction": 0.25}, {"fraction": 0.25}]))

# --- a pandas pie
pd.Series([1, 1, 2], index=["x", "y", "z"], name="v").plot.pie()
expect(
    one("pie", wedges=[{"label": "x", "angle": 90}, {"label": "y"}, {"label": "z", "angle": 180}])
)

# --- seaborn points beside their categories
frame = pd.DataFrame({"k": ["a", "b", "a", "b", "a"], "v": [1.0, 2, 3, 4, 5]})
sns.stripplot(data=frame, x="k", y="v", order=["a", "b"])
a, b = frame[frame.k == "a"].v, frame[frame.k == "b"].v
expect(
    figure(
        axes(
            series("scatter", x=["a"] * 3, y=a),
            series("scatter", y=b),
            x={"categories": ["a", "b"]},
        )
    )
)

# --- a seaborn line with its band
frame = pd.DataFrame({"t": [1, 1, 2, 2], "v": [1.0, 3, 4, 8]})
sns.lineplot(data=frame, x="t", y="v")
expect(
    figure(axes(series("line", x=[1, 2], y=[2, 6]), series("area", x=[1, 2]))),
    daytona={"type": "line"},
)

# --- a seaborn density
sns.kdeplot(x=rng.normal(size=50), **({"fill": True} if NEW_SEABORN else {"shade": True}))
expect(one("area", base=[0] * 200))

# --- a formatter of the user's isn't asked again
calls = []
plt.plot([1, 2], [1, 2])
plt.gca().xaxis.set_major_formatter(lambda at, _: calls.append(at) or f"<{at:g}>")
plt.savefig("asked.png", bbox_inches="tight")
drawn = len(calls)
plt.show()
shown = len(calls) - drawn
assert shown <= drawn, (drawn, shown)
expect(
    figure(
        axes(series("line"), x={"tick_labels": [f"<{at:g}>" for at in [1, 1.2, 1.4, 1.6, 1.8, 2]]})
    )
)
