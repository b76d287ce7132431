"""Where rasax connects to for a person, and where it never does."""

import socket
from ipaddress import ip_address

import pytest
from django.core.exceptions import ValidationError

from rasax.deployment import addresses
from rasax.deployment.addresses import AddressRefused, is_allowed, validate
from rasax.deployment.errors import RasaError, Reason
from rasax.deployment.rasa import Rasa

pytestmark = pytest.mark.once

PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::200e"]
PRIVATE = [
    "127.0.0.1", "127.8.8.8", "::1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd12::1",
]  # fmt: skip
NEVER = [
    "169.254.169.254", "169.254.0.1", "fe80::1", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192",
    "0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "239.1.1.1", "ff02::1", "240.0.0.1", "255.255.255.255", "192.0.2.1",
    "198.18.0.1", "203.0.113.5", "192.88.99.1", "2001:db8::1", "fec0::1", "100::1", "5f00::1",
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::1", "2002:808:808::1", "2001:0:4136:e378::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(settings, address):
    settings.ALLOW_PRIVATE_ADDRESSES = False
    assert is_allowed(ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_allowed_where_the_operator_says_so(settings, address):
    settings.ALLOW_PRIVATE_ADDRESSES = False
    assert not is_allowed(ip_address(address))
    settings.ALLOW_PRIVATE_ADDRESSES = True
    assert is_allowed(ip_address(address))


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_allowed(settings, address):
    settings.ALLOW_PRIVATE_ADDRESSES = True
    assert not is_allowed(ip_address(address))


@pytest.fixture
def names(monkeypatch):
    """What names lead to, as the resolver tells it; each time it is asked, the next of a name's answers."""
    known, asked = {}, []

    def resolve(host, port, *args, **kwargs):
        asked.append(host)
        if host not in known:
            return real(host, port, *args, **kwargs)
        answers = known[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        family = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [(family[ip_address(each).version], socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    known["asked"] = asked
    return known


def reason_at(url):
    with Rasa(url, timeout=2) as rasa, pytest.raises(RasaError) as raised:
        rasa.version()
    return raised.value.reason


def test_a_name_is_resolved_once_and_the_connection_goes_to_what_was_checked(rasa, names):
    """A second answer would lead to the machine's metadata: DNS rebinding."""
    names["rasa.example.com"] = [["127.0.0.1"], ["169.254.169.254"]]
    with Rasa(f"http://rasa.example.com:{rasa.port}", timeout=2) as client:
        assert client.version().version == "3.6.21"
    assert names["asked"].count("rasa.example.com") == 1
    assert rasa.asked[0].headers["host"] == f"rasa.example.com:{rasa.port}"


def test_every_connection_is_checked_not_only_the_first(rasa, names):
    names["rasa.example.com"] = [["127.0.0.1"], ["169.254.169.254"]]
    url = f"http://rasa.example.com:{rasa.port}"
    with Rasa(url, timeout=2) as client:
        assert client.version()
    assert reason_at(url) == Reason.ADDRESS


def test_one_forbidden_address_among_good_ones_is_enough(settings, names):
    settings.ALLOW_PRIVATE_ADDRESSES = True
    names["rasa.example.com"] = [["8.8.8.8", "169.254.169.254"]]
    with pytest.raises(AddressRefused):
        addresses.check("rasa.example.com", 80)


FORBIDDEN_URLS = [
    "http://169.254.169.254", "http://0xa9fea9fe", "http://2852039166", "http://[::ffff:169.254.169.254]",
    "http://[64:ff9b::a9fe:a9fe]", "http://0", "http://[::]", "http://[fe80::1%25lo]",
]  # fmt: skip


@pytest.mark.parametrize("url", FORBIDDEN_URLS)
def test_no_spelling_of_a_forbidden_address_gets_through(settings, url):
    settings.ALLOW_PRIVATE_ADDRESSES = True
    assert reason_at(url) in {Reason.ADDRESS, Reason.UNREACHABLE}
    with pytest.raises((AddressRefused, OSError)):
        addresses.check(url.removeprefix("http://").strip("[]").replace("%25", "%"), 80)


def test_loopback_is_refused_unless_it_is_allowed(rasa, settings):
    settings.ALLOW_PRIVATE_ADDRESSES = False
    for host in ("127.0.0.1", "localhost", "127.1"):
        assert reason_at(f"http://{host}:{rasa.port}") == Reason.ADDRESS
    assert rasa.asked == []


def test_redirects_are_not_followed(rasa):
    rasa.fails("/version", "redirect")
    assert reason_at(rasa.url) == Reason.REDIRECT
    assert len(rasa.asked) == 1


def test_proxies_of_the_environment_are_not_asked(rasa, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Rasa(rasa.url) as client:
        assert client.version()


def test_the_next_address_is_tried_where_one_does_not_answer(rasa, names):
    names["rasa.example.com"] = [["127.0.0.2", "127.0.0.1"]]  # the stand-in listens on 127.0.0.1 alone
    with Rasa(f"http://rasa.example.com:{rasa.port}", timeout=2) as client:
        assert client.version()


def test_a_name_that_does_not_resolve_is_unreachable(settings, names):
    settings.ALLOW_PRIVATE_ADDRESSES = True
    assert reason_at("http://no-such-host.invalid") == Reason.UNREACHABLE
    assert reason_at("http://" + "a" * 70 + ".example") == Reason.UNREACHABLE


@pytest.mark.parametrize(
    "url", ["http://rasa:5005", "https://rasa.example.com", "https://example.com/core/", "http://[::1]:5005"]
)
def test_an_address_of_an_http_server_is_taken(url):
    validate(url)


@pytest.mark.parametrize(
    "url",
    [
        "", "rasa:5005", "ftp://rasa", "file:///etc/passwd", "javascript:alert(1)", "http://", "http://:5005",
        "http://a:b@rasa", "http://rasa:99999", "http://rasa:0", "http://rasa/?token=x", "http://rasa/#x",
        "http://rasa\n.example", "http://rasa /", "http://[::1", "unix:///run/rasa.sock",
    ],
)  # fmt: skip
def test_what_is_no_such_address_is_refused(url):
    with pytest.raises(ValidationError):
        validate(url)
