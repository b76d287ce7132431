"""Rasa's YAML formats, version 2 and 3, as texts that know their parts. Pure Python."""

from rasax.training.formats.errors import Refused
from rasax.training.formats.nodes import values

__all__ = ["Refused", "values"]
