import re
import types
from pathlib import Path

import pytest

import mlforge as mlf
from mlforge.errors import Invalid, MlforgeError, NotFound, PluginFailed, Unknown
from mlforge.plugin import OnlineStoreConfig, OnlineStoreDescriptor, hookimpl
from mlforge.plugin.registry import Plugin, Registry, load_plugin
from mlforge.project.profiles import FILE, choose_profile, decode_config, read_profiles

YAML = """
default_profile: dev
profiles:
  dev:
    offline_store: {KIND: local, path: dev_store}
  prod:
    offline_store:
      KIND: local
      path: ${env:STORE_PATH}
  fallback:
    offline_store: {KIND: local, path: "${oc.env:STORE_PATH,some/where}"}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFORGE_PROFILE", raising=False)
    monkeypatch.delenv("STORE_PATH", raising=False)
    (tmp_path / "mlforge.yaml").write_text(YAML)
    return tmp_path


def path_of(defs, profile=None):
    return Path(defs.settings(profile).offline_store.path)


def test_the_default_profile_fills_in_what_the_code_leaves_open(project):
    assert path_of(mlf.Definitions()) == project / "dev_store"
    assert path_of(mlf.Definitions(store=mlf.LocalStore("mine"))) == project / "mine"


def test_a_profile_that_is_asked_for_wins_over_the_code(project, monkeypatch):
    monkeypatch.setenv("STORE_PATH", "prod_store")
    assert path_of(mlf.Definitions(store=mlf.LocalStore("mine")), "prod") == project / "prod_store"


def test_the_flag_wins_over_the_variable_and_that_over_the_definitions_and_those_over_the_default(project, monkeypatch):
    defs = mlf.Definitions(profile="fallback")
    assert path_of(defs) == project / "some/where"
    monkeypatch.setenv("MLFORGE_PROFILE", "dev")
    assert path_of(defs) == project / "dev_store"
    assert path_of(defs, "fallback") == project / "some/where"


def test_variables_are_needed_only_by_the_profile_in_use(project):
    assert mlf.Definitions().settings().profile == "dev"
    with pytest.raises(Invalid, match=r"profiles\.prod\.offline_store\.path.*STORE_PATH"):
        mlf.Definitions().settings("prod")


def test_an_unknown_profile_names_those_there_are(project):
    with pytest.raises(Unknown) as error:
        mlf.Definitions().settings("staging")
    assert "dev" in error.value.hint


def test_a_profile_without_a_file_is_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound, match=r"mlforge\.yaml"):
        mlf.Definitions().settings("dev")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("profile: {}", "profile"),
        ("default_profile: d\nprofiles: {d: {offline_stroe: {KIND: local}}}", r"profiles\.d\.offline_stroe"),
        (
            "default_profile: d\nprofiles: {d: {offline_store: {KIND: local, pth: x}}}",
            r"profiles\.d\.offline_store.*pth",
        ),
        (
            "default_profile: d\nprofiles: {d: {offline_store: {KIND: local, path: 5}}}",
            r"profiles\.d\.offline_store\.path",
        ),
        ("default_profile: d\nprofiles: {d: {offline_store: {path: x}}}", r"profiles\.d\.offline_store.*KIND"),
        ("default_profile: d\nprofiles: {d: {offline_store: {KIND: loacl}}}", "loacl"),
        ("profiles: [a, b]", "profiles"),
        ("- a", "mapping"),
        ("a: [", "parse"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_path(tmp_path, monkeypatch, text, where):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlforge.yaml").write_text(text)
    with pytest.raises(MlforgeError, match=where) as error:
        mlf.Definitions().settings()
    assert error.value.hint


def test_a_variable_of_digits_may_fill_a_text(project, monkeypatch):
    monkeypatch.setenv("STORE_PATH", "2025")
    assert path_of(mlf.Definitions(), "prod") == project / "2025"


def test_a_variable_may_be_part_of_a_text_and_have_a_default():
    from mlforge.project.profiles import _fill

    given = {"url": "redis://${env:HOST,localhost}:${env:PORT}", "zips": ["${env:ZIP}"]}
    assert _fill(given, "x", {"PORT": "6379", "ZIP": "00501"}) == {"url": "redis://localhost:6379", "zips": ["00501"]}


def test_the_project_starts_at_the_folder_with_the_file(project, monkeypatch):
    (project / "deep/er").mkdir(parents=True)
    monkeypatch.chdir(project / "deep/er")
    assert mlf.Definitions().root == project


BILLION = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BILLION, "more than 20,000 values"),
        ("profiles: &p {dev: *p}", "nests deeper"),
        ("profiles: " + "[" * 100 + "]" * 100, "nests deeper"),
        ("profiles: " + "{a: " * 5000 + "}" * 5000, "nests deeper"),
        ("# " + "x" * (1 << 20), "larger than 1 MiB"),
        ("profiles:\n  dev: {}\n  dev: {engine: polars}\n", "'dev' twice, in lines 2 and 3"),
        ("profiles: {dev: {engine: polars, engine: duckdb}}", "'engine' twice, in line 1"),
        ("profiles: {1: {}}", "called 1, which YAML takes for a number"),
        ("profiles: {yes: {}}", "called True, which YAML takes for true or false"),
        ("profiles: {2026-01-01: {}}", "which YAML takes for no text"),
        ("profiles: {? {a: b} : {}}", "does not parse"),
        ('profiles: {"": {}}', "has no name"),
        ("profiles: {dev: {}\n", "does not parse"),
    ],
    ids=lambda text: None if len(text) > 40 else text,
)
def test_a_file_that_stands_for_too_much_or_says_a_thing_twice_is_refused_at_once(tmp_path, monkeypatch, text, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlforge.yaml").write_text(text)
    with pytest.raises(Invalid, match=re.escape(said)):
        mlf.Definitions().settings("dev")


def test_aliases_and_merges_in_bounds_are_understood(project):
    shared = "profiles:\n  dev: &b\n    offline_store: {KIND: local, path: shared}\n  prod: {<<: *b, engine: polars}\n"
    (project / "mlforge.yaml").write_text(shared)
    assert path_of(mlf.Definitions(), "prod") == project / "shared"


@pytest.mark.parametrize("data", [b"profiles: \xff\xfe", b"\x00profiles: {}"], ids=["no UTF-8", "a null"])
def test_bytes_that_are_no_text_are_refused(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlforge.yaml").write_bytes(data)
    with pytest.raises(Invalid, match=r"mlforge\.yaml"):
        mlf.Definitions().settings("dev")


def test_a_folder_of_the_files_name_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlforge.yaml").mkdir()
    with pytest.raises(Invalid, match="is a folder"):
        mlf.Definitions().settings("dev")


def test_a_file_that_an_editor_began_with_a_byte_order_mark_is_read(project):
    (project / "mlforge.yaml").write_bytes(b"\xef\xbb\xbf" + YAML.encode())
    assert path_of(mlf.Definitions()) == project / "dev_store"


WRONG = {
    "a setting that is none": ("engin: polars", "is not a setting", "Did you mean 'engine'?", "line 3: engin: polars"),
    "an engine that is none": ("engine: polar", "no engine 'polar'", "Did you mean 'polars'?", "line 3: engine: polar"),
    "a setting of a store that is none": (
        "offline_store:\n      KIND: local\n      pth: x",
        "has no setting 'pth'", "Did you mean 'path'?", "line 5: pth: x",
    ),
    "a value of another type": (
        "online_store:\n      KIND: redis\n      port: soon", "port: expected `int`", "Settings: host,",
        "line 5: port: soon",
    ),
    "a variable that is not set": ('engine: "${env:NO}"', "variable NO", "export NO=", "line 3: engine:"),
    "a key that is no text": (
        "offline_store: {KIND: local, 1: x}", "offline_store: a key in it is no text.", "Settings: path", "line 3: ",
    ),
    "a number of no characters": (
        'engine: {KIND: duckdb, threads: "\\uD800"}',
        "profiles.prod.engine.threads: expected text, got bytes that are no UTF-8.", "Look at the variable", "line 3: ",
    ),
    "a switch that is none": ("incremental: perhaps", "neither true nor false", "incremental: true", "line 3: "),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG)
def test_what_is_wrong_with_a_profile_is_told_with_its_line(tmp_path, mistake):
    text, *words = WRONG[mistake]
    (tmp_path / FILE).write_text(f"profiles:\n  prod:\n    {text}\n")
    with pytest.raises(MlforgeError) as refused:
        read_profiles(tmp_path).resolve("prod", {})
    assert f"{FILE}, line " in refused.value.where
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize("said", ["[]", "0", "false", "''"])
def test_profiles_of_another_kind_are_refused_though_they_are_empty(tmp_path, said):
    (tmp_path / FILE).write_text(f"profiles: {said}\n")
    with pytest.raises(Invalid, match="must be a mapping of mappings"):
        read_profiles(tmp_path)


def test_a_variable_that_is_no_text_is_refused_where_a_number_is_meant(tmp_path):
    (tmp_path / FILE).write_text('profiles: {prod: {engine: {KIND: duckdb, threads: "${env:MANY}"}}}\n')
    with pytest.raises(Invalid, match=r"engine\.threads: expected text, got bytes that are no UTF-8"):
        read_profiles(tmp_path).resolve("prod", {"MANY": "\udcff"})


def test_a_profile_that_is_none_is_told_with_the_nearest_and_the_line_that_names_it(tmp_path):
    (tmp_path / FILE).write_text("default_profile: prd\nprofiles:\n  prod: {}\n")
    with pytest.raises(Unknown, match="Did you mean 'prod'") as refused:
        choose_profile(tmp_path, None, None, {})
    assert refused.value.where.endswith("line 1: default_profile: prd")


def test_yaml_that_does_not_parse_is_told_with_its_line(tmp_path):
    (tmp_path / FILE).write_text("profiles:\n\tprod: {}\n")
    with pytest.raises(Invalid, match="does not parse") as refused:
        read_profiles(tmp_path)
    assert f"{FILE}, line 2: prod: {{}}" in refused.value.where


def test_a_file_of_the_other_ending_is_noticed(tmp_path):
    (tmp_path / "mlforge.yml").write_text("profiles: {prod: {}}\n")
    with pytest.raises(NotFound, match="Rename mlforge.yml to mlforge.yaml"):
        choose_profile(tmp_path, "prod", None, {})


@pytest.mark.parametrize("said", ["5", "[dev]", "true", "{a: b}"])
@pytest.mark.parametrize("key", ["default_profile", "target"])
def test_a_word_that_yaml_takes_for_something_else_is_refused_with_its_line(project, key, said):
    (project / "mlforge.yaml").write_text(f"profiles: {{}}\n{key}: {said}\n")
    with pytest.raises(Invalid, match=f"{key} in mlforge.yaml is .+, which is no text") as caught:
        read_profiles(project)
    assert caught.value.where == f"mlforge.yaml, line 2: {key}: {said}"
    assert caught.value.hint.endswith(f'in quotes: {key}: "…"')


def test_the_line_is_that_of_the_file_as_it_is_now(project):
    for said in ("5", "[dev]"):
        (project / "mlforge.yaml").write_text(f"profiles: {{}}\ntarget: {said}\n")
        with pytest.raises(Invalid) as caught:
            read_profiles(project)
        assert caught.value.where == f"mlforge.yaml, line 2: target: {said}"


@pytest.mark.parametrize("said", ["${STORE}", "x/${env:STORE", "${env:STORE_PATH}/${STORE}", "${oc.env:STORE"])
def test_a_reference_that_is_misspelled_is_no_name_of_a_folder(project, monkeypatch, said):
    monkeypatch.setenv("STORE_PATH", "${STORE}")
    assert path_of(mlf.Definitions(), "prod") == project / "${STORE}"
    (project / "mlforge.yaml").write_text(YAML.replace("path: dev_store", f'path: "{said}"'))
    with pytest.raises(Invalid, match=r"profiles\.dev\.offline_store\.path says \$\{.+, which stands for") as caught:
        path_of(mlf.Definitions())
    assert "${env:STORE}" in caught.value.hint
    assert caught.value.where.startswith("mlforge.yaml, line 5")


class Plain(OnlineStoreConfig, frozen=True, tag="plain"):
    """It has no settings."""


def announced(monkeypatch, name):
    module = types.ModuleType("stranger")
    found = OnlineStoreDescriptor(name=name, summary="", api=1, config=Plain)
    module.mlforge_online_stores = hookimpl(lambda: [found])
    plugins = Registry([load_plugin(module, Plugin("stranger", "mlforge-stranger", "1.0"))])
    monkeypatch.setattr("mlforge.project.profiles.registry", lambda: plugins)
    return OnlineStoreDescriptor


def test_a_plugin_whose_config_has_another_tag_is_to_blame(monkeypatch):
    kind = announced(monkeypatch, "shelf")
    with pytest.raises(PluginFailed, match="'shelf' is tagged 'plain'") as refused:
        decode_config("shelf", kind, "online_store")
    assert "tag='shelf'" in refused.value.hint


def test_a_config_without_settings_says_so(monkeypatch):
    kind = announced(monkeypatch, "plain")
    assert decode_config("plain", kind, "online_store") == Plain()
    with pytest.raises(Invalid) as refused:
        decode_config({"KIND": "plain", 3: 4}, kind, "online_store")
    assert refused.value.hint == "Settings: none."
