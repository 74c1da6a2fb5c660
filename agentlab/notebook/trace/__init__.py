"""A run's record as a picture: where its time went."""
