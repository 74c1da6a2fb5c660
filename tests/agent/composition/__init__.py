"""Composition: trees of runs."""
