"""The one project of training data: what it holds, and the verbs that change it.

Every verb takes `by`, locks the project's row, checks the new texts before anything is written, writes a Change and an
audit entry, moves `version`, tells the TRAINING_FOLLOWERS and announces the topic "training". It raises
formats.Refused, which says what is wrong, in which file and line, and then nothing is changed.
"""

from __future__ import annotations

from django.db import models

TOPIC = "training"


class Project(models.Model):
    """A row to lock, and a stamp that moves with every change."""

    name = models.CharField(max_length=60, unique=True, default="default")
    version = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name
