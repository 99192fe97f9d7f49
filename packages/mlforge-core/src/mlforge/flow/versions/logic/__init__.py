"""Has a feature's function changed? By what it does: its syntax, and what it takes from outside."""
