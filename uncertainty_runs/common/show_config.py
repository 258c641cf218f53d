"""Shows what a command would do: every setting and its origin."""

import sys

from absl import flags as absl_flags

from uncertainty_runs.common import flags, recipes
from uncertainty_runs.common.config import resolve


def resolve_or_show():
    """Returns the `RunConfig` of the flags, or exits with --show_config.

    Raises:
        InputError: As `config.resolve`.
        SystemExit: The configuration was printed, as requested.
    """
    config = resolve()
    if absl_flags.FLAGS[flags.SHOW].value:
        print(text(config, flags.given()))
        sys.exit(0)
    return config


def text(config, given):
    """Returns a configuration, one line per value, and its recipe.

    Options that are left to the method are omitted.

    Args:
        config: `RunConfig`.
        given: Names of the flags given on the command line.
    """
    row = recipes.recipe(config.dataset, config.method, config.recipe)
    values = {n: v for n, v in config.to_json().items() if v is not None}
    lines = [
        (name, _shown(value), _origin(name, given, row))
        for name, value in sorted(values.items())
    ]
    widths = [max(len(line[column]) for line in lines) for column in (0, 1)]
    table = [
        f"{name:{widths[0]}}  {value:{widths[1]}}  {origin}"
        for name, value, origin in lines
    ]
    reported = row.reported.get(config.dataset, "nothing for this data set")
    return "\n".join(
        [
            *table,
            "",
            f"Recipe:   {config.method} on {config.dataset}: {row.source}",
            f"Reported: {reported}",
        ]
    )


def _origin(name, given, row):
    if name in given:
        return "flag"
    return "recipe" if name in row.values() else "default"


def _shown(value):
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
