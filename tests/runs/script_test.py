"""How a script's main() ends: success, stop, user error or bug."""

import errno
import logging
import os
import signal
import sys
import time

import pytest
from absl import app, flags
from absl import logging as absl_logging
from absl.testing import flagsaver

from mimo_keras.errors import InputError, Stopped, argument, expected
from mimo_keras.files import WriteError
from uncertainty_runs.common import script, signals
from uncertainty_runs.common.flags import define_photograph_flags


@pytest.fixture
def ended(monkeypatch, capsys):
    """A function that runs a main(); returns its exit status and output."""

    def run(main, *line):
        monkeypatch.setattr(sys, "argv", ["folder/some.py", *line])
        with pytest.raises(SystemExit) as caught:
            script.run(main)
        said = capsys.readouterr()
        return caught.value.code or 0, said.out, said.err

    def plainly(main, flags_parser):
        """Like absl's own, but without permanent changes to this process."""
        sys.exit(main(flags_parser(sys.argv)))

    monkeypatch.setattr(app, "run", plainly)
    verbosity = absl_logging.get_verbosity()
    logger = absl_logging.get_absl_logger()
    level = logger.level
    flags.DEFINE_float("rate_of_this_test", 0.5, "A rate.")
    flags.DEFINE_string("text_of_this_test", None, "A text.")
    flags.DEFINE_list("list_of_this_test", [], "Texts.")
    with flagsaver.flagsaver():
        yield run
    flags.FLAGS.remove_flag_values(
        f"{name}_of_this_test" for name in ("rate", "text", "list")
    )
    absl_logging.set_verbosity(verbosity)
    logger.setLevel(level)


def raising(error):
    def main():
        raise error

    return main


def never():
    raise AssertionError("main() is called in spite of its flags")


def told(*words):
    return f"some.py: error: {' '.join(words)}\n"


def test_a_main_that_ends_well_says_what_it_prints(ended):
    def main():
        print(flags.FLAGS.rate_of_this_test)

    assert ended(main) == (0, "0.5\n", "")
    assert ended(main, "--rate_of_this_test=0.25") == (0, "0.25\n", "")


def test_a_user_s_error_is_one_line_and_status_2(ended):
    error = expected("a", "b=1", "Change it.")
    said = told("Expected a. Received: b=1. Change it.")
    assert ended(raising(error)) == (2, "", said)
    # Also a message with line breaks, such as in a file name.
    error = InputError("Expected a.\nReceived: x\n  y.")
    assert ended(raising(error)) == (2, "", told("Expected a. Received: x y."))


def test_one_that_was_asked_to_stop_ends_well(ended):
    on = "Run the same command again to resume."
    for wanted in (0, 130):
        stopped = Stopped("Stopped after epoch 1.")
        stopped.status = wanted
        status, out, err = ended(raising(stopped))
        assert (status, err) == (wanted, "")
        assert out == f"Stopped after epoch 1. {on}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_anywhere_is_one_line_and_the_shell_s_status(ended, number):
    before = {n: signal.getsignal(n) for n in (number, signal.SIGTERM)}
    try:
        # The tests themselves may run where it is ignored.
        signal.signal(number, signal.SIG_DFL)
        interrupted = "some.py: interrupted.\n"

        def main():
            os.kill(os.getpid(), number)
            time.sleep(60)

        assert ended(main) == (128 + number, "", interrupted)
    finally:
        for n in signals.NAMES:
            signal.signal(getattr(signal, n), signal.SIG_DFL)
        for n, handler in before.items():
            signal.signal(n, handler)


@pytest.mark.parametrize("value", ["a\udc80b", "a\0b"])
def test_text_that_no_file_can_be_named_by_is_reported(ended, value):
    said = told(
        "Expected a --text_of_this_test of whole UTF-8 characters, none of "
        f"them NUL. Received: text_of_this_test={ascii(value)}. Change it, or "
        "rename the file or folder."
    )
    assert ended(never, f"--text_of_this_test={value}") == (2, "", said)
    flags.FLAGS.text_of_this_test = None
    listed = ended(never, f"--list_of_this_test=a,{value}")
    assert listed[0] == 2 and "a --list_of_this_test of whole" in listed[2]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            OSError(errno.ENOENT, os.strerror(errno.ENOENT), "a/b"),
            "Expected files and folders that can be read and written. "
            "Received: a/b (No such file or directory). Choose another name "
            "in the flags.",
        ),
        (
            PermissionError(errno.EACCES, os.strerror(errno.EACCES), "c"),
            "Expected files and folders that can be read and written. "
            "Received: c (Permission denied). Choose another name in the "
            "flags.",
        ),
        # Without a number or a name of its own.
        (
            OSError("odd"),
            "Expected files and folders that can be read and written. "
            "Received: None (odd). Choose another name in the flags.",
        ),
        (
            WriteError(errno.ENOSPC, os.strerror(errno.ENOSPC), "run/x"),
            "Expected free disk space and permission to write. Received: "
            "run/x (No space left on device). Fix this and run the same "
            "command again: files already written are kept.",
        ),
        (
            MemoryError(),
            "Expected a network and batches that fit into memory. Received: "
            "more than is available. Lower the sizes in the flags.",
        ),
    ],
    ids=["absent", "forbidden", "odd", "full", "memory"],
)
def test_errors_of_the_machine_are_one_line(ended, error, words):
    assert ended(raising(error)) == (2, "", told(words))


