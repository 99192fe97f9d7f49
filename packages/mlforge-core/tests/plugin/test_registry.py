import sys
from types import ModuleType

import pytest
from msgspec.structs import replace

from mlforge.errors import Conflict, NotInstalled, PluginFailed, Unknown, Unsupported
from mlforge.plugin import EngineConfig, EngineDescriptor, ValidatorDescriptor, descriptors, hookimpl
from mlforge.plugin.claims import rivalry
from mlforge.plugin.config import Config, Secret, load
from mlforge.plugin.registry import Plugin, Registry, load_plugin, registry
from mlforge.plugin.words import no_word


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
    with pytest.raises(Unsupported, match="API 99") as caught:
        Registry([plugin]).get(EngineDescriptor, "fast")
    assert caught.value.hint == "Upgrade it: pip install --upgrade mlforge-core"


def test_a_plugin_for_an_api_that_is_gone_is_the_one_to_upgrade():
    plugin = loaded("quick", mlforge_engines=lambda: [engine(api=0)])
    with pytest.raises(Unsupported, match="'fast' of mlforge-quick cannot be used") as caught:
        Registry([plugin]).get(EngineDescriptor, "fast")
    assert caught.value.hint == "Upgrade it: pip install --upgrade mlforge-quick"


def test_every_api_of_the_range_is_taken(monkeypatch):
    monkeypatch.setattr(descriptors, "SUPPORTED_API", range(2, 5))
    errors = [loaded("fast", mlforge_engines=lambda api=api: [engine(api=api)]).error for api in range(1, 6)]
    assert [error is None for error in errors] == [False, True, True, True, False]
    assert errors[0] == "'fast' was written for plugin API 1, this mlforge has 2 to 4."


def test_a_plugin_for_a_later_api_is_told_so_before_its_later_hooks_are_complained_of():
    plugin = loaded("fast", mlforge_engines=lambda: [engine(api=2)], mlforge_catalogs=lambda: [1])
    assert "plugin API 2" in plugin.error


def test_a_word_of_a_plugin_for_another_api_says_so_where_it_is_used():
    found = Registry([loaded("fast", mlforge_engines=lambda: [engine(api=99)])])
    error = found.trouble_with_word("Fast")
    assert isinstance(error, Unsupported)
    assert "word 'Fast' of mlforge-fast" in error.message
    assert found.trouble_with_word("Slow") is None


def validators(name="not_null"):
    target = "mlforge.validators:not_null"
    return [ValidatorDescriptor(name=name, summary="v", api=1, target=target, example="not_null()")]


def test_what_the_core_brings_is_never_displaced_and_nobody_is_told_to_uninstall_it():
    stranger = loaded("aaa", mlforge_validators=lambda: validators())
    found = Registry([stranger, *registry().plugins])
    assert found.get(ValidatorDescriptor, "not_null") == registry().of(ValidatorDescriptor)["not_null"]
    (rivals,) = found.rivals()
    assert (rivals.used, rivals.advice) == ("mlforge-core", "Uninstall the other: pip uninstall mlforge-aaa")


@pytest.mark.parametrize("order", [("mlforge-polars", "speedy"), ("speedy", "mlforge-polars")])
def test_a_stranger_is_to_go_before_one_of_our_own(order):
    assert rivalry("engine", "polars", order).advice == "Uninstall one of them: pip uninstall speedy"


def test_a_word_that_two_plugins_bring_under_other_names_is_a_conflict_of_its_own():
    class Other(EngineConfig, frozen=True, tag="other"):
        pass

    Other.__name__ = "Fast"
    one = loaded("one", mlforge_engines=lambda: [engine()])
    two = loaded("two", mlforge_engines=lambda: [replace(engine("other"), config=Other)])
    found = Registry([one, two])
    assert found.words().get("Fast") is None
    assert set(found.of(EngineDescriptor)) == {"fast", "other"}
    assert [(r.role, r.name) for r in found.rivals()] == [("word", "Fast")]
    assert isinstance(found.trouble_with_word("Fast"), Conflict)


def test_a_plugin_that_brings_one_name_twice_is_broken():
    plugin = loaded("fast", mlforge_engines=lambda: [engine(), engine()])
    assert plugin.error == "It brings the engine 'fast' twice."
    with pytest.raises(Unsupported, match="twice"):
        Registry([plugin]).get(EngineDescriptor, "fast")


def test_an_unknown_name_beside_a_broken_plugin_leads_to_the_list():
    broken = Plugin("ruin", "my-ruin", "1.0", error="RuntimeError: it fell apart")
    with pytest.raises(Unknown, match="mlforge plugins"):
        Registry([broken]).get(ValidatorDescriptor, "is_slug")


def test_a_hook_that_does_not_exist_is_refused():
    with pytest.raises(Exception, match="mlforge_engine"):
        loaded("fast", mlforge_engine=lambda: [engine()])


def test_a_hook_that_gives_the_wrong_thing_is_refused():
    with pytest.raises(TypeError, match="ValidatorDescriptor"):
        loaded("fast", mlforge_engines=lambda: [ValidatorDescriptor(name="v", summary="", api=1, target="x:y")])


def test_a_hook_that_gives_a_descriptor_alone_is_told_to_give_a_list():
    with pytest.raises(TypeError, match=r"mlforge_engines gave a EngineDescriptor, not a list: return \[Engine"):
        loaded("fast", mlforge_engines=engine)


def test_an_api_that_is_no_number_is_told_to_be_one():
    plugin = loaded("fast", mlforge_engines=lambda: [engine(api="1")])
    assert (plugin.error, plugin.hint) == ("The plugin API of 'fast' is '1', not a number.", "Write api=1.")


def test_a_word_that_is_not_there_beside_a_broken_plugin_leads_to_the_list(monkeypatch):
    broken = Plugin("fast", "mlforge-fast", "1.0", error="RuntimeError: boo")
    monkeypatch.setattr("mlforge.plugin.words.registry", lambda: Registry([broken]))
    with pytest.raises(AttributeError, match="has no 'is_odd'. See what is broken: mlforge plugins"):
        raise no_word("mlforge.validators", "is_odd", [])


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


def test_settings_by_name_are_masked_where_their_name_says_that_they_are_secret():
    class Conf(EngineConfig, frozen=True, tag="conf"):
        conf: dict[str, str]

    config = Conf(conf={"fs.s3a.secret.key": "hunter2", "fs.azure.account.key.x": "hunter3", "memory": "8g"})
    shown = repr(config) + repr(dict(config.__rich_repr__()))
    assert "hunter" not in shown
    assert "8g" in shown


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


@pytest.mark.parametrize(
    "words", ["from mlforge import Summ", "from mlforge import Max, Summ", "from mlforge.metrics import Summ"]
)
def test_a_word_that_cannot_be_imported_is_answered_with_the_nearest_one(words):
    with pytest.raises(ImportError, match="has no 'Summ'. Did you mean 'Sum'?"):
        exec(words, {})


def test_a_word_that_is_not_there_is_no_attribute():
    with pytest.raises(AttributeError, match="Did you mean 'Sum'?"):
        exec("import mlforge; mlforge.Summ", {})
    assert not hasattr(sys.modules["mlforge"], "Summ")
