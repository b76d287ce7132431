"""The HTTP API's own ways - signing in, asking, failing, paging - and people, roles, tokens, audit, jobs under /api."""
