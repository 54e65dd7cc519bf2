"""The demo world as somebody outside would say it: in files today, in the answers of a MIS."""
