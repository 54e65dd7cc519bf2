"""A school without a MIS uploads CSV files; they go the same way as every other feed (R8)."""

from sync.connectors.csv_files.connector import CsvFiles

__all__ = ["CsvFiles"]
