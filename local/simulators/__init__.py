"""MISs and their partners, simulated over the world: each speaks its own dialect, and misbehaves on demand.

`server` is what every simulator stands on, `registry` lists them, `feeds` lets a school's own move while it runs, and
`control` is the page that moves them. `python -m local.simulators` serves all schools of the world.
"""
