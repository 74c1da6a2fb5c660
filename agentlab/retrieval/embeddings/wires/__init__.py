"""The wire formats of embeddings, one file each: pure functions from texts to a body and from a body to vectors."""
