"""Forty texts that run as a script where a page takes them for anything but text, and a site that is full of them."""

import json
from typing import Any

from tests.rasa import Message, message

ELSEWHERE = "elsewhere.invalid"

PAYLOADS = [
    "<script>alert(1)</script>",
    "</title></textarea></style></noscript><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    f"<img src=//{ELSEWHERE}/4.png>",
    "<svg onload=alert(5)>",
    "<svg><script>alert(6)</script></svg>",
    "<svg><animate onbegin=alert(7) attributeName=x dur=1s>",
    "<body onload=alert(8)>",
    "<iframe srcdoc='<script>alert(9)</script>'></iframe>",
    f"<iframe src=//{ELSEWHERE}/10></iframe>",
    "<details open ontoggle=alert(11)>",
    "<video><source onerror=alert(12)></video>",
    "<input autofocus onfocus=alert(13)>",
    "<a href=javascript:alert(14) id=x>click</a>",
    "javascript:alert(15)",
    "JaVaScRiPt:alert(16)//",
    "java\tscript:alert(17)",
    "\x01javascript:alert(18)",
    "data:text/html,<script>alert(19)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgyMCk8L3NjcmlwdD4=",
    "vbscript:msgbox(21)",
    '" onmouseover="alert(22)" autofocus onfocus="alert(22)" x="',
    "' onmouseover='alert(23)' autofocus onfocus='alert(23)' x='",
    "` onmouseover=alert(24) x=`",
    '"><script>alert(25)</script>',
    "'><img src=x onerror=alert(26)>",
    "--><script>alert(27)</script><!--",
    "]]><script>alert(28)</script>",
    "{{ 29|safe }}{% debug %}{{ request.META }}",
    "${alert(30)}#{alert(30)}<%= alert(30) %>",
    "{{constructor.constructor('alert(31)')()}}",
    f"<style>@import '//{ELSEWHERE}/32.css'; body {{ background: url(//{ELSEWHERE}/32) }}</style>",
    f"<link rel=stylesheet href=//{ELSEWHERE}/33.css>",
    f"<meta http-equiv=refresh content='0;url=//{ELSEWHERE}/34'>",
    f"<base href=//{ELSEWHERE}/>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(36)&gt;">',
    '<noscript><p title="</noscript><img src=x onerror=alert(37)>">',
    "\uff1cscript\uff1ealert(38)\uff1c/script\uff1e \u202e\u2066<script>alert(38)</script>\u2069",
    "<scr\x00ipt>alert(39)</scr\x00ipt><img\x0bsrc=x\x0conerror=alert(39)>",
    "<div hx-get=//" + ELSEWHERE + "/40 hx-trigger=load hx-on:load=alert(40) data-hx-get=/ data-open=keys autofocus>",
]


def conversation(payload: str, at: float) -> list[Message]:
    """A conversation that says this text in every field that an event may have."""
    who: dict[str, Any] = {"sender_id": payload.replace("\x00", "")}  # with NUL it would be rejected
    data = {
        "buttons": [{"title": payload, "payload": payload, "type": payload}, {"title": "u", "url": payload}],
        "quick_replies": [{"title": payload, "payload": payload}],
        "elements": [{"title": payload, "image_url": payload, "buttons": [{"title": payload, "url": payload}]}],
        "image": payload,
        "attachment": {"type": payload, "payload": {"src": payload, "title": payload}},
        "custom": {payload: [payload, {"html": payload}]},
    }
    entity = {"entity": payload, "value": payload, "role": payload, "group": payload, "start": 0, "end": 4}
    intent = {"name": payload, "confidence": 0.41}
    parsed = {"intent": intent, "intent_ranking": [intent], "entities": [entity], "text": payload}
    meta = {"model_id": payload, "assistant_id": payload, payload: payload}
    return [
        message(**who, event="action", timestamp=at, name=payload, policy=payload, confidence=0.5, metadata=meta),
        message(
            **who, event="user", timestamp=at + 1, text=payload, parse_data=parsed, input_channel=payload, metadata=meta
        ),
        message(**who, event="slot", timestamp=at + 2, name=payload, value=payload),
        message(**who, event="slot", timestamp=at + 3, name="list", value=[payload, {payload: payload}]),
        message(**who, event="active_loop", timestamp=at + 4, name=payload),
        message(**who, event="bot", timestamp=at + 5, text=payload, data=data, metadata=meta),
        message(**who, event="bot", timestamp=at + 6, text=None, data={"attachment": payload, "image": payload}),
        message(**who, event=payload, timestamp=at + 7, name=payload, **{payload: payload}),
        message(**who, event="reminder", timestamp=at + 8, name=payload, intent=payload, action=payload),
        message(**who, event="action_execution_rejected", timestamp=at + 9, name=payload, policy=payload),
    ]


def messages() -> list[tuple[str, str]]:
    """Bodies, each with the environment that its broker names; the last of each payload is rejected."""
    found = []
    for n, payload in enumerate(PAYLOADS):
        events = conversation(payload, 1_790_000_000.0 + 100 * n)
        found += [(event.body.decode(), payload) for event in events]
        found.append((f"no JSON {payload}", payload))
        found.append((json.dumps({"sender_id": payload, "event": 1, "x": payload}), payload))
    return found


FILL = """
import json, sys
import django
django.setup()
from django.contrib.auth.models import Group
from django.utils import timezone
from events.brokers.base import Message
from events.models import *
from rasax.accounts.models import *
from rasax.conversations.models import *
messages, payloads = json.load(sys.stdin)
before = Conversation.objects.count()
Conversation.objects.record([Message(body.encode(), environment) for body, environment in messages], payloads[0])
alice, now = User.objects.get(username="alice"), timezone.now()
clean = [payload.replace(chr(0), "") for payload in payloads]
for n, (payload, row) in enumerate(zip(clean, Conversation.objects.filter(pk__gt=before))):
    only = Conversation.objects.filter(pk=row.pk)
    event = row.events.filter(type="user").get()
    person = User.objects.create(username=payload[:150], first_name=payload[:150], last_name=payload[:150])
    person.groups.add(Group.objects.create(name=payload[:150]))
    Tag.objects.called(payload).put_on(Conversation.objects.all() if n < 3 else only, by=person)
    Note.objects.write(row, payload, by=person)
    Note.objects.write(row, payload, by=person, event=event)
    Flag.objects.put_on(event, by=person)
    Review.objects.mark(only, "reviewed", by=person)
    Assignment.objects.assign(only, person, person)
    Correction.objects.correct(event, payload[:200], person)
    SavedView.objects.create(name=payload[:100], query=payload, owner=alice, shared=True)
    Job.objects.create(kind=payload[:64], by=alice, message=payload, state="done")
    Heartbeat.objects.create(name=payload, broker=payload, started_at=now, beat_at=now)
    AuditEntry.objects.note(person, payload[:64], [row], **{payload: payload})
"""
