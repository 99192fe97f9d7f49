"""Who may ask: keys, certificates, and doors that are not opened by mistake."""

from __future__ import annotations

import re
import shlex
import shutil
import ssl
import stat
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import trustme

from mlforge.errors import Conflict
from mlforge.plugin.temporary import Hold
from mlforge.testing.refusals import refused
from mlforge_serve.api_keys import APIKeys, add_key, read_keys

Run = Callable[..., Any]
Server = Any


@pytest.fixture(scope="module")
def locked(published: Path, tmp_path_factory: pytest.TempPathFactory, mlforge: Run) -> tuple[Path, str, str]:
    """A project with a key for everything, and one for `spend`; not to be changed."""
    folder = shutil.copytree(published, tmp_path_factory.mktemp("locked") / "project")
    every = mlforge(folder, "serve-key", "ops", "--api-key-file", "keys.yaml").stdout.strip()
    some = mlforge(folder, "serve-key", "shop", "--api-key-file", "keys.yaml", "--features", "spend").stdout.strip()
    return folder, every, some


@pytest.fixture(scope="module")
def guarded(
    locked: tuple[Path, str, str], tmp_path_factory: pytest.TempPathFactory, serving: Run
) -> Iterator[tuple[Server, str, str]]:
    """A server of it that tests share, and both keys."""
    folder, every, some = locked
    with serving(folder, "--api-key-file", "keys.yaml", log=tmp_path_factory.mktemp("guarded") / "log") as server:
        yield server, every, some


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_without_a_key_only_the_probes_are_answered(guarded: tuple[Server, str, str]) -> None:
    server, key, _ = guarded
    assert (server.get("/health").status, server.get("/ready").status) == (200, 200)
    for path in ("/features", "/features/spend", "/features/nothing", "/metrics"):
        assert server.get(path).json["code"] == "key_missing", path
        assert server.get(path, **bearer(key)).status == (404 if path.endswith("nothing") else 200)
    refused = server.online(["spend"], {"user_id": 1})
    assert (refused.status, refused.json["code"]) == (401, "key_missing")
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert server.online(["spend"], {"user_id": 1}, **bearer(key)).status == 200
    assert server.online(["spend"], {"user_id": 1}, x_api_key=key).status == 200


ALMOST = {
    "another case": str.upper,
    "shorter": lambda key: key[:-1],
    "longer": lambda key: key + "A",
    "another secret": lambda key: key[:17] + "A" * 43,
    "another id": lambda key: f"mlf_{'0' * 12}_{key[17:]}",
    "no key": lambda _: "é" * 60,
    "nothing": lambda _: "",
}


@pytest.mark.parametrize("change", ALMOST.values(), ids=ALMOST)
def test_a_key_that_is_almost_right_is_unknown(guarded: tuple[Server, str, str], change: Callable[[str], str]) -> None:
    server, key, _ = guarded
    answer = server.online(["spend"], {"user_id": 1}, **bearer(change(key).encode().decode("latin-1")))
    assert (answer.status, answer.json["code"] in ("key_unknown", "key_missing")) == (401, True)


def test_a_key_may_be_limited_to_features(guarded: tuple[Server, str, str]) -> None:
    server, _, key = guarded
    assert server.online(["spend"], {"user_id": 1}, **bearer(key)).status == 200
    for other in ("secret", "secret@1.0.0", "nothing", {"name": "secret"}):
        answer = server.online(["spend", other], {"user_id": 1}, **bearer(key))
        assert (answer.status, answer.json["code"]) == (403, "key_limited"), other
    assert server.batch(["secret"], [], **bearer(key)).status == 403
    assert [f["name"] for f in server.get("/features", **bearer(key)).json["features"]] == ["spend"]
    assert [server.get(f"/features/{n}", **bearer(key)).status for n in ("spend", "secret", "x")] == [200, 403, 403]
    assert server.get("/metrics", **bearer(key)).json["code"] == "key_limited"


