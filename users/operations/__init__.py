"""What changes in the room of accounts and people; verbs read after their noun."""
