"""What Rasa answers, typed: what 2.8 and 3.x say differently is one thing here."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, TypeVar

import msgspec

from rasax.deployment.errors import RasaError, Reason

Json = dict[str, Any]
Shape = TypeVar("Shape")
Tracker = Json  # a tracker's state, as trackers.state knows it


class Version(msgspec.Struct, frozen=True):
    version: str
    minimum_compatible_version: str = ""


class Status(msgspec.Struct, frozen=True):
    """`model_id` is 3.x's; 2.8 tells a fingerprint instead. Without a model both names are empty."""

    model_file: str = ""
    model_id: str = ""
    num_active_training_jobs: int = 0
    fingerprint: Json = {}

    @property
    def has_model(self) -> bool:
        return bool(self.model_file)


class Intent(msgspec.Struct, frozen=True):
    name: str | None = None
    confidence: float = 0.0
    full_retrieval_intent_name: str | None = None


class Parsed(msgspec.Struct, frozen=True):
    text: str
    intent: Intent = Intent()
    entities: list[Json] = []
    intent_ranking: list[Intent] = []
    response_selector: Json = {}


class Score(msgspec.Struct, frozen=True):
    action: str
    score: float


class Prediction(msgspec.Struct, frozen=True):
    """Of the next action. `policy` is null where no policy has an opinion."""

    scores: list[Score]
    policy: str | None = None
    confidence: float | None = None
    tracker: Tracker | None = None

    @property
    def best(self) -> Score | None:
        return max(self.scores, key=lambda each: each.score, default=None)


class Executed(msgspec.Struct, frozen=True):
    """`messages` are what the bot said: `{recipient_id, text, buttons?, image?, attachment?, custom?}`."""

    tracker: Tracker
    messages: list[Json] = []


class Evaluation(msgspec.Struct, frozen=True):
    """Of intents, entities or responses. `report` is scikit-learn's: by label precision, recall, f1-score, support, and
    Rasa's `confused_with`; beside the labels "accuracy", "micro avg", "macro avg", "weighted avg"."""

    report: Json = {}
    precision: float | None = None
    f1_score: float | None = None
    accuracy: float | None = None
    predictions: list[Json] = []
    errors: list[Json] = []


class IntentTest(msgspec.Struct, frozen=True):
    """None: there was nothing of the kind to test."""

    intents: Evaluation | None
    entities: dict[str, Evaluation]
    responses: Evaluation | None


class StoryTest(msgspec.Struct, frozen=True):
    """`actions` are `{action, predicted, policy, confidence}` in order."""

    report: Json = {}
    precision: float | None = None
    f1: float | None = None
    accuracy: float | None = None
    actions: list[Json] = []
    in_training_data_fraction: float | None = None
    is_end_to_end_evaluation: bool = False


def of(data: Any, shape: type[Shape]) -> Shape:
    """Raises RasaError where it is something else."""
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError as error:
        raise RasaError(Reason.NOT_RASA, "", 200) from error


def status(data: Any) -> Status:
    """2.8 says null without a model, and a path where 3.x says a name."""
    said = of(data, dict[str, Any])
    name = said.get("model_file")
    told = {key: value for key, value in said.items() if value is not None}
    return of({**told, "model_file": PurePath(name).name if isinstance(name, str) else ""}, Status)


def intent_test(data: Any) -> IntentTest:
    """Of an answer, or of what Rasa posts to the callback of `Rasa.test_intents`."""
    said = of(data, dict[str, Any])
    if "intent_evaluation" not in said:
        raise RasaError(Reason.NOT_RASA, "", 200)
    return IntentTest(
        intents=_evaluation(said.get("intent_evaluation")),
        entities=_entities(said.get("entity_evaluation")),
        responses=_evaluation(said.get("response_selection_evaluation")),
    )


def story_test(data: Any) -> StoryTest:
    said = of(data, dict[str, Any])
    if "report" not in said:
        raise RasaError(Reason.NOT_RASA, "", 200)
    return of(said, StoryTest)


def _entities(data: Any) -> dict[str, Evaluation]:
    """By extractor; a cross-validation may tell of all of them at once, which has no name then."""
    if not isinstance(data, dict):
        return {}
    parts = {"": data} if "report" in data else data
    return {name: found for name, part in parts.items() if (found := _evaluation(part))}


def _evaluation(data: Any) -> Evaluation | None:
    """A cross-validation leaves f1_score null; its report has it."""
    if data is None:
        return None
    found = of(data, Evaluation)
    average = found.report.get("weighted avg")
    if found.f1_score is None and isinstance(average, dict):
        return msgspec.structs.replace(found, f1_score=average.get("f1-score"))
    return found
