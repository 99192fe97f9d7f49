import itertools
import sys
import tempfile
from pathlib import Path

import pytest
from nobody import as_nobody

from mlforge.errors import Invalid, MlforgeError, NotFound
from mlforge.project.loader import load_project
from mlforge.testing.refusals import refused

SOURCE = """
import mlforge as mlf

@mlf.feature(source="e.csv", keys="u")
def {feature}(df):
    return df

{variable} = mlf.Definitions({name!r}, features=[{feature}])
"""
counter = itertools.count()


def text(name="shop", feature="spend", variable="defs"):
    return SOURCE.format(name=name, feature=feature, variable=variable)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of its own; modules imported from it are forgotten afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.parametrize("place", ["definitions.py", "shop/definitions.py", "src/shop/definitions.py", "features.py"])
def test_definitions_are_found_without_being_told(folder, place):
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_text(text())
    assert load_project(None, folder).name == "shop"


def test_a_definitions_file_wins_over_others_that_make_definitions(folder):
    (folder / "definitions.py").write_text(text())
    (folder / "scratch.py").write_text(text("scratch"))
    assert load_project(None, folder).name == "shop"


def test_virtual_environments_tests_and_hidden_folders_are_not_searched(folder):
    for place in ("env/lib", "tests", ".hidden"):
        (folder / place).mkdir(parents=True)
        (folder / place / "definitions.py").write_text("raise SystemExit('Definitions(')")
    (folder / "env/pyvenv.cfg").touch()
    (folder / "definitions.py").write_text(text())
    assert load_project(None, folder).name == "shop"


def test_a_package_imports_its_own_modules(folder):
    package = folder / "src/shop"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "names.py").write_text("NAME = 'shop'")
    (package / "definitions.py").write_text(
        "import mlforge as mlf\nfrom shop.names import NAME\nd = mlf.Definitions(NAME)"
    )
    assert load_project(None, folder).name == "shop"


def test_the_search_starts_at_the_folder_with_the_project_file(folder):
    (folder / "mlforge.yaml").write_text("profiles: {}")
    (folder / "definitions.py").write_text(text())
    (folder / "notebooks").mkdir()
    project = load_project(None, folder / "notebooks")
    assert (project.name, project.root) == ("shop", folder)


def test_the_project_file_may_name_the_target(folder):
    (folder / "mlforge.yaml").write_text("target: other.py:second")
    (folder / "other.py").write_text(text() + text("two", "more", "second"))
    assert load_project(None, folder).name == "two"


@pytest.mark.parametrize("target", ["a/defs.py", "a/defs.py:defs", "a", "a/defs.py:"])
def test_a_target_is_a_file_a_variable_in_it_or_a_folder(folder, target):
    (folder / "a").mkdir()
    (folder / "a/defs.py").write_text(text())
    if target.endswith(":"):
        with pytest.raises(NotFound):
            load_project(target, folder)
    else:
        assert load_project(target, folder).name == "shop"


def test_a_target_may_be_a_module(folder):
    name = f"defs_module_{next(counter)}"
    (folder / f"{name}.py").write_text(text())
    assert load_project(name, folder).name == "shop"


def test_several_definitions_are_an_error_that_names_them(folder):
    (folder / "definitions.py").write_text(text() + text("two", "more", "second"))
    with pytest.raises(Invalid, match=r"'shop' \(.*definitions.py:defs\), 'two' \(.*:second\)") as error:
        load_project(None, folder)
    assert load_project(error.value.hint.partition("--target ")[2], folder).name == "shop"


def test_no_definitions_is_an_error_that_says_how_to_begin(folder):
    with pytest.raises(NotFound) as error:
        load_project(None, folder)
    assert "mlforge init" in error.value.hint


@pytest.mark.parametrize("place", ["definitions.py", "src/shop/definitions.py"])
@pytest.mark.parametrize(
    ("source", "kind", "words"),
    [
        (b"import mlforge as mlf\ndef f(:\n", Invalid, ["SyntaxError", "definitions.py, line 2"]),
        (b"# -*- coding: klingon -*-\n", Invalid, ["SyntaxError", "klingon"]),
        (b"a = 1\n\0", Invalid, ["null bytes"]),
        (b"", NotFound, ["makes no Definitions", "mlf.Definitions("]),
        (b"import mlforge as mlf\nraise SystemExit\n", NotFound, ["makes no Definitions"]),
    ],
)
def test_a_definitions_file_that_makes_none_is_named(folder, place, source, kind, words):
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_bytes(source)
    for target in (None, "."):
        with refused(kind, place, *words):
            load_project(target, folder)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1\nraise ValueError('boom')  # Definitions(", ["ValueError", "boom", "line 2"]),
        ("Definitions(\n", ["SyntaxError", "definitions.py"]),
        ("import nowhere_to_be_found  # Definitions(", ["nowhere_to_be_found", "not installed"]),
        ("exit()  # Definitions(", ["SystemExit"]),
        ("import mlforge as mlf\nmlf.Definitions(features=5)", ["neither a feature"]),
        (
            "import mlforge as mlf\nmlf.SparkEngine()  # Definitions(",
            ["'SparkEngine'", "pip install mlforge-spark", "definitions.py, line 2"],
        ),
    ],
)
def test_a_file_that_does_not_import_says_where(folder, source, words):
    (folder / "definitions.py").write_text(source)
    with pytest.raises(MlforgeError) as error:
        load_project(None, folder)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("target", ["missing.py", "no_such_module", "definitions.py:nothing"])
