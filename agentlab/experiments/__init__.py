"""Comparisons of agents as experiments: planned before they cost, resumable, and read as DataFrames."""
