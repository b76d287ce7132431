"""Private git servers: the repositories of one folder, over SSH (Debian's sshd) and over smart HTTP (git's own CGI)."""

import base64
import getpass
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import ClassVar

from tests.servers.process import HOST, Server, find_program

USER, PASSWORD = "git", "t0ken-of-the-tests"
IDENTITY = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "-c", "init.defaultBranch=main"]


def git(*arguments: str | Path, cwd: Path, stdin: bytes | None = None) -> str:
    """As somebody else with a git of their own; without the settings of whoever runs the tests."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    command = [find_program("git"), *IDENTITY, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=env, input=stdin, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode(errors="replace").strip()


class Repository:
    """A bare repository, and a clone in which somebody else works."""

    def __init__(self, folder: Path, name: str = "bot.git") -> None:
        self.bare, self.clone = folder / name, folder / f"{name}-clone"
        git("init", "--quiet", "--bare", self.bare, cwd=folder)
        git("config", "http.receivepack", "true", cwd=self.bare)
        git("config", "uploadpack.allowFilter", "true", cwd=self.bare)
        git("clone", "--quiet", self.bare, self.clone, cwd=folder)

    def write(self, files: dict[str, str | bytes | None], message: str = "Work", branch: str = "main") -> str:
        """Commits and pushes; None deletes a file. The commit's id."""
        for path, content in files.items():
            self._put(self.clone / path, content)
        git("add", "--all", cwd=self.clone)
        git("commit", "--quiet", "--allow-empty", "-m", message, cwd=self.clone)
        git("push", "--quiet", "origin", f"HEAD:{branch}", cwd=self.clone)
        return git("rev-parse", "HEAD", cwd=self.clone)

    def follow(self, branch: str = "main") -> None:
        """Brings the clone to where the repository is."""
        git("fetch", "--quiet", "origin", cwd=self.clone)
        git("reset", "--quiet", "--hard", f"origin/{branch}", cwd=self.clone)

    def rewrite(self, files: dict[str, str | bytes | None]) -> str:
        """Another history without what was before, pushed by force."""
        git("checkout", "--quiet", "--orphan", "another", cwd=self.clone)
        for path, content in files.items():
            self._put(self.clone / path, content)
        git("add", "--all", cwd=self.clone)
        git("commit", "--quiet", "-m", "Begin anew", cwd=self.clone)
        git("push", "--quiet", "--force", "origin", "HEAD:main", cwd=self.clone)
        git("branch", "--force", "main", cwd=self.clone)
        git("checkout", "--quiet", "main", cwd=self.clone)
        git("branch", "-D", "another", cwd=self.clone)
        return git("rev-parse", "HEAD", cwd=self.clone)

    def read(self, path: str, branch: str = "main") -> str:
        return git("show", f"{branch}:{path}", cwd=self.bare)

    def paths(self, branch: str = "main") -> list[str]:
        return git("ls-tree", "-r", "--name-only", branch, cwd=self.bare).splitlines()

    def log(self, branch: str = "main") -> list[str]:
        return git("log", "--format=%s", branch, cwd=self.bare).splitlines()

    def _put(self, path: Path, content: str | bytes | None) -> None:
        if content is None:
            path.unlink()
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


class SshGitServer(Server):
    """`authorize` lets a public key in; `change_host_key` makes it another server."""

    name: ClassVar[str] = "git-ssh"

    def prepare(self) -> None:
        self._host_key()
        (self.folder / "authorized_keys").touch(0o600)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        (self.folder / "sshd_config").write_text(
            textwrap.dedent(f"""\
            ListenAddress {HOST}
            Port {self.port}
            HostKey {self.folder}/host_key
            AuthorizedKeysFile {self.folder}/authorized_keys
            PidFile {self.folder}/sshd.pid
            PermitRootLogin prohibit-password
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            StrictModes no
            UsePAM no
            AcceptEnv GIT_PROTOCOL
            """)
        )

    def command(self) -> list[str]:
        return [find_program("sshd", "/usr/sbin"), "-D", "-e", "-f", str(self.folder / "sshd_config")]

    def authorize(self, public_key: str) -> None:
        (self.folder / "authorized_keys").write_text(f"{public_key}\n")

    def change_host_key(self) -> None:
        self.stop()
        (self.folder / "host_key").unlink()
        self._host_key()
        self.start()

    def url(self, repository: Repository) -> str:
        return f"ssh://{getpass.getuser()}@{HOST}:{self.port}{repository.bare}"

    def _host_key(self) -> None:
        command = [find_program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / "host_key")]
        subprocess.run(command, check=True, timeout=30)


class HttpGitServer(Server):
    """Takes USER and PASSWORD alone."""

    name: ClassVar[str] = "git-http"

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.servers.git_http", str(self.port), str(self.root)]

    def environment(self) -> dict[str, str]:
        here = str(Path(__file__).parents[2])
        secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return {**os.environ, "PYTHONPATH": here, "GIT_HTTP_SECRET": secret}

    def url(self, repository: Repository) -> str:
        return f"http://{HOST}:{self.port}/{repository.bare.relative_to(self.root)}"
