"""Conversations and all that is known of them, under /api."""
