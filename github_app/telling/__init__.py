"""What people see on GitHub of a run: its comment, checks, labels and deployment, brought to what its row says.

    view.py      the run as it is shown
    pages/       the words, pure
    tellings.py  the table `telling`: what has been told, and what was made on GitHub for it
    tell.py      one run: everything is find-or-create, so telling twice changes nothing
    teller.py    all runs, for as long as the process lives

Nothing here is a step of a run: a run goes on while GitHub is slow, and after a crash the rows still say what is to be
told. That is why nothing is left "in progress".
"""
