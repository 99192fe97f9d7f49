"""One file a command. Each has a `command`; `mlforge.cli.table` lists them."""
