"""What GitHub and people reach over HTTP, and what becomes of a webhook until a worker handles it.

    application.py   the pages and the webhook, put together as one ASGI application
    webhooks.py      `POST /webhooks/github`: size, signature, headers; 202 once the delivery is on record
    inbox.py         puts deliveries on record: all that wait at a moment in one statement
    deliveries.py    the table `delivery` as workers use it: claim, settle, wait for more
    sweep.py         asks GitHub for the deliveries that did not reach us
    serving.py       the HTTP process (protocol.py: its limit for headers), and the workers beside it (workers.py)
    manifest.py      what the App asks for: permissions and events
    registration.py  makes an App on GitHub in a browser, keeping.py stores it; inspection.py says whether it is right

The HTTP process does no work of its own: it takes deliveries and shows pages, so that it always has time to answer.

ServerError
├── NotStored            the delivery is not on record; GitHub is to count it as failed
├── RegistrationFailed   no App was made, or what GitHub said of it cannot be used
└── CannotServe          the address cannot be listened on
"""
