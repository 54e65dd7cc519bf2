"""A peer: dlt, merging by primary key as its documentation shows it. It ends nothing that is absent."""

import csv
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"  # read when dlt is imported; nothing goes out of a bench

import dlt

from tests.bench import tables

_DATASET: Final = "bench_dlt"


class Dlt:
    """Brings the tables of its data set to what the files say, absence aside."""

    def __init__(self, url: str, first: Path) -> None:
        self._place = tempfile.TemporaryDirectory()
        self.pipeline: Any = dlt.pipeline(
            pipeline_name=f"bench_{os.getpid()}",
            pipelines_dir=self._place.name,
            destination=dlt.destinations.postgres(credentials=url),
            dataset_name=f"{_DATASET}_{os.getpid()}",
        )
        self.columns = {name: tables.header(first / f"{name}.csv") for name in tables.KEYS}

    def night(self, feed: Path) -> None:
        """Take in one night."""
        self.pipeline.run([self._resource(feed, name) for name in tables.KEYS])

    def _resource(self, feed: Path, name: str) -> Any:
        return dlt.resource(
            _records(feed / f"{name}.csv"),
            name=name,
            primary_key=tables.KEYS[name],
            write_disposition="merge",
            columns={column: {"data_type": "text"} for column in self.columns[name]},
        )


def _records(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
