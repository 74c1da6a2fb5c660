"""Several agents answer one prompt side by side, live, and are read as a DataFrame afterwards."""