def test_tensorflow_s_lack_of_memory_is_known_by_its_name(ended):
    class ResourceExhaustedError(Exception):
        pass

    status, out, err = ended(raising(ResourceExhaustedError("OOM when ...")))
    assert (status, out) == (2, "")
    assert "that fit into memory. Received: more than is available." in err


def test_the_end_of_another_worker_is_one_line(ended):
    error = RuntimeError("Graph\nCollective ops is aborted by: Gone\nThe")
    said = told(
        "Expected all workers in TF_CONFIG to run to the end. Received:",
        "another that has ended or cannot be reached (Gone). See what it",
        "printed, then start all workers again.",
    )
    assert ended(raising(error)) == (2, "", said)


@pytest.mark.parametrize("error", [KeyError("a"), ValueError("b"), Exception()])
def test_a_fault_of_ours_keeps_its_traceback(monkeypatch, ended, error):
    monkeypatch.setattr(sys, "argv", ["some.py"])
    with pytest.raises(type(error)) as caught:
        script.run(raising(error))
    assert caught.value is error


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
def test_a_number_that_is_not_finite_is_reported(ended, value):
    said = told(
        "Expected a finite --rate_of_this_test. Received:",
        f"rate_of_this_test={float(value)}. Change it.",
    )
    assert ended(never, f"--rate_of_this_test={value}") == (2, "", said)


def test_words_that_are_no_flags_are_reported(ended):
    said = told(
        "Expected flags only. Received: 'word'. Write it as --name=value."
    )
    for line in (["word"], ["word", "other"]):
        assert ended(never, *line) == (2, "", said)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--rate_of_that=1", "'rate_of_that'. Did you mean: rate_of_this_test"),
        ("--rate_of_this_test=x", "--rate_of_this_test=x"),
    ],
)
def test_flags_that_absl_refuses_are_one_line(ended, line, words):
    status, out, err = ended(never, line)
    assert (status, out) == (2, "")
    assert err.startswith("some.py: error: ") and err.count("\n") == 1
    assert words in err


def test_warnings_are_heard_and_what_absl_s_logger_tells_is_not(ended):
    levels = []

    def main():
        levels.append(absl_logging.get_verbosity())
        levels.append(absl_logging.get_absl_logger().level)

    ended(main)
    assert levels == [absl_logging.WARNING, logging.ERROR]


@pytest.fixture
def defined(monkeypatch):
    """A script with three flags."""
    values = flags.FlagValues()
    flags.DEFINE_string("data_dir", None, "", flag_values=values)
    flags.DEFINE_string("dataset", None, "", flag_values=values)
    flags.DEFINE_bool("download_data", False, "", flag_values=values)
    monkeypatch.setattr(script.flags, "FLAGS", values)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("data_dir", None, "--data_dir"),
        ("data_dir", "FOLDER", "--data_dir=FOLDER"),
        ("name", "digits", "--dataset=digits"),
        ("download", None, "--download_data"),
        ("download", True, "--download_data"),
        ("download", False, "--nodownload_data"),
        # Without such a flag, the argument keeps its name.
        ("output_dir", "OUT", "output_dir=OUT"),
        ("skip", True, "skip=True"),
    ],
)
def test_arguments_are_reported_as_flags(defined, name, value, words):
    error = expected("data", "x=1", f"Pass {argument(name, value)}.")
    assert (
        script.with_flags(error)
        == f"Expected data. Received: x=1. Pass {words}."
    )


def test_an_argument_of_another_name_has_its_flag(parse):
    parse()
    define_photograph_flags()
    for name, flag in script.RENAMED.items():
        assert script.with_flags(
            expected("a", "b", f"Do {argument(name)}.")
        ) == (f"Expected a. Received: b. Do --{flag}.")
