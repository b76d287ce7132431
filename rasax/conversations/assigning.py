"""Who is to look at a conversation."""

from __future__ import annotations

from django.conf import settings
from django.db import models, transaction

from events.models import Conversation, Facet
from events.querysets import ConversationQuerySet
from rasax.accounts.models import AuditEntry, User
from rasax.accounts.people import parting


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def assign(self, conversations: ConversationQuerySet, assignee: User | None, by: User | None) -> int:
        """Gives conversations to somebody, or to nobody; returns how many were somebody else's before."""
        return len(self.change(conversations, assignee, by))

    @transaction.atomic
    def change(self, conversations: ConversationQuerySet, assignee: User | None, by: User | None) -> dict[int, str]:
        """As `assign`; returns whose they were before, by id: the person's id, or "". Whose account was deleted
        meanwhile is given nothing."""
        # Before the conversations, as whoever deletes the account does.
        if assignee and not User.objects.select_for_update(no_key=True).filter(pk=assignee.pk).first():
            return {}
        # In the order in which record() and reviewers lock, so that nobody waits for another in a ring.
        pks = list(conversations.order_by("key").select_for_update().values_list("pk", flat=True))
        had = dict(self.filter(conversation__in=pks).values_list("pk", "assignee_id"))
        changed = [pk for pk in pks if had.get(pk) != (assignee and assignee.pk)]
        targets = Conversation.objects.filter(pk__in=changed)
        self._move(targets, {had[pk] for pk in changed if pk in had}, assignee)
        if assignee is None:
            self.filter(conversation__in=changed).delete()
        else:
            self.bulk_create(
                [Assignment(conversation_id=pk, assignee=assignee, by=by) for pk in changed],
                update_conflicts=True,
                unique_fields=["conversation"],
                update_fields=["assignee", "by", "at"],
            )
        AuditEntry.objects.note(by, "assigned", targets, assignee=assignee.get_username() if assignee else "")
        return {pk: str(had.get(pk, "")) for pk in changed}

    @staticmethod
    def _move(targets: ConversationQuerySet, before: set[int], assignee: User | None) -> None:
        if assignee:
            Facet.objects.get_or_create(kind=Facet.Kind.ASSIGNEE, value=str(assignee.pk))
        list(Facet.objects.filter(kind=Facet.Kind.ASSIGNEE).order_by("pk").select_for_update())
        for old in before:
            targets.unlink(Facet.Kind.ASSIGNEE, str(old))
        if assignee:
            targets.link(Facet.Kind.ASSIGNEE, str(assignee.pk))


@parting
def give_back(person: User, by: User) -> None:
    """Before their account is deleted: what they were to look at is nobody's again, and no filter names them."""
    Assignment.objects.assign(Conversation.objects.filter(assignment__assignee=person), None, by)
    Facet.objects.filter(kind=Facet.Kind.ASSIGNEE, value=str(person.pk)).delete()


class Assignment(models.Model):
    """Its facet's value is the assignee's id, which outlives a change of name."""

    conversation = models.OneToOneField(
        Conversation, on_delete=models.CASCADE, primary_key=True, related_name="assignment"
    )
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assignments")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now=True)

    objects = AssignmentQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.conversation}: {self.assignee}"
