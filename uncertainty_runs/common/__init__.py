"""Code that the scripts share: flags, runs and their folders."""
