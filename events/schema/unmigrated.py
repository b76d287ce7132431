"""Tables that no migration makes, of what is told while there are no others: made where they are missing, as Django
makes that of the applied migrations."""

from __future__ import annotations

from typing import Any

from django.db import models


def has_table(connection: Any, model: type[models.Model]) -> bool:
    with connection.cursor() as cursor:
        return model._meta.db_table in connection.introspection.table_names(cursor)


def make_table(connection: Any, model: type[models.Model]) -> None:
    if not has_table(connection, model):
        with connection.schema_editor() as editor:
            editor.create_model(model)
