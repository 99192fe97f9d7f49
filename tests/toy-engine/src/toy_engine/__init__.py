"""An engine by a stranger."""
