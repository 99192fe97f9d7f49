"""What this plugin is: two commands, announced without importing a server."""

from __future__ import annotations

from mlforge.plugin import API_VERSION, Command, hookimpl


@hookimpl
def mlforge_commands() -> list[Command]:
    """`mlforge serve`, and the command that makes keys for it."""
    return [
        Command(
            name="serve",
            summary="Serve published features over HTTP.",
            api=API_VERSION,
            target="mlforge_serve.command:serve",
        ),
        Command(
            name="serve-key",
            summary="Make an API key for `mlforge serve`.",
            api=API_VERSION,
            target="mlforge_serve.command:serve_key",
        ),
    ]