def test_keys_are_nowhere_but_with_their_owners(
    guarded: tuple[Server, str, str], locked: tuple[Path, str, str]
) -> None:
    (server, key, _), (folder, *_) = guarded, locked
    said = server.online(["spend"], {"user_id": 1}, **bearer(key + "x")).body.decode()
    kept = (folder / "keys.yaml").read_text()
    secret = key.rpartition("mlf_")[2].partition("_")[2]
    assert secret not in kept + said + server.log
    assert re.search(r"sha256: '?[0-9a-f]{64}", kept)
    assert stat.S_IMODE((folder / "keys.yaml").stat().st_mode) == 0o600


def test_keys_come_and_go_while_the_server_runs(
    locked: tuple[Path, str, str], serve: Run, tmp_path: Path, mlforge: Run, wait: Run
) -> None:
    folder, key = shutil.copytree(locked[0], tmp_path / "project"), locked[1]
    with serve(folder, "--api-key-file", "keys.yaml") as server:
        new = mlforge(folder, "serve-key", "late", "--api-key-file", "keys.yaml").stdout.strip()
        wait(lambda: server.get("/features", **bearer(new)).status == 200)
        good = (folder / "keys.yaml").read_text()
        (folder / "keys.yaml").write_text(good[: good.index("- name: shop")])
        wait(lambda: server.get("/features", **bearer(new)).status == 401)
        assert server.get("/features", **bearer(key)).status == 200


@pytest.mark.parametrize(
    ("features", "says", "hint"),
    [
        ("spent", "There is no feature 'spent'.", "Did you mean 'spend'?"),
        ("spend,nosuch", "There is no feature 'nosuch'.", "Known: "),
        ("spend@1.0.0", "There is no feature 'spend@1.0.0'.", "Did you mean 'spend'?"),
    ],
)
def test_a_key_for_a_feature_that_there_is_not_is_refused(
    project: Path, mlforge: Run, features: str, says: str, hint: str
) -> None:
    done = mlforge(project, "serve-key", "a", "--api-key-file", "k.yaml", "--features", features)
    assert (done.returncode, done.stdout, says in done.stderr, hint in done.stderr) == (1, "", True, True)
    assert not (project / "k.yaml").exists()
    assert mlforge(project, "serve-key", "a", "--api-key-file", "k.yaml", "--features", "spend,risk").returncode == 0


def test_without_definitions_a_key_is_made_and_the_server_tells_of_what_is_not_served(
    project: Path, tmp_path: Path, serve: Run, mlforge: Run, wait: Run
) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    words = ["serve-key", "shop", "--api-key-file", str(project / "k.yaml"), "--features", "spend,spent"]
    made = mlforge(elsewhere, *words)
    assert (made.returncode, "Warning: There are no definitions here" in made.stderr) == (0, True)
    assert mlforge(elsewhere, *words, "--target", "nowhere.py").returncode == 1
    with serve(project, "--api-key-file", "k.yaml") as server:
        wait(lambda: "the key 'shop' may read 'spent', which is not served here" in server.log)
        assert "'spend'" not in server.log
        answer = server.online(["spend"], {"user_id": 1}, **bearer(made.stdout.strip()))
        assert answer.json["values"]["amount"] == 1.5


def test_keys_that_are_made_at_once_are_all_kept(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: add_key(tmp_path / "k.yaml", f"k{n}", None), range(24)))
    keys = APIKeys(read_keys(tmp_path / "k.yaml").keys)
    assert [found and found.name for found in map(keys.find, made)] == [f"k{n}" for n in range(24)]
    assert [one.name for one in tmp_path.iterdir()] == ["k.yaml"]


def test_a_folder_that_others_hold_is_waited_for_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlforge_serve.api_keys.PATIENCE", 0.1)
    hold = Hold(tmp_path)
    with refused(Conflict, "'k.yaml'"):
        add_key(tmp_path / "k.yaml", "a", None)
    hold.release()
    assert add_key(tmp_path / "k.yaml", "a", None)


