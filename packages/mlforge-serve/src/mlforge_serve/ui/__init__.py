"""`mlforge ui`: the catalog over the stores as they are now, for a browser on the same machine."""
