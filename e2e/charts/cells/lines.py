# --- a line
x, y = [1, 2, 4], [3.5, 1, 2]
plt.plot(x, y, label="speed")
plt.xlabel("time [s]")
plt.ylabel("speed (m/s)")
plt.title("A line")
plt.legend()
expect(
    figure(
        axes(
            series("line", label="speed", x=x, y=y, count=3),
            title="A line",
            x={"label": "time [s]", "unit": "s", "scale": "linear"},
            y={"unit": "m/s"},
            legend={"entries": ["speed"]},
        ),
        source="matplotlib",
    ),
    daytona={
        "type": "line",
        "title": "A line",
        "x_label": "time [s]",
        "x_scale": "linear",
        "elements": [{"label": "speed", "points": [[1, 3.5], [2, 1], [4, 2]]}],
    },
    e2b={
        "type": "line",
        "x_unit": "s",
        "y_unit": "m/s",
        "elements": [{"label": "speed", "points": [[1, 3.5], [2, 1], [4, 2]]}],
    },
)

# --- a horizontal line of two points
plt.plot([0, 10], [5, 5])
expect(one("line", x=[0, 10], y=[5, 5]))

# --- a vertical line of two points
plt.plot([3, 3], [0, 1])
expect(one("line", x=[3, 3], y=[0, 1]))

# --- vertical lines of two points beside a line
plt.plot([1, 2, 3], [1, 2, 3])
plt.plot([2, 2], [0, 4])
expect(figure(axes(series("line", x=[1, 2, 3]), series("line", x=[2, 2], y=[0, 4]))))

# --- axhline beside data
plt.plot([1, 2], [3, 4])
plt.axhline(3.5, label="mean")
plt.axvline(1.25)
plt.axhspan(3, 3.2)
plt.axvspan(1.5, 1.75, label="zone")
expect(
    figure(
        axes(
            series("line", x=[1, 2], y=[3, 4]),
            lines=[
                {"orientation": "horizontal", "value": 3.5, "label": "mean"},
                {"orientation": "vertical", "value": 1.25},
            ],
            spans=[
                {"orientation": "horizontal", "from": 3, "to": 3.2},
                {"orientation": "vertical", "from": 1.5, "to": 1.75, "label": "zone"},
            ],
        )
    ),
    daytona={"type": "line", "elements": [{"points": [[1, 3], [2, 4]]}]},
)

# --- axline
plt.plot([0, 1], [0, 3])
plt.axline((0, 1), slope=2)
expect(figure(axes(series("line"), lines=[{"orientation": "sloped", "value": 1, "slope": 2}])))

# --- a categorical line
plt.plot(["mon", "tue", "wed"], [1, 3, 2])
expect(
    figure(
        axes(
            series("line", x=["mon", "tue", "wed"], y=[1, 3, 2]),
            x={"scale": "categorical", "categories": ["mon", "tue", "wed"]},
        )
    ),
    daytona={
        "x_ticks": [0, 1, 2],
        "x_tick_labels": ["mon", "tue", "wed"],
        "elements": [{"points": [[0, 1], [1, 3], [2, 2]]}],
    },
    e2b={"x_scale": "categorical", "elements": [{"points": [["mon", 1], ["tue", 3], ["wed", 2]]}]},
)

# --- a line with names for its ticks
plt.plot(range(3), [1, 3, 2])
plt.xticks(range(3), ["low", "mid", "high"])
expect(figure(axes(series("line", x=["low", "mid", "high"], y=[1, 3, 2]))))

# --- a line over dates
days = pd.date_range("2024-01-30", periods=4)
plt.plot(days, [1, 2, 3, 4])
expect(
    figure(
        axes(
            series(
                "line", x=["2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02"], y=[1, 2, 3, 4]
            ),
            x={"scale": "datetime"},
        )
    ),
    daytona={
        "x_scale": "datetime",
        "elements": [{"points": [[d.timestamp(), i + 1] for i, d in enumerate(days)]}],
    },
    e2b={
        "x_scale": "datetime",
        "elements": [{"points": [["2024-01-30", 1], ["2024-01-31", 2], [], []]}],
    },
)

# --- a line over hours and seconds
moments = [datetime.datetime(2024, 1, 1, 10, 0, i * 7) for i in range(3)]
plt.plot(moments, [1, 2, 3])
expect(one("line", x=["2024-01-01T10:00:00", "2024-01-01T10:00:07", "2024-01-01T10:00:14"]))

# --- scatter over datetime64
stamps = np.array(["2023-12-31T23:59:59.250", "2024-06-01T00:00"], dtype="datetime64[ms]")
plt.scatter(stamps, [1, 2])
expect(one("scatter", x=["2023-12-31T23:59:59.250", "2024-06-01T00:00:00.000"], y=[1, 2]))

# --- dates in a time zone
moments = pd.date_range(
    "2024-03-30 22:00", periods=3, freq="h" if pd.__version__ > "2.2" else "H", tz="Europe/Berlin"
)
plt.plot(moments, [1, 2, 3])
expect(one("line", x=[m.isoformat() for m in moments]))

