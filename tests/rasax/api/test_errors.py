"""Whatever goes wrong has one shape, and says what to do."""

import pytest

from rasax.conversations.models import Review
from tests.rasax.api.conftest import Api

pytestmark = pytest.mark.once

SHAPE = {"version", "status", "reason", "message", "details", "code"}
REVIEW = "/api/conversations/ann/reviewStatus"


def fails(answer, code):
    assert answer.status_code == code, answer.content
    assert answer["Content-Type"] == "application/json"
    body = answer.json()
    assert body.keys() == SHAPE
    assert (body["status"], body["code"]) == ("failure", code)
    assert body["message"]
    return body


def test_a_path_that_there_is_not(api):
    fails(api.get("/api/no/such/path"), 404)
    fails(Api().post("/api/no/such/path"), 404)
    fails(api.get("/api/jobs/17"), 404)


def test_a_method_that_there_is_not(api):
    fails(api.delete("/api/conversations"), 405)
    fails(api.options("/api/conversations"), 405)


def test_an_error_of_our_own_is_no_page(api, conversations, monkeypatch):
    monkeypatch.setattr(Review.objects, "mark", None)
    body = fails(api.send("PUT", "conversations/ann/reviewStatus", {"review_status": "reviewed"}), 500)
    assert "TypeError" not in body["message"]


BODIES = {
    "no JSON": b"{", "nothing": b"", "another kind of JSON": b"[]", "null": b"null", "NaN": b'{"review_status": NaN}',
    "an unknown field": b'{"review_status": "reviewed", "x": 1}', "a NUL": b'{"review_status": "\\u0000"}',
    "half a surrogate pair": b'{"review_status": "\\ud800", "\\udfff": 1}', "no UTF-8": b'{"review_status": "\xff"}',
    "too deep": b"[" * 100_000, "deep and whole": b"[" * 50_000 + b"]" * 50_000,
    "huge": b'{"review_status": ' + b"9" * 5000 + b"}",
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_cannot_be_read(api, conversations, body):
    fails(api.generic("PUT", REVIEW, body, content_type="application/json"), 400)


def test_numbers_that_no_database_keeps(api, conversations):
    for number in ("1e999", "-1", "1" * 400, "true", '"7.0"'):
        body = f'{{"text": "x", "timestamp": {number}}}'
        fails(api.generic("POST", "/api/conversations/ann/notes", body, content_type="application/json"), 400)
    fails(api.get("/api/rejectedMessages/99999999999999999999999999"), 404)
    fails(api.get("/api/rejectedMessages", {"cursor": "9" * 19}), 400)


def test_a_body_of_another_kind(api, conversations):
    fails(api.put(REVIEW, "review_status=reviewed", content_type="application/x-www-form-urlencoded"), 415)


def test_a_body_that_is_too_large(api, conversations):
    fails(api.generic("PUT", REVIEW, b'"' + b"x" * 3_000_000 + b'"', content_type="application/json"), 413)


def test_a_tester_sees_nothing_of_conversations(carol, conversations):
    api = Api(carol)
    for path in ("", "/ann", "/ann/events", "/ann/messages", "/ann/tags", "/ann/notes", "/ann/story", "/nobody"):
        fails(api.get(f"/api/conversations{path}"), 403)
    for path in (
        "conversationTags",
        "conversationIntents",
        "statistics",
        "analytics",
        "savedViews",
        "rejectedMessages",
    ):
        fails(api.get(f"/api/{path}"), 403)
    fails(api.send("PUT", "conversations/ann/reviewStatus", {"review_status": "reviewed"}), 403)
