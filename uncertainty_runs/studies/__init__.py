"""Studies: several runs, one table."""
