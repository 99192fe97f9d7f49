"""Draw the quickstart's output as docs/images/quickstart.svg: `hatch run quickstart:python scripts/picture.py`.

The example runs in a copy of its own, so that the picture shows a first build.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html import escape, unescape
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

HOUSE = Path(__file__).parents[1]
EXAMPLE = HOUSE / "examples" / "flights"
PICTURE = HOUSE / "docs" / "images" / "quickstart.svg"
COLUMNS = 104
CHARACTER = 12.2  # the width Rich gives one, in the picture's units
TEXT = re.compile(r'<text (class="[^"]*") x="([^"]*)" y="([^"]*)" textLength="[^"]*" [^>]*>([^<]*)</text>')
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def main() -> None:
    with TemporaryDirectory() as folder:
        project = shutil.copytree(
            EXAMPLE, Path(folder, "flights"), ignore=shutil.ignore_patterns("data", "feature_store")
        )
        output = run(project)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(drawn(output), encoding="utf-8")


def run(project: Path) -> str:
    """What a terminal shows of a run, once its progress bars are gone."""
    colourful = os.environ | {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    command = [sys.executable, str(project / "main.py")]
    return subprocess.run(command, env=colourful, stdout=subprocess.PIPE, text=True, check=True).stdout


def drawn(output: str) -> str:
    """An SVG that brings no font and asks for none from the network."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(output.strip("\n")))
    svg = console.export_svg(title="hatch run quickstart", unique_id="quickstart")
    without_fonts = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    placed = TEXT.sub(place_words, without_fonts)
    lines = placed.replace("Fira Code, monospace", FONTS).replace("Fira Code", FONTS).splitlines()
    return "\n".join(line.rstrip() for line in lines if line.strip()) + "\n"


def place_words(text: re.Match[str]) -> str:
    """A line's text as one element for each column, so that columns align in any font and any viewer."""
    attributes, x, y, content = text.groups()
    return "".join(
        f'<text {attributes} x="{float(x) + CHARACTER * word.start():g}" y="{y}" '
        f'textLength="{CHARACTER * len(word[0]):g}">{escape(word[0])}</text>'
        for word in re.finditer("[^\xa0]+(?:\xa0[^\xa0]+)*", unescape(content).rstrip("\n"))
    )


if __name__ == "__main__":
    main()
