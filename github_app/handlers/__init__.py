"""What each event on GitHub sets in motion.

    handle.py          from a delivery to one of the handlers
    talk.py            one conversation with people: an issue or a pull request, and who speaks in it
    issues.py          a workflow in an issue becomes runs; intake.py does that for commands too
    comments.py        comments and reviews: commands, one module each in commands/
    pulls.py           a person pushed, merged or closed
    checks.py          the buttons of our checks
    installations.py   the App was installed, removed, suspended; a repository went away
    redeploy.py, production.py, teardown.py    what several of them do

A handler may be called again for the same delivery after a crash or a redelivery, at the same time as others and in
any order, so everything it does is find-or-create, and the runs it asks for have ids made from the delivery's GUID.
"""
