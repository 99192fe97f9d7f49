"""`mlforge list features` over 1,000 features beside importing them; with `--store`, looking at their versions."""

import statistics
import sys
import tempfile
from pathlib import Path

from harness import alternate, report

FEATURE = """
@mlf.feature(source="e.parquet", keys="user_id", timestamp="t", interval="1d", tags=["daily"],
             metrics=[mlf.Sum("amount", windows=["1d", "7d"])])
def feature_{i}(df):
    return df
"""


def main(options):
    """The goal is one second more than the import."""
    if options.store:
        import listing_stores

        listing_stores.main(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = define(folder, 1000)
        sides = {
            "importing them": importing(folder),
            "mlforge list features": [sys.executable, "-m", "mlforge", "list", "features", "--target", file],
        }
        found = alternate(sides, options.runs)
    report("1,000 features", found, {})
    middle = {n: statistics.median(r.seconds for r in rs) for n, rs in found.items()}
    extra = middle["mlforge list features"] - middle["importing them"]
    print(f"  {extra:.2f} s more than importing them (goal ≤ 1: {'met' if extra <= 1 else 'MISSED'})")


def define(folder, features):
    """Write the definitions of so many features; gives their file."""
    names = ", ".join(f"feature_{i}" for i in range(features))
    text = "import mlforge as mlf\n" + "".join(FEATURE.format(i=i) for i in range(features))
    file = Path(folder, "definitions.py")
    file.write_text(f"{text}\ndefs = mlf.Definitions('many', features=[{names}])\n")
    return file


def importing(folder):
    """A command that imports them, and does nothing more."""
    return [sys.executable, "-c", f"import sys; sys.path.insert(0, {folder!r}); import definitions"]
