"""Runs the main() of a study in this process, with flags of its own."""

from absl import flags
from absl.testing import flagsaver


def main(module, *line):
    """Runs a script that starts others, by its module and command line."""
    before = {*flags.FLAGS}
    module.define_flags()
    try:
        with flagsaver.flagsaver():
            flags.FLAGS([module.__name__, *line])
            module.main()
    finally:
        flags.FLAGS.remove_flag_values({*flags.FLAGS} - before)
