"""Checks what no language's linter looks at: links in the documentation, what the tree talks about,
how its files end, and the lock files.

Run from the root of a clone; says what is wrong, a line each, and exits with 1 if anything is.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)

# The tree stands by itself: nobody who reads it knows these. Written in halves, so as not to find this file.
FOREIGN = re.compile(r"\.\./sha" r"red\b|/work/(?:sha" r"red|ma" r"in)\b|\bis" r"sue #?\d{1,2}\b")
# What a machine must have. A dependency that asks for more raises go.mod without a word.
OLDEST_GO = (1, 25)
# Recorded traffic and generated files are what they are.
VERBATIM = (
    "testdata/",
    "setup/python/oldest.txt",
    "setup/python/runtime.txt",
    "setup/python/test.txt",
    "package-lock.json",
)


def tracked() -> list[Path]:
    """Every file that is in git or would be added to it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [path for name in names.split("\0") if name and (path := Path(name)).is_file()]


def anchors(text: str) -> set[str]:
    """The fragments that headings can be linked by, as GitHub makes them."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        anchor = plain.replace(" ", "-")
        count = 0
        while anchor in found:
            count += 1
            anchor = f"{plain.replace(' ', '-')}-{count}"
        found.add(anchor)
    return found


def broken_links(page: Path, text: str) -> Iterator[str]:
    """Links to files and headings that aren't there. What is on other hosts isn't asked."""
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, fragment = unquote(target).partition("#")
        file = page.parent / name if name else page
        if not file.exists():
            yield f"{page}: links to {target}, which isn't there"
        elif fragment and file.suffix == ".md":
            if fragment not in anchors(file.read_text(encoding="utf-8")):
                yield f"{page}: links to {target}, and {file} has no such heading"


def untidy(file: Path, text: str) -> Iterator[str]:
    """Mentions that mean nothing to a reader, and lines that end badly."""
    for number, line in enumerate(text.split("\n"), 1):
        if found := FOREIGN.search(line):
            yield f"{file}:{number}: mentions {found.group()!r}, which no reader of the tree can look up"
        if line.endswith((" ", "\t", "\r")):
            yield f"{file}:{number}: ends in white space"
    if text and not text.endswith("\n"):
        yield f"{file}: has no newline at its end"


def named_hosts(lock: Path) -> Iterator[str]:
    """A lock file that says where packages come from works only where that host is reachable."""
    for name, package in json.loads(lock.read_text(encoding="utf-8"))["packages"].items():
        if "resolved" in package:
            yield f"{lock}: {name} names a host; make it with `make lock`"
        elif name and "integrity" not in package:
            yield f"{lock}: {name} has no hash"


def raised_minimum(module: Path) -> Iterator[str]:
    """go.mod says which Go builds this; `go get MODULE@OLDER go@1.25.0` undoes what a newer module asked for."""
    found = re.search(r"^go (\d+)\.(\d+)", module.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None or (int(found[1]), int(found[2])) > OLDEST_GO:
        yield f"{module}: asks for more than Go {OLDEST_GO[0]}.{OLDEST_GO[1]}"


def faults() -> Iterator[str]:
    yield from raised_minimum(Path("go.mod"))
    for file in tracked():
        if file.name == "package-lock.json":
            yield from named_hosts(file)
        if any(part in file.as_posix() for part in VERBATIM):
            continue
        try:
            text = file.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue  # an image
        yield from untidy(file, text)
        if file.suffix == ".md":
            yield from broken_links(file, text)


def main() -> int:
    found = list(faults())
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
