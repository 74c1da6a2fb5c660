"""What makes text of a model, a tool or a document safe to show: escaped, sanitised, or stripped for a terminal."""
