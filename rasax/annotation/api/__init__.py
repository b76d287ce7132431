"""The HTTP API of the inbox."""
