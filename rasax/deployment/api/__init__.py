"""Environments, models and the model server under /api."""
