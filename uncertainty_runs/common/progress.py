"""Tells how far an epoch is where there is no progress bar, as in a log."""

import contextlib
import threading
import time

import keras

SECONDS = 25.0
"""Between two lines; with the time to write one, less than half a minute."""


@contextlib.contextmanager
def told(told=True, seconds=SECONDS):
    """Yields callbacks for `fit`, which print lines only inside the block.

    They come from a thread, so that a step that takes longer, such as the
    first, which is compiled, does not delay them.

    Args:
        told: Whether to print anything.
        seconds: Between two lines within an epoch.
    """
    if not told:
        yield []
        return
    progress, ended = Progress(), threading.Event()

    def tell():
        while not ended.wait(progress.due_in(seconds)):
            if (line := progress.line(seconds)) is not None:
                print(line, flush=True)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield [progress]
    finally:
        ended.set()
        thread.join()


class Progress(keras.callbacks.Callback):
    """Notes how far an epoch is."""

    def __init__(self):
        super().__init__()
        self._noted = None
        self._started = self._told = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        self._started = self._told = time.monotonic()
        self._noted = epoch, "step", 0, self.params.get("steps"), None

    def on_train_batch_end(self, batch, logs=None):
        epoch, _, _, steps, _ = self._noted
        self._noted = epoch, "step", batch + 1, steps, (logs or {}).get("loss")

    def on_test_batch_end(self, batch, logs=None):
        if self._noted:  # Of the epoch's validation.
            self._noted = self._noted[0], "validation", batch + 1, None, None

    def on_epoch_end(self, epoch, logs=None):
        self._noted = None

    def due_in(self, seconds):
        """Returns the time until the next line is due, or might be."""
        return max(0.01, self._told + seconds - time.monotonic())

    def line(self, seconds):
        """Returns the line that is due; None if there is none.

        Args:
            seconds: Between two lines.
        """
        now, noted = time.monotonic(), self._noted
        if now < self._told + seconds:
            return None
        self._told = now
        if noted is None:
            return None
        epoch, what, done, steps, loss = noted
        place = f"{what} {done}" + (f"/{steps}" if steps else "")
        text = f"Epoch {epoch + 1}: {place} after {now - self._started:.0f} s"
        return text if loss is None else f"{text}, loss {float(loss):.4f}"
