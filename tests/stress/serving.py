r"""Calls an exported model from many threads, in a separate process.

    python -m tests.stress.serving --calls=10000

Each call has one of 64 batches of 1 to 48 images, uint8 or float32. Its
answer must be that of the same batch alone, bit for bit, and the memory
after a fifth of the calls and after all of them must be nearly the same.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import mimo_keras
from mimo_keras.analysis import markdown_table
from mimo_keras.files import write_json
from tests.stress import document

GROWTH = 16.0
"""Megabytes that allocators may add; a leak of 10 kB per call is 80."""
SERVED = pathlib.Path(__file__).with_name("served.py")


def export(folder):
    """Writes the SavedModel of a small MIMO, with a convolution in it."""
    model = mimo_keras.create_model(
        "mimo",
        backbone="small_cnn_2",
        input_shape=(16, 16, 3),
        num_classes=10,
        ensemble_size=3,
        mean=0.5,
        std=0.25,
        seed=0,
    )
    return mimo_keras.export_saved_model(model, folder)


def serve(folder, calls, threads, seed=0):
    """Returns the results of `served.main`, run without this library."""
    done = subprocess.run(
        [sys.executable, SERVED, folder, *map(str, (calls, threads, seed))],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def faults(found):
    """Returns the problems in the results of `served.main`, as texts."""
    told = {
        "answers differ in turn": found["differ_in_turn"],
        "answers differ in threads": found["differ_in_threads"],
        "memory grows": found["megabytes_grown"] > GROWTH,
    }
    return [name for name, wrong in told.items() if wrong]


def table(found):
    """Returns the Markdown table of the results of `serve`."""
    first, *_, last = found["megabytes"]
    columns = {
        "Calls": f"{found['calls']:,}",
        "Threads": found["threads"],
        "Batches": found["batches"],
        "Images of a batch": f"1 to {found['largest_batch']}",
        "Differ in turn": found["differ_in_turn"],
        "Differ in threads": found["differ_in_threads"],
        "Memory [MB]": f"{first} to {last}",
    }
    return markdown_table([[*columns.values()]], [*columns])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", help="JSON file of the figures.")
    parser.add_argument("--document", help="Where the table stands.")
    asked = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = export(pathlib.Path(folder, "saved_model"))
        found = serve(path, asked.calls, asked.threads, asked.seed)
    found["seconds"] = round(time.monotonic() - begun)
    found["faults"] = faults(found)
    for name, value in found.items():
        print(f"{name}: {value}")
    if asked.record:
        command = "python -m tests.stress.serving"
        line = f"{command} --calls={asked.calls} --threads={asked.threads}"
        write_json(asked.record, {"command": line, **found})
    if asked.document:
        document.put("serving", table(found), pathlib.Path(asked.document))
    raise SystemExit(bool(found["faults"]))


if __name__ == "__main__":
    main()
