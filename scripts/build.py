"""Build the wheel and the sdist of every package, or of those named, into dist/."""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Build one package after the other; the first failure ends it."""
    names = sorted(path.parent.name for path in ROOT.glob("packages/*/pyproject.toml"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", metavar="package", help=", ".join(names))
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the files go (default: dist/)")
    options = parser.parse_args()
    if unknown := set(options.packages) - set(names):
        parser.error(f"no such package: {', '.join(sorted(unknown))} (there are {', '.join(names)})")
    for name in options.packages or names:
        build = [sys.executable, "-m", "build", "--installer", "uv", "--outdir", str(options.out)]
        subprocess.run([*build, str(ROOT / "packages" / name)], check=True)


if __name__ == "__main__":
    main()
