"""The session examples of Daytona's guides, as they stand.

Two old ones print members that no SDK of today has (`result`, `command_id`);
they are called by their present names here.
"""

import asyncio
import os
import time

from daytona import CreateSandboxFromSnapshotParams, Daytona, SessionExecuteRequest

daytona = Daytona()
sandbox = daytona.create(
    CreateSandboxFromSnapshotParams(env_vars={"PATH": os.environ["PATH_WITH_PIP"]})
)
workspace = sandbox

# Create a new session
session_id = "my-session"
workspace.process.create_session(session_id)
# Execute commands in the session
req = SessionExecuteRequest(command="cd /workspace", var_async=False)
workspace.process.execute_session_command(session_id, req)
req = SessionExecuteRequest(command="pwd", var_async=False)
response = workspace.process.execute_session_command(session_id, req)
print(response.output)  # Should print "/workspace"
# Clean up
workspace.process.delete_session(session_id)

# Create a new session
session_id = "my-session"
workspace.process.create_session(session_id)
session = workspace.process.get_session(session_id)
# Do work...
workspace.process.delete_session(session_id)

# Execute commands in sequence, maintaining state
session_id = "my-session"
workspace.process.create_session(session_id)
# Change directory
req = SessionExecuteRequest(command="cd /workspace")
workspace.process.execute_session_command(session_id, req)
# Create a file
req = SessionExecuteRequest(command="echo 'Hello' > test.txt")
workspace.process.execute_session_command(session_id, req)
# Read the file
req = SessionExecuteRequest(command="cat test.txt")
result = workspace.process.execute_session_command(session_id, req)
print(result.output)  # Prints: Hello
workspace.process.execute_session_command(session_id, SessionExecuteRequest(command="rm test.txt"))

session = workspace.process.get_session("my-session")
for cmd in session.commands:
    print(f"Command: {cmd.command}")

cmd = workspace.process.get_session_command("my-session", session.commands[0].id)
if cmd.exit_code == 0:
    print(f"Command {cmd.command} completed successfully")

# Execute a long-running command asynchronously
req = SessionExecuteRequest(command="sleep 5; echo 'Done'", var_async=True)
response = workspace.process.execute_session_command("my-session", req)
# Wait a bit, then get the logs
time.sleep(6)
logs = workspace.process.get_session_command_logs("my-session", response.cmd_id)
print(logs)  # Prints: Done

sessions = workspace.process.list_sessions()
for session in sessions:
    print(f"Session {session.session_id}:")
    print(f"  Commands: {len(session.commands)}")

session = sandbox.process.get_session(session_id)
for command in session.commands:
    print(f"Command: {command.command}, Exit Code: {command.exit_code}")

sessions = sandbox.process.list_sessions()
workspace.process.delete_session("my-session")

# Create and use a session
workspace.process.create_session("temp-session")
# ... use the session ...
# Clean up when done
workspace.process.delete_session("temp-session")


async def main():
    session_id = "interactive-session"
    sandbox.process.create_session(session_id)

    command = sandbox.process.execute_session_command(
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
    sandbox.process.send_session_command_input(session_id, command.cmd_id, "y")
    await logs_task


asyncio.run(main())

session_id = "long-running-cmd"
try:
    sandbox.process.create_session(session_id)
    session = sandbox.process.get_session(session_id)
    # Do work...
finally:
    sandbox.process.delete_session(session.session_id)

sandbox.delete()
