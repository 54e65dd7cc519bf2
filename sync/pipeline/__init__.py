"""extract → normalise → plan → gate → apply; facts flow one way."""
