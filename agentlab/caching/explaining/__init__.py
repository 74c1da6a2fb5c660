"""Why the prefix moved between two requests: where, what caused it, and what it cost."""
