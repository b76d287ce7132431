"""The migrations of events with two more, as a later version would bring them: a column; its values and its index."""

from events import migrations

__path__ = [*__path__, *migrations.__path__]
