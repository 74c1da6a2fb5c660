"""The rules by which providers cache prompts, one file a family."""
