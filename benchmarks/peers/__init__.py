"""Agentlab beside what a user would pick instead, on the same bytes, in one run: `python -m benchmarks.peers --help`."""
