import json
import socket
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.rasa import PAYLOADS
from tests.servers.redis import RedisServer
from tests.trackers.contract import TrackerStoreContract
from tests.trackers.conversations import user
from trackers.stores import ConversationUnreadable, TrackerStoreUnavailable
from trackers.stores.redis import RedisTrackerStore
from trackers.tracker import DialogueStateTracker

DAY = timedelta(days=1)
RECORDED = json.loads((PAYLOADS / "rasa_3_6_redis_store.json").read_text())


@pytest.fixture
def number(worker_id: str) -> int:
    """A database for each process that runs tests."""
    return int(worker_id.strip("master gw") or 0) + 1


@pytest.fixture
def client(redis_server: RedisServer, number: int) -> Any:
    with redis.Redis(port=redis_server.port, db=number) as client:
        client.flushdb()
        yield client


@pytest.fixture
def open_store(redis_server: RedisServer, client: Any, number: int) -> Any:
    return lambda **overrides: RedisTrackerStore(
        **{"host": "127.0.0.1", "port": redis_server.port, "db": number, **overrides}
    )


class TestRedisTrackerStore(TrackerStoreContract):
    @pytest.fixture
    def open_store(self, open_store: Any) -> Any:
        return open_store

    @pytest.fixture
    def break_conversation(self, client: Any) -> Any:
        return lambda sender_id: client.set(f"tracker:{sender_id}", '{"events": [')


def test_a_recorded_store_is_read_to_the_same_events(client: Any, open_store: Any) -> None:
    for record in RECORDED:
        client.set(record["key"], record["value_raw"])
    store = open_store(key_prefix="lab")
    assert sorted(store.sync.keys()) == sorted(record["key"].removeprefix("lab:tracker:") for record in RECORDED)
    for record in RECORDED:
        events = json.loads(record["value_raw"])["events"]
        stored = next(store.read([record["key"].rpartition(":")[2]]))
        assert stored.events == events
        assert list(stored.texts) == [json.dumps(event) for event in events]


@pytest.mark.parametrize("turn", [1, 3, 1000])
def test_what_is_appended_is_what_rasa_would_have_written(client: Any, open_store: Any, turn: int) -> None:
    for record in RECORDED:
        events = json.loads(record["value_raw"])["events"]
        tracker = DialogueStateTracker(record["key"].rpartition(":")[2])
        store = open_store(key_prefix="lab")
        for start in range(0, len(events) or 1, turn):
            tracker.update_with_events(events[start : start + turn], override_timestamp=False)
            store.sync.save(tracker)
        assert client.get(record["key"]).decode() == record["value_raw"]


def test_a_text_laid_out_in_another_way_is_appended_to(client: Any, open_store: Any) -> None:
    first, second = user("ü"), user("b", timestamp=1795312600.0)
    client.set("tracker:ann", json.dumps({"name": "ann", "events": [first]}, ensure_ascii=False))
    store = open_store()
    tracker = store.sync.retrieve("ann")
    tracker.update(second)
    store.sync.save(tracker)
    assert client.get("tracker:ann").decode() == json.dumps({"events": [first, second], "name": "ann"})


def test_a_conversation_lives_for_record_exp_after_each_save(client: Any, open_store: Any) -> None:
    store = open_store(record_exp=100)
    tracker = DialogueStateTracker.from_events("ann", [user("a")])
    store.sync.save(tracker)
    client.expire("tracker:ann", 10)
    store.sync.save(tracker)
    assert 90 < client.ttl("tracker:ann") <= 100
    tracker.update(user("b", timestamp=1795312600.0))
    open_store().sync.save(tracker)
    assert client.ttl("tracker:ann") == -1


def test_a_prefix_that_is_not_alphanumeric_is_left_out_as_rasa_does(client: Any, open_store: Any, caplog: Any) -> None:
    open_store(key_prefix="my-bot").sync.save(DialogueStateTracker.from_events("ann", [user("a")]))
    assert client.keys() == [b"tracker:ann"]
    assert "'my-bot' is not alphanumeric" in caplog.text


