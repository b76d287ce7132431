"""The HTTP API of chats."""
