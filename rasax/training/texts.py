"""When two texts of users are the same: white space apart, letter by letter."""

from __future__ import annotations

from hashlib import blake2b


def digest(text: str) -> int:
    """64 bits, signed, as databases keep them."""
    same = " ".join(text.split())
    return int.from_bytes(blake2b(same.encode(errors="surrogatepass"), digest_size=8).digest(), signed=True)
