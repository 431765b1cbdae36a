"""What is Chinese, and what English is left in it."""

import re

SENTENCE = re.compile(r"[A-Za-z]{2,}(?:'s)?,?(?: [A-Za-z]{2,}){2,}")  # three words in a row
QUOTED = re.compile(r'"[^"]*"|`[^`]*`|looptax grade --new numpy')  # names of cases and layouts, and what to type


def chinese(text):
    """Whether there is Chinese in a text."""
    return re.search("[\u4e00-\u9fff]", text) is not None


def english(text):
    """The first English sentence of a text, names in quotes aside; None where there is none."""
    found = SENTENCE.search(QUOTED.sub("", text))
    return found and found[0]
