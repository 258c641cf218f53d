"""Training and evaluation scripts, each readable from top to bottom."""