def test_a_position_of_a_redis_that_was_restarted_since_begins_anew(open_store: Any) -> None:
    store = open_store()
    for number in range(40):
        store.sync.save(DialogueStateTracker.from_events(f"u{number}", [user("a")]))
    first = next(iter(store.pages(size=5)))
    rest = {name for page in store.pages(first.position, 5) for name in page.sender_ids}
    assert len(rest) < 40
    restarted = first.position.partition(" ")[0] + " another-run"
    assert {name for page in store.pages(restarted, 5) for name in page.sender_ids} == {f"u{n}" for n in range(40)}


def test_a_pickled_tracker_of_rasa_1_is_named_and_never_loaded(client: Any, open_store: Any) -> None:
    client.set("tracker:old", b"\x80\x03crasa.core.trackers\nDialogueStateTracker\nq\x00.")
    with pytest.raises(ConversationUnreadable, match="the key tracker:old is a pickle of Rasa 1"):
        open_store().sync.retrieve("old")


def test_a_key_of_another_type_is_named(client: Any, open_store: Any) -> None:
    client.rpush("tracker:list", "x")
    store = open_store()
    assert store.sync.retrieve("list") is None
    with pytest.raises(ConversationUnreadable, match="tracker:list is no string"):
        store.sync.save(DialogueStateTracker.from_events("list", [user("a")]))


def test_a_redis_that_is_not_there_is_named(open_store: Any) -> None:
    with pytest.raises(TrackerStoreUnavailable, match=r"Redis at 127.0.0.1:1/.*: .*refused"):
        open_store(port=1).sync.retrieve("ann")


def test_a_wrong_password_is_told(client: Any, open_store: Any) -> None:
    with pytest.raises(TrackerStoreUnavailable, match=r"Redis at .*: .*(AUTH|password)"):
        open_store(username="nobody", password="wrong").sync.retrieve("ann")


def certificate(folder: Path) -> tuple[Path, Path]:
    """A key, and a certificate that it signed itself, for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + DAY)
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    key_file, certificate_file = folder / "key.pem", folder / "certificate.pem"
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    certificate_file.write_bytes(signed.public_bytes(pem))
    return key_file, certificate_file


class LockedRedis(RedisServer):
    """Speaks TLS only, to those who show the certificate, and knows one user."""

    def __init__(self, key: Path, certificate: Path) -> None:
        super().__init__()
        self.key, self.certificate = key, certificate

    def command(self) -> list[str]:
        tls = ["--tls-port", str(self.port), "--port", "0", "--tls-auth-clients", "yes"]
        tls += ["--tls-key-file", str(self.key), "--tls-cert-file", str(self.certificate)]
        tls += ["--tls-ca-cert-file", str(self.certificate)]
        return [*super().command(), *tls, "--user", "bot", "on", ">secret", "~tracker:*", "+@all"]

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


def test_tls_its_files_and_a_user_are_used(tmp_path: Path) -> None:
    key, signed = certificate(tmp_path)
    files = {"ssl_keyfile": str(key), "ssl_certfile": str(signed), "ssl_ca_certs": str(signed)}
    with LockedRedis(key, signed) as server:
        address = {"host": "127.0.0.1", "port": server.port, "username": "bot", "password": "secret"}
        store = RedisTrackerStore(**address, use_ssl=True, **files)
        store.sync.save(DialogueStateTracker.from_events("ann", [user("a")]))
        assert store.sync.exists("ann")
        store.close()
        for wrong in ({"use_ssl": False}, {"use_ssl": True}, {"use_ssl": True, **files, "password": "other"}):
            with pytest.raises(TrackerStoreUnavailable):
                RedisTrackerStore(**{**address, **wrong}).sync.exists("ann")
