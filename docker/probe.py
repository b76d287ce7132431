"""A health check for a container that has no curl: `python docker/probe.py http://127.0.0.1:5002/health/ready`."""

import sys
import urllib.request

try:
    urllib.request.urlopen(sys.argv[1], timeout=4).close()  # noqa: S310 - the address stands in our own files
except OSError as error:
    sys.exit(f"{sys.argv[1]}: {error}")
