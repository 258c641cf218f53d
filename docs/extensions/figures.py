"""Figures of the library in the guides: a scraper for sphinx-gallery.

They are independent of pyplot, where sphinx-gallery looks for figures.
"""

import weakref

from matplotlib.figure import Figure

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
