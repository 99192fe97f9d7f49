"""Write those files of `mlforge plugin new` that are the toy plugins': each is tested where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOYS = ROOT / "tests"
TEMPLATES = ROOT / "packages" / "mlforge-core" / "src" / "mlforge" / "cli" / "plugin_template"
PLUGIN, ENGINE = "toy-plugin/src/toy_plugin", "toy-engine/src/toy_engine"
COPIES = {
    f"{PLUGIN}/store.py": "online-store/src/package/store.py",
    f"{PLUGIN}/validators.py": "validator/src/package/validators.py",
    "toy-plugin/tests/test_validators.py": "validator/tests/test_validator.py",
    f"{PLUGIN}/metrics.py": "metric/src/package/metrics.py",
    "toy-plugin/tests/test_metrics.py": "metric/tests/test_metric.py",
    "toy-engine/tests/test_conformance.py": "engine/tests/test_conformance.py",
    "toy-engine/tests/test_files.py": "engine/tests/test_files.py",
}
WORDS = {
    "toy_plugin": "{{package}}",
    "toy_engine": "{{package}}",
    "toy-engine": "{{name}}",
    "toy engine": "{{name}} engine",
    "ToyEngine": "{{Class}}",
    "ToyStore": "{{Class}}",
    "TestIsEmail": "TestValidator",
    "is_email": "{{function}}",
    "TestShare": "TestMetric",
    "Share": "{{Class}}",
    '"pyarrow tables, in about 800 lines"': '"{{summary}}"',
}


def templates() -> Iterator[tuple[Path, str]]:
    """Each file, and what is to be in it."""
    for toy, copy in {**COPIES, **_engine()}.items():
        text = (TOYS / toy).read_text(encoding="utf-8")
        for word, placeholder in WORDS.items():
            text = text.replace(word, placeholder)
        yield TEMPLATES / f"{copy}.txt", text


def _engine() -> dict[str, str]:
    """All modules of the engine."""
    modules = [path.name for path in sorted((TOYS / ENGINE).glob("*.py")) if path.name != "__init__.py"]
    return {f"{ENGINE}/{module}": f"engine/src/package/{module}" for module in modules}


if __name__ == "__main__":
    for path, text in templates():
        path.write_text(text, encoding="utf-8")
