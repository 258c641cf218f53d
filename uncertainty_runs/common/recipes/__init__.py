r"""The settings of each (data set, method): flat rows, with their sources.

Each row has all of its values. CIFAR rows are WRN-28-10 as in Havasi et al.,
ICLR 2021, appendix B; batch_ensemble shows each row of a step to all members,
so its 128 rows are the paper's 512.

    python uncertainty_runs/cifar.py --dataset=cifar10 --method=mimo --use_tpu

The paper's thin ensemble (half the filters) has its own command:

    python uncertainty_runs/cifar.py --method=deep_ensemble --width_multiplier=5

The paper reports accuracy 96.3%, NLL 0.115, ECE 0.008 on CIFAR-10 (table 1)
and 81.5%, 0.694, 0.017 on CIFAR-100 (table 2).

Two things that the text of Havasi et al. and their code (in
Uncertainty-Baselines) leave open have flags. Their appendix B has a batch size
of 512 and 4 batch repetitions; section 4 calls "512 · 5" batch size and
repetitions, so 512 unique images. The code takes 512 rows, 128 unique images,
as the row of mimo does; --images_per_step=512 takes 512. The text names no
padding: 4 pixels are usual, but the code's reader of CIFAR pads 2,
--augment_padding=2.

The members of deep_ensemble see the same batches, each in its own order, with
the same crops. The rows "Ensemble" of the papers' tables are of networks that
were trained apart, each with its own order and crops:

    cifar.py --method=deterministic --seed=1 --output_dir=runs/member1
    evaluate.py --runs=runs/member1,runs/member2,runs/member3,runs/member4

Mixture ensembles with other budgets than the plain network's 36.5M, and thin
ones (Teterwak et al., 2021, section 5.1 and appendix A.1). That paper reports
96.6% on CIFAR-10 and 82.9% on CIFAR-100 at 120M, and 82.3% for thin ones:

    cifar.py --method=mixture_ensemble --num_params=120e6
    cifar.py --method=mixture_ensemble --num_params=15e6
    cifar.py --method=mixture_ensemble --num_params=7e6 --grouping=single
    cifar.py --method=mixture_ensemble --num_params=36.5e6 \
        --width_multiplier=5 --bank_single_layers --train_epochs=1000

The paper's batch norm sees 64 images, on two devices; --norm_group=64 of this
row makes groups of 64 on any device.

`reported` is the paper's result on the clean test set, for comparison; it was
not measured here. The digits rows were tuned in this repository on a few
methods and are shared by the others; docs/digits.md has their results.
"""

from mimo_keras.errors import closest, expected
from uncertainty_runs.common.recipes import (
    cifar_other_rows,
    cifar_rows,
    digits_rows,
    fashion_rows,
    folder_rows,
    imagenet_rows,
    mimmo_digits_rows,
    mimmo_rows,
)
from uncertainty_runs.common.recipes.row import Recipe as Recipe

# Methods that only the MIMMO paper trains; they use its rows by default.
_OF_MIMMO = ("mimmo", "dun", "early_exit")


def _table(*modules):
    return {
        (dataset, row.method): row
        for module in modules
        for row in module.ROWS
        for dataset in row.datasets
    }


_MIMMO = _table(mimmo_rows, mimmo_digits_rows)
RECIPES = _table(
    *(cifar_rows, cifar_other_rows, digits_rows, fashion_rows),
    *(imagenet_rows, folder_rows),
)
RECIPES |= {
    (dataset, method): row
    for (dataset, method), row in _MIMMO.items()
    if method in _OF_MIMMO and dataset != "imagenet2012"
}


def recipe(dataset, method, table=None):
    """Returns the `Recipe` of a data set and a method.

    Args:
        dataset: The data set.
        method: The method.
        table: "mimmo" for the MIMMO paper's settings of all its methods; None
            for those of the method's own paper.

    Raises:
        InputError: There is none; the message lists the methods that have
            one, or the data sets if no method does.
    """
    rows = RECIPES if table is None else _MIMMO
    if (dataset, method) in rows:
        return rows[dataset, method]
    known = sorted(m for d, m in rows if d == dataset)
    if not known:
        kind = "a recipe" if table is None else f"recipe {table}"
        data_sets = sorted({d for d, _ in rows})
        raise expected(
            f"a data set with {kind}: {', '.join(data_sets)}",
            f"dataset={dataset!r}",
            closest(
                dataset,
                data_sets,
                "Choose one of these, or add a row to "
                "uncertainty_runs/common/recipes.",
            ),
        )
    if table is None:
        raise expected(
            f"a method with a recipe for {dataset}: {', '.join(known)}",
            f"method={method!r}",
            closest(method, known),
        )
    raise expected(
        f"a method of recipe {table}: {', '.join(known)}",
        f"method={method!r}",
        "Leave out --recipe to use the method's own.",
    )
