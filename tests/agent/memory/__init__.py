"""Memory policies."""
