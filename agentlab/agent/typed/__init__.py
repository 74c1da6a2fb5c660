"""Answers of a type: how the shape is asked for, who enforces it, and how the answer is read."""
