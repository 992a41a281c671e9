"""One-shot code with the Python SDK, unmodified, in both of its forms: the examples of
Daytona's guide as they stand there, and what they leave open."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from daytona import AsyncDaytona, CodeRunParams, CreateSandboxFromSnapshotParams, Daytona
from report import report


def check_sync() -> list[Any]:
    daytona = Daytona()
    sandbox = workspace = daytona.create()

    def hello_as_in_the_guide() -> None:
        response = workspace.process.code_run("print('Hello, World!')")
        assert response.result == "Hello, World!\n", response.result
        assert response.exit_code == 0
        assert response.artifacts.stdout == response.result
        assert response.artifacts.charts == []

    def sum_as_in_the_reference() -> None:
        response = workspace.process.code_run("""
x = 10
y = 20
print(f"Sum: {x + y}")
""")
        assert response.artifacts.stdout == "Sum: 30\n", response.result

    def sum_with_the_indentation_of_the_reference() -> None:
        response = sandbox.process.code_run("""
                x = 10
                y = 20
                print(f"Sum: {x + y}")
            """)
        assert response.artifacts.stdout == "Sum: 30\n", response.result

    def greet_as_in_the_guide() -> None:
        response = sandbox.process.code_run("""
def greet(name):
    return f"Hello, {name}!"
print(greet("Daytona"))
""")
        assert response.result == "Hello, Daytona!\n", response.result

    def chart_as_in_the_reference() -> None:
        code = """
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 10, 30)
y = np.sin(x)

plt.figure(figsize=(8, 5))
plt.plot(x, y, 'b-', linewidth=2)
plt.title('Line Chart')
plt.xlabel('X-axis (seconds)')
plt.ylabel('Y-axis (amplitude)')
plt.grid(True)
plt.show()
"""
        response = sandbox.process.code_run(code)
        chart = response.artifacts.charts[0]
        assert base64.b64decode(chart.png)[1:4] == b"PNG"
        assert len(response.artifacts.charts) == 1
        assert "dtn_artifact" not in response.result

    def invalid_code_as_in_the_guide() -> None:
        response = sandbox.process.code_run("invalid python code")
        assert response.exit_code == 1
        assert "SyntaxError: invalid syntax" in response.result, response.result

    def arguments_variables_and_a_timeout() -> None:
        response = sandbox.process.code_run(
            "import os, sys; print(sys.argv[1:], os.environ['FOO'])",
            CodeRunParams(argv=["a b", "", "\n", "ü😀"], env={"FOO": "BAR é"}),
            timeout=5,
        )
        assert response.result == "['a b', '', '\\n', 'ü😀'] BAR é\n", response.result

    def a_timeout_has_its_status() -> None:
        try:
            sandbox.process.code_run("print('begun'); import time; time.sleep(60)", timeout=1)
        except Exception as e:
            status = getattr(e, "status", None) or getattr(e, "status_code", None)
            assert status == 408, repr(e)
            assert "begun" in str(e), str(e)
        else:
            raise AssertionError("it ended")

    def exit_codes() -> None:
        for code, want in {
            "raise SystemExit(3)": 3,
            "1/0": 1,
            "import os; os._exit(9)": 9,
            "import os, signal; os.kill(os.getpid(), signal.SIGTERM)": 143,
        }.items():
            got = sandbox.process.code_run(code)
            assert got.exit_code == want, (code, got.exit_code, got.result)

    def the_engine_is_said() -> None:
        response = sandbox.process.code_run("print(1)")
        assert response.additional_properties["engine"].startswith("python "), response

    def go_by_its_label() -> None:
        params = CreateSandboxFromSnapshotParams(labels={"hotcell-language": "go"})
        box = daytona.create(params)
        code = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("compiled") }\n'
        response = box.process.code_run(code)
        assert response.result == "compiled\n", response
        box.delete()

    def the_end() -> None:
        sandbox.delete()

    return [
        hello_as_in_the_guide,
        sum_as_in_the_reference,
        sum_with_the_indentation_of_the_reference,
        greet_as_in_the_guide,
        chart_as_in_the_reference,
        invalid_code_as_in_the_guide,
        arguments_variables_and_a_timeout,
        a_timeout_has_its_status,
        exit_codes,
        the_engine_is_said,
        go_by_its_label,
        the_end,
    ]


async def check_async() -> None:
    async with AsyncDaytona() as daytona:
        sandbox = await daytona.create()

        async def async_runs_side_by_side() -> None:
            runs = [
                sandbox.process.code_run(f"import time; time.sleep(0.3); print({i})")
                for i in range(5)
            ]
            results = [response.result for response in await asyncio.gather(*runs)]
            assert results == [f"{i}\n" for i in range(5)], results

        async def async_invalid_code() -> None:
            response = await sandbox.process.code_run("invalid python code")
            assert response.exit_code == 1 and "SyntaxError" in response.result

        async def async_end() -> None:
            await sandbox.delete()

        await report([async_runs_side_by_side, async_invalid_code, async_end])


asyncio.run(report(check_sync()))
asyncio.run(check_async())
