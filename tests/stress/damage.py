"""Ways to damage a file, to edit a flags.json, and to spoil surroundings."""

import errno
import json
import os
import shutil
import sys
import tempfile

# Values of each type of JSON, which hardly any flag may have.
VALUES = (
    *(None, True, 0, 1, -1, 2**31, 10**30, 1.5, -0.5, 1e308),
    *(float("nan"), float("inf"), "", "x", "1", "\ud800", "a\0b"),
    *([], [1], ["a"], [None], [10**30], [[1]], {}, {"a": 1}),
)


def _cut(random, path):
    content = path.read_bytes()
    path.write_bytes(content[: random.randrange(max(len(content), 1))])


def _empty(random, path):
    path.write_bytes(b"")


def _flip(random, path):
    flip(random, path)


def flip(random, path):
    """Flips a random bit of a file."""
    content = bytearray(path.read_bytes())
    if content:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
        path.write_bytes(bytes(content))


def _append(random, path):
    with path.open("ab") as file:
        file.write(random.randbytes(100))


def _noise(random, path):
    path.write_bytes(random.randbytes(1000))


def _nested(random, path):
    depth = random.choice([60, 900, 100_000])
    path.write_text('{"runs": ' + "[" * depth + "]" * depth + "}")


def _other_json(random, path):
    path.write_text(json.dumps(random.choice([VALUES[:8], {"runs": [{}]}, 3])))


def _not_text(random, path):
    path.write_bytes(b"epoch,loss\n1,\xff\n")


def _folder(random, path):
    path.unlink()
    path.mkdir()


def _link_to_nothing(random, path):
    path.unlink()
    path.symlink_to("nothing")


def _pipe(random, path):
    path.unlink()
    os.mkfifo(path)


def _gone(random, path):
    path.unlink()


WAYS = {
    "cut": _cut,
    "emptied": _empty,
    "a bit flipped": _flip,
    "longer": _append,
    "noise": _noise,
    "nested JSON": _nested,
    "other JSON": _other_json,
    "not UTF-8": _not_text,
    "a folder": _folder,
    "a link to nothing": _link_to_nothing,
    "a pipe": _pipe,
    "gone": _gone,
}
"""Name -> function that damages a file, with random.Random and the path."""


def edit(random, path):
    """Edits a flags.json as by hand; returns what was done."""
    values = json.loads(path.read_text())
    name = random.choice(sorted(values))
    what = random.choice(["dropped", "renamed", "set", "set", "set"])
    before = values.pop(name)
    if what == "renamed":
        values[f"{name}s"] = before
    elif what == "set":
        values[name] = random.choice(VALUES)
        what = f"set to {ascii(values[name])}"
    path.write_text(json.dumps(values))
    return f"{name} {what}"


def remove(path):
    """Removes what stands there, as a user does who follows an advice."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _encoding(name):
    def change():
        sys.stdout.reconfigure(encoding=name, errors="strict")

    return change


def _no_reader():
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)


def _no_output():
    os.close(1)
    sys.stdout = None


def _no_temporary():
    def none():
        words = "No usable temporary directory found in ['/a']"
        raise FileNotFoundError(errno.ENOENT, words)

    tempfile.tempdir, tempfile._get_default_tempdir = None, none


def _variable(name, value):
    def change():
        os.environ[name] = value

    return change


SURROUNDINGS = {
    "stdout in ASCII": _encoding("ascii"),
    "stdout in Latin-1": _encoding("latin-1"),
    "stdout without a reader": _no_reader,
    "stdout closed": _no_output,
    "no temporary folder": _no_temporary,
    "no home": _variable("HOME", "/nonexistent"),
    "a dumb terminal": _variable("TERM", "dumb"),
    **{
        f"backend {name}": _variable("KERAS_BACKEND", name)
        for name in ("jax", "numpy", "torch", "none")
    },
}
"""Name -> function that spoils the surroundings of this process."""


def surround(name):
    """Spoils the surroundings of this process."""
    SURROUNDINGS[name]()
