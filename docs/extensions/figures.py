"""The guides, for sphinx-gallery: their order, and the library's figures.

These are independent of pyplot, where sphinx-gallery looks for figures.
"""

import weakref

from matplotlib.figure import Figure

ORDER = (
    *("quickstart", "which_method", "own_data", "own_tables", "own_backbone"),
    *("start_from_network", "act_on_predictions", "regress_distributions"),
    *("understand_ensembles", "export_and_serve", "devices_and_resuming"),
    *("from_uncertainty_baselines", "from_torch_uncertainty", "add_method"),
)
"""The guides, from a first model to a served one, then what fewer need."""

_LAST = "___"
"""What sphinx-gallery calls the value of the last expression so far."""

_shown = weakref.WeakSet()


def scraper(block, block_vars, gallery_conf):
    """Saves the figure that is the value of a block's last line."""
    from sphinx_gallery.scrapers import figure_rst

    figure = block_vars["example_globals"].get(_LAST)
    if not isinstance(figure, Figure) or figure in _shown:
        return ""
    _shown.add(figure)
    path = next(block_vars["image_path_iterator"])
    figure.savefig(path, dpi=150)
    return figure_rst([path], gallery_conf["src_dir"])


class InOrder:
    """Orders guides as `ORDER` does."""

    def __init__(self, folder):
        pass

    def __call__(self, filename):
        """Returns what a guide is sorted by."""
        return ORDER.index(filename.removesuffix(".py"))
