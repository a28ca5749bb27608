"""Variations: one app called with a grid of values, side by side on one sheet, and one of them made its new default.

    grammar    `seed=1..4 steps=20,30` read, as it was written
    grid       what was written, held against the app's interface: the cells
    asking     from there to what a run is asked for, priced
    estimate   what they will take, from what the last test has measured
    making     the calls, some at a time; what is made is kept at once
    records    where: a crash loses no cell that was paid for
    pictures   one small picture of each cell
    sheet      all of them on one, with their numbers and values
    choosing   which is recommended, and why
    files      what is committed: the sheet and `variations.json`
    adopting   one cell's values as a change to the lock
    model      the values all of this is made of

Errors::

    runner.errors.RunnerError
    └── BadVariation   terminal   what was asked for cannot be varied so; says which input and what it takes
"""
