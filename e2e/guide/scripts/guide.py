"""The examples of Daytona's guide to processes and code execution, as they stand
there, with the unmodified SDK. What they print is checked by the test that runs this."""

import asyncio
import os
import time

from daytona import AsyncDaytona, Daytona, DaytonaError, SessionExecuteRequest

daytona = Daytona()
workspace = sandbox = daytona.create()
sandbox.process.exec("mkdir -p workspace/src; touch workspace/src/here.txt")


def example(name):
    print(f"== {name}", flush=True)


example("command")
# Execute a shell command
response = workspace.process.exec("ls -la")
print(response.result)
response = workspace.process.exec("echo 'Hello'")
print(response.result)  # Prints: Hello

example("command with directory")
result = workspace.process.exec("ls", cwd="workspace/src")
print(result.result)
if os.environ.get("WORKSPACE"):
    result = workspace.process.exec("ls", cwd="/workspace/src")
    print(result.result)

example("command with timeout")
try:
    result = workspace.process.exec("sleep 10", timeout=1)
except DaytonaError as e:
    print(type(e).__name__, e.status_code)
response = sandbox.process.exec("sleep 0.3", cwd="workspace/src", timeout=5)
print("exit code", response.exit_code)

example("command with environment")
response = sandbox.process.exec("echo $CUSTOM_SECRET", env={"CUSTOM_SECRET": "DAYTONA"})
print(response.result)

example("code")
# Run Python code
response = workspace.process.code_run("print('Hello, World!')")
print(response.result)
response = workspace.process.code_run('''
x = 10
y = 20
print(f"Sum: {x + y}")
''')
print(response.result)  # Prints: Sum: 30
response = sandbox.process.code_run('''
def greet(name):
    return f"Hello, {name}!"
print(greet("Daytona"))
''')
print(response.result)

example("session")
session_id = "my-session"
workspace.process.create_session(session_id)
# Execute commands in the session
req = SessionExecuteRequest(command="cd workspace", var_async=False)
workspace.process.execute_session_command(session_id, req)
req = SessionExecuteRequest(command="pwd", var_async=False)
response = workspace.process.execute_session_command(session_id, req)
print(response.output)
# Create a file
req = SessionExecuteRequest(command="echo 'Hello' > test.txt")
workspace.process.execute_session_command(session_id, req)
# Read the file
req = SessionExecuteRequest(command="cat test.txt")
result = workspace.process.execute_session_command(session_id, req)
print(result.output)  # Prints: Hello

session = workspace.process.get_session("my-session")
for cmd in session.commands:
    print(f"Command: {cmd.command}")
for command in session.commands:
    print(f"Command: {command.command}, Exit Code: {command.exit_code}")
cmd = workspace.process.get_session_command("my-session", result.cmd_id)
if cmd.exit_code == 0:
    print(f"Command {cmd.command} completed successfully")

# Execute a long-running command asynchronously
req = SessionExecuteRequest(command="sleep 1; echo 'Done'", var_async=True)
response = workspace.process.execute_session_command("my-session", req)
# Wait a bit, then get the logs
time.sleep(2)
logs = workspace.process.get_session_command_logs("my-session", response.cmd_id)
print(logs)  # Prints: Done

sessions = workspace.process.list_sessions()
for session in sessions:
    print(f"Session {session.session_id}:")
    print(f"  Commands: {len(session.commands)}")
# Clean up
workspace.process.delete_session(session_id)
if os.environ.get("WORKSPACE"):
    workspace.process.create_session(session_id)
    req = SessionExecuteRequest(command="cd /workspace")
    workspace.process.execute_session_command(session_id, req)
    req = SessionExecuteRequest(command="pwd", var_async=False)
    response = workspace.process.execute_session_command(session_id, req)
    print(response.output)  # Should print "/workspace"
    workspace.process.delete_session(session_id)

example("interactive")


async def interactive():
    async with AsyncDaytona() as daytona:
        sandbox = await daytona.create()
        session_id = "interactive-session"
        await sandbox.process.create_session(session_id)

        command = await sandbox.process.execute_session_command(
            session_id,
            SessionExecuteRequest(command="pip uninstall requests", run_async=True),
        )

        logs_task = asyncio.create_task(
            sandbox.process.get_session_command_logs_async(
                session_id,
                command.cmd_id,
                lambda log: print(f"[STDOUT]: {log}"),
                lambda log: print(f"[STDERR]: {log}"),
            )
        )

        await asyncio.sleep(1)
        await sandbox.process.send_session_command_input(session_id, command.cmd_id, "y")
        await logs_task
        await sandbox.delete()


asyncio.run(interactive())

example("resources")
session_id = "long-running-cmd"
try:
    sandbox.process.create_session(session_id)
    session = sandbox.process.get_session(session_id)
    print("made", session.session_id)
finally:
    sandbox.process.delete_session(session.session_id)

example("errors")
try:
    response = sandbox.process.code_run("invalid python code")
    if response.exit_code != 0:
        print(f"Exit code: {response.exit_code}")
        print(f"Error output: {response.result}")
except DaytonaError as e:
    print(f"Execution failed: {e}")
sandbox.delete()
