"""The driver: the code of ours that runs inside a Python kernel."""
