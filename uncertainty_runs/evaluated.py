"""What has been evaluated already, set by set: nothing is done twice."""

import json
import logging
import pathlib
import zipfile

import numpy as np

from mimo_keras.files import replacing

_RECORD = "record"


class Evaluated:
    """The results of single sets, each in a file of its own.

    Args:
        folder: Where they lie; None to keep nothing.
        record: What they depend on, as JSON can hold it, such as the weights
            of the network: results of another record are not used.
    """

    def __init__(self, folder, record):
        self.folder = folder and pathlib.Path(folder)
        self.record = json.dumps(record, sort_keys=True)

    def arrays(self, name, compute):
        """Returns the arrays of a set, computed only if they are not there.

        Args:
            name: The set's.
            compute: Function without arguments that returns a dictionary of
                arrays.
        """
        if self.folder is None:
            return compute()
        path = self.folder / f"{name.replace('/', '-')}.npz"
        found = self._read(path)
        if found is None:
            found = compute()
            text = np.frombuffer(self.record.encode(), np.uint8)
            with replacing(path, "wb") as file:
                np.savez(file, **found, **{_RECORD: text})
        return found

    def _read(self, path):
        try:
            with np.load(path, allow_pickle=False) as file:
                found = {key: file[key] for key in file.files}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            logging.warning("Evaluated anew: %s (%s).", path, error)
            return None
        record = found.pop(_RECORD, np.array([], np.uint8)).tobytes()
        return found if record.decode() == self.record else None
