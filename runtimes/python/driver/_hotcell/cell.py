"""A cell: compiled, and run in __main__."""

from __future__ import annotations

import ast
import builtins
import gc
import inspect
import keyword
import re
from collections.abc import Callable
from types import CodeType
from typing import Any

from .loop import KernelLoop
from .shell import Shell
from .sources import lines as source_lines

LARGE = 100_000  # characters of a cell

_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_COROUTINE = inspect.CO_COROUTINE
_SURROGATE = re.compile("[\ud800-\udfff]")

# A cell that uses one of these at its top level can only mean the kernel's own
# loop, unless it also starts one.
_NEED_LOOP = frozenset({"create_task", "ensure_future", "get_running_loop", "TaskGroup"})
_START_LOOP = frozenset({"run_until_complete", "run_forever", "new_event_loop", "Runner"})
_RUN = re.compile(
    r"\b(?:asyncio|uvloop|anyio|trio)\s*\.\s*run\b|\bfrom\s+asyncio\s+import\b[^\n;]*\brun\b"
)

# A last line that can only be an expression, if it is one statement at all: it doesn't begin
# as another, has no assignment outside of a call, no semicolon and nothing of IPython's.
_STATEMENTS = {*keyword.kwlist} - {"False", "None", "True", "await", "lambda", "not"}
_EXPRESSION = re.compile(
    rf"(?!(?:{'|'.join(_STATEMENTS)})\b)"
    r"(?:[\w.]+\([^;]*\)|[^\s@%!?,/;#=](?:[^;=]|[=!<>]=)*)\Z"
)
# One that can only be another statement, and means the same by itself as behind others.
_STATEMENT = re.compile(
    r"(?:[^\W\d]\w*\s*=(?!=)|(?:assert|del|import|pass|raise)\b|from\s+(?!__future__))[^;]*\Z"
)

_compile = compile
_exec = exec
_eval = eval


Show = Callable[[Any, bool], None]  # a value, and whether it is the cell's last


class Program:
    """Compiled code: statements, and the expression at the end if it has a value."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.parts: list[tuple[CodeType, bool]] = []  # code, and whether its value is shown

    @property
    def defines(self) -> bool:
        """Whether there is code in it that may be called when it is over."""
        return any(
            isinstance(const, CodeType) for code, _ in self.parts for const in code.co_consts
        )

    @property
    def asynchronous(self) -> bool:
        names: set[str] = set()
        for code, _ in self.parts:
            if code.co_flags & _COROUTINE:
                return True
            names.update(code.co_names)
        return bool(names & _NEED_LOOP) and not names & _START_LOOP and not _RUN.search(self.text)


class Compiler:
    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        # Asking a trait takes as long as running a small cell.
        shell.observe(self._settle, ["ast_transformers", "ast_node_interactivity"])
        self._settle()

    def _settle(self, _: object = None) -> None:
        """Take note of what the user wants of cells."""
        self._transformers: list[Any] = self._shell.ast_transformers
        self._mode: str = self._shell.ast_node_interactivity

    def compile(self, code: str, name: str) -> Program:
        """Compile a cell. Raises what Python raises for it."""
        check_text(code, name)
        # A large cell is a million small objects, none of them garbage; the
        # collector would go through them again and again.
        pause = len(code) > LARGE and gc.isenabled()
        if pause:
            gc.disable()
        try:
            return self._compile(code, name)
        finally:
            if pause:
                gc.enable()

    def _compile(self, code: str, name: str) -> Program:
        shell = self._shell
        tree = None
        if not maybe_magic(code, shell):
            program = self._without_tree(code, name)
            if program is not None:
                return program
            tree = self._try(code, name)
        if tree is None:
            # Not Python yet. IPython's transformations are tried last, since
            # most cells don't need them and they take longer than the cell.
            tree = self._parse(shell.transform_cell(code), name)
        if self._transformers:
            tree = shell.transform_ast(tree)
        return self._assemble(tree, code, name)

    def _without_tree(self, code: str, name: str) -> Program | None:
        """Most cells, in half of the time: those whose last line is a statement by itself of
        which is plain to see whether its value is shown."""
        if self._transformers or self._mode != "last_expr" or len(code) > LARGE or "\r" in code:
            return None
        text = code.rstrip()
        at = text.rfind("\n") + 1
        last = text[at:]
        shown = _EXPRESSION.match(last) is not None
        if not shown and not _STATEMENT.match(last):
            return None
        program = Program(code)
        flags = self._futures() | _AWAIT
        try:
            if at:  # refused if the line is part of what comes before it
                before: CodeType = _compile(text[:at], name, "exec", flags, True)
                program.parts.append((before, False))
                flags |= before.co_flags & _FUTURES
            last = "\n" * text.count("\n", 0, at) + last  # where it is
            program.parts.append(
                (_compile(last, name, "eval" if shown else "exec", flags, True), shown)
            )
        except SyntaxError:  # what is wrong is said better with the tree
            return None
        self._shell.compile.flags |= flags & _FUTURES
        return program

    def _try(self, code: str, name: str) -> ast.Module | None:
        try:
            return self._parse(code, name)
        except SyntaxError:
            return None

    def _parse(self, source: str, name: str) -> ast.Module:
        flags = self._futures() | ast.PyCF_ONLY_AST
        tree = _compile(source, name, "exec", flags, True)
        assert isinstance(tree, ast.Module)
        return tree

    def _assemble(self, tree: ast.Module, code: str, name: str) -> Program:
        program = Program(code)
        body = tree.body
        mode = self._mode
        shown: list[ast.stmt] = []
        if mode == "all":
            shown = [node for node in body if isinstance(node, ast.Expr)]
        elif mode == "last_expr_or_assign" and body and assigned(body[-1]):
            target = ast.Expr(ast.Name(assigned(body[-1]) or "", ast.Load()))
            body = [*body, ast.fix_missing_locations(ast.copy_location(target, body[-1]))]
            shown = body[-1:]
        elif mode != "none" and body and isinstance(body[-1], ast.Expr):
            shown = body[-1:]
        if shown and shown[-1] is body[-1] and silenced(body[-1], code):
            shown = shown[:-1]
        pending: list[ast.stmt] = []
        for node in body:
            if node not in shown:
                pending.append(node)
                continue
            self._add_statements(program, pending, tree, name)
            pending = []
            assert isinstance(node, ast.Expr)
            program.parts.append((self._code(ast.Expression(node.value), name, "eval"), True))
        self._add_statements(program, pending, tree, name)
        return program

    def _add_statements(
        self, program: Program, nodes: list[ast.stmt], tree: ast.Module, name: str
    ) -> None:
        if nodes:
            module = ast.Module(nodes, tree.type_ignores)
            program.parts.append((self._code(module, name, "exec"), False))

    def _code(self, tree: ast.Module | ast.Expression, name: str, mode: str) -> CodeType:
        code: CodeType = _compile(tree, name, mode, self._futures() | _AWAIT, True)
        self._shell.compile.flags |= code.co_flags & _FUTURES
        return code

    def _futures(self) -> int:
        """The __future__ imports of earlier cells. codeop's other flags are for
        input that comes line by line."""
        return int(self._shell.compile.flags) & _FUTURES


def _future_flags() -> int:
    import __future__

    flags = 0
    for name in __future__.all_feature_names:
        flags |= getattr(__future__, name).compiler_flag
    return flags & ~0x10  # nested_scopes shares its bit with a code flag


_FUTURES = _future_flags()


def check_text(code: str, name: str) -> None:
    """Refuse what can't be Python source, with its place."""
    if "\0" in code:
        refuse("the code contains a NUL character", code, code.index("\0"), name)
    if not code.isascii():
        found = _SURROGATE.search(code)
        if found:
            what = f"the code contains a lone surrogate (U+{ord(found.group()):04X})"
            refuse(what, code, found.start(), name)


