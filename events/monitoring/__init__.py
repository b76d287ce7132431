"""What a process tells of itself to those who watch it: whether it lives, and whether it can do its work.

`probes` looks, `server` tells over HTTP where a process serves no pages, `step` hosts that in a Celery worker.
"""
