"""Inserts the results of a stress test into its document."""

from mimo_keras.files import replacing


def marks(name):
    """Returns the lines that enclose the text of that name."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def put(name, text, path):
    """Replaces the text of that name in a document."""
    begin, end = marks(name)
    before, rest = path.read_text("utf-8").split(begin)
    after = rest.split(end)[1]
    with replacing(path) as file:
        file.write(f"{before}{begin}\n{text}\n{end}{after}")
