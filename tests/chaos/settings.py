from rasax.settings import *  # noqa: F403

EVENT_FOLLOWERS = ["tests.chaos.mutant.dawdle"]
