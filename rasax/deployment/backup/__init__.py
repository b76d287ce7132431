"""Everything that an installation keeps in one file, and back: docs/backup.md.

`archive` is the file, `tables` what is in it, `values` how a row is written in it, `databases` how PostgreSQL and
SQLite give and take rows, `keys` whether what is encrypted in it could be read, `stored` the files of models;
`making` and `restoring` are the two verbs.
"""
