"""Settings of a web process that keeps no answer."""

from rasax.settings import *  # noqa: F403

CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
