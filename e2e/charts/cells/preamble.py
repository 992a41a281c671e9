# What every cell finds: the libraries, and words to say what must come out. The numbers
# that a cell expects come from what it plots, never from what was read.
import datetime
import json
import warnings

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

warnings.simplefilter("ignore")
plt.rcParams["figure.dpi"] = 40  # nobody looks at the pictures
rng = np.random.default_rng(7)
SEABORN = tuple(int(part) for part in sns.__version__.split(".")[:2])
NEW_SEABORN = SEABORN >= (0, 12)
MATPLOTLIB = tuple(int(part) for part in matplotlib.__version__.split(".")[:2])
EXPECTED = []
ABSENT = "<absent>"


def expect(*figures, **translations):
    EXPECTED.append({"figures": list(figures), **translations})


def figure(*axes, **more):
    return {"axes": list(axes), **more}


def axes(*series, **more):
    return {"series": list(series), **more}


def one(kind, **more):
    """A figure of one axes and one series."""
    return figure(axes(series(kind, **more)))


def series(kind, **more):
    return {"kind": kind, **more}


def bars(category, value, **more):
    return series("bar", category=category, value=value, **more)


def quartiles(values, whis=1.5):
    """The five numbers and the outliers, by the usual definition."""
    values = np.asarray(values, dtype=float)
    q1, median, q3 = np.percentile(values, [25, 50, 75])
    inside = values[(values >= q1 - whis * (q3 - q1)) & (values <= q3 + whis * (q3 - q1))]
    low, high = min(inside.min(), q1), max(inside.max(), q3)
    outside = np.r_[values[values < low], values[values > high]]
    return {
        "min": low,
        "first_quartile": q1,
        "median": median,
        "third_quartile": q3,
        "max": high,
        "outliers": outside,
    }


def plain(value):
    if isinstance(value, (np.ndarray, pd.Series, pd.Index)):
        return plain(value.tolist())
    if isinstance(value, (list, tuple, range)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (datetime.date, pd.Timestamp)):
        return value.isoformat()
    return value
