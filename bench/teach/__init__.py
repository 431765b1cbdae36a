"""How they are taught, and how a reader's own step is judged."""
