"""The Python SDK, unmodified, in its debug mode."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from e2b_code_interpreter import Sandbox

from e2b import NotFoundException, SandboxException, TimeoutException
from report import report

sandbox = Sandbox.create()


def raised(kind: type[BaseException], call: Callable[[], Any]) -> BaseException:
    """The exception of a kind that call raises."""
    try:
        got = call()
    except kind as e:
        return e
    raise AssertionError(f"nothing was raised, but {got!r} returned")


def is_running() -> None:
    assert sandbox.is_running()


def state_stays() -> None:
    sandbox.run_code("x = 41")
    execution = sandbox.run_code("x += 1\nx")
    assert execution.text == "42", execution
    assert execution.error is None and execution.execution_count is not None
    assert execution.results[0].is_main_result


def output_and_callbacks() -> None:
    out, err, results, errors = [], [], [], []
    execution = sandbox.run_code(
        "import sys\nprint('one')\nprint('two', file=sys.stderr)\ndisplay('shown')\n1/0",
        on_stdout=out.append,
        on_stderr=err.append,
        on_result=results.append,
        on_error=errors.append,
    )
    assert "".join(m.line for m in out) == "one\n" == "".join(execution.logs.stdout)
    assert "".join(m.line for m in err) == "two\n" == "".join(execution.logs.stderr)
    assert out[0].timestamp and not out[0].error and err[0].error
    assert [r.text for r in results] == ["shown"] and not results[0].is_main_result
    assert execution.error and errors[0].name == execution.error.name == "ZeroDivisionError"
    assert execution.error.value == "division by zero"
    assert "1/0" in execution.error.traceback, execution.error.traceback


def output_streams() -> None:
    began, seen = time.monotonic(), []
    sandbox.run_code(
        "import time\nprint('now', flush=True)\ntime.sleep(1)\nprint('then')",
        on_stdout=lambda m: seen.append(time.monotonic() - began),
    )
    assert seen[-1] - seen[0] > 0.5, seen


def characters() -> None:
    text = "é ☃ 😀 \u2028 \u2029 \x85 \x1c \x0b \x0c end"
    execution = sandbox.run_code(f"t = {text!r}\nprint(t)\ndisplay({{'text/html': t}}, raw=True)")
    assert "".join(execution.logs.stdout) == text + "\n", execution.logs
    assert execution.results[0].html == text


def languages() -> None:
    assert sandbox.run_code("const a: number = 20; a + 1", language="typescript").text == "21"
    assert sandbox.run_code("var b = 'text'; b", language="js").text == "text"
    assert sandbox.run_code("b.length", language="JavaScript").text == "4"
    assert sandbox.run_code("1 + 1", language="go").text == "2"
    error = raised(SandboxException, lambda: sandbox.run_code("1", language="r"))
    assert "unknown language" in str(error) and "python" in str(error), error


def contexts() -> None:
    made = sandbox.run_code(
        "import os, tempfile\nfolder = os.path.realpath(tempfile.mkdtemp())\nprint(folder, end='')"
    )
    folder = "".join(made.logs.stdout)
    context = sandbox.create_code_context(cwd=folder, language="python")
    assert context.language == "python" and context.cwd == folder
    sandbox.run_code("here = 'context'", context=context)
    got = sandbox.run_code("import os\nhere, os.getcwd()", context=context)
    assert got.text == repr(("context", folder)), got
    assert sandbox.run_code("'here' in dir()").text == "False"
    assert context.id in [c.id for c in sandbox.list_code_contexts()]
    sandbox.restart_code_context(context)
    assert sandbox.run_code("'here' in dir()", context=context).text == "False"
    sandbox.remove_code_context(context.id)
    raised(NotFoundException, lambda: sandbox.run_code("1", context=context))
    raised(NotFoundException, lambda: sandbox.remove_code_context(context))
    raised(NotFoundException, lambda: sandbox.restart_code_context(context))
    sandbox.run_code("os.rmdir(folder)")


def variables_of_one_run() -> None:
    value = 'it\'s "quoted"\nand two lines'
    code = "import os\nos.environ.get('VALUE')"
    assert sandbox.run_code(code, envs={"VALUE": value}).text == repr(value)[1:-1]
    assert sandbox.run_code(code).text is None


def timeout_interrupts() -> None:
    sandbox.run_code("kept = 7")
    began = time.monotonic()
    error = raised(
        TimeoutException,
        lambda: sandbox.run_code("import time\ntime.sleep(600)", timeout=1),
    )
    assert "timeout" in str(error), error
    assert sandbox.run_code("kept").text == "7"
    assert time.monotonic() - began < 4


def a_kernel_that_dies() -> None:
    execution = sandbox.run_code("import os\nos._exit(3)")
    assert execution.error and execution.error.name == "KernelDiedError", execution
    assert "3" in execution.error.value
    assert sandbox.run_code("1 + 1").text == "2"


def pictures() -> None:
    execution = sandbox.run_code(
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n'after'"
    )
    picture, after = execution.results
    assert base64.b64decode(picture.png or "").startswith(b"\x89PNG"), picture.formats()
    assert not picture.is_main_result and after.text == "after"


def charts() -> None:
    """The client raises on a type that it doesn't know."""
    execution = sandbox.run_code(
        """import datetime, matplotlib.pyplot as plt
plt.bar(['Oslo', 'Rome'], [4, 16.5]); plt.title('Degrees'); plt.show()
plt.plot([datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)], [1, 3], label='a'); plt.show()
plt.imshow([[1, 2], [3, 4]]); plt.show()
fig, (left, right) = plt.subplots(1, 2)
left.pie([1, 3], labels=['x', 'y']); right.boxplot([[1, 2, 3, 4, 100]])
plt.show()"""
    )
    bar, line, image, both = [r.chart for r in execution.results]
    kinds = [type(chart).__name__ for chart in (bar, line, image, both)]
    assert kinds == ["BarChart", "LineChart", "Chart", "SuperChart"], kinds
    assert bar.title == "Degrees"
    assert [(e.label, e.value) for e in bar.elements] == [("Oslo", 4), ("Rome", 16.5)]
    assert line.x_scale.value == "datetime", line.x_scale
    assert line.elements[0].points == [("2024-01-01", 1), ("2024-01-02", 3)]
    pie, box = both.elements
    assert [(e.label, round(e.angle)) for e in pie.elements] == [("x", 90), ("y", 270)]
    assert (box.elements[0].median, box.elements[0].outliers) == (3, [100])


