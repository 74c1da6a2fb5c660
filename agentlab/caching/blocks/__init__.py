"""A request as blocks in the provider's render order, hash-chained: what every other room reads."""
