"""Tests of agents as servers."""