def test_the_same_name_is_no_two_keys(project: Path, mlforge: Run) -> None:
    assert mlforge(project, "serve-key", "a", "--api-key-file", "k.yaml").returncode == 0
    again = mlforge(project, "serve-key", "a", "--api-key-file", "k.yaml")
    assert (again.returncode, "There is a key 'a'" in again.stderr, "Hint" in again.stderr) == (1, True, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["a", "--features", ""], "features"),
        (["a", "--features", " , "], "features"),
        ([""], "NAME"),
        ([" "], "NAME"),
        (["a", "--api-key-file", "no/such/folder/k.yaml"], "no/such/folder"),
        (["a", "--api-key-file", "definitions.py/k.yaml"], "definitions.py"),
    ],
)
def test_no_key_is_made_of_a_wrong_call(project: Path, mlforge: Run, words: list[str], says: str) -> None:
    done = mlforge(project, "serve-key", "--api-key-file", "k.yaml", *words)
    assert done.returncode in (1, 2), done.stdout
    assert (done.stdout, says in done.stderr, "Hint" in done.stderr, "defect" in done.stderr) == ("", True, True, False)
    assert not (project / "k.yaml").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--host 0.0.0.0", "there are no API keys"),
        ("--host ::", "there are no API keys"),
        ("--host example.org", "there are no API keys"),
        ("--api-key-file nowhere.yaml", "no key file 'nowhere.yaml'"),
        ("--api-key-file definitions.py", "key file 'definitions.py'"),
        ("--tls-cert mlforge.yaml", "--tls-key"),
        ("--tls-cert mlforge.yaml --tls-key mlforge.yaml", "certificate 'mlforge.yaml'"),
        ("--max-body lots", "no size"),
        ("--max-body 0", "no size"),
        ("--max-entities 0", "max-entities"),
        ("--timeout 0", "timeout"),
        ("--timeout nan", "timeout"),
        ("--workers 0", "workers"),
        ("--port 70000", "port"),
        ("--log-format xml", "log-format"),
        ("--host 203.0.113.7 --insecure", "cannot be listened at"),
        ("--target nowhere.py", "nowhere.py"),
        ("--profile nobody", "nobody"),
        ("--features ,", "features"),
        ("--features spend@1.0.0", "'spend@1.0.0' cannot be a feature's name"),
        ("--cors-origins ,", "cors-origins"),
        ("--cors-origins a.example", "'a.example' is no origin, such as https://a.example"),
        ("--cors-origins https://a.example,https://b.example/", "'https://b.example/' is no origin"),
        ("--api-key-file /dev/null", "holds no key"),
    ],
)
def test_a_wrong_call_is_refused_before_anybody_listens(project: Path, mlforge: Run, words: str, says: str) -> None:
    done = mlforge(project, "serve", "--port", "0", *words.split())
    assert done.returncode in (1, 2)
    assert says in done.stderr
    assert "Hint" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("there", [None, "", "keys: []", "just text", "keys: 5"])
def test_a_hint_about_a_key_file_leads_to_one_that_is_served(project: Path, mlforge: Run, there: str | None) -> None:
    (project / "our keys").mkdir()
    file = project / "our keys" / "k.yaml"
    if there is not None:
        file.write_text(there)
    told = mlforge(project, "serve", "--api-key-file", "our keys/k.yaml", "--port", "0").stderr
    hint = next(line for line in told.splitlines() if line.startswith("Hint: "))
    if there in ("just text", "keys: 5"):
        assert hint == "Hint: Name a file that `mlforge serve-key` made, or one that is not there yet, for it to make."
        assert mlforge(project, "serve-key", "app", "--api-key-file", "our keys/k.yaml").returncode == 1
        assert file.read_text() == there
        return
    typed = shlex.split(hint.partition(": mlforge ")[2])
    assert mlforge(project, *typed).returncode == 0
    assert file.exists()


