"""Every event whose publish was confirmed is kept once, whatever dies. `make chaos` runs the long version."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.chaos.harness import WORKS_AGAIN_WITHIN, Chaos, lost_and_doubled
from tests.chaos.publisher import Publisher
from tests.deployment import Deployment
from tests.long import LONG

pytestmark = pytest.mark.chaos

MUTANT = "tests.chaos.mutant.AcknowledgesOnReceipt://"


@contextmanager
def chaos(database: str, broker_url: str, *, mutant: bool = False) -> Iterator[Chaos]:
    consumed = broker_url.replace("amqp://", MUTANT) if mutant else broker_url
    deployment = Deployment(database, consumed, DJANGO_SETTINGS_MODULE="tests.chaos.settings")
    with deployment, Publisher(broker_url) as publisher:
        chaos = Chaos(deployment, publisher, seed=7)
        deployment.wait_for_events(1)
        yield chaos


def everything_is_kept_once(chaos: Chaos) -> None:
    chaos.publisher.__exit__()
    lost, doubled = lost_and_doubled(chaos.deployment, chaos.publisher)
    assert len(chaos.publisher.confirmed) > 500
    assert (lost, doubled) == (set(), set()), chaos.deployment.log()[-4000:]
    assert max(chaos.recovery) < WORKS_AGAIN_WITHIN
    print(f"{len(chaos.publisher.confirmed)} events; seconds to work again: {[round(s, 1) for s in chaos.recovery]}")


def test_nothing_is_lost_or_doubled_when_workers_are_killed(postgres, rabbitmq):
    with chaos(postgres.create_database("chaos_workers"), rabbitmq.new_vhost()) as storm:
        storm.strike(storm.kill_a_worker, times=20 if LONG else 5, apart=3)
        everything_is_kept_once(storm)


def test_nothing_is_lost_or_doubled_when_postgresql_is_killed(private_postgres, rabbitmq):
    def blow() -> None:
        private_postgres.kill()
        private_postgres.start()

    with chaos(private_postgres.create_database("chaos"), rabbitmq.new_vhost()) as storm:
        storm.strike(blow, times=3 if LONG else 1, apart=3)
        storm.ensure_workers_live()
        everything_is_kept_once(storm)


def test_nothing_is_lost_or_doubled_when_rabbitmq_is_killed(postgres, private_rabbitmq):
    def blow() -> None:
        private_rabbitmq.kill()
        private_rabbitmq.start()

    with chaos(postgres.create_database("chaos_rabbitmq"), private_rabbitmq.url) as storm:
        storm.strike(blow, times=3 if LONG else 1, apart=3)
        storm.ensure_workers_live()
        everything_is_kept_once(storm)


def test_a_build_that_acknowledges_before_the_commit_would_be_found_out(postgres, rabbitmq):
    with chaos(postgres.create_database("chaos_mutant"), rabbitmq.new_vhost(), mutant=True) as storm:
        storm.strike(storm.kill_a_worker, times=20 if LONG else 5, apart=3)
        storm.publisher.__exit__()
        lost, _ = lost_and_doubled(storm.deployment, storm.publisher, patience=15)
        assert lost
