"""A contestant in its own process, which measures its own time.

Contestants need different backends and libraries, and their memory use is
measured separately. While one works, the others wait for their next line and
use no processor time.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]


class Worker:
    """Starts a contestant.

    Args:
        spec: Dictionary of JSON values, see `benchmarks.contestants.build`.
    """

    def __init__(self, spec):
        backend = spec.get("backend", "tensorflow")
        environment = {
            "KERAS_BACKEND": backend,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "PYTHONPATH": str(ROOT),
        }
        # An unread pipe would block a process with much output.
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 (__exit__)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", json.dumps(spec)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._said.close()

    def seconds(self, what, rows):
        """Does `what` with `rows` rows, once.

        Returns:
            Its wall-clock and processor seconds: the latter hardly depend on
            other work on the machine.
        """
        answer = self._ask({"what": what, "rows": rows})
        return answer["seconds"], answer["processor"]

    def peak(self):
        """Returns its peak memory so far, in MiB."""
        return self._ask({"what": "peak"})["peak"]

    def facts(self):
        """Returns its facts, such as versions and parameters."""
        return self._ask({"what": "facts"})

    def _ask(self, order):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            self._said.seek(0)
            said = self._said.read()[-2000:]
            raise RuntimeError(f"A contestant ended early:\n{said}")
        return json.loads(answer)


def main():
    # Libraries print to stdout, which is reserved for the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    from benchmarks import contestants

    functions, facts = contestants.build(json.loads(sys.argv[1]))
    for line in sys.stdin:
        order = json.loads(line)
        if order["what"] == "facts":
            answer = facts
        elif order["what"] == "peak":
            answer = {"peak": _peak()}
        else:
            work = functions(order["what"], order["rows"])
            start, worked = time.perf_counter(), time.process_time()
            work()
            answer = {
                "seconds": time.perf_counter() - start,
                "processor": time.process_time() - worked,
            }
        print(json.dumps(answer), file=answers)


def _peak():
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("no VmHWM in /proc/self/status")


if __name__ == "__main__":
    main()
