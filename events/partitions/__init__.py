"""Events apart by month, on PostgreSQL, where `manage.py partition_events` made it so.

`months` names them, `tables` is what there is of them and makes more, `moving` turns the event table into the one form
or the other while everybody goes on, `clearing` drops whole months. An event's timestamp is part of its identity, so
that the same event always comes to the same month, and is kept once (docs/decisions/0024-events-by-month.md).
"""
