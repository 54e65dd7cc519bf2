"""Serves every school of the world from one process, with the page that moves them, until it is told to stop.

`python -m local.simulators --port 8080 --folder DIR [--site URL]`; schools that send files send them into DIR.
"""

import argparse
import contextlib
import threading
from pathlib import Path

from local import services
from local.simulators import control
from local.simulators.feeds import Served, feed_of
from local.world.build import world


def main() -> None:
    """Serve until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.simulators", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="of the page; a free one if it is not given")
    parser.add_argument("--folder", type=Path, required=True, metavar="DIR", help="for the files that schools send")
    parser.add_argument("--site", default="", metavar="URL", help="of SchoolsBuddy, for the links of the page")
    asked = parser.parse_args()
    services.exit_on_signals()
    feeds = [feed_of(school, folder=asked.folder) for school in world().schools]
    with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as served:
        for feed in feeds:
            if isinstance(feed, Served):
                served.enter_context(feed.served())
        page = served.enter_context(control.running(control.Control(feeds, site=asked.site), port=asked.port))
        print(f"simulators on {page}/", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
