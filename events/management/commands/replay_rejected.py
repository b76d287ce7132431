from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from events.models import RejectedMessage


class Command(BaseCommand):
    help = "Tries rejected messages again; those that can be kept now become events and are no longer rejected."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", type=int, help="of RejectedMessage; without any, all")

    def handle(self, *args: Any, **options: Any) -> None:
        messages = RejectedMessage.objects.all()
        if options["ids"]:
            messages = messages.filter(pk__in=options["ids"])
        outcome = messages.replay()
        self.stdout.write(
            f"{outcome.stored} stored, {outcome.repeated} were there already, {outcome.rejected} rejected again."
        )
