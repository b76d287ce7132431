"""Rasa's YAML formats, version 2 and 3, as texts that know their parts. Pure Python."""