def test_a_target_that_is_not_there_is_an_error(folder, target):
    (folder / "definitions.py").write_text(text())
    with pytest.raises(NotFound) as error:
        load_project(target, folder)
    assert error.value.hint


def test_two_projects_with_files_of_the_same_name_do_not_mix(folder):
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "definitions.py").write_text(text(name))
    assert [load_project(None, folder / n).name for n in ("one", "two", "one")] == ["one", "two", "one"]


def test_a_file_named_like_a_built_in_module_is_refused_rather_than_mistaken(folder):
    (folder / "sys.py").write_text(text())
    with pytest.raises(Invalid, match="another name|cannot be imported"):
        load_project("sys.py", folder)


def test_a_root_that_was_given_stays(folder, monkeypatch):
    (folder / "elsewhere").mkdir()
    (folder / "definitions.py").write_text("import mlforge as mlf\nd = mlf.Definitions('shop', root='elsewhere')")
    monkeypatch.chdir(folder)
    assert load_project(None, folder).root == folder / "elsewhere"


@pytest.mark.parametrize("place", ["shop/definitions", "shop.definitons", "shop/definition.py"])
def test_a_place_that_is_written_nearly_right_is_answered_with_one_that_works(folder, monkeypatch, place):
    monkeypatch.chdir(folder)
    (folder / "shop").mkdir()
    (folder / "shop" / "definitions.py").write_text(text())
    with refused(NotFound, repr(place)) as caught:
        load_project(place, folder)
    assert caught.value.hint == "Did you mean 'shop/definitions.py'?"
    assert load_project("shop/definitions.py", folder).name == "shop"


@pytest.mark.parametrize("said", ["nosuch.py", "nosuch", "definitions.py:nosuch"])
def test_a_target_of_mlforge_yaml_that_is_not_there_says_where_it_is_named(folder, monkeypatch, said):
    monkeypatch.chdir(folder)
    (folder / "definitions.py").write_text(text())
    (folder / "mlforge.yaml").write_text(f"target: {said}\n")
    with refused(NotFound, "nosuch") as caught:
        load_project(None, folder)
    assert caught.value.where == f"mlforge.yaml, line 1: target: {said}"


@pytest.fixture
def open_folder(folder):
    """A folder that everybody can reach."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_a_folder_that_is_removed_meanwhile_stops_no_search(folder, monkeypatch):
    (folder / "definitions.py").write_text(text(name="removed"))
    (folder / "removed").mkdir()
    listed = Path.iterdir

    def remove_first(path):
        if path.name == "removed":
            path.rmdir()
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", remove_first)
    assert load_project(None, folder).name == "removed"
    assert not (folder / "removed").exists()


@pytest.mark.posix
@pytest.mark.parametrize("mode", [0o000, 0o600, 0o444])
def test_a_folder_that_is_closed_stops_no_search(open_folder, mode):
    (open_folder / "definitions.py").write_text(text(name=f"closed{mode}"))
    for name in ("data", "data/inner"):
        (open_folder / name).mkdir()
        (open_folder / name / "module.py").touch()
    (open_folder / "data").chmod(mode)
    with as_nobody():
        assert load_project(None, open_folder).name == f"closed{mode}"
    (open_folder / "data").chmod(0o755)


@pytest.mark.posix
def test_a_file_that_may_not_be_read_is_said_with_a_way_out(open_folder):
    definitions, other = open_folder / "definitions.py", open_folder / "other.py"
    definitions.write_text(text())
    other.write_text(text())
    definitions.chmod(0)
    with as_nobody(), refused(Invalid, "definitions.py cannot be read: Permission denied.") as caught:
        load_project(None, open_folder)
    assert caught.value.hint == "Look at its permissions."
    definitions.chmod(0o644)
    other.chmod(0)
    with as_nobody(), pytest.warns(UserWarning, match="passed over: Permission denied"):
        assert load_project(None, open_folder).name == "shop"


@pytest.mark.parametrize(("name", "whose"), [("csv", "Python's own"), ("msgspec", "the installed")])
def test_a_file_that_hides_a_library_is_warned_of(folder, name, whose):
    (folder / "definitions.py").write_text(text())
    (folder / f"{name}.py").touch()
    with pytest.warns(UserWarning, match=f"It hides {whose} module '{name}'"):
        assert load_project(None, folder).name == "shop"


def test_a_file_of_a_name_of_its_own_hides_nothing(folder):
    for name in ("definitions", "features", "test"):
        (folder / f"{name}.py").write_text(text() if name == "definitions" else "")
    assert load_project(None, folder).name == "shop"


def test_a_project_hides_nothing_of_another_that_was_loaded_before(folder):
    for name in ("one", "other"):
        at = folder / name
        at.mkdir()
        (at / "definitions.py").write_text(text(name))
        (at / "features.py").touch()
        assert load_project(None, at).name == name
