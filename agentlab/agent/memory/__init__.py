"""What of a long conversation is sent: policies, each of which tells first what it does to the cached prefix."""
