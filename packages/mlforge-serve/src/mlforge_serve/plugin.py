"""What this plugin is: its commands, announced without importing a server."""

from __future__ import annotations

from mlforge.plugin import API_VERSION, Command, hookimpl


@hookimpl
def mlforge_commands() -> list[Command]:
    """`mlforge serve`, the command that makes keys for it, and `mlforge ui`."""
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
        Command(
            name="ui",
            summary="Show the catalog in a browser, live over the stores.",
            api=API_VERSION,
            target="mlforge_serve.ui.command:ui",
        ),
    ]
