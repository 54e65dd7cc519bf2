"""The demo world: one seeded truth about five schools over five nights; every feed, demo and test is a rendering of it.

`build.world()` makes it, `model` is its shape, `cast` names the people with a story. Pure Python: it knows no MIS, no
web framework and no room of the product.
"""
