"""Findings on agents, traces and source text: what will miss the cache before it does."""
