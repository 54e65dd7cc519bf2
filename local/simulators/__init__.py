"""The MIS partners, played: each renders the world's truth in the dialect of one partner, faults included."""
