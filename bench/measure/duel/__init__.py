"""Two builds of looptax, measured in alternation inside the same sweeps.

The way of a duel: `builds` makes an interpreter of what was given (a commit, a wheel, an interpreter) → `link` starts
it with `worker`, a script that asks nothing of a build but what old ones have, and speaks with it in lines of JSON →
`contest` lets both try each cell, judges what they return, and times them in turns → `looptax.bench.show.duel`.
"""