# --- dates along y
plt.plot([1, 2], pd.to_datetime(["2024-01-01", "2024-01-02"]))
expect(one("line", x=[1, 2], y=["2024-01-01", "2024-01-02"]))

# --- pandas lines over days
days = pd.date_range("2024-01-01", periods=5, freq="D")
pd.Series([1, 3, 2, 5, 4], index=days, name="v").plot()
expect(
    figure(
        axes(series("line", x=[d.date() for d in days], y=[1, 3, 2, 5, 4]), x={"scale": "datetime"})
    )
)

# --- pandas lines over months
months = pd.period_range("2023-11", periods=4, freq="M")
pd.DataFrame({"a": [1, 2, 3, 4], "b": [4, 3, 2, 1]}, index=months).plot()
starts = [m.start_time.date() for m in months]
expect(
    figure(
        axes(
            series("line", label="a", x=starts, y=[1, 2, 3, 4]), series("line", label="b", x=starts)
        )
    )
)

# --- pandas lines over business days
days = pd.bdate_range("2024-01-04", periods=4)
pd.Series([1, 2, 3, 4], index=days).plot()
expect(one("line", x=[d.date() for d in days], y=[1, 2, 3, 4]))

# --- pandas lines over quarters and hours
hours = pd.date_range("2024-01-01 06:00", periods=3, freq="6h" if pd.__version__ > "2.2" else "6H")
pd.Series([1, 2, 3], index=hours).plot()
expect(one("line", x=[h.isoformat() for h in hours], y=[1, 2, 3]))

# --- pandas lines over uneven dates
days = pd.to_datetime(["2024-01-01", "2024-01-05", "2024-03-01"])
pd.Series([1, 2, 3], index=days).plot()
expect(one("line", x=[d.date() for d in days], y=[1, 2, 3]))

# --- pandas line over names
pd.Series([3, 1, 2], index=["r", "s", "t"]).plot()
expect(figure(axes(series("line", y=[3, 1, 2], count=3))))

# --- pandas frame
frame = pd.DataFrame({"x": [1, 2, 3], "y": [4.0, np.nan, 6.0], "z": [7, 8, 9]})
frame.plot(x="x")
expect(
    figure(
        axes(
            series("line", label="y", x=[1, 2, 3], y=[4, None, 6], nulls=1),
            series("line", label="z", x=[1, 2, 3], y=[7, 8, 9]),
        )
    )
)

# --- pandas with a second axis
frame.plot(x="x", y=["y", "z"], secondary_y="z")
expect(
    figure(
        axes(series("line", y=[4, None, 6])),
        axes(series("line", y=[7, 8, 9])),
        layout={"twins": [[0, 1]]},
    ),
    daytona={"type": "composite_chart", "elements": [{"type": "line"}, {"type": "line"}]},
)

# --- NaN and infinity in the data
plt.plot([1, 2, 3, 4], [1, np.nan, np.inf, 4])
expect(
    one("line", x=[1, 2, 3, 4], y=[1, None, None, 4], nulls=2, count=4),
    daytona={"elements": [{"points": [[1, 1], [4, 4]]}]},
)

# --- log
plt.plot([1, 10, 100], [1, 100, 10000])
plt.xscale("log")
plt.yscale("log")
expect(
    figure(
        axes(
            series("line", x=[1, 10, 100], y=[1, 100, 10000]),
            x={"scale": "log"},
            y={"scale": "log"},
        )
    ),
    daytona={"x_scale": "log", "y_scale": "log"},
)

# --- symlog
plt.plot([-100, 0, 100], [1, 2, 3])
plt.xscale("symlog")
plt.yscale("logit")
plt.ylim(0.1, 0.9)
expect(figure(axes(series("line"), x={"scale": "symlog"}, y={"scale": "logit"})))

# --- a line over an area
x = np.linspace(0, 1, 5)
plt.fill_between(x, x - 1, x + 1, alpha=0.2)
plt.plot(x, x, label="middle")
expect(
    figure(
        axes(series("area", x=x, y=x + 1, base=x - 1), series("line", label="middle", x=x, y=x))
    ),
    daytona={"type": "line", "elements": [{"label": "middle"}]},
)

# --- line and scatter together
plt.plot([1, 2, 3], [1, 2, 3], label="fit")
plt.scatter([1, 2, 3], [1.1, 1.9, 3.2], label="seen")
expect(
    figure(
        axes(
            series("line", label="fit", y=[1, 2, 3]),
            series("scatter", label="seen", y=[1.1, 1.9, 3.2]),
        )
    ),
    daytona={
        "type": "composite_chart",
        "elements": [
            {"type": "line", "elements": [{"label": "fit"}]},
            {
                "type": "scatter",
                "elements": [{"label": "seen", "points": [[1, 1.1], [2, 1.9], [3, 3.2]]}],
            },
        ],
    },
)

# --- markers without a line
plt.plot([1, 2], [3, 4], "o")
expect(one("scatter", x=[1, 2], y=[3, 4]))

# --- steps
plt.step([1, 2, 3], [3, 1, 2], where="post")
expect(one("step", where="post", x=[1, 2, 3], y=[3, 1, 2]))

