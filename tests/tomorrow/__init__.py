"""rasax as of some day to come: as it is, with two more migrations of the kind that docs/migrations.md asks for."""
