"""Runs the cells of a plan: one event loop, or any number of workers, and every finished row is kept."""
