"""What the audit log is to have, by E2B's SDK in its debug mode."""

from e2b_code_interpreter import Sandbox

print(Sandbox.create().run_code("x = 'the text of the code'; len(x)").text)
