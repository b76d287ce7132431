"""Tests have a short version in `make test`; `make chaos` runs the long one."""

import os

import pytest

LONG = bool(os.environ.get("CHAOS_LONG"))
ONLY_LONG = [pytest.mark.chaos, pytest.mark.skipif(not LONG, reason="runs with make chaos")]
