"""The commands of `agentlab`, one a file: each adds its words to the parser, and runs."""
