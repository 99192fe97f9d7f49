"""A plugin by a stranger."""
