"""Hold a tag against the package that it releases, and say what its release notes are.

`check mlforge-polars-v0.9.1` prints the package, or says what is not ready; `notes` prints its part of the changelog.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from changes import version_of

ROOT = Path(__file__).resolve().parent.parent
TAG = re.compile(r"(mlforge-[a-z0-9-]+)-v([0-9]+\.[0-9]+\.[0-9]+(?:(?:a|b|rc)[0-9]+)?)")


def main() -> int:
    """Do what is asked; 1 where the package is not ready."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=("check", "notes"))
    parser.add_argument("tag")
    options = parser.parse_args()
    wrong = unready(ROOT, options.tag)
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    package, version = read(options.tag)
    print(package if options.verb == "check" else notes(ROOT, package, version))
    return 0


def read(tag: str) -> tuple[str, str]:
    """The package and the version of a tag; both empty of one that is none."""
    found = TAG.fullmatch(tag)
    return (found[1], found[2]) if found else ("", "")


def unready(root: Path, tag: str) -> list[str]:
    """What speaks against the release of a tag."""
    package, version = read(tag)
    folder = root / "packages" / package
    if not package or not (folder / "pyproject.toml").is_file():
        return [f"{tag!r} is no tag of a package here: write mlforge-polars-v0.9.1."]
    wrong = []
    if (written := version_of(folder)) != version:
        wrong.append(f"The tag says {version}, packages/{package} says {written}: hatch version {version}.")
    if not notes(root, package, version):
        wrong.append(f"packages/{package}/CHANGELOG.md has no dated {version}: hatch run changes collect {package}.")
    if left := sorted(path.name for path in (folder / "changes").glob("*")):
        wrong.append(f"packages/{package}/changes has {', '.join(left)}: hatch run changes collect {package}.")
    return wrong


def notes(root: Path, package: str, version: str) -> str:
    """What the changelog says of a version that has a date; nothing where it has none."""
    text = (root / "packages" / package / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(
        rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    return found[1].strip() if found else ""


if __name__ == "__main__":
    sys.exit(main())
