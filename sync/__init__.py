"""The MIS in: connectors, the roster pipeline, runs and reports."""
