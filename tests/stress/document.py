"""Puts what a stress test found into the document that tells of it."""

from mimo_keras.files import replacing


def marks(name):
    """Returns the lines that stand around a text of that name."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def put(name, text, path):
    """Puts a text in the place of the one of that name in a document."""
    begin, end = marks(name)
    before, rest = path.read_text("utf-8").split(begin)
    after = rest.split(end)[1]
    with replacing(path) as file:
        file.write(f"{before}{begin}\n{text}\n{end}{after}")
