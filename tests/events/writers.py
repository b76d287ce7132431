"""Those who write into the brokers that are no servers, as badly as they may."""

import multiprocessing
import random
import time
from pathlib import Path

import psycopg2


def write_as_eight_processes(url: str, bodies: list[bytes]) -> None:
    """Into a SQL event broker's table: ids are taken in one order and committed in another, and some never are."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS events (id SERIAL PRIMARY KEY, sender_id VARCHAR(255), data TEXT)")
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_commit_late, args=(url, bodies[part::8], part)) for part in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0


def _commit_late(url: str, bodies: list[bytes], seed: int) -> None:
    chance = random.Random(seed)
    connection = psycopg2.connect(url)
    for body in bodies:
        while not _insert(connection, body, chance):
            pass
    connection.close()


def _insert(connection: "psycopg2.extensions.connection", body: bytes, chance: random.Random) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO events (sender_id, data) VALUES ('x', %s)", [body.decode()])
        time.sleep(chance.choice([0, 0, 0.01, 0.2]))
    if chance.random() < 0.2:
        connection.rollback()
        return False
    connection.commit()
    return True


def write_slowly(path: Path, bodies: list[bytes]) -> None:
    """Line by line, now and then stopping in the middle of one."""
    with path.open("ab", buffering=0) as file:
        for number, body in enumerate(bodies):
            half = len(body) // 2 if number % 10 == 0 else len(body)
            file.write(body[:half])
            time.sleep(0.02 if half < len(body) else 0)
            file.write(body[half:] + b"\n")
