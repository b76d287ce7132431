"""What can go wrong between rasax and a git server, in sentences that say what to do."""

from __future__ import annotations

from django.utils.translation import gettext_noop


class GitFailed(Exception):
    """`words` are the server's or the driver's own."""

    def __init__(self, message: str, words: str = "") -> None:
        super().__init__(message)
        self.message, self.words = message, words[:500]


UNREACHABLE = gettext_noop("The git server does not answer. Look at the address, and whether rasax may reach it.")
TOO_LATE = gettext_noop("The git server took too long. Try again; if it stays so, ask who runs it.")
ADDRESS = gettext_noop(
    "The address leads to where rasax does not connect. For a server in your own network an operator sets "
    "ALLOW_PRIVATE_ADDRESSES."
)
REFUSED = gettext_noop("The git server does not let rasax in. Give it the public key, or rasax a token that counts.")
HOST_KEY = gettext_noop(
    "The git server shows another host key than before. If whoever runs it changed the key, forget the old one here; "
    "if not, somebody may stand between."
)
NO_REPOSITORY = gettext_noop("There is no such repository, or these credentials do not show it.")
NO_BRANCH = gettext_noop("The repository has no such branch. Write the name of one that is there.")
TOO_LARGE = gettext_noop(
    "The branch is larger than rasax takes: 256 MB packed, 32 MB a file. Keep large files out of it, or in Git LFS."
)
NO_KEY = gettext_noop("This is no private key that rasax reads. Paste one of OpenSSH, without a passphrase.")
IN_THE_WAY = gettext_noop(
    "In the branch a link, a submodule, a file or a folder is where something else should go. Nothing was pushed."
)
MOVED = gettext_noop("Somebody else pushes to the branch all the time. Try again.")
NOT_TAKEN = gettext_noop("The git server did not take the push. Its own words say why.")
BROKEN = gettext_noop("The git server answered what git does not understand. Look at the address.")
NO_REDIRECT = gettext_noop("The git server sends rasax elsewhere. Write the address that it leads to.")
NO_ENCRYPTION = gettext_noop("The secret was encrypted with a key that is gone. Connect the repository anew.")
