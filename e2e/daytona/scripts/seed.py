"""The stateful example of Daytona's guide, as it stands."""

from daytona import Daytona, OutputMessage


def handle_stdout(message: OutputMessage):
    print(f"[STDOUT] {message.output}")


daytona = Daytona()
sandbox = daytona.create()

# Shared default context
result = sandbox.code_interpreter.run_code(
    "counter = 1\nprint(f'Counter initialized at {counter}')",
    on_stdout=handle_stdout,
)

# Isolated context
ctx = sandbox.code_interpreter.create_context()
try:
    sandbox.code_interpreter.run_code("value = 'stored in ctx'", context=ctx)
    sandbox.code_interpreter.run_code("print(value)", context=ctx, on_stdout=handle_stdout)
finally:
    sandbox.code_interpreter.delete_context(ctx)
