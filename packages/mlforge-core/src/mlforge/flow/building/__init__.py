"""Building: from a source to the rows of a new version; validating is the same without writing."""
