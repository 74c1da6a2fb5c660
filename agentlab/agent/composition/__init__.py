"""Agents put together: as tools of each other, behind a router, in a pipeline."""
