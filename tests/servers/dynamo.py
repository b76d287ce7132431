"""A DynamoDB for tests: moto, which keeps everything in memory, over HTTP."""

import os
import sys
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

from tests.servers.process import HOST, Server

PROJECT = Path(__file__).parents[2]


class DynamoMock(Server):
    name: ClassVar[str] = "dynamo"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.servers.dynamo", str(self.port)]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(PROJECT), "AWS_EC2_METADATA_DISABLED": "true"}


def serve(port: int) -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    application = DomainDispatcherApplication(create_backend_app)
    lock = Lock()

    def one_at_a_time(environ: Any, start_response: Any) -> list[bytes]:
        """moto's own server does two updates of one item at once, and checks both conditions first."""
        with lock:
            return list(application(environ, start_response))

    run_simple(HOST, port, one_at_a_time, threaded=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
