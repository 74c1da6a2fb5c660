"""The rows of cache behaviour, one for each provider and model generation, and the policy each row means."""
