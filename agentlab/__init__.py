"""A lab bench for LLM agents in a notebook."""
