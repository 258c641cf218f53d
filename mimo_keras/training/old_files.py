"""The order of weights in files of compiled models, as it once was.

Until December 2026 Keras also listed the weights that L1 and L2 include as the
model's own, before all others. The optimizer was built in that order, so
its state in those files, and all of a run's checkpoint, follow it.
"""

import collections

import keras

from mimo_keras.training.losses import L2_SCOPES, decayed_variables


def checkpoint_variables(model):
    """Returns model and optimizer variables in the order of old checkpoints.

    Args:
        model: Compiled `EnsembleModel`.
    """
    before = _variables(model, model.l2_scope)
    order = _optimizer_order(model, before)
    return [*before, *(model.optimizer.variables[index] for index in order)]


def expect(model, twice):
    """Makes the optimizer read its state, which Keras loads next, in order.

    Args:
        model: `EnsembleModel`, compiled or not.
        twice: Arrays by number, those that an old file lists as the model's
            own weights; none in a file of a model that was not compiled.
    """
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return
    # That of an earlier file that had no optimizer.
    vars(optimizer).pop("load_own_variables", None)
    found = [twice[str(index)].shape for index in range(len(twice))]
    for scope in L2_SCOPES:
        first = decayed_variables(model.network, scope)
        if found and [tuple(v.shape) for v in first] == found:
            order = _optimizer_order(model, _variables(model, scope))
            return _reorder_once(optimizer, order)


def _reorder_once(optimizer, order):
    """Makes the next call of `load_own_variables` read in this order."""
    load = optimizer.load_own_variables

    def load_own_variables(store):
        del optimizer.load_own_variables
        if len(store.keys()) == len(order):
            store = {str(new): store[str(i)] for i, new in enumerate(order)}
        load(store)

    optimizer.load_own_variables = load_own_variables


def _variables(model, scope):
    """Returns all variables of a model in the order of old files."""
    first = decayed_variables(model.network, scope)
    ids = {id(variable) for variable in first}
    return [*first, *(v for v in model.variables if id(v) not in ids)]


def _optimizer_order(model, before):
    """Returns which optimizer variable each one of an old file is now."""
    optimizer, now = model.optimizer, model.trainable_variables
    index = {id(variable): place for place, variable in enumerate(now)}
    then = [index[id(v)] for v in before if id(v) in index]
    if then == sorted(then):
        return range(len(optimizer.variables))
    names = _names(optimizer, now, sorted(then))
    return [names.index(name) for name in _names(optimizer, now, then)]


def _names(optimizer, variables, order):
    """Returns a name for each variable of an optimizer built in this order.

    Optimizers arrange their variables in different ways; a copy of this one,
    built on stand-ins with names of their own, shows how it does.
    """
    copy = type(optimizer).from_config(optimizer.get_config())
    copy.build([_stand_in(variables[place], place) for place in order])
    seen, names = collections.Counter(), []
    for variable in copy.variables:
        names.append((variable.path, seen[variable.path]))
        seen[variable.path] += 1
    return names


def _stand_in(variable, place):
    name = f"{variable.path.replace('/', '_')}_{place}"
    return keras.Variable(
        "zeros", shape=variable.shape, dtype=variable.dtype, name=name
    )
