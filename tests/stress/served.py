"""Calls a SavedModel from many threads; needs only TensorFlow and NumPy.

python tests/stress/served.py FOLDER CALLS THREADS SEED
"""

import concurrent.futures
import json
import os
import sys
import threading

import numpy as np
import tensorflow as tf

BATCHES = 64
LARGEST = 48
WARM_UP = 0.2
"""Share of the calls before the first reading of memory: a warm-up."""


def batches(seed, shape):
    """Returns batches of random sizes, alternately uint8 and float32."""
    random = np.random.default_rng(seed)
    found = []
    for index in range(BATCHES):
        size = (int(random.integers(1, LARGEST + 1)), *shape)
        images = random.integers(0, 256, size, np.uint8)
        as_bytes = index % 2 == 0
        found.append(images if as_bytes else np.float32(images / 255))
    return found


def memory():
    """Returns the resident memory of this process in bytes."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def call(model, images):
    """Returns the bytes of each answer of the model, by name."""
    found = model.serve(tf.constant(images))
    return {name: array.numpy().tobytes() for name, array in found.items()}


def load(model, asked, answers, calls, threads, seed):
    """Calls the model from threads.

    Returns:
        The number of different answers, and the memory at each tenth.
    """
    order = np.random.default_rng(seed).integers(0, len(asked), calls)
    lock, done, wrong, memories = threading.Lock(), 0, 0, []

    def one(index):
        nonlocal done, wrong
        same = call(model, asked[index]) == answers[index]
        with lock:
            done, wrong = done + 1, wrong + (not same)
            if done % (calls // 10) == 0:
                memories.append(memory())

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(one, order):
            pass
    return wrong, memories


def main(folder, calls, threads, seed):
    model = tf.saved_model.load(folder)
    spec = model.signatures["serving_uint8"].structured_input_signature[1]
    asked = batches(seed, spec["images"].shape[1:])
    answers = [call(model, images) for images in asked]
    again = sum(
        call(model, images) != answer
        for images, answer in zip(asked, answers, strict=True)
    )
    wrong, memories = load(model, asked, answers, calls, threads, seed)
    warm = memories[int(WARM_UP * len(memories)) - 1]
    return {
        "calls": calls,
        "threads": threads,
        "batches": len(asked),
        "largest_batch": max(map(len, asked)),
        "differ_in_turn": again,
        "differ_in_threads": wrong,
        "megabytes": [round(m / 2**20, 1) for m in memories],
        "megabytes_grown": round((memories[-1] - warm) / 2**20, 1),
    }


if __name__ == "__main__":
    folder, *numbers = sys.argv[1:]
    print(json.dumps(main(folder, *map(int, numbers))))
