"""Ask PyPI's advisories about everything that an installation of all packages has.

Where the advisories cannot be reached nothing is known, and that is a failure, too: run it where PyPI is.
"""

from __future__ import annotations

import subprocess
import sys

import msgspec

OFFLINE = (
    "PyPI's advisories cannot be reached, so nothing is known of what is installed.\n"
    "hint: run it where https://pypi.org/pypi answers, or through a proxy: HTTPS_PROXY=… hatch run security"
)


def main() -> int:
    """Audit, and say which distributions have a known fault."""
    line = [sys.executable, "-m", "pip_audit", "--skip-editable", "--progress-spinner", "off", "--format", "json"]
    done = subprocess.run([*line, "--timeout", "20"], capture_output=True, text=True, check=False)
    try:
        found = msgspec.json.decode(done.stdout)["dependencies"]
    except (msgspec.DecodeError, KeyError):
        print(OFFLINE, done.stderr.strip().splitlines()[-1:], sep="\n", file=sys.stderr)
        return 2
    asked = [one for one in found if "skip_reason" not in one]
    if not asked:
        print(OFFLINE, file=sys.stderr)
        return 2
    bad = [(one, fault) for one in asked for fault in one.get("vulns", ())]
    for one, fault in bad:
        print(f"{one['name']} {one['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'none'}")
    for one in found:
        if "skip_reason" in one:
            print(f"{one['name']} was not looked at: {one['skip_reason']}")
    print(f"{len(asked)} distributions, {len(bad)} known faults")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
