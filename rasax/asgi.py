import os
import sys

from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rasax.settings")
try:
    django_application = get_asgi_application()
except ImproperlyConfigured as error:
    sys.exit(f"rasax cannot start: {error}")

# The imports below need the app registry, which get_asgi_application() has filled.
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from events.consumers import LiveConsumer

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter([path("api/ws", LiveConsumer.as_asgi())]))
        ),
    }
)
