"""What an evaluation says, as rows: figures by label, what was taken for what, errors, and how sure the model was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rasax.deployment.answers import Evaluation, IntentTest, StoryTest

INTENT, ENTITY, RESPONSE, ACTION = "intent", "entity", "response", "action"
AVERAGES = {"accuracy", "micro avg", "macro avg", "weighted avg", "conversation_accuracy"}
BINS = 20  # of confidence, from 0 to 1
MOST_LABELS, MOST_ERRORS = 2_000, 10_000
LONGEST_TEXT, LONGEST_LABEL = 2_000, 255


@dataclass(frozen=True)
class Figure:
    kind: str
    label: str
    precision: float
    recall: float
    f1: float
    support: int
    extractor: str = ""


@dataclass(frozen=True)
class Mistake:
    kind: str
    text: str
    expected: str
    predicted: str
    confidence: float | None = None


@dataclass(frozen=True)
class Outcome:
    """`right` and `wrong` count predictions by confidence; `right` is empty where Rasa tells of errors alone."""

    accuracy: float | None
    precision: float | None
    f1: float | None
    n_tested: int
    figures: list[Figure] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    confusions: dict[tuple[str, str], int] = field(default_factory=dict)
    right: list[int] = field(default_factory=list)
    wrong: list[int] = field(default_factory=list)


def of_intents(test: IntentTest) -> Outcome:
    intents = test.intents or Evaluation()
    figures = list(_figures(INTENT, intents.report))
    for extractor, evaluation in test.entities.items():
        figures += _figures(ENTITY, evaluation.report, extractor)
    figures += _figures(RESPONSE, (test.responses or Evaluation()).report)
    mistakes = [_intent_mistake(error) for error in intents.errors]
    return Outcome(
        accuracy=_number(intents.report.get("accuracy"), intents.accuracy),
        precision=intents.precision,
        f1=intents.f1_score,
        n_tested=sum(figure.support for figure in figures if figure.kind == INTENT),
        figures=figures[:MOST_LABELS],
        mistakes=[*mistakes, *_entity_mistakes(test.entities)][:MOST_ERRORS],
        confusions=_confusions(figures, mistakes),
        right=_bins(_confidence_of_right(intents.predictions)),
        wrong=_bins(mistake.confidence or 0.0 for mistake in mistakes),
    )


def _intent_mistake(error: Mapping[str, Any]) -> Mistake:
    said = error.get("intent_prediction") or {}
    confidence = _number(said.get("confidence"))
    return Mistake(INTENT, _text(error.get("text")), _label(error.get("intent")), _label(said.get("name")), confidence)


def _entity_mistakes(entities: Mapping[str, Evaluation]) -> Iterable[Mistake]:
    for extractor, evaluation in entities.items():
        for error in evaluation.errors:
            expected, found = error.get("entities"), error.get("predicted_entities")
            said = f"{_entities(found)} ({extractor})" if extractor else _entities(found)
            yield Mistake(ENTITY, _text(error.get("text")), _entities(expected), said[:LONGEST_LABEL])


def _entities(found: Any) -> str:
    rows = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return ", ".join(f"{each.get('entity')}={each.get('value')}" for each in rows)[:LONGEST_LABEL].replace("\x00", "")


def _confidence_of_right(predictions: Sequence[Mapping[str, Any]]) -> Iterable[float]:
    right = (each for each in predictions if each.get("intent") == each.get("predicted"))
    return (_number(each.get("confidence")) or 0.0 for each in right)


def _confusions(figures: Iterable[Figure], mistakes: Iterable[Mistake]) -> dict[tuple[str, str], int]:
    """From the errors: a report names of each label only the two or three that it was taken for most often."""
    found = Counter((mistake.expected, mistake.predicted) for mistake in mistakes)
    wrong = Counter(expected for expected, _ in found.elements())
    for figure in figures:
        if figure.kind == INTENT and (right := figure.support - wrong[figure.label]) > 0:
            found[figure.label, figure.label] = right
    return dict(found)


def of_stories(results: Sequence[tuple[str, StoryTest]]) -> Outcome:
    """Of test stories that were asked one by one."""
    pairs = [(str(each.get("action")), str(each.get("predicted"))) for _, test in results for each in test.actions]
    mistakes = [mistake for name, test in results for mistake in _story_mistakes(name, test)]
    failed = {mistake.text for mistake in mistakes}
    figures = list(_by_action(pairs))
    weights = sum(figure.support for figure in figures) or 1
    return Outcome(
        accuracy=1 - len(failed) / len(results) if results else None,
        precision=sum(figure.precision * figure.support for figure in figures) / weights,
        f1=sum(figure.f1 * figure.support for figure in figures) / weights,
        n_tested=len(results),
        figures=figures[:MOST_LABELS],
        mistakes=mistakes[:MOST_ERRORS],
        confusions=dict(Counter(pairs)),
        right=_bins(_sure(results, right=True)),
        wrong=_bins(_sure(results, right=False)),
    )


def _story_mistakes(name: str, test: StoryTest) -> list[Mistake]:
    wrong = [each for each in test.actions if each.get("action") != each.get("predicted")]
    found = [
        Mistake(
            ACTION, _text(name), _label(each.get("action")), _label(each.get("predicted")),
            _number(each.get("confidence")),
        )
        for each in wrong
    ]  # fmt: skip
    # What users said, too: Rasa counts it, but does not tell what it took it for.
    told = {each.get("action") for each in test.actions} | {each.get("predicted") for each in test.actions}
    rows = ((label, row) for label, row in test.report.items() if label not in AVERAGES | told)
    missed = (label for label, row in rows if isinstance(row, dict) and (_number(row.get("recall")) or 0.0) < 1)
    return found + [Mistake(INTENT, _text(name), _label(label), "") for label in missed]


def _by_action(pairs: Sequence[tuple[str, str]]) -> Iterable[Figure]:
    expected, predicted = Counter(pair[0] for pair in pairs), Counter(pair[1] for pair in pairs)
    right = Counter(pair[0] for pair in pairs if pair[0] == pair[1])
    for label in sorted(expected.keys() | predicted.keys()):
        precision = right[label] / predicted[label] if predicted[label] else 0.0
        recall = right[label] / expected[label] if expected[label] else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        yield Figure(ACTION, _label(label), precision, recall, f1, expected[label])


def _sure(results: Sequence[tuple[str, StoryTest]], right: bool) -> Iterable[float]:
    actions = (each for _, test in results for each in test.actions)
    return (
        _number(each.get("confidence")) or 0.0
        for each in actions
        if (each.get("action") == each.get("predicted")) == right
    )


def _figures(kind: str, report: Mapping[str, Any], extractor: str = "") -> Iterable[Figure]:
    for label, row in report.items():
        if label not in AVERAGES and isinstance(row, dict):
            precision, recall, f1 = (_number(row.get(name)) or 0.0 for name in ("precision", "recall", "f1-score"))
            support = int(_number(row.get("support")) or 0)
            yield Figure(kind, _label(label), precision, recall, f1, support, extractor[:LONGEST_LABEL])


def _bins(confidences: Iterable[float]) -> list[int]:
    counted = Counter(min(BINS - 1, max(0, int(each * BINS))) for each in confidences)
    return [counted[number] for number in range(BINS)] if counted else []


def _number(*values: Any) -> float | None:
    numbers = (value for value in values if isinstance(value, int | float) and abs(value) < 1e15)
    return next((float(value) for value in numbers), None)


def _text(value: Any) -> str:
    return str(value or "").replace("\x00", "").encode(errors="replace").decode()[:LONGEST_TEXT]


def _label(value: Any) -> str:
    return _text(value)[:LONGEST_LABEL]
