"""The methods' names, as spelled in their papers."""

_NAMES = {
    "batch_ensemble": "BatchEnsemble",
    "datamux": "DataMUX",
    "deep_ensemble": "Deep ensemble",
    "deterministic": "Deterministic",
    "dun": "DUN",
    "early_exit": "EE",
    "mc_dropout": "MC dropout",
    "mimmo": "MIMMO",
    "mimo": "MIMO",
    "mixmo": "MixMo",
    "mixshare": "MixShare",
    "mixture_ensemble": "MixtureEnsembles",
    "naive_multihead": "Naive multihead",
    "rank1_bnn": "Rank-1 BNN",
    "treenet": "TreeNet",
}


def method_title(method, members=None):
    """Returns a method's name for figures and tables.

    Args:
        method: Its name in this package; other names are returned unchanged.
        members: M, to append it; None to omit it.

    Returns:
        The name, such as "MIMO, M = 3".

    Example:

    ```python
    mimo_keras.analysis.method_title("mimo", 3)              # MIMO, M = 3
    ```
    """
    title = _NAMES.get(method, method)
    return title if members is None else f"{title}, M = {members}"
