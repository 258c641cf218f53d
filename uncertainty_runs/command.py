"""The command `mimo`, which is installed with the package: all the scripts.

    mimo cifar --dataset=digits --method=mimo
    mimo evaluate --runs=runs/digits-mimo-3-42

`mimo NAME` does what `python uncertainty_runs/NAME.py` does in a copy of the
repository; `mimo NAME --help` lists its flags.
"""

import ast
import importlib.util
import runpy
import sys

SCRIPTS = {
    name: f"uncertainty_runs.{name}"
    for name in (
        *("cifar", "imagenet", "evaluate", "analyze", "cost", "plan"),
        "prepare",
        "reproduce",
    )
}
SCRIPTS |= {
    name: f"uncertainty_runs.studies.{name}"
    for name in (
        *("study", "sweep", "budgets", "depths", "sharing"),
        *("toy_regression", "diabetes", "fashion", "warm_starts"),
        "calibration_study",
    )
}
"""Name -> module."""


def main():
    """Runs the script that the first argument names, with the others."""
    name = sys.argv[1] if len(sys.argv) > 1 else None
    if name in SCRIPTS:
        # The script sees its own file as sys.argv[0], as if run by itself.
        del sys.argv[1]
        path = importlib.util.find_spec(SCRIPTS[name]).origin
        runpy.run_path(path, run_name="__main__")
    elif name in ("help", "-h", "--help"):
        print(usage())
    else:
        print(
            f"mimo: error: Expected one of {', '.join(SCRIPTS)}. Received: "
            f"{'nothing' if name is None else ascii(name)}. mimo --help "
            "describes them.",
            file=sys.stderr,
        )
        sys.exit(2)


def usage():
    """Returns a line for each script, the first of its docstring."""
    width = max(map(len, SCRIPTS))
    lines = [f"  {name:{width}}  {_about(SCRIPTS[name])}" for name in SCRIPTS]
    return "\n".join(["mimo NAME [--flag=value …], where NAME is", "", *lines])


def _about(module):
    source = importlib.util.find_spec(module).loader.get_source(module)
    return ast.get_docstring(ast.parse(source)).splitlines()[0]


if __name__ == "__main__":
    main()
