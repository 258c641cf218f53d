"""The methods' names, as their papers write them."""

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
    """Returns what figures and tables call a method.

    Args:
        method: Its name in this package; another stays as it is.
        members: M, which is then added; None to leave it out.

    Returns:
        Such as "MIMO, M = 3".
    """
    title = _NAMES.get(method, method)
    return title if members is None else f"{title}, M = {members}"
