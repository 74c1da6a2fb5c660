"""Where cache markers earn most."""
