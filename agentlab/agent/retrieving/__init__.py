"""What a run retrieves for its prompt: documents and tools, which indexes find."""
