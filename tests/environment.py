"""Loaded before Django's settings are read (`-p tests.environment` in pyproject.toml): where tests keep their things.

`TEST_DATABASE=postgresql` runs the suite on a private PostgreSQL instead of SQLite.
"""

import atexit
import os
import tempfile
from pathlib import Path

os.environ["SECRET_KEY"] = "a-long-text-that-only-the-tests-know-0123456789"
os.environ["ENCRYPTION_KEYS"] = "a-key-that-only-the-tests-know-0123456789"
if "PYTEST_XDIST_WORKER" not in os.environ:
    shared = tempfile.TemporaryDirectory(prefix="rasax-tests-", ignore_cleanup_errors=True)
    os.environ["RASAX_TESTS_DIR"] = shared.name  # of all processes of this run
folder = tempfile.mkdtemp(dir=os.environ["RASAX_TESTS_DIR"])
os.environ["RASAX_RUN_DIR"] = folder
Path(folder, "static").mkdir()
for name in (
    "EVENT_BROKER_URL",
    "RASA_ENDPOINTS",
    "REDIS_URL",
    "DATABASE_REPLICA_URL",
    "DIRECT_DATABASE_URL",
    "CELERY_BROKER_URL",
    "DEBUG",
    "HTTPS",
    "SECRET_KEY_FALLBACKS",
    "ALLOW_PRIVATE_ADDRESSES",
    "RASAX_URL",
    "RASA_PROJECT",
    "TRAINING_TIMEOUT",
):
    os.environ.pop(name, None)

if os.environ.get("TEST_DATABASE") == "postgresql" and "PYTEST_XDIST_WORKER" not in os.environ:
    from tests.servers.postgres import PostgresServer

    # Nothing here outlives the server; how it comes back from a death is looked at on servers of their own.
    server = PostgresServer(fsync="off", synchronous_commit="off", full_page_writes="off")
    server.start()
    atexit.register(server.stop)
    os.environ["DATABASE_URL"] = server.create_database("rasax")
elif os.environ.get("TEST_DATABASE") != "postgresql":
    os.environ.pop("DATABASE_URL", None)
