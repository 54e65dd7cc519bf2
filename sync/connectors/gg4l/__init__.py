"""GG4L School Passport (SchoolDay): OneRoster 1.1 behind one token per district."""

from sync.connectors.gg4l.connector import Gg4l, Gg4lSettings

__all__ = ["Gg4l", "Gg4lSettings"]
