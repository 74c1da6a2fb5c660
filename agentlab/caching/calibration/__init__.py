"""Recorded conversations replayed through their profiles, and what the forecasts missed."""
