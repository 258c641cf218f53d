"""Standard output and error that can always be written to.

A terminal that lacks a character, a reader that has left (`| head -1`) or a
closed descriptor must not end a run: all that counts is in its files.
"""

import contextlib
import errno
import io
import os
import sys

_GONE = (errno.EPIPE, errno.EIO, errno.EBADF, errno.ECONNRESET)
"""Errors of a pipe, terminal or socket that nobody reads any longer."""
_ERRORS = {"stdout": "replace", "stderr": "backslashreplace"}


class _Lasting(io.FileIO):
    """A file that drops what nobody reads."""

    def write(self, data):
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            return memoryview(data).nbytes


@contextlib.contextmanager
def lasting():
    """Makes print() and all others write to such streams, inside the block."""
    before = {name: getattr(sys, name) for name in _ERRORS}
    made = {name: _made(before[name], _ERRORS[name]) for name in _ERRORS}
    for name, stream in made.items():
        setattr(sys, name, stream)
    try:
        yield
    finally:
        for name, stream in made.items():
            with contextlib.suppress(OSError):
                stream.flush()
            # None: the descriptor was closed from the beginning.
            setattr(sys, name, before[name] or stream)


def _made(stream, errors):
    """Returns a lasting version of a stream, or itself if it has no file."""
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")
    try:
        with contextlib.suppress(BrokenPipeError):
            stream.flush()
        raw = _Lasting(stream.fileno(), "w", closefd=False)
    except (OSError, ValueError, AttributeError):
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
