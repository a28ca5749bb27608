"""What GitHub tells us, as small values of our own.

    things.py    the nouns of payloads: people, issues, comments, pull requests, checks
    model.py     one model per event
    parse.py     from a delivery's name and bytes to one of them; what we do nothing with is `None`

The models take what they need from GitHub's payloads (https://docs.github.com/en/webhooks/webhook-events-and-payloads)
and are blind to the rest, so that a new field there is no failure here.
"""
