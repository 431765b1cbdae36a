"""How a duel is shown: `command` reads what was asked, `tables` and `limits` say what became of it."""
