"""A peer: django-import-export, set up to be as quick as it can: rows that changed only, in batches.

Each row is looked up by its key and compared in Python. It ends nothing that is absent.
"""

from pathlib import Path
from typing import Any, Final

import django
import psycopg
from django.conf import settings

settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.bench"]  # where the models of the peer's tables are
django.setup()

from django.db import connections, models  # noqa: E402 Django must be set up first
from import_export.resources import ModelResource, modelresource_factory  # noqa: E402
from tablib import Dataset  # noqa: E402

from tests.bench import tables  # noqa: E402

_BATCH: Final = 1000


class ImportExport:
    """Brings its tables to what the files say, absence aside."""

    def __init__(self, url: str, first: Path) -> None:
        with psycopg.connect(url) as connection:
            tables.make(connection, first, "import_export")
        self.resources = {name: _resource(name, first) for name in tables.KEYS}

    def night(self, feed: Path) -> None:
        """Take in one night."""
        for name, resource in self.resources.items():
            path = feed / f"{name}.csv"
            resource.import_data(Dataset(*tables.rows(path), headers=tables.header(path)), raise_errors=True)
        connections.close_all()


def _resource(name: str, folder: Path) -> ModelResource:
    fields: dict[str, Any] = {column: models.TextField() for column in tables.header(folder / f"{name}.csv")}
    meta = type("Meta", (), {"app_label": "bench", "db_table": f"import_export_{name}", "managed": False})
    # What no file says: without a column beside the key there is nothing that a batch could update, which it refuses.
    fields["ended"] = models.DateField(null=True)
    known = {"__module__": __name__, "Meta": meta, "id": models.BigAutoField(primary_key=True)}
    model = type(f"Bench{name.title()}", (models.Model,), {**fields, **known})
    options = {
        "exclude": ("id",),
        "import_id_fields": tables.KEYS[name],
        "use_bulk": True,
        "batch_size": _BATCH,
        "skip_unchanged": True,
        "report_skipped": False,
        "using_db": "owner",  # the tables are the owner's, and the site's role may not see them
    }
    made: type[ModelResource] = modelresource_factory(model, meta_options=options)
    return made()
