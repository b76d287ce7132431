"""Misuse of the settings, found at start; each with an id and a hint."""
