"""How each dataset is made: from lists and a seed, so that it comes out the same everywhere."""
