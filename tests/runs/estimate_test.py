"""FLOPs of training against a count by hand."""

from uncertainty_runs.studies import engine, estimate


def test_the_cost_of_training_by_hand():
    """An MLP of 64 inputs, 4 units and 10 classes, in two networks."""
    point = engine.parse("deep_ensemble:2:backbone=mlp_4:train_epochs=3")
    network = 2 * (64 * 4 + 4 * 10)
    assert estimate.training_flops(point) == 3 * 2 * network * 1198 * 3
    repeated = engine.parse("mimo:2:backbone=mlp_4:train_epochs=1")
    assert estimate.training_flops(repeated) == 3 * network * 1198 * 4
