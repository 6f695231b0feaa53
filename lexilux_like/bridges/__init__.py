"""Doors into other people's frameworks, each on a `Chat` and each an extra of its own."""
