"""Values of a type out of texts, one by one or as a table."""
