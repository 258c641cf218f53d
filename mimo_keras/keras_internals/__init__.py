"""The only package that uses private names of Keras.

Keras may change names that begin with an underscore, yet some of what it knows
about a network is available under no other name. Each function says which it
relies on and what the public alternative lacks, so that a release that changes
one affects only these files. `pyproject.toml` allows the releases from the
oldest to the newest with which their tests have passed.
"""

from mimo_keras.keras_internals.graph_internals import (
    call_count,
    calls_on,
    made_from,
    maker,
    readers,
    repeated_name,
    run_graph,
)
from mimo_keras.keras_internals.layer_internals import (
    OneLineError,
    forget_layer,
    layers_within,
    own_trainable_variables,
)
from mimo_keras.keras_internals.saving_internals import (
    claimed_bytes,
    without_values,
    writes_old_file,
)
from mimo_keras.keras_internals.trainer_internals import (
    BuildsOnBatch,
    LowerIsBetter,
    array_source,
    batches_placed,
    build_on,
    compiled_metrics,
    evaluates_within_fit,
    first_of_generator,
    has_mask,
    monitored,
    read_with,
    variable_index,
    variables_kept,
)

__all__ = [
    "BuildsOnBatch",
    "LowerIsBetter",
    "OneLineError",
    "array_source",
    "batches_placed",
    "build_on",
    "call_count",
    "calls_on",
    "claimed_bytes",
    "compiled_metrics",
    "evaluates_within_fit",
    "first_of_generator",
    "forget_layer",
    "has_mask",
    "layers_within",
    "made_from",
    "maker",
    "monitored",
    "own_trainable_variables",
    "read_with",
    "readers",
    "repeated_name",
    "run_graph",
    "variable_index",
    "variables_kept",
    "without_values",
    "writes_old_file",
]
