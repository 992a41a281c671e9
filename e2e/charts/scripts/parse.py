"""Parses the charts on standard input with Daytona's client, one answer to code-run for each,
and writes down what the client makes of them."""

import json
import sys

from daytona.common.charts import parse_chart
from daytona_toolbox_api_client import CodeRunResponse

parsed = []
for chart in json.load(sys.stdin):
    answer = json.dumps({"exitCode": 0, "result": "", "artifacts": {"charts": [chart]}})
    response = CodeRunResponse.from_json(answer)
    one = parse_chart(response.artifacts.charts[0])
    parsed.append(
        {
            "type": one.type,
            "class": type(one).__name__,
            "elements": len(one.elements),
            "figure": "figure" in one.additional_properties,
            "nested": [
                len((element.additional_properties or {}).get("elements", []))
                for element in one.elements
            ]
            if one.type == "composite_chart"
            else None,
        }
    )
json.dump(parsed, sys.stdout)
