"""MongoDB's wire protocol over TCP, for the real driver, in front of mongomock, which executes the commands.

Not a MongoDB: one command at a time, all in memory, no user, and no password is the right one. With TEST_MONGODB_URL
the tests take that server instead.
"""

import os
import socketserver
import struct
import sys
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

import bson
import mongomock
from pymongo.errors import OperationFailure, PyMongoError, WriteError

from tests.servers.process import HOST, Server

PROJECT = Path(__file__).parents[2]
OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
LARGEST = 16 * 1024 * 1024
HELLO = {
    "isWritablePrimary": True,
    "ismaster": True,
    "helloOk": True,
    "maxBsonObjectSize": LARGEST,
    "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 100_000,
    "minWireVersion": 0,
    "maxWireVersion": 21,
    "logicalSessionTimeoutMinutes": 30,
}


class MongoMock(Server):
    name: ClassVar[str] = "mongo"

    @property
    def url(self) -> str:
        return f"mongodb://{HOST}:{self.port}"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.servers.mongo", str(self.port)]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(PROJECT)}


class Commands:
    """What the driver and the tracker store ask for, by the command's name."""

    def __init__(self) -> None:
        self._client: Any = mongomock.MongoClient()
        self._lock = Lock()  # mongomock is not safe for threads

    def run(self, command: dict[str, Any]) -> dict[str, Any]:
        name = next(iter(command))
        run = getattr(self, f"_{name.lower()}", None)
        if run is None:
            return {"ok": 0.0, "errmsg": f"no such command: '{name}'", "code": 59}
        try:
            with self._lock:
                found = run(command, self._client[command["$db"]][str(command[name])])
            return {**found, "ok": 1.0}
        except (PyMongoError, NotImplementedError, TypeError, ValueError) as error:
            return {"ok": 0.0, "errmsg": str(error), "code": getattr(error, "code", None) or 2}

    def _hello(self, command: Any, collection: Any) -> dict[str, Any]:
        return HELLO

    _ismaster = _hello

    def _saslstart(self, command: Any, collection: Any) -> dict[str, Any]:
        raise OperationFailure("Authentication failed.", 18)

    def _dropdatabase(self, command: Any, collection: Any) -> dict[str, Any]:
        self._client.drop_database(command["$db"])
        return {}

    def _createindexes(self, command: Any, collection: Any) -> dict[str, Any]:
        for index in command["indexes"]:
            collection.create_index(list(index["key"].items()), name=index["name"], unique=index.get("unique", False))
        return {}

    def _listindexes(self, command: Any, collection: Any) -> dict[str, Any]:
        indexes = collection.index_information().items()
        return _cursor(command, [{"name": name, "key": dict(index["key"])} for name, index in indexes])

    def _find(self, command: Any, collection: Any) -> dict[str, Any]:
        found = collection.find(command.get("filter"), command.get("projection"), limit=abs(command.get("limit", 0)))
        return _cursor(command, list(found.sort(list(command["sort"].items())) if "sort" in command else found))

    def _aggregate(self, command: Any, collection: Any) -> dict[str, Any]:
        return _cursor(command, list(collection.aggregate(command["pipeline"])))

    def _insert(self, command: Any, collection: Any) -> dict[str, Any]:
        return {"n": len(collection.insert_many(command["documents"]).inserted_ids)}

    def _delete(self, command: Any, collection: Any) -> dict[str, Any]:
        return {"n": sum(collection.delete_many(delete["q"]).deleted_count for delete in command["deletes"])}

    def _update(self, command: Any, collection: Any) -> dict[str, Any]:
        [update] = command["updates"]
        try:
            if len(bson.encode(collection.find_one(update["q"]) or {})) + len(bson.encode(update["u"])) > LARGEST:
                raise WriteError("Resulting document after update is larger than 16777216", 17419)
            done = collection.update_one(update["q"], update["u"], upsert=update.get("upsert", False))
        except WriteError as error:  # a DuplicateKeyError is one, too
            return {"n": 0, "nModified": 0, "writeErrors": [{"index": 0, "code": error.code, "errmsg": str(error)}]}
        if done.upserted_id is not None:
            return {"n": 1, "nModified": 0, "upserted": [{"index": 0, "_id": done.upserted_id}]}
        return {"n": done.matched_count, "nModified": done.modified_count}


def _cursor(command: dict[str, Any], documents: list[Any]) -> dict[str, Any]:
    return {"cursor": {"id": 0, "ns": f"{command['$db']}.{next(iter(command.values()))}", "firstBatch": documents}}


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while header := self.rfile.read(16):
            length, number, _, kind = struct.unpack("<iiii", header)
            body = self.rfile.read(length - 16)
            command = _asked(body) if kind == OP_QUERY else _told(body)
            answer = bson.encode(self.server.commands.run(command))  # type: ignore[attr-defined]
            kind, start = (OP_REPLY, (8, 0, 0, 1)) if kind == OP_QUERY else (OP_MSG, (0, 0))
            body = struct.pack("<iqii" if kind == OP_REPLY else "<ib", *start) + answer
            self.wfile.write(struct.pack("<iiii", 16 + len(body), 0, number, kind) + body)


def _asked(body: bytes) -> dict[str, Any]:
    """OP_QUERY, with which a driver introduces itself: flags, name, two numbers, document."""
    end = body.index(b"\0", 4)
    return {**bson.decode(body[end + 9 :]), "$db": body[4:end].decode().partition(".")[0]}


def _told(body: bytes) -> dict[str, Any]:
    """OP_MSG: flags, then sections; of kind 0 the command, of kind 1 a list of documents under a name."""
    command: dict[str, Any] = {}
    at = 4
    while at < len(body):
        kind, size = struct.unpack_from("<bi", body, at)
        section = body[at + 1 : at + 1 + size]
        if kind == 0:
            command = {**bson.decode(section), **command}
        else:
            name, _, documents = section[4:].partition(b"\0")
            command[name.decode()] = bson.decode_all(documents)
        at += 1 + size
    return command


class Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 50
    commands = Commands()


if __name__ == "__main__":
    with Listener((HOST, int(sys.argv[1])), Connection) as listener:
        listener.serve_forever()
