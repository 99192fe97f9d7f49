"""One file a command. Each has a `command`; `mlforge.cli.roster` lists them."""
