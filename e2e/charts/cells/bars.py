# --- bars of equal height
names, heights = ["a", "b", "c"], [3, 3, 3]
plt.bar(names, heights)
plt.title("Same")
plt.ylabel("size (cm)")
expect(
    figure(
        axes(
            bars(names, heights, orientation="vertical", arrangement="single", base=[0, 0, 0]),
            title="Same",
            x={"scale": "categorical", "categories": names},
            y={"label": "size (cm)", "unit": "cm", "scale": "linear"},
        )
    ),
    daytona={
        "type": "bar",
        "title": "Same",
        "y_label": "size (cm)",
        "elements": [{"label": n, "group": "", "value": "3"} for n in names],
    },
    e2b={"type": "bar", "elements": [{"label": n, "value": 3} for n in names], "y_unit": "cm"},
)

# --- a single bar
plt.bar(["only"], [4.5])
expect(one("bar", category=["only"], value=[4.5]))

# --- a single bar at a number
plt.bar([2], [7])
expect(one("bar", category=[2], value=[7]))

# --- horizontal bars
plt.barh(["x", "y"], [2, -3])
plt.xlabel("n")
expect(
    figure(
        axes(
            bars(["x", "y"], [2, -3], orientation="horizontal"),
            y={"scale": "categorical", "categories": ["x", "y"]},
            x={"label": "n", "scale": "linear"},
        )
    ),
    daytona={
        "type": "bar",
        "elements": [{"label": "x", "value": "2"}, {"label": "y", "value": "-3"}],
    },
)

# --- grouped bars
at = np.arange(3)
first, second = [1, 2, 3], [3, 2.5, 1]
plt.bar(at - 0.2, first, 0.4, label="p")
plt.bar(at + 0.2, second, 0.4, label="q")
plt.xticks(at, ["A", "B", "C"])
plt.legend(title="which")
expect(
    figure(
        axes(
            bars(["A", "B", "C"], first, label="p", arrangement="grouped", width=[0.4] * 3),
            bars(["A", "B", "C"], second, label="q", arrangement="grouped"),
            legend={"title": "which", "entries": ["p", "q"]},
        )
    ),
    daytona={
        "type": "bar",
        "elements": [{"label": n, "group": "p", "value": v} for n, v in zip("ABC", ["1", "2", "3"])]
        + [{"label": n, "group": "q", "value": v} for n, v in zip("ABC", ["3", "2.5", "1"])],
    },
)

# --- grouped bars of three
at = np.arange(4)
for i in range(3):
    plt.bar(at + (i - 1) * 0.25, at + i, 0.25, label=f"s{i}")
expect(
    figure(
        axes(
            *[
                bars(at + (i - 1) * 0.25, at + i, label=f"s{i}", arrangement="grouped")
                for i in range(3)
            ]
        )
    )
)

# --- stacked bars
lower, upper = [1, 2], [3, 4]
plt.bar(["u", "v"], lower, label="lower")
plt.bar(["u", "v"], upper, bottom=lower, label="upper")
expect(
    figure(
        axes(
            bars(["u", "v"], lower, arrangement="stacked", base=[0, 0]),
            bars(["u", "v"], upper, arrangement="stacked", base=lower),
        )
    )
)

# --- bars at numbers
places, heights = [0.5, 2.25, 7], [1.5, 2.5, 0.5]
plt.bar(places, heights, width=0.3)
expect(one("bar", category=places, value=heights, width=[0.3] * 3))

# --- bars that touch at whole numbers
plt.bar(range(5), [1, 4, 2, 5, 3], width=1)
expect(one("bar", category=range(5), value=[1, 4, 2, 5, 3]))

# --- bars at dates
days = [datetime.date(2024, 2, 27) + datetime.timedelta(days=i) for i in range(4)]
plt.bar(days, [4, 3, 2, 1])
expect(
    figure(axes(bars(days, [4, 3, 2, 1]), x={"scale": "datetime"})),
    daytona={"type": "bar", "elements": [{"label": "2024-02-27", "value": "4"}, {}, {}, {}]},
)

# --- bars with error bars
heights, errors = [2, 3], [0.1, 0.25]
plt.bar(["a", "b"], heights, yerr=errors, capsize=4)
expect(
    one("bar", category=["a", "b"], value=heights, errors={"y": {"low": errors, "high": errors}})
)

