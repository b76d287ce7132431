from __future__ import annotations

from rasax.deployment.servers import RasaServer

__all__ = ["RasaServer"]
