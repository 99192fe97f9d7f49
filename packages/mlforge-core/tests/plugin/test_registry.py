import sys
from types import ModuleType

import pytest

from mlforge.errors import Conflict, NotInstalled, PluginFailed, Unknown
from mlforge.plugin import EngineConfig, EngineDescriptor, ValidatorDescriptor, hookimpl
from mlforge.plugin.config import Config, Secret, load
from mlforge.plugin.registry import Plugin, Registry, load_plugin, registry


class Fast(EngineConfig, frozen=True, tag="fast"):
    password: Secret | None = None


def engine(name="fast", api=1):
    parquet = frozenset({"parquet"})
    return EngineDescriptor(name=name, summary="", api=api, config=Fast, frames=(), reads=parquet, writes=parquet)


def module_with(**hooks):
    module = ModuleType("stranger")
    for name, function in hooks.items():
        setattr(module, name, hookimpl(function))
    return module


def loaded(name, **hooks):
    return load_plugin(module_with(**hooks), Plugin(name, f"mlforge-{name}", "1.0"))


def test_what_a_plugin_announces_is_found_by_name():
    found = Registry([loaded("fast", mlforge_engines=lambda: [engine()])])
    assert found.get(EngineDescriptor, "fast").config is Fast
    assert found.default_engine() == "fast"


def test_an_unknown_name_is_answered_with_the_nearest_one():
    found = Registry([loaded("fast", mlforge_engines=lambda: [engine()])])
    with pytest.raises(Unknown) as error:
        found.get(EngineDescriptor, "fats")
    assert "'fast'" in error.value.hint


def test_a_known_distribution_that_is_missing_is_named():
    with pytest.raises(NotInstalled) as error:
        Registry([]).get(EngineDescriptor, "polars")
    assert "pip install mlforge-polars" in error.value.hint
    with pytest.raises(NotInstalled, match="No engine"):
        Registry([]).default_engine()


def test_two_plugins_of_one_name_are_a_conflict_that_names_both():
    plugins = [loaded(n, mlforge_engines=lambda: [engine()]) for n in ("one", "two")]
    with pytest.raises(Conflict, match="mlforge-one and mlforge-two"):
        Registry(plugins).get(EngineDescriptor, "fast")


def test_a_plugin_for_another_api_is_refused_in_one_sentence():
    plugin = loaded("fast", mlforge_engines=lambda: [engine(api=99)])
    assert plugin.error == "'fast' was written for plugin API 99, this mlforge has 1."
    assert plugin.brings == ()
    with pytest.raises(Exception, match="API 99"):
        Registry([plugin]).get(EngineDescriptor, "fast")


def test_a_hook_that_does_not_exist_is_refused():
    with pytest.raises(Exception, match="mlforge_engine"):
        loaded("fast", mlforge_engine=lambda: [engine()])


def test_a_hook_that_gives_the_wrong_thing_is_refused():
    with pytest.raises(TypeError, match="ValidatorDescriptor"):
        loaded("fast", mlforge_engines=lambda: [ValidatorDescriptor(name="v", summary="", api=1, target="x:y")])


def test_an_observer_that_fails_is_logged_and_stops_nobody(caplog):
    seen = []

    def breaks(result):
        raise ValueError("no")

    plugins = [
        loaded("a", mlforge_feature_built=breaks),
        loaded("b", mlforge_feature_built=lambda result: seen.append(result)),
    ]
    Registry(plugins).tell("mlforge_feature_built", result="r")
    assert seen == ["r"]
    assert "mlforge-a failed" in caplog.text


def test_the_built_in_plugins_enter_by_the_same_door():
    names = {p.distribution for p in registry().plugins if not p.error}
    assert "mlforge-core" in names
    assert "not_null" in registry().of(ValidatorDescriptor)


def test_secrets_are_masked_wherever_a_config_is_shown():
    config = Fast(password="hunter2")
    assert "hunter2" not in repr(config) + str(config) + f"{config}" + repr(dict(config.__rich_repr__()))
    assert "None" in repr(Fast())


def test_a_target_that_cannot_be_imported_says_which():
    with pytest.raises(PluginFailed, match="nowhere:nothing"):
        load("nowhere:nothing", "the x plugin")


def test_a_config_is_hashable_and_told_by_its_kind():
    assert {Fast(): 1}[Fast()] == 1
    assert Fast().kind == "fast"
    assert issubclass(Fast, Config)


def test_no_dataframe_library_is_loaded_by_the_registry():
    import subprocess

    code = """
import sys
from mlforge.plugin.registry import registry
registry()
print([m for m in ("polars", "pandas", "pyarrow", "numpy") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_default_engine_that_two_plugins_claim_is_not_passed_over():
    rivals = [loaded(n, mlforge_engines=lambda: [engine("polars")]) for n in ("one", "two")]
    other = loaded("fast", mlforge_engines=lambda: [engine()])
    with pytest.raises(Conflict, match="mlforge-one and mlforge-two"):
        Registry([*rivals, other]).default_engine()
