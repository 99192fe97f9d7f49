"""The volumes of Unity Catalog. The files of those that are managed are where those of `/Volumes` are."""

from __future__ import annotations

from collections.abc import Callable

from mlforge_databricks.testing.answers import Asked, Body, born, change, free, need, page, wrong
from mlforge_databricks.testing.known import Known

_KEPT = ("comment", "volume_type", "storage_location")


class Volumes:
    """What is asked of volumes."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def doing(self) -> dict[tuple[str, str], Callable[[Asked], Body]]:
        """What is done, by method and path."""
        return {
            ("GET", "/volumes"): self._list,
            ("POST", "/volumes"): self._make,
            ("GET", "/volumes/{full_name}"): self._volume,
            ("PATCH", "/volumes/{full_name}"): self._change,
            ("DELETE", "/volumes/{full_name}"): self._drop,
        }

    def _list(self, asked: Asked) -> Body:
        names = self._known.volumes_of(f"{asked['catalog_name']}.{asked['schema_name']}")
        return page(asked, "volumes", (_info(name, self._known.volumes[name]) for name in names))

    def _volume(self, asked: Asked) -> Body:
        name = asked["full_name"]
        return _info(name, need(self._known.volumes, "VOLUME", name))

    def _make(self, asked: Asked) -> Body:
        schema = f"{asked['catalog_name']}.{asked['schema_name']}"
        name = free(self._known.volumes_of(schema), "VOLUME", f"{schema}.{asked['name']}")
        told = born(asked, _KEPT, "volume_id")
        if asked["volume_type"] == "MANAGED":
            told["storage_location"] = self._known.lake.folder.joinpath("Volumes", *name.split(".")).as_uri()
        elif not asked.get("storage_location"):
            raise wrong("An external volume needs a storage_location.")
        self._known.volumes[name] = told
        return _info(name, told)

    def _change(self, asked: Asked) -> Body:
        name = asked["full_name"]
        schema, _, last = name.rpartition(".")
        told = need(self._known.volumes, "VOLUME", name)
        new = f"{schema}.{asked.get('new_name') or last}"
        if new != name:
            self._known.volumes[free(self._known.volumes, "VOLUME", new)] = self._known.volumes.pop(name)
        change(told, {"comment": asked.get("comment")})
        return _info(new, told)

    def _drop(self, asked: Asked) -> Body:
        need(self._known.volumes, "VOLUME", asked["full_name"])
        del self._known.volumes[asked["full_name"]]
        return {}


def _info(full: str, told: Body) -> Body:
    catalog, schema, name = full.split(".")
    return {"name": name, "catalog_name": catalog, "schema_name": schema, "full_name": full} | told
