"""The Python SDK, unmodified, in its synchronous form."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any

from daytona import (
    CreateSandboxFromImageParams,
    CreateSandboxFromSnapshotParams,
    Daytona,
    DaytonaAuthenticationError,
    DaytonaConfig,
    DaytonaConflictError,
    DaytonaError,
    DaytonaNotFoundError,
    DaytonaTimeoutError,
    DaytonaValidationError,
    ListSandboxesQuery,
)
from report import report

daytona = Daytona()
sandbox = daytona.create()
interpreter = sandbox.code_interpreter
unique = "p" + uuid.uuid4().hex


def raised(kind: type[BaseException], call: Callable[[], Any]) -> BaseException:
    """The exception of a kind that call raises."""
    try:
        got = call()
    except kind as e:
        return e
    raise AssertionError(f"nothing was raised, but {got!r} returned")


def create_is_started() -> None:
    assert sandbox.state == "started", sandbox.state
    assert sandbox.labels["code-toolbox-language"] == "python"
    assert sandbox.toolbox_proxy_url.startswith("http://")


def get_by_id_and_by_name() -> None:
    named = daytona.create(CreateSandboxFromSnapshotParams(name=unique))
    assert daytona.get(unique).id == named.id
    assert daytona.get(named.id).name == unique
    raised(DaytonaNotFoundError, lambda: daytona.get("no-such-sandbox"))
    raised(
        DaytonaConflictError,
        lambda: daytona.create(CreateSandboxFromSnapshotParams(name=unique)),
    )
    named.delete()


def list_filters_by_labels_and_pages() -> None:
    params = CreateSandboxFromSnapshotParams(labels={unique: "yes"})
    made = [daytona.create(params) for _ in range(3)]
    found = list(daytona.list(ListSandboxesQuery(labels={unique: "yes"}, limit=1)))
    assert [s.id for s in found] == [s.id for s in made]
    assert list(daytona.list(ListSandboxesQuery(labels={unique: "no"}))) == []
    for s in made:
        s.delete()


def labels() -> None:
    got = sandbox.set_labels({**sandbox.labels, "team": "a"})
    assert got["team"] == "a"
    again = daytona.get(sandbox.id)
    assert again.labels["team"] == "a"
    assert again.labels["code-toolbox-language"] == "python"


def intervals_and_activity() -> None:
    s = daytona.create(CreateSandboxFromSnapshotParams(auto_stop_interval=15))
    assert s.auto_stop_interval == 15
    s.set_autostop_interval(30)
    s.set_auto_delete_interval(60)
    s.set_auto_archive_interval(90)
    s.refresh_activity()
    s.refresh_data()
    assert (s.auto_stop_interval, s.auto_delete_interval, s.auto_archive_interval) == (30, 60, 90)
    s.delete()


def stop_start_delete() -> None:
    s = daytona.create()
    s.code_interpreter.run_code("x = 1")
    s.stop()
    assert s.state == "stopped", s.state
    raised(DaytonaError, lambda: s.code_interpreter.run_code("x"))
    raised(DaytonaConflictError, lambda: s.code_interpreter.create_context())
    s.start()
    assert s.state == "started", s.state
    result = s.code_interpreter.run_code("x")
    assert result.error and result.error.name == "NameError"
    s.delete()
    raised(DaytonaNotFoundError, lambda: daytona.get(s.id))


def directories() -> None:
    assert sandbox.get_work_dir().startswith("/")
    assert sandbox.get_user_home_dir().startswith("/")


def contexts() -> None:
    before = len(interpreter.list_contexts())
    ctx = interpreter.create_context()
    assert ctx.id and ctx.cwd and ctx.created_at and ctx.active and ctx.language == "python"
    listed = interpreter.list_contexts()
    assert len(listed) == before + 1
    assert "default" not in {c.id for c in listed}
    interpreter.delete_context(ctx)
    raised(DaytonaNotFoundError, lambda: interpreter.delete_context(ctx))
    ctx.id = "default"
    raised(DaytonaValidationError, lambda: interpreter.delete_context(ctx))
    elsewhere = interpreter.create_context(cwd="/tmp")
    assert (
        interpreter.run_code("import os; print(os.getcwd())", context=elsewhere).stdout == "/tmp\n"
    )
    interpreter.delete_context(elsewhere)
    e = raised(DaytonaValidationError, lambda: interpreter.create_context(cwd="/no/such/dir"))
    assert "/no/such/dir" in str(e)


def state_is_shared_within_a_context_only() -> None:
    interpreter.run_code("shared = 41")
    assert interpreter.run_code("print(shared + 1)").stdout == "42\n"
    ctx = interpreter.create_context()
    result = interpreter.run_code("shared", context=ctx)
    assert result.error and result.error.name == "NameError"
    interpreter.delete_context(ctx)


def output_arrives_while_code_runs() -> None:
    began = time.monotonic()
    at: list[float] = []
    result = interpreter.run_code(
        "import sys, time\nfor i in range(4):\n  print(i)\n  print('e', file=sys.stderr)\n  time.sleep(0.3)",
        on_stdout=lambda m: at.append(time.monotonic() - began),
    )
    assert result.stdout == "0\n1\n2\n3\n"
    assert result.stderr == "e\ne\ne\ne\n"
    assert at[0] < 0.6, at


def errors() -> None:
    seen = []
    result = interpreter.run_code("1/0", on_error=seen.append)
    assert result.error and result.error.name == "ZeroDivisionError"
    assert "line 1" in result.error.traceback
    assert len(seen) == 1
    assert result.stdout == ""


def timeout() -> None:
    interpreter.run_code("kept = 7")
    began = time.monotonic()
    raised(DaytonaTimeoutError, lambda: interpreter.run_code("while True: pass", timeout=1))
    assert time.monotonic() - began < 3
    assert interpreter.run_code("print(kept)").stdout == "7\n"


def timeout_zero_is_none() -> None:
    result = interpreter.run_code("import time; time.sleep(1.2); print('done')", timeout=0)
    assert result.stdout == "done\n"


def negative_timeout() -> None:
    e = raised(DaytonaError, lambda: interpreter.run_code("1", timeout=-1))
    assert "negative" in str(e)


def empty_code() -> None:
    e = raised(DaytonaError, lambda: interpreter.run_code(""))
    assert "code is required" in str(e)


def missing_context() -> None:
    ctx = interpreter.create_context()
    ctx.id = "nope"
    began = time.monotonic()
    e = raised(DaytonaError, lambda: interpreter.run_code("1", context=ctx))
    assert "context not found" in str(e)
    assert time.monotonic() - began < 1


def a_killed_kernel_is_not_a_success() -> None:
    ctx = interpreter.create_context()
    interpreter.run_code("gone = 1", context=ctx)
    result = interpreter.run_code("import os; os.kill(os.getpid(), 9)", context=ctx)
    assert result.error and "Died" in result.error.name, result
    assert "gone" in result.error.value
    after = interpreter.run_code("print('alive')", context=ctx)
    assert after.stdout == "alive\n"
    assert "gone" in after.stderr
    interpreter.delete_context(ctx)


def five_megabytes_in_one_print() -> None:
    result = interpreter.run_code("print(''.join(chr(97 + i % 26) for i in range(5_000_000)))")
    assert result.stdout == "".join(chr(97 + i % 26) for i in range(5_000_000)) + "\n"


def five_megabytes_of_code() -> None:
    code = "s = '" + "x" * 5_000_000 + "'\nprint(len(s))"
    assert interpreter.run_code(code).stdout == "5000000\n"


def environment_of_one_run() -> None:
    result = interpreter.run_code("import os; print(os.environ['HC_X'])", envs={"HC_X": "here"})
    assert result.stdout == "here\n"
    assert interpreter.run_code("print(os.environ.get('HC_X'))").stdout == "None\n"
    e = raised(DaytonaError, lambda: interpreter.run_code("1", envs={"A=B": "c"}))
    assert "A=B" in str(e)


def environment_of_the_sandbox() -> None:
    s = daytona.create(CreateSandboxFromSnapshotParams(env_vars={"HC_S": "sandbox"}))
    result = s.code_interpreter.run_code("import os; print(os.environ['HC_S'])")
    assert result.stdout == "sandbox\n"
    s.delete()


def sys_exit_is_a_normal_end() -> None:
    result = interpreter.run_code("import sys; print('a'); sys.exit(0)")
    assert result.stdout == "a\n"
    assert result.error is None


def output_of_child_processes() -> None:
    result = interpreter.run_code("import os; print('a'); os.system('echo hi'); print('b')")
    assert result.stdout == "a\nhi\nb\n"


def unicode() -> None:
    result = interpreter.run_code("print('zażółć 🧪 \\ud800'.encode('utf-8', 'replace').decode())")
    assert result.stdout == "zażółć 🧪 ?\n", result


def typescript_is_stateful() -> None:
    s = daytona.create(CreateSandboxFromSnapshotParams(language="typescript"))
    s.code_interpreter.run_code("let count: number = 1")
    assert s.code_interpreter.run_code("count += 1; console.log(count)").stdout == "2\n"
    s.delete()


def what_is_not_supported_says_so() -> None:
    e = raised(DaytonaError, lambda: sandbox.git.status("repo"))
    assert "not supported" in str(e)
    raised(DaytonaError, lambda: daytona.create(CreateSandboxFromImageParams(image="debian:12")))


def wrong_key() -> None:
    url = daytona._api_url  # there is no public name for it
    wrong = Daytona(DaytonaConfig(api_key="wrong", api_url=url))
    raised(DaytonaAuthenticationError, wrong.create)


if __name__ == "__main__":
    asyncio.run(
        report(
            [
                create_is_started,
                get_by_id_and_by_name,
                list_filters_by_labels_and_pages,
                labels,
                intervals_and_activity,
                stop_start_delete,
                directories,
                contexts,
                state_is_shared_within_a_context_only,
                output_arrives_while_code_runs,
                errors,
                timeout,
                timeout_zero_is_none,
                negative_timeout,
                empty_code,
                missing_context,
                a_killed_kernel_is_not_a_success,
                five_megabytes_in_one_print,
                five_megabytes_of_code,
                environment_of_one_run,
                environment_of_the_sandbox,
                sys_exit_is_a_normal_end,
                output_of_child_processes,
                unicode,
                typescript_is_stateful,
                what_is_not_supported_says_so,
                wrong_key,
            ]
        )
    )
    sandbox.delete()
