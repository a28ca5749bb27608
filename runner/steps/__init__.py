"""The steps of a run, one module each, in the order of `runner.model.STEPS`.

A step is a function of the run's context and of what earlier steps found. It may be killed anywhere and is then done
again from its start, so each of its effects is find-or-create. What it returns is small, JSON, and recorded.
"""