def refuse(what: str, code: str, at: int, name: str) -> None:
    line = code.count("\n", 0, at) + 1
    column = at - (code.rfind("\n", 0, at) + 1) + 1
    raise SyntaxError(f"{what} at column {column}", (name, line, None, None))


def maybe_magic(code: str, shell: Shell) -> bool:
    """Whether valid Python could mean a magic all the same: a lone `pwd`."""
    word = code.strip()
    if not word.isidentifier() or word in shell.user_ns or hasattr(builtins, word):
        return False
    return bool(shell.automagic) and shell.find_line_magic(word) is not None


def silenced(last: ast.stmt, code: str) -> bool:
    """Whether a semicolon ends the cell. What follows the expression can only be
    brackets, blanks, semicolons and comments."""
    if ";" not in code[-4096:]:
        return False
    lines = source_lines(code)
    row = (last.end_lineno or 1) - 1
    if row >= len(lines):
        return False
    rest = (
        lines[row].encode("utf-8", "replace")[last.end_col_offset or 0 :].decode("utf-8", "replace")
    )
    return any(";" in line.partition("#")[0] for line in [rest, *lines[row + 1 :]])


def assigned(node: ast.stmt) -> str | None:
    """The name that a single assignment gives a value to."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target: ast.expr = node.targets[0]
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        target = node.target
    else:
        return None
    return target.id if isinstance(target, ast.Name) else None


class Outcome:
    error: BaseException | None = None


def run(program: Program, namespace: dict[str, Any], loop: KernelLoop, show: Show) -> None:
    """Run a program; show takes the values."""
    if not program.asynchronous:
        last = program.parts[-1:]
        for part in program.parts:
            code, shown = part
            if shown:
                show(_eval(code, namespace), part is last[0])
            else:
                _exec(code, namespace)
        return
    outcome = Outcome()
    loop.run(_run_on_loop(program, namespace, show, outcome))
    if outcome.error is not None:
        raise outcome.error


async def _run_on_loop(
    program: Program, namespace: dict[str, Any], show: Show, outcome: Outcome
) -> None:
    try:
        for code, shown in program.parts:
            value = _eval(code, namespace)
            if code.co_flags & _COROUTINE:
                value = await value
            if shown:
                show(value, code is program.parts[-1][0])
    except BaseException as error:  # also CancelledError: it is the cell's own
        outcome.error = error
