"""Tells OpenLineage what mlforge builds, publishes and retrieves, column by column."""
