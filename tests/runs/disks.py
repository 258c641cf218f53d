"""Full disks, and read-only folders."""

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
    """Redirects files of a name to /dev/full, a full disk."""
    make = tempfile.mkstemp

    def made(*args, prefix=None, **kwargs):
        handle, path = make(*args, prefix=prefix, **kwargs)
        if prefix == f".{name}.":
            os.close(handle)
            handle = os.open("/dev/full", os.O_RDWR)
        return handle, path

    tempfile.mkstemp = made


def full_from(where, bytes_=4096):
    """Limits the size of every file that this process writes.

    The failure is real, also in code outside Python.

    Args:
        where: The function at whose first call the limit begins.
        bytes_: The limit; enough for the process's own output.
    """
    limits = (bytes_, resource.RLIM_INFINITY)
    at(
        where,
        1,
        functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, limits),
    )


def read_only_from(folder, where, call=1):
    """Makes folders read-only, also for root.

    Args:
        folder: Path of the folder, including its subfolders.
        where: The function at whose call this happens.
        call: Which call, from 1.
    """
    at(where, call, functools.partial(read_only, folder))


def read_only(folder):
    """Makes the folder read-only immediately."""
    if os.geteuid() == 0:
        _drop_power()
    set_mode(folder, 0o555)


def set_mode(folder, mode):
    """Sets the mode of a folder and of its subfolders."""
    for path in [pathlib.Path(folder), *pathlib.Path(folder).rglob("*")]:
        if path.is_dir():
            path.chmod(mode)


def _drop_power():
    """Makes this process obey mode bits even as root, on Linux."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets):
        raise OSError(ctypes.get_errno(), "capget")
    sets[0] &= ~(1 << _DAC_OVERRIDE)  # The effective set.
    if libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")
