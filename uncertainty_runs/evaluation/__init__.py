"""Evaluation of trained models on test sets."""
