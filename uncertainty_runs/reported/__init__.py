"""The papers' tables and figures as data: rows, flags, reported numbers."""

from uncertainty_runs.reported import (
    grids,
    mimmo_tables,
    mimo_tables,
    mixshare_tables,
    mixture_tables,
)
from uncertainty_runs.reported.paper_table import Column as Column
from uncertainty_runs.reported.paper_table import Row as Row
from uncertainty_runs.reported.paper_table import Table as Table

_MODULES = (mimo_tables, mixture_tables, mimmo_tables, mixshare_tables)
TABLES = {table.name: table for m in _MODULES for table in m.TABLES}
"""Name -> `Table`, in the order of the papers."""
FIGURES = {figure.name: figure for figure in grids.FIGURES}
"""Name -> `Figure`."""
