from rasax.settings import *  # noqa: F403

MIGRATION_MODULES = {"events": "tests.chaos.migrations"}
