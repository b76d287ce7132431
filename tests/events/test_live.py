"""A notice goes from a commit in one process to a socket in another, by the channel layer or by the database."""

import asyncio
import contextlib
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from events import brokers
from tests.deployment import Deployment
from tests.rasa import said
from tests.servers.redis import RedisServer
from tests.web import Web


@pytest.fixture(scope="module", params=["sqlite without Redis", "postgresql without Redis", "postgresql with Redis"])
def web(request, tmp_path_factory, worker_id):
    tmp_path = tmp_path_factory.mktemp("live")
    file = f"file://{tmp_path / 'rasa_event.log'}"
    environment = {}
    if request.param.startswith("sqlite"):
        database = f"sqlite:///{tmp_path / 'live.sqlite3'}"
    else:
        database = request.getfixturevalue("postgres").create_database(f"{request.param} {worker_id}")
    if request.param.endswith("with Redis"):
        environment["REDIS_URL"] = request.getfixturevalue("redis_server").url
    with Deployment(database, file, **environment) as deployment, Web(deployment) as running:
        deployment.start_event_service()
        yield running


def publish(web, *messages):
    broker = brokers.from_url(web.deployment.environment["EVENT_BROKER_URL"])
    for message in messages:
        broker.publish(message.body)
    broker.close()


async def changes(socket, *, seconds=10.0):
    return json.loads(await asyncio.wait_for(socket.recv(), seconds))["changed"]


def test_a_browser_hears_of_its_topics_and_of_no_others(web):
    async def listen():
        cookie = web.sign_in("annotator")
        async with connect(web.socket_url, additional_headers={"Cookie": cookie, "Origin": web.url}) as socket:
            await socket.send(json.dumps({"subscribe": ["conversations"]}))
            await socket.send("not JSON")
            await socket.send("[1]")
            await asyncio.sleep(1)
            publish(web, said("hi"))
            assert await changes(socket) == ["conversations"]
            await socket.send(json.dumps({"subscribe": ["conversation:1"]}))
            await asyncio.sleep(0.5)
            publish(web, said("again", timestamp=2.0), said("hi", sender_id="other", timestamp=3.0))
            assert await changes(socket) == ["conversation:1"]

    asyncio.run(listen())


def test_the_first_browser_hears_of_what_was_kept_while_its_socket_opened(tmp_path):
    async def listen(web):
        cookie = web.sign_in("annotator")
        publish(web, said("hi"))
        web.deployment.wait_for_events(1)
        async with connect(web.socket_url, additional_headers={"Cookie": cookie, "Origin": web.url}) as socket:
            await socket.send(json.dumps({"subscribe": ["conversations"]}))
            assert await changes(socket, seconds=5) == ["conversations"]

    deployment = Deployment(f"sqlite:///{tmp_path / 'live.sqlite3'}", f"file://{tmp_path / 'rasa_event.log'}")
    with deployment, Web(deployment) as web:
        deployment.start_event_service()
        asyncio.run(listen(web))


@pytest.mark.parametrize("who", ["nobody", "tester"])
def test_a_socket_is_refused_to_those_who_may_not_read_conversations(web, who):
    async def listen():
        cookie = web.sign_in(who) if who != "nobody" else ""
        with contextlib.suppress(InvalidStatus):
            async with connect(web.socket_url, additional_headers={"Cookie": cookie, "Origin": web.url}) as socket:
                with pytest.raises(ConnectionClosed):
                    await asyncio.wait_for(socket.recv(), 5)

    asyncio.run(listen())


def test_a_socket_is_refused_to_another_site(web):
    async def listen():
        headers = {"Cookie": web.sign_in("annotator"), "Origin": "https://evil.example"}
        with pytest.raises(InvalidStatus):
            async with connect(web.socket_url, additional_headers=headers):
                pass

    asyncio.run(listen())


def test_live_updates_come_back_with_redis(postgres, tmp_path):
    async def listen(web, redis):
        cookie = web.sign_in("annotator")
        async with connect(web.socket_url, additional_headers={"Cookie": cookie, "Origin": web.url}) as socket:
            await socket.send(json.dumps({"subscribe": ["conversations"]}))
            await asyncio.sleep(1)
            publish(web, said("before"))
            assert await changes(socket) == ["conversations"]
            redis.kill()
            publish(web, said("while it is away", timestamp=2.0))
            web.deployment.wait_for_events(2)
            redis.start()
            await asyncio.sleep(4)
            publish(web, said("after", timestamp=3.0))
            assert await changes(socket) == ["conversations"]

    file = f"file://{tmp_path / 'rasa_event.log'}"
    with RedisServer() as redis:
        deployment = Deployment(postgres.create_database("live_again"), file, REDIS_URL=redis.url)
        with deployment, Web(deployment) as web:
            deployment.start_event_service()
            asyncio.run(listen(web, redis))
