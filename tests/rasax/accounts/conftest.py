import pytest
from django.test import Client


@pytest.fixture
def client_of():
    """Makes a browser of its own in which this person is signed in."""

    def sign_in(person, **meta):
        browser = Client(**meta)
        browser.force_login(person)
        return browser

    return sign_in
