import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from rasax.deployment.doctor import FINE, PROBLEM, WARNING, Finding, examine

MARKS = {FINE: "ok ", WARNING: "?  ", PROBLEM: "!! "}


class Command(BaseCommand):
    help = "Looks at every connection and setting, and says what to do; ends with 1 where there is a problem."
    requires_system_checks: list[str] = []  # they are among what it tells

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        found = []
        for finding in examine():
            found.append(finding)
            self.stdout.write(json.dumps(asdict(finding)) if options["json"] else _line(finding))
        if any(finding.state == PROBLEM for finding in found):
            sys.exit(1)


def _line(finding: Finding) -> str:
    advice = f"\n      → {finding.advice}" if finding.advice and finding.state != FINE else ""
    return f"{MARKS[finding.state]}{finding.part}: {finding.said}{advice}"
