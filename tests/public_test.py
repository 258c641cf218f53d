"""`__all__` lists exactly the public names."""

import importlib
import inspect

import pytest

import mimo_keras

PACKAGES = [
    "mimo_keras",
    *(
        f"mimo_keras.{name}"
        for name in (
            *("analysis", "backbones", "data", "evaluation"),
            *("layers", "methods", "metrics", "prediction", "training"),
        )
    ),
]
# Names for use within the package.
INTERNAL = {
    "mimo_keras.backbones": {
        *("mlp", "own", "resnet50", "scaled", "sized"),
        *("small_cnn", "temporal_cnn", "wide_resnet"),
    },
}


def offered(package):
    """Names of what a package defines, or imports from its own modules."""
    return {
        name
        for name, value in vars(package).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__.startswith(package.__name__)
    }


@pytest.mark.parametrize("name", PACKAGES)
def test_all_is_what_a_package_offers(name):
    package = importlib.import_module(name)
    promised = package.__all__
    assert promised == sorted(set(promised))
    assert all(getattr(package, each) is not None for each in promised)
    assert set(promised) <= {*dir(package)}
    hidden = offered(package) - set(promised) - INTERNAL.get(name, set())
    assert not hidden, (
        "list them in __all__, or import them where they are used"
    )


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        mimo_keras.nothing  # noqa: B018
