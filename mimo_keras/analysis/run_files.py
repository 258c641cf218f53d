"""Reads the files that a run writes to its output folder."""

import csv
import io

from mimo_keras import files
from mimo_keras.errors import expected

_AGAIN = "Run its training command again: it resumes and rewrites the file."


def read_json(path):
    """Returns the object in a JSON file as a dict.

    Raises:
        InputError: If the file is missing, incomplete or not a JSON object.
    """
    try:
        return files.read_json(path)
    except FileNotFoundError:
        raise expected(
            f"a {path.name}", f"path={path} (no file)", _AGAIN
        ) from None
    except files.ReadError as error:
        raise _broken(path, error) from None


def read_results(path):
    """Returns the content of a results.json as `evaluation.Results`.

    Raises:
        InputError: As for `read_json`.
    """
    # Here, since figures alone need neither evaluation nor Keras.
    from mimo_keras.evaluation.results import Results

    return Results.from_flat(read_json(path))


def read_metrics(path):
    """Returns the rows of metrics.csv.

    Args:
        path: The file's path; a missing file has no rows.

    Returns:
        One dict per epoch from column name to float. A field that is empty,
        missing or not a number (a truncated row) is None.
    """
    try:
        text = files.read_text(path)
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except FileNotFoundError:
        return []
    except (csv.Error, files.ReadError) as error:
        raise _broken(path, error) from None
    return [
        {name: _float(cell) for name, cell in row.items() if name is not None}
        for row in rows
    ]


def _float(cell):
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def read_arrays(path):
    """Returns the arrays of an .npz file, without running pickled code.

    Args:
        path: The file's path; a missing file has no arrays.

    Returns:
        A dict from name to array.

    Raises:
        InputError: If the file is incomplete or contains pickled objects.
    """
    try:
        return files.read_arrays(path)
    except FileNotFoundError:
        return {}
    except files.ReadError as error:
        raise _broken(path, error) from None


def _broken(path, error):
    return expected(f"a whole {path.name}", f"path={path} ({error})", _AGAIN)
