"""The target `modal`: apps in workspaces of Modal, deployed with Modal's own client.

Three kinds of processes, none of which has more than one account's token:

    deploying, calling   confined: import a repository's `app.py`, open what its containers answer; believed in nothing
    control              one for each account in use: asks Modal, and stops apps; runs nobody's code
    this one             decides; never imports Modal's client, and holds no connection to Modal

An app is found by its name and tags, which say whose it is and which run has deployed it, so nothing has to be
remembered for it to be found again. Errors: `runner.targets.modal.errors`.
"""