# --- stem
plt.stem([1, 2, 3], [4, -5, 6], bottom=1, label="st")
expect(
    one("stem", label="st", x=[1, 2, 3], y=[4, -5, 6], base=[1]),
    daytona={"type": "scatter", "elements": [{"points": [[1, 4], [2, -5], [3, 6]]}]},
)

# --- errorbar
plt.errorbar([1, 2], [3, 4], yerr=[[0.1, 0.2], [0.3, 0.4]], xerr=0.5, label="m")
expect(
    one(
        "errorbar",
        label="m",
        x=[1, 2],
        y=[3, 4],
        connected=True,
        errors={
            "y": {"low": [0.1, 0.2], "high": [0.3, 0.4]},
            "x": {"low": [0.5, 0.5], "high": [0.5, 0.5]},
        },
    ),
    daytona={"type": "line"},
)

# --- errorbar of points
plt.errorbar([1, 2, 3], [3, np.nan, 5], yerr=[0.1, 0.2, 0.3], fmt="s", capsize=3)
expect(
    one(
        "errorbar",
        x=[1, 2, 3],
        y=[3, None, 5],
        connected=False,
        errors={"y": {"low": [0.1, None, 0.3], "high": [0.1, None, 0.3]}},
    ),
    daytona={"type": "scatter"},
)

# --- stackplot
x, one_part, other = [1, 2, 3], [1, 2, 3], [3, 2, 1]
plt.stackplot(x, one_part, other, labels=["one", "other"])
expect(
    figure(
        axes(
            series("area", label="one", x=x, y=one_part, base=[0, 0, 0], arrangement="stacked"),
            series("area", label="other", x=x, y=[4, 4, 4], base=one_part, arrangement="stacked"),
        )
    ),
    daytona={
        "type": "line",
        "elements": [
            {"label": "one", "points": [[1, 1], [2, 2], [3, 3]]},
            {"label": "other", "points": [[1, 3], [2, 2], [3, 1]]},
        ],
    },
)

# --- area
plt.fill_between([1, 2, 3], [2, 3, 1], label="a")
expect(one("area", label="a", x=[1, 2, 3], y=[2, 3, 1], base=[0, 0, 0]), daytona={"type": "line"})

# --- an area below zero
plt.fill_between([1, 2, 3], [-2, -3, -1])
expect(one("area", y=[-2, -3, -1], base=[0, 0, 0]))

# --- an area along y
plt.fill_betweenx([1, 2, 3], [2, 3, 1])
expect(one("area", orientation="horizontal", y=[1, 2, 3], x=[2, 3, 1], base=[0, 0, 0]))

# --- a pandas area
pd.DataFrame({"a": [1, 2, 3], "b": [3, 1, 2]}).plot.area()
expect(
    figure(
        axes(
            series("line", label="a", y=[1, 2, 3]),
            series("area", y=[1, 2, 3], base=[0, 0, 0]),
            series("line", label="b", y=[4, 3, 5]),
            series("area", y=[4, 3, 5], base=[1, 2, 3]),
        )
    ),
    daytona={
        "type": "line",
        "elements": [
            {"label": "a", "points": [[0, 1], [1, 2], [2, 3]]},
            {"label": "b", "points": [[0, 3], [1, 1], [2, 2]]},
        ],
    },
)

# --- seaborn lines with a hue
frame = pd.DataFrame({"t": [1, 2, 3] * 2, "v": [1, 2, 3, 6, 5, 4], "k": ["a"] * 3 + ["b"] * 3})
sns.lineplot(data=frame, x="t", y="v", hue="k")
expect(
    figure(
        axes(
            series("line", label="a", x=[1, 2, 3], y=[1, 2, 3]),
            series("line", label="b", x=[1, 2, 3], y=[6, 5, 4]),
        )
    )
)

# --- a million points
n = 1_000_000
x = np.arange(n)
plt.plot(x, x * 2)
step = 100
expect(one("line", count=n, decimated_from=n, x=x[::step], y=x[::step] * 2))

# --- a regression
frame = pd.DataFrame({"x": [1.0, 2, 3, 4], "y": [2.0, 4.1, 5.9, 8]})
slope, start = np.polyfit(frame.x, frame.y, 1)
sns.regplot(data=frame, x="x", y="y", ci=None)
grid = np.linspace(1, 4, 100)
expect(
    figure(
        axes(
            series("scatter", x=frame.x, y=frame.y), series("line", x=grid, y=start + slope * grid)
        )
    )
)

# --- points with error bars from seaborn
frame = pd.DataFrame({"k": ["a", "a", "b", "b"], "v": [1.0, 3.0, 5.0, 9.0]})
sns.pointplot(
    data=frame, x="k", y="v", **({"errorbar": ("pi", 100)} if NEW_SEABORN else {"ci": "sd"})
)
if NEW_SEABORN:
    expect(one("errorbar", x=["a", "b"], y=[2, 7], errors={"y": {"low": [1, 2], "high": [1, 2]}}))
else:
    expect(figure({}))
