"""The lesson: from the double loop to the memory wall, in eleven chapters with the reader's own numbers.

A chapter is a text (`text/<language>/*.md`, see `text`), and what it measures, shows and draws (`chapters`).
`page`, `walk` and `notebooks` tell the same chapters on a page, in the terminal, and to work through by hand.
"""