def data_frames() -> None:
    execution = sandbox.run_code(
        "import pandas as pd\npd.DataFrame({'city': ['Oslo', 'Rome'], 'c': [4.5, None],"
        " 'on': pd.to_datetime(['2024-01-02', '2024-07-02'])})"
    )
    frame = execution.results[0]
    assert frame.data == {
        "city": ["Oslo", "Rome"],
        "c": [4.5, None],
        "on": ["2024-01-02T00:00:00", "2024-07-02T00:00:00"],
    }, frame.data
    assert "<table" in (frame.html or "") and "Oslo" in (frame.text or "")
    about = (frame.extra or {})["application/vnd.hotcell.table+json"]
    assert about["shape"] == [2, 3] and "data" not in about, about


def large_results() -> None:
    execution = sandbox.run_code("'x' * (3 << 20)")
    assert len(execution.text or "") == 3 << 20


async def asynchronous() -> None:
    from e2b_code_interpreter import AsyncSandbox

    other = await AsyncSandbox.create()
    contexts = [await other.create_code_context() for _ in range(3)]
    heard = [""] * len(contexts)

    def hear(i: int) -> Any:
        async def on_stdout(message: Any) -> None:
            heard[i] += message.line  # a line may come in pieces

        return on_stdout

    got = await asyncio.gather(
        *(
            other.run_code(f"print({i})\n{i} * 2", context=c, on_stdout=hear(i))
            for i, c in enumerate(contexts)
        )
    )
    assert [g.text for g in got] == ["0", "2", "4"], got
    assert heard == ["0\n", "1\n", "2\n"], heard
    for c in contexts:
        await other.remove_code_context(c)


asyncio.run(
    report(
        [
            is_running,
            state_stays,
            output_and_callbacks,
            output_streams,
            characters,
            languages,
            contexts,
            variables_of_one_run,
            timeout_interrupts,
            a_kernel_that_dies,
            pictures,
            charts,
            data_frames,
            large_results,
            asynchronous,
        ]
    )
)

# The SDK's own threads abort now and then when the interpreter ends under them.
sys.stdout.flush()
os._exit(0)
