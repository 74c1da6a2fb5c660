"""What the model is told with a prompt."""
