"""One's own photographs: the rows of ImageNet at 64 unique images a step.

Nobody reports results on them. The learning rate scales with the batch.
"""

import dataclasses

from uncertainty_runs.common.recipes import imagenet_rows

UNIQUE = 64

ROWS = [
    dataclasses.replace(
        row,
        datasets=("folder",),
        source=f"as on ImageNet: {row.source}",
        reported={},
        batch_size=UNIQUE * row.batch_repetitions,
    )
    for row in imagenet_rows.ROWS
]