def test_a_port_that_is_taken_is_told(project: Path, mlforge: Run, serve: Run) -> None:
    with serve(project) as server:
        done = mlforge(project, "serve", "--port", str(server.port))
    assert (done.returncode, "cannot be listened at" in done.stderr) == (1, True)


def test_a_project_without_an_online_store_is_refused(project: Path, mlforge: Run) -> None:
    (project / "mlforge.yaml").unlink()
    for words in ([], ["--features", "spend"]):
        done = mlforge(project, "serve", *words)
        assert (done.returncode, "There is no online store" in done.stderr) == (1, True)


def test_beyond_this_machine_it_listens_with_keys_or_where_it_is_told_to(
    project: Path, mlforge: Run, serve: Run
) -> None:
    with serve(project, "--host", "0.0.0.0", "--insecure") as server:
        assert server.get("/ready").status == 200
    mlforge(project, "serve-key", "a", "--api-key-file", "k.yaml")
    with serve(project, "--host", "0.0.0.0", "--api-key-file", "k.yaml") as server:
        assert server.get("/features").status == 401


def test_values_travel_encrypted(project: Path, serve: Run, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    for number, part in enumerate(issued.cert_chain_pems):
        part.write_to_path(tmp_path / "cert.pem", append=number > 0)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    words = ["--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"), "--workers", "2"]
    with serve(project, *words) as server:
        assert server.scheme == "https"
        answer = server.ask(
            "POST", "/features/online", b'{"features": ["spend"], "entity": {"user_id": 2}}',
            {"content-type": "application/json"}, trusting,
        )  # fmt: skip
        assert answer.json["values"]["visits"] == 2
        with pytest.raises(ssl.SSLCertVerificationError):
            server.ask("GET", "/health", context=ssl.create_default_context())
        assert server.stop() == 0


def test_pages_of_other_origins_may_ask_where_they_are_named(published: Path, serve: Run) -> None:
    with serve(published, "--cors-origins", "https://a.example") as server:
        asked = {"origin": "https://a.example", "access-control-request-method": "POST"}
        assert server.ask("OPTIONS", "/features/online", headers=asked).headers["access-control-allow-origin"]
        answer = server.online(["spend"], {"user_id": 1}, origin="https://a.example")
        assert answer.headers["access-control-allow-origin"] == "https://a.example"
        other = server.online(["spend"], {"user_id": 1}, origin="https://b.example")
        assert "access-control-allow-origin" not in other.headers
        for wrong in ({"origin": "https://b.example"}, {"access-control-request-method": "PUT"}):
            refused = server.ask("OPTIONS", "/features/online", headers=asked | wrong)
            assert (refused.status, refused.headers["content-type"]) == (400, "application/problem+json")
            assert refused.json["code"] == "cors_refused"
            assert "--cors-origins" in refused.json["hint"]
            assert "Origin" in refused.headers["vary"]
        assert 'mlforge_errors_total{route="other",code="cors_refused"} 2' in server.get("/metrics").body.decode()


def test_the_description_may_be_left_out(published: Path, serve: Run) -> None:
    with serve(published, "--no-docs") as server:
        assert [server.get(path).status for path in ("/docs", "/openapi.json")] == [404, 404]
        refused = server.get("/openapi.json").json, server.post("/features/online", []).json
        assert [answer["hint"] for answer in refused if "openapi" in answer["hint"]] == []


def test_the_help_names_every_flag(project: Path, mlforge: Run) -> None:
    shown: subprocess.CompletedProcess[str] = mlforge(project, "serve", "--help")
    for flag in ("target", "profile", "host", "port", "workers", "tls-cert", "tls-key", "api-key-file", "insecure",
                 "max-body", "max-entities", "max-features", "timeout", "cors-origins", "no-docs",
                 "log-format"):  # fmt: skip
        assert f"--{flag}" in shown.stdout
