"""In which months does it rain in Seattle? A chart that is drawn in a sandbox, its numbers, and its picture.

pip install daytona vega_datasets
python rain.py
"""

import base64
from pathlib import Path

from vega_datasets import data

from daytona import Daytona

# It runs in the sandbox: what it needs is installed there, and not here.
ANALYSIS = """
import calendar

import matplotlib.pyplot as plt
import pandas as pd

days = pd.read_csv("seattle-weather.csv", parse_dates=["date"])
month, years = days.date.dt.month, days.date.dt.year.nunique()
rain = (days.groupby(month).precipitation.sum() / years).round(1)
print(f"{len(days)} days, of which {(days.precipitation > 0).mean():.0%} had rain")

fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.bar([calendar.month_abbr[m] for m in rain.index], rain)
ax.set(title="Rain in Seattle in an average month, 2012 to 2015", ylabel="Rain (mm)")
plt.show()
"""

sandbox = Daytona().create()
try:
    sandbox.fs.upload_file(data.seattle_weather.filepath, "seattle-weather.csv")
    answer = sandbox.process.code_run(ANALYSIS)
    print(answer.result, end="")

    chart = answer.artifacts.charts[0]
    print(chart.title)
    for bar in chart.elements:
        print(f"{bar.label}  {float(bar.value):6.1f}")

    Path("rain.png").write_bytes(base64.b64decode(chart.png))
    print("The picture is rain.png.")
finally:
    sandbox.delete()
