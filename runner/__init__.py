"""A *run*: one durable execution for one workflow of one repository.

    intake → analyse → resolve → branch → render → [ deploy → test ] → document → propose → finish

Errors (all in `runner.errors`); `retryable` is a property of the type, and `decide_retry` alone acts on it::

    RunnerError
    ├── DatabaseUnavailable      retryable  Postgres is not reachable
    ├── DeployFailed             terminal   the app did not come up; carries the tail of its log
    ├── EngineUnavailable        terminal   the ComfyUI asked for cannot be used
    ├── EndpointUnreachable      retryable  the deployed app stopped answering
    ├── ForgeBusy                parked     the forge asks for patience; carries until when
    ├── ForgeRefused             terminal   the forge does not allow it
    ├── ForgeUnavailable         retryable  the forge does not answer
    ├── NotAllowed               terminal   the repository's settings forbid what the lock asks for
    ├── RuntimeTooNew            terminal   the repository's runtime is newer than ours
    ├── RunBusy                  terminal   another process carries out the run and does not let go
    ├── RunCancelled             terminal   a person, or a newer run of the same app, ended it
    ├── RunNotFound              terminal   no run with that id
    └── UnusableReport           terminal   a file is no report; in `runner.documents.report_file`

More trees stay inside their packages: `runner.budget.errors` (money), `runner.endpoint_tests.errors` (what a test
found) and `runner.stand_in.errors` (what ends a prompt).
"""
