import pytest
from django.core.cache import cache

from rasax.deployment.models import RasaServer


@pytest.fixture
def desk(client, alice):
    """A browser in which Alice is signed in."""
    client.force_login(alice)
    return client


@pytest.fixture
def production(rasa, alice):
    return RasaServer.objects.add(alice, name="production", url=rasa.url, token="tok3n", use="production")


@pytest.fixture
def service(settings):
    """The token of Rasa servers; they may ask as often as a test likes."""
    cache.clear()
    settings.SERVICE_TOKEN = "a-token-that-only-rasa-servers-know"
    return settings.SERVICE_TOKEN
