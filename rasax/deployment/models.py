from __future__ import annotations

from rasax.deployment.registry import Model, ModelTag
from rasax.deployment.servers import RasaServer

__all__ = ["Model", "ModelTag", "RasaServer"]
