from __future__ import annotations

from rasax.training.changes import Change
from rasax.training.files import Block, Example, Mention, TrainingFile
from rasax.training.projects import Project
from rasax.training.repositories import GitFile, GitRepository

__all__ = ["Block", "Change", "Example", "GitFile", "GitRepository", "Mention", "Project", "TrainingFile"]
