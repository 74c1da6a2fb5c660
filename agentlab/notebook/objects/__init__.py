"""How agents, tools, runs, usage and vendors show themselves at the end of a cell."""
