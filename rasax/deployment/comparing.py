"""Two evaluations side by side: what got better, and what got worse."""

from __future__ import annotations

from dataclasses import dataclass

from rasax.deployment.evaluations import Evaluation, EvaluationError

SAME = 0.0005  # a difference that no table shows


@dataclass(frozen=True)
class Compared:
    """One label, before and after; None where it was not tested."""

    kind: str
    label: str
    extractor: str
    before: float | None
    after: float | None

    @property
    def change(self) -> float | None:
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def verdict(self) -> str:
        if self.change is None:
            return "gone" if self.after is None else "new"
        return "same" if abs(self.change) < SAME else "better" if self.change > 0 else "worse"


@dataclass(frozen=True)
class Comparison:
    before: Evaluation
    after: Evaluation

    def totals(self) -> list[Compared]:
        names = ("accuracy", "precision", "f1")
        return [Compared("", name, "", getattr(self.before, name), getattr(self.after, name)) for name in names]

    def labels(self) -> list[Compared]:
        """The largest losses first, the largest gains last."""
        before, after = _f1_by_label(self.before), _f1_by_label(self.after)
        rows = [Compared(*key, before.get(key), after.get(key)) for key in before.keys() | after.keys()]
        return sorted(rows, key=lambda row: (row.change or 0.0, row.kind, row.label, row.extractor))

    def new_errors(self) -> list[EvaluationError]:
        return _without(self.after, self.before)

    def mended(self) -> list[EvaluationError]:
        return _without(self.before, self.after)


def _f1_by_label(evaluation: Evaluation) -> dict[tuple[str, str, str], float]:
    rows = evaluation.figures.values_list("kind", "label", "extractor", "f1")
    return {(kind, label, extractor): f1 for kind, label, extractor, f1 in rows}


def _without(those: Evaluation, others: Evaluation) -> list[EvaluationError]:
    """Errors of the one that the other has not; by what was said and expected, for another wrong guess is no gain."""
    known = set(others.errors.values_list("kind", "text", "expected"))
    return [error for error in those.errors.all() if (error.kind, error.text, error.expected) not in known]
