"""Reads the files that a run writes to its output folder."""

import csv
import io

from mimo_keras import files
from mimo_keras.errors import expected

_AGAIN = "un the command that made the folder again: it resumes, and writes it"
_WRITE = f"R{_AGAIN}."
_REWRITE = f"Delete the file, and r{_AGAIN} anew."

_RELIABILITY = tuple(
    f"reliability_{part}" for part in ("count", "confidence", "accuracy")
)
_MATRICES = ("disagreement_matrix", "kl_matrix")
# Arrays of one shape each.
_ALIKE = (
    _RELIABILITY,
    tuple(f"corrupted_{name}" for name in _RELIABILITY),
    tuple(f"fitted_{name}" for name in _RELIABILITY),
    ("set_sizes", "set_sizes_covered"),
    ("risk_coverage", "risk"),
    _MATRICES,
)
_SCORES = ("ood_", "fitted_ood_")


def read_json(path):
    """Returns the object in a JSON file as a dict.

    Raises:
        InputError: If the file is missing, incomplete or not a JSON object.
    """
    try:
        return files.read_json(path)
    except FileNotFoundError:
        raise expected(
            f"a {path.name}", f"path={path} (no file)", _WRITE
        ) from None
    except files.ReadError as error:
        raise broken(path, error) from None


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

    Raises:
        InputError: If the file is not a table of text in UTF-8.
    """
    try:
        text = files.read_text(path)
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except FileNotFoundError:
        return []
    except (csv.Error, files.ReadError) as error:
        raise broken(path, error) from None
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
        raise broken(path, error) from None


def read_drawn(path):
    """Returns the arrays of an arrays.npz, which the report's figures show.

    Args:
        path: As in `read_arrays`.

    Returns:
        A dict from name to array.

    Raises:
        InputError: As for `read_arrays`, or if an array has a shape or type
            that a run does not write.
    """
    arrays = read_arrays(path)
    for name, array in arrays.items():
        axes = 2 if name in _MATRICES else 1
        drawn = any(name in names for names in _ALIKE)
        if (drawn or name.startswith(_SCORES)) and (
            array.dtype.kind not in "biuf"
            or array.ndim != axes
            or not array.size
        ):
            raise broken(path, f"{name} of {array.dtype}{list(array.shape)}")
    for names in _ALIKE:
        shapes = [arrays[name].shape for name in names if name in arrays]
        square = names is not _MATRICES or all(len({*s}) == 1 for s in shapes)
        if len({*shapes}) > 1 or not square:
            raise broken(path, f"{names[0]} of shape {list(shapes[0])}")
    return arrays


def broken(path, reason, remedy=_REWRITE):
    """Returns the error about a file that is damaged or not what it should be.

    Args:
        path: The file, a pathlib.Path.
        reason: What is wrong with it.
        remedy: What to do, as a sentence.
    """
    return expected(f"a whole {path.name}", f"path={path} ({reason})", remedy)
