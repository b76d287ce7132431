"""Takes all pages of a store through a crew, shows how far it is, and remembers it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress

from django.db import Error

from trackers.moving.bookmark import Bookmark
from trackers.moving.crews import Crew
from trackers.moving.progress import Progress
from trackers.moving.tally import Tally
from trackers.stores.base import Page

PAGES_AHEAD = 2_000  # names only; when all are known, so is the number of conversations
LOOKS = 20  # pages, while others work


class Passage:
    def __init__(self, pages: Iterator[Page], crew: Crew, bookmark: Bookmark, progress: Progress, tally: Tally) -> None:
        self._pages = pages
        self._crew = crew
        self._bookmark = bookmark
        self._progress = progress
        self.tally = tally
        self._ahead: deque[Page] = deque()
        self._all_known = False
        self._n_begun = self._n_settled = 0
        self._begun: dict[int, Page] = {}
        self._done: dict[int, Tally] = {}

    def run(self) -> Tally:
        """Interrupted in any way, it goes on next time after the last page before which all were done."""
        try:
            while self._goes_on():
                self._progress.show(self.tally, self._total())
            self._bookmark.remove()
        finally:
            self._progress.end()
            with suppress(Error):
                self._bookmark.save()
            self._crew.close()
        return self.tally

    def _goes_on(self) -> bool:
        while self._crew.is_free and (page := self._next()):
            self._begun[self._n_begun] = page
            self._crew.submit(self._n_begun, page.sender_ids)
            self._n_begun += 1
        looked = sum(self._look_ahead() for _ in range(LOOKS) if len(self._ahead) < PAGES_AHEAD)
        if self._begun:
            self._done.update(self._crew.results(0 if looked else 1))
            self._settle()
        return bool(self._begun or self._ahead or not self._all_known)

    def _next(self) -> Page | None:
        return self._ahead.popleft() if self._ahead or self._look_ahead() else None

    def _look_ahead(self) -> bool:
        page = None if self._all_known else next(self._pages, None)
        if page is None:
            self._all_known = True
            return False
        self._ahead.append(page)
        return True

    def _settle(self) -> None:
        """In the pages' order, so that the position has no gap before it."""
        while self._n_settled in self._done:
            self.tally.add(self._done.pop(self._n_settled))
            self._bookmark.move(self._begun.pop(self._n_settled).position, self.tally)
            self._n_settled += 1

    def _total(self) -> int | None:
        if not self._all_known:
            return None
        return self.tally.conversations + sum(len(page.sender_ids) for page in [*self._begun.values(), *self._ahead])
