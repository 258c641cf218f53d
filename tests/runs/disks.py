"""Disks that are full, and folders that may not be written."""

import ctypes
import functools
import os
import pathlib
import resource
import tempfile

from tests.runs.processes import at

_DAC_OVERRIDE = 1
"""The capability by which root writes where mode bits forbid it."""
_VERSION = 0x20080522


def full(name):
    """Lets this process write files of a name to /dev/full, a full disk."""
    make = tempfile.mkstemp

    def made(*args, prefix=None, **kwargs):
        handle, path = make(*args, prefix=prefix, **kwargs)
        if prefix == f".{name}.":
            os.close(handle)
            handle = os.open("/dev/full", os.O_RDWR)
        return handle, path

    tempfile.mkstemp = made


def full_from(where, bytes_=4096):
    """Lets this process write no more than some bytes to any file.

    That is a real failure also for code that is not Python's.

    Args:
        where: The function at whose first call this begins.
        bytes_: How many; enough for what the process says itself.
    """
    limits = (bytes_, resource.RLIM_INFINITY)
    at(
        where,
        1,
        functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, limits),
    )


def read_only_from(folder, where, call=1):
    """Takes away the leave to write in folders, and root's power to ignore it.

    Args:
        folder: Path of the folder, with those in it.
        where: The function at whose call this happens.
        call: Which call, from 1.
    """
    at(where, call, functools.partial(read_only, folder))


def read_only(folder):
    """Does that at once."""
    if os.geteuid() == 0:
        _drop_power()
    set_mode(folder, 0o555)


def set_mode(folder, mode):
    """Sets the mode of a folder and of those in it."""
    for path in [pathlib.Path(folder), *pathlib.Path(folder).rglob("*")]:
        if path.is_dir():
            path.chmod(mode)


def _drop_power():
    """Makes this process of root's obey mode bits, on Linux."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets):
        raise OSError(ctypes.get_errno(), "capget")
    sets[0] &= ~(1 << _DAC_OVERRIDE)  # What is in effect.
    if libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")
