"""The results of many machines on one page: ``looptax class``.

`gather` reads the files, `entry` is what is known of a machine, `groups` puts together what was measured on the same
input, `spread` and `gains` are what is said of it; `tables`, `datasets`, `charts` and `page` show it.
"""
