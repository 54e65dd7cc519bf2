"""Find a Chromium for the journeys, or install one where that is ours to do; prints its path.

The variable CHROMIUM wins; then the usual names on the PATH; then Debian's package, as root or by sudo without a
password.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MACOS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
ADVICE = "The tests walk through the site in Chromium: install `chromium` (or Chrome), or set CHROMIUM to its path."


def find() -> str | None:
    """Path of a Chromium on this machine. Raises FileNotFoundError when CHROMIUM names none."""
    if named := os.environ.get("CHROMIUM"):
        if found := shutil.which(named):
            return found
        raise FileNotFoundError(f"CHROMIUM is {named}, but there is no such program.")
    on_path = (shutil.which(name) for name in NAMES)
    return next((found for found in on_path if found), None) or next(
        (str(path) for path in MACOS if path.exists()), None
    )


def install() -> None:
    """Install Debian's package if we may; otherwise do nothing."""
    lead = _root()
    if lead is None or not shutil.which("apt-get"):
        return
    print("Installing Chromium with apt-get …", file=sys.stderr, flush=True)
    quiet = [*lead, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "Acquire::Retries=3"]
    for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        subprocess.run([*quiet, *command], stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)


def _root() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and not subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode:
        return ["sudo", "-n"]
    return None


def main() -> int:
    """Print the path; 1 and a sentence when there is none."""
    try:
        found = find()
        if found is None:
            install()
            found = find()
    except FileNotFoundError as fault:
        print(fault, file=sys.stderr)
        return 1
    print(found or ADVICE, file=sys.stdout if found else sys.stderr)
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
