"""The web process of a deployment, and people who sign in to it without a browser."""

from __future__ import annotations

import socket
from typing import Self

from tests.deployment import Deployment
from tests.servers.process import free_port

SIGN_IN = """
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from rasax.accounts.models import User
for name in {names}:
    user, _ = User.objects.get_or_create(username=name)
    user.groups.set(Group.objects.filter(name="{role}"))
    session = SessionStore()
    session.update({{"_auth_user_id": str(user.pk), "_auth_user_backend": "rasax.accounts.backends.OneQueryBackend",
        "_auth_user_hash": user.get_session_auth_hash()}})
    session.create()
    print("sessionid=" + session.session_key)
"""


class Web:
    """uvicorn on a free port; `with` waits until it answers."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.socket_url = f"ws://127.0.0.1:{self.port}/api/ws"

    def __enter__(self) -> Self:
        self.process = self.deployment.start("-m", "uvicorn", "rasax.asgi:application", "--port", str(self.port))
        self.deployment.wait_until(self._answers, "answering web process", 60)
        return self

    def __exit__(self, *args: object) -> None:
        self.deployment.kill(self.process)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def sign_in(self, role: str) -> str:
        """The cookie of a person who has this role."""
        return (
            self.deployment.manage("shell", "-c", SIGN_IN.format(names=[role], role=role))
            .stdout.strip()
            .splitlines()[-1]
        )
