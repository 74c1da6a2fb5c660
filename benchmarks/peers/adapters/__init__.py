"""One file a peer: what a user of that library would write, and nothing else."""
