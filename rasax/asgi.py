import os
import sys

from a2wsgi import WSGIMiddleware
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rasax.settings")
try:
    pages = get_wsgi_application()
except ImproperlyConfigured as error:
    sys.exit(f"rasax cannot start: {error}")

# The imports below need the app registry, which get_wsgi_application() has filled.
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from events.consumers import LiveConsumer
from rasax.migrating import only_when_ready, readiness
from rasax.monitoring import with_monitoring

THREADS = 8
readiness.begin()

application = ProtocolTypeRouter(
    {
        # Pages are synchronous. Django's own ASGI handler would give each request a new thread, and with it a new
        # connection to the database, which takes longer than most pages; these threads stay, and so do theirs.
        "http": with_monitoring(WSGIMiddleware(pages, workers=THREADS)),  # type: ignore[arg-type]  # Django's stubs know no environ
        "websocket": AllowedHostsOriginValidator(
            only_when_ready(AuthMiddlewareStack(URLRouter([path("api/ws", LiveConsumer.as_asgi())])))
        ),
    }
)
