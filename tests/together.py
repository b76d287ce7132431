"""What several people do in the same instant."""

from concurrent.futures import ThreadPoolExecutor

from django.db import connection


def at_once(*works):
    """Runs each in a thread with a connection of its own; raises what one of them raises."""

    def run(work):
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(run, work) for work in works]:
            done.result(timeout=30)
