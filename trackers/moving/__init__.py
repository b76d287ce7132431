"""Conversations on the move: a tracker store → rasax, a store → another, rasax → an event broker or a file.

The three commands share all but what they do with a page of conversations. `passage.py` takes the pages of a store
through a crew of workers (`crews.py`), adds up their tallies, shows the progress, and keeps a bookmark, so that a
command that was killed goes on where it was.
"""
