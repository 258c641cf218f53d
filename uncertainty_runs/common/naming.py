"""Names of folders that say what is in them."""

import re
import zlib

_LONGEST = 200
"""Characters of a name, of which file systems allow 255 bytes."""


def folder_name(words):
    """Returns a name made of words, such as "digits-mimo-3-42".

    Names of different words differ: where characters that no file name should
    have are replaced, or the end is cut off, a checksum follows.

    Args:
        words: Strings; "=" becomes "_".
    """
    plain = "-".join(words).replace("=", "_")
    name = re.sub(r"[^\w.,+-]", "_", plain, flags=re.ASCII)[:_LONGEST]
    if name == plain:
        return name
    return f"{name}-{zlib.crc32(plain.encode()):08x}"
