"""The runtime of a generated app: one ComfyUI workflow, served over HTTP.

Read in this order::

    service.py      what app.py holds: start, stop, asgi
    settings.py     everything the environment may say
    definition.py   the app's folder: lock, prompt, interface
    engine.py       ComfyUI as a child process: watched, restarted, stopped
    process.py      how it is started: guard.py keeps it from outliving us, warm.py waits in a memory snapshot
    command.py      the command it is started with, and as the preflight needs it
    engine_log.py   its log, kept and watched
    comfy.py        ComfyUI's HTTP and WebSocket protocol, as a client
    inputs.py       a request's body against interface.json; media.py and addresses.py bring pictures and other files in
    jobs.py         the queue; execution.py runs one job; outputs.py takes what it made,
                    bucket.py keeps it for longer
    failures.py     what went wrong, in words and with a hint; problems.py is its form on the wire
    web.py          the HTTP contract, helped by auth.py, body.py, admission.py, views.py and negotiation.py
    pages.py        the playground and the reference (ui/), made from the schema and openapi.py
    webhooks.py     tells callers that a job has ended; metrics.py tells Prometheus of all jobs
    models.py       the model files of the lock, in a store of all apps; downloads.py brings one and verifies it
    preflight.py    what a ComfyUI without a GPU says of the app; held.py keeps it from running anything
    build.py        steps of the image, when it is built
    json_values.py  looks at JSON of others without trust in its shape

It imports no `modal` and nothing of the generator: the copy in a repository belongs to that repository.

Errors::

    Problem (problems.py)        reaches the caller as RFC 9457 problem+json
    DefinitionError              the app's folder is not one this runtime can serve
    SettingsError                an environment variable cannot be understood
    EngineFailed                 ComfyUI did not come up
    ComfyError (comfy.py)
    ├── EngineUnreachable        no answer, or the connection broke
    ├── UnexpectedAnswer         an answer that is not ComfyUI's
    ├── PromptRejected           /prompt refused the prompt or a part of it
    ├── NodeFailed               a node raised while it ran
    └── Interrupted              somebody interrupted the prompt
"""
