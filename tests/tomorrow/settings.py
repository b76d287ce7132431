from rasax.settings import *  # noqa: F403

VERSION = "99.0"
MIGRATION_MODULES = {"events": "tests.tomorrow.migrations"}
