"""What the audit log is to have: one thing of each kind, by the Daytona SDK."""

from daytona.common.process import SessionExecuteRequest

from daytona import Daytona

SECRET = "'the text of the code'"

daytona = Daytona()
sandbox = daytona.create()
print(sandbox.id)
sandbox.code_interpreter.run_code(f"x = {SECRET}; print(len(x))")
sandbox.process.exec(f"echo {SECRET}")
sandbox.process.code_run(f"print(len({SECRET}))")
sandbox.process.create_session("work")
sandbox.process.execute_session_command("work", SessionExecuteRequest(command=f"echo {SECRET}"))
sandbox.process.delete_session("work")
sandbox.fs.upload_file(b"some bytes", "notes.txt")
sandbox.fs.delete_file("notes.txt")
sandbox.delete()
