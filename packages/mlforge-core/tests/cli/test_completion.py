"""Completion: features, versions, tags, sets and profiles, without running anything of the project."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from mlforge.cli.app import cli


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, built_shop: Path) -> Path:
    """A built project that has a set, a feature that was not built, and definitions that fail when they are run."""
    folder = shutil.copytree(built_shop, tmp_path_factory.mktemp("completion") / "shop")
    with (folder / "definitions.py").open("a", encoding="utf-8") as file:
        file.write('\nmlf.FeatureSet("churn", ["user_spend"], tags=["model"])\n')
        file.write("@mlf.feature(source=purchases, keys='user_id', tags='fresh')\ndef user_new(df):\n    return df\n")
        file.write("1 / 0\n")
    (folder / "broken.py").write_text("def (", encoding="utf-8")
    return folder


def completed(project: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    monkeypatch.chdir(project)
    shell = ShellComplete(cli, {}, "mlforge", "_MLFORGE_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["inspect", "user"], ["user_new", "user_spend"]),
        (["publish", "user_spend@"], ["user_spend@1.0.0"]),
        (["diff", "user_spend", ""], ["1.0.0"]),
        (["inspect", "user_spend", "--version", "1"], ["1.0.0"]),
        (["diff", "nobody", ""], []),
        (["build", "--features", "last_purchase,us"], ["last_purchase,user_new", "last_purchase,user_spend"]),
        (["build", "--features", "user_spend,user_s"], []),
        (["list", "--tags", ""], ["daily", "fresh", "model", "users"]),
        (["build", "--set", ""], ["churn"]),
        (["build", "--profile", "d"], ["dev"]),
        (["pl"], ["plan", "plugin", "plugins"]),
        (["build", "--online-"], ["--online-only"]),
    ],
)
def test_what_was_begun_is_completed(
    project: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], expected: list[str]
) -> None:
    assert sorted(set(completed(project, monkeypatch, *words))) == sorted(expected)


def test_where_there_is_nothing_nothing_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed(tmp_path, monkeypatch, "inspect", "") == []
    (tmp_path / "mlforge.yaml").write_text("profiles: [", encoding="utf-8")
    assert completed(tmp_path, monkeypatch, "inspect", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell: str) -> None:
    answer = CliRunner().invoke(cli, ["completion", shell])
    assert answer.exit_code == 0
    assert "_MLFORGE_COMPLETE" in answer.output and f"mlforge completion {shell}" in answer.output


def test_another_shell_is_refused() -> None:
    answer = CliRunner().invoke(cli, ["completion", "tcsh"])
    assert answer.exit_code == 2
    assert "bash" in answer.output


@pytest.mark.posix
def test_bash_completes_a_feature_and_loads_nothing_heavy(project: Path, tmp_path: Path) -> None:
    (tmp_path / "mlforge").write_text(
        f"#!{sys.executable}\nimport sys\nfrom mlforge.cli.app import run\n"
        "try:\n    run()\nfinally:\n    print('heavy', {'polars', 'duckdb', 'pyarrow', 'rich'} & {*sys.modules})\n"
    )
    (tmp_path / "mlforge").chmod(0o755)
    script = f"""
    PATH={tmp_path}:$PATH
    eval "$(mlforge completion bash)" 2>/dev/null
    COMP_WORDS=(mlforge inspect user_s) COMP_CWORD=2
    _mlforge_completion mlforge
    printf '%s\\n' "${{COMPREPLY[@]}}"
    COMP_WORDS=(mlforge inspect user_s) COMP_CWORD=2 _MLFORGE_COMPLETE=bash_complete mlforge
    """
    done = subprocess.run(["bash", "--norc", "-c", script], cwd=project, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "user_spend"


@pytest.mark.posix
@pytest.mark.parametrize(
    ("begun", "expected"),
    [("", ["\\*", "a,b", "it\\'s", "my\\ prod"]), ('"', ["*", "a,b", "it's", "my prod"]), ("my\\ p", ["my\\ prod"])],
)
def test_bash_completes_a_name_as_it_is_written_there(begun: str, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "mlforge.yaml").write_text(
        'profiles: {"my prod": {}, "*": {}, "a,b": {}, "it\'s": {}}', encoding="utf-8"
    )
    (tmp_path / "mlforge").write_text(f"#!{sys.executable}\nfrom mlforge.cli.app import run\nrun()\n")
    (tmp_path / "mlforge").chmod(0o755)
    script = f"""
    PATH={tmp_path}:$PATH
    eval "$(mlforge completion bash)" 2>/dev/null
    COMP_WORDS=(mlforge build --profile {shlex.quote(begun)}) COMP_CWORD=3
    _mlforge_completion mlforge
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "--norc", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == expected


def test_fish_keeps_features_after_a_comma() -> None:
    assert 'string split -m 1 "," $completion' in CliRunner().invoke(cli, ["completion", "fish"]).output
