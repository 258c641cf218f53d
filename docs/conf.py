"""How Sphinx builds the site: `make docs`."""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from docs.extensions import docstrings  # noqa: E402
from mimo_keras.version import __version__  # noqa: E402

project = "mimo_keras"
author = "The mimo_keras Authors"
copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "docs.extensions.docstrings",
    "docs.extensions.option_tables",
    "docs.extensions.repository_links",
]
exclude_patterns = ["guides", "templates"]
templates_path = ["templates"]
html_static_path = ["static"]
html_css_files = ["style.css"]
html_theme = "furo"
html_title = f"mimo_keras {__version__}"
html_copy_source = False
html_show_sourcelink = False

# Everything that is referred to must exist. A name in backticks may also be an
# argument or a function of Keras.
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", ".*"),
    ("py:class", r"(collections|keras|numpy)\..*|mimo_keras\.\w+\.\w+\.\w+"),
]
myst_heading_anchors = 4

autosummary_generate = True
# Classes whose methods are to a large part those of their bases here.
WITH_BASES = ("mimo_keras.EnsembleModel", "mimo_keras.Predictor")
autosummary_context = {
    "own_members": {name: docstrings.members(name) for name in WITH_BASES}
}
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_inherit_docstrings = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_custom_sections = [
    ("Call arguments", "params_style"),
    "Input shape",
    "Output shape",
    "Reference",
]

# Every guide is run: `make docs GUIDES=0` leaves that out.
sphinx_gallery_conf = {
    "examples_dirs": "guides",
    "gallery_dirs": "generated/guides",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "docs.extensions.figures.InOrder",
    "abort_on_example_error": True,
    "image_scrapers": ("docs.extensions.figures.scraper",),
    "ignore_repr_types": r"matplotlib",
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "write_computation_times": False,
}
