"""What a sweep will run: axes, arms, cells and what they will cost."""
