"""The migrations of today, and those of tomorrow beside them."""

from pathlib import Path

import events.migrations

__path__ = [*events.migrations.__path__, str(Path(__file__).parent)]
LATEST_OF_TODAY = max(path.stem for path in Path(events.migrations.__path__[0]).glob("0*.py"))
