"""What this plugin is: frames of this process as sources, announced without importing Polars."""

from __future__ import annotations

from mlforge.plugin import SourceDescriptor, hookimpl


@hookimpl
def mlforge_sources() -> list[SourceDescriptor]:
    """The one kind of source."""
    summary = "A frame of this process: Source.from_frame."
    return [
        SourceDescriptor(name="frame", summary=summary, api=1, gives="rows", target="mlforge_csv.frames:open_source")
    ]
