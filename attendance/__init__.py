"""Marks from the MIS, what their codes mean, and what guardians report (R14–R16, R81). `sync` brings the marks in."""
