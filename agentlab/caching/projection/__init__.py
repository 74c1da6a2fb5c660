"""What a run will cost as it grows, and when caching pays."""
