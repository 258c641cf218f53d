"""What the documents say of recipes is what their rows say.

No table of the documents has such numbers; their sentences do.
"""

import pathlib

from uncertainty_runs.common.recipes import RECIPES, recipe

ROOT = pathlib.Path(__file__).resolve().parents[2]


def words(name):
    return " ".join((ROOT / name).read_text("utf-8").split())


def test_digits_are_trained_as_the_documents_say():
    rows = [row for (data, _), row in RECIPES.items() if data == "digits"]
    rows = [row for row in rows if row.backbone == "small_cnn_{width}"]
    ((backbone, epochs),) = {
        (row.backbone.format(width=row.width_multiplier), row.train_epochs)
        for row in rows
    }
    assert f"backbone `{backbone}`, {epochs} epochs;" in words("docs/digits.md")
    half = f"All runs have {epochs // 2} epochs, half of the recipe's."
    assert words("docs/figures.md").count(half) == 2
    times = round(0.01 / recipe("digits", "mixshare").l2)
    told = f"Weight decay is {times} times the recipe's here (`--l2=0.01`)"
    assert told in words("docs/digits.md")


def test_imagenet_is_trained_as_its_document_says():
    r = recipe("imagenet2012", "mimo")
    images = r.batch_size // r.batch_repetitions
    assert (
        f"M = {r.ensemble_size}, ρ = {r.input_repetition_probability}, "
        f"R = {r.batch_repetitions}, {r.batch_size} rows per step "
        f"({images} photographs), {r.train_epochs} epochs."
    ) in words("docs/imagenet.md")
    methods = {f"`{m}`" for data, m in RECIPES if data == "imagenet2012"}
    told = words("docs/imagenet.md").split("those with a recipe are ")[1]
    told = told.split(". ")[0].replace(" and ", ", ")
    assert {*told.split(", ")} == methods


def test_mimmos_recipe_is_what_its_document_says():
    paper = recipe("cifar100", "mimmo", "mimmo")
    digits = recipe("digits", "mimmo", "mimmo")
    images = paper.batch_size // paper.batch_repetitions
    assert paper.batch_repetitions == 2
    assert not paper.augment and not paper.l2
    assert (
        f"`--recipe=mimmo`: {paper.optimizer.capitalize()} from "
        f"{paper.base_learning_rate} with {paper.schedule} decay, batches of "
        f"{images} images, which multi-input methods see twice, no "
        f"augmentation, no weight decay) with {digits.train_epochs} epochs "
        f"instead of {paper.train_epochs}."
    ) in words("docs/mimmo.md")
    told = f"of the paper's {paper.train_epochs} epochs"
    assert told in words("docs/figures.md")
