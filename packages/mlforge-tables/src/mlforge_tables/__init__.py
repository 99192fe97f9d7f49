"""Tables as sources of mlforge: Delta, Iceberg, and what databases answer."""
