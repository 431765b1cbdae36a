"""The results of one machine over time, and where they changed: ``looptax history``.

`changes` finds the change points of a series of times; `series` makes these series of result files, oldest first, by
what `machines` knows of files and cells; `tables`, `datasets`, `charts` and `page` show them.
"""
