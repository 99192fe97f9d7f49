"""An offline store by a stranger."""
