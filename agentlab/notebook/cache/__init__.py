"""Two requests side by side: what a cache can read again, where it must stop, what changed there and what that costs."""
