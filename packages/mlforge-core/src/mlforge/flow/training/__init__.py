"""Training: features joined to a spine, as of each row's own time."""
