"""Rows as DataFrames: one row a run, one row a model call, one row a message."""
