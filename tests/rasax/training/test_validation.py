"""What is wrong with a project, each rule by a project that breaks it."""

import pytest

from rasax.training.contradictions import contradictions
from rasax.training.models import Project
from rasax.training.validation import warnings
from tests.rasax.training.broken_projects import PROJECTS

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def told(files):
    project = Project.objects.default()
    project.take(files, None, replace=True)
    project.refresh_from_db()
    return [*warnings(project), *contradictions(project)]


@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_is_told_what_is_wrong_with_it(name):
    files, expected = PROJECTS[name]
    assert {(each.kind, each.words) for each in told(files)} == expected
