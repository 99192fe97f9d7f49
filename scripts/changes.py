"""Changelog fragments: `check` that a change has one, `collect` those of a package for its release.

A fragment is a file `packages/PACKAGE/changes/+WORDS.KIND.md`, KIND being breaking, new or fix: what the one who
upgrades sees, and has to do. towncrier puts them into the package's CHANGELOG.md.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = re.compile(r"\+[a-z0-9][a-z0-9-]*\.(breaking|new|fix)\.md")
NONE = re.compile(r"^Changelog: none$", re.MULTILINE)
VERSION = re.compile(r'__version__ = "([^"]+)"')


def main() -> int:
    """Do what is asked; 1 where something is missing or named wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    checking = verbs.add_parser("check", help="whether every package that changed tells of it")
    checking.add_argument("--since", default="main", help="the branch that the change is to come to (default: main)")
    collecting = verbs.add_parser("collect", help="put a package's fragments into its changelog")
    collecting.add_argument("package")
    collecting.add_argument(
        "--date", default=datetime.now(UTC).date().isoformat(), help="of the release (default: today)"
    )
    options = parser.parse_args()
    if options.verb == "collect":
        collect(ROOT, options.package, options.date)
        return 0
    wrong = misnamed(ROOT) + untold(ROOT, options.since)
    print("\n".join(wrong) or "Every change is told of.", file=sys.stderr if wrong else sys.stdout)
    return int(bool(wrong))


def misnamed(root: Path) -> list[str]:
    """Fragments that would be passed over."""
    found = sorted(path for path in root.glob("packages/*/changes/*") if not NAME.fullmatch(path.name))
    return [f"{path.relative_to(root)}: call it +WORDS.breaking.md, +WORDS.new.md or +WORDS.fix.md" for path in found]


def untold(root: Path, since: str) -> list[str]:
    """Packages whose code changed since a branch without a fragment or a line in the changelog.

    A commit that says `Changelog: none` in a line of its own speaks for what nobody sees.
    """
    base = _git(root, "merge-base", since, "HEAD").strip()
    if NONE.search(_git(root, "log", "--format=%B", f"{base}..HEAD")):
        return []
    paths = [path.split("/") for path in _git(root, "diff", "--name-only", f"{base}..HEAD").splitlines()]
    changed = {path[1] for path in paths if path[0] == "packages" and path[2:3] == ["src"]}
    told = {path[1] for path in paths if path[0] == "packages" and path[2] in ("changes", "CHANGELOG.md")}
    how = "add packages/{0}/changes/+WORDS.new.md, or say `Changelog: none` in a commit, where nobody sees the change"
    return [f"{name} changed, and nothing tells of it: {how.format(name)}" for name in sorted(changed - told)]


def collect(root: Path, package: str, date: str) -> None:
    """Put the fragments of a package below the heading of its version; a heading `(unreleased)` is dated."""
    folder = root / "packages" / package
    if not (folder / "CHANGELOG.md").is_file():
        sys.exit(f"There is no package {package}: see packages/.")
    version = version_of(folder)
    page, heading = folder / "CHANGELOG.md", f"## {version} ({date})\n"
    waiting = f"\n## {version} (unreleased)\n"
    if any((folder / "changes").glob("*.md")):
        words = ["build", "--yes", "--config", str(root / "scripts" / "towncrier.toml"), "--dir", str(folder)]
        more = ["--version", version, "--date", date]
        subprocess.run([sys.executable, "-m", "towncrier", *words, *more], cwd=root, check=True)
        text = page.read_text(encoding="utf-8")
        text = re.sub(re.escape(heading) + r"\s*", f"{heading}\n", text)
        text = re.sub(r"(?<=\S)\n(?=## )", "\n\n", text)  # towncrier leaves no line before the next heading
        text = text.replace(waiting, "")
    else:
        text = page.read_text(encoding="utf-8").replace(waiting, f"\n{heading}")
    if heading not in text:
        sys.exit(
            f"{package}: nothing tells of {version}: neither a fragment nor a heading `## {version} (unreleased)`."
        )
    page.write_text(text, encoding="utf-8")


def version_of(folder: Path) -> str:
    """The version that a package says it has."""
    (about,) = folder.glob("src/*/__about__.py")
    return VERSION.findall(about.read_text(encoding="utf-8"))[0]


def _git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout  # noqa: S607


if __name__ == "__main__":
    sys.exit(main())
