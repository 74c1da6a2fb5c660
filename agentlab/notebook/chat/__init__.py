"""A conversation in a cell: an input box under it, answers as they come, and branches where a prompt was edited."""
