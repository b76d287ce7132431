"""The database's schema: which one this rasax was built for, who changes it, and who waits for it.

`versions` compares, `turns` lets one migrate at a time, `running` is the migration and what it tells of itself,
`waiting` is for every process that needs the schema, `operations` are those that lock no large table.
"""