# --- horizontal bars with uneven error bars
plt.barh(["a", "b"], [2, 3], xerr=[[0.1, 0.2], [0.3, 0.4]])
expect(
    one("bar", value=[2, 3], errors={"x": {"low": [0.1, 0.2], "high": [0.3, 0.4]}}),
)

# --- error bars laid over bars
plt.bar([1, 2], [5, 6])
plt.errorbar([1, 2], [5, 6], yerr=[1, 2], fmt="none")
expect(one("bar", value=[5, 6], errors={"y": {"low": [1, 2], "high": [1, 2]}}))

# --- bars with NaN
plt.bar(["a", "b", "c"], [1, np.nan, 3])
expect(
    one("bar", category=["a", "b", "c"], value=[1, None, 3], nulls=1),
    daytona={"elements": [{"label": "a", "value": "1"}, {"label": "c", "value": "3"}]},
)

# --- bars each with a label of its own
plt.bar(["a", "b"], [1, 2], label=["first", "second"])
expect(one("bar", category=["a", "b"], value=[1, 2]))

# --- bars on a logarithmic scale
plt.bar(["a", "b"], [10, 1000], log=True)
expect(figure(axes(bars(["a", "b"], [10, 1000]), y={"scale": "log"})))

# --- a bar of times
start = [datetime.datetime(2024, 1, 1), datetime.datetime(2024, 1, 3)]
plt.barh(["plan", "build"], [datetime.timedelta(days=2), datetime.timedelta(days=4)], left=start)
expect(
    figure(
        axes(
            series(
                "bar",
                category=["plan", "build"],
                start=["2024-01-01", "2024-01-03"],
                end=["2024-01-03", "2024-01-07"],
                value=[2, 4],
            )
        )
    )
)

# --- pandas bars
frame = pd.DataFrame({"north": [1, 2, 3], "south": [3, 2, 1]}, index=["x", "y", "z"])
frame.plot.bar(rot=0)
expect(
    figure(
        axes(
            bars(["x", "y", "z"], frame["north"], label="north", arrangement="grouped"),
            bars(["x", "y", "z"], frame["south"], label="south", arrangement="grouped"),
        )
    )
)

# --- pandas stacked horizontal bars
frame.plot.barh(stacked=True)
expect(
    figure(
        axes(
            bars(["x", "y", "z"], frame["north"], arrangement="stacked", orientation="horizontal"),
            bars(["x", "y", "z"], frame["south"], arrangement="stacked", base=frame["north"]),
        )
    )
)

# --- pandas bars of a series
pd.Series([5, 6], index=["k", "l"], name="v").plot(kind="bar")
expect(one("bar", category=["k", "l"], value=[5, 6]))

# --- seaborn bars
tips = pd.DataFrame(
    {
        "day": ["Thu", "Fri", "Thu", "Fri", "Thu", "Fri"],
        "tip": [1.0, 2.0, 2.0, 4.0, 6.0, 9.0],
        "sex": ["m", "m", "m", "m", "f", "f"],
    }
)
with_sd = {"errorbar": "sd"} if NEW_SEABORN else {"ci": "sd"}
sns.barplot(data=tips, x="day", y="tip", order=["Thu", "Fri"], **with_sd)
means = [tips[tips.day == day].tip.mean() for day in ("Thu", "Fri")]
ddof = 1 if NEW_SEABORN else 0
spread = [tips[tips.day == day].tip.std(ddof=ddof) for day in ("Thu", "Fri")]
expect(
    one("bar", category=["Thu", "Fri"], value=means, errors={"y": {"low": spread, "high": spread}})
)

# --- seaborn bars with a hue
sns.barplot(data=tips, x="day", y="tip", hue="sex", order=["Thu", "Fri"], **with_sd)
expect(
    figure(
        axes(
            bars(["Thu", "Fri"], [1.5, 3.0], label="m", arrangement="grouped"),
            bars(["Thu", "Fri"], [6.0, 9.0], label="f", arrangement="grouped"),
        )
    )
)

# --- seaborn counts
sns.countplot(data=tips, y="sex", order=["m", "f"])
expect(one("bar", category=["m", "f"], value=[4, 2], orientation="horizontal"))

# --- seaborn bars coloured by their own category
if SEABORN >= (0, 13):
    sns.barplot(data=tips, x="day", y="tip", hue="day", order=["Thu", "Fri"], errorbar=None)
    expect(one("bar", category=["Thu", "Fri"], value=means))
else:
    expect()  # they leave gaps for each other
