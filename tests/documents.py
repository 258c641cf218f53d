"""Reads the commands and examples in the documents."""

import functools
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import textwrap

from tests.stress import flag_sets
from uncertainty_runs import command as command_module

_FENCE = re.compile(
    r"^ *```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^ *```", re.DOTALL | re.M
)
_SHELLS = {"", "bash", "console", "sh", "shell"}
_TARGET = re.compile(r"^([a-z][\w-]*):", re.M)


def fences(text, languages):
    """Yields (line, code) of every Markdown fence in these languages."""
    for match in _FENCE.finditer(text):
        if match["language"] in languages:
            line = text.count("\n", 0, match.start("code")) + 1
            yield line, textwrap.dedent(match["code"])


def commands(text):
    """Returns the shell commands in Markdown, as lists of words."""
    found = []
    for _, code in fences(text, _SHELLS):
        for line in code.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            while words and "=" in words[0]:  # NAME=value before a command
                words = words[1:]
            if words and re.fullmatch(r"(.*/)?(make|mimo|python3?)", words[0]):
                found.append(words)
    return found


def faults(command, root):
    """Describes what is unknown to the tree at `root` in a command, or ""."""
    program, *words = command
    if program == "make":
        targets = _TARGET.findall((root / "Makefile").read_text("utf-8"))
        unknown = [
            word for word in words if "=" not in word and word not in targets
        ]
        return f"no such target: {unknown}" if unknown else ""
    if program.endswith("mimo"):
        module = command_module.SCRIPTS.get(words[0])
        if module is None:
            return f"no such script: {words[0]}"
        words = [f"{module.replace('.', '/')}.py", *words[1:]]
    if words[0] == "-m":
        found = importlib.util.find_spec(words[1])
        return "" if found else f"no such module: {words[1]}"
    if not (root / words[0]).is_file():
        return f"no such script: {words[0]}"
    given = {
        word.removeprefix("--").split("=")[0]
        for word in words[1:]
        if word.startswith("--")
    }
    unknown = given - _flags(words[0], root)
    return f"no such flag: {sorted(unknown)}" if unknown else ""


@functools.cache
def _flags(script, root):
    """Returns the flags that an absl script defines."""
    known = flag_sets.definitions(root / script)
    switches = {n for n, flag in known.items() if flag.flag_type() == "bool"}
    return {*known, *(f"no{name}" for name in switches)}


def run_examples(text, cwd, root):
    """Runs a document's Python examples, one after another in one process.

    They are combined in one file, each on its line of the document, so that
    tracebacks have the document's line numbers.

    Args:
        text: The document.
        cwd: Folder to run in.
        root: Folder to import from.

    Returns:
        The finished process, with returncode, stdout and stderr.
    """
    lines = [""] * text.count("\n")
    for start, code in fences(text, {"python"}):
        for offset, line in enumerate(code.splitlines()):
            lines[start - 1 + offset] = line
    (cwd / "examples.py").write_text("\n".join(lines), "utf-8")
    return _python("examples.py", cwd=cwd, root=root)


def _python(*arguments, cwd, root):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
