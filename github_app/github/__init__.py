"""GitHub as Flowberth needs it: one App, its installations, their repositories. Synchronous; our own values only.

    GithubApp ── installation(id) ──> Installation ── repository(…) ──> RepositoryApi
                                                                            └── GithubForge (what a run sees of it)

Every create is find-or-create: by a hidden marker and our own author (comments, issues), by external id (check runs),
by a key in the payload (deployments), by head branch (pull requests), by name (labels, tags). So whoever is not sure
whether a request took effect just asks again. No request that changes something is ever repeated blindly.

Errors (all in `github_app.github.errors`)::

    GithubError
    ├── Unavailable              retryable  no answer, or a failure on GitHub's side; the effect may have happened
    ├── Busy                     parked     a limit of GitHub, or our own pace; carries until when
    └── Refused                  terminal   GitHub does not allow it; in its words
        ├── BadCredentials                  the App's own id or key is not accepted
        ├── NotInstalled                    there is no such installation (any more)
        ├── Suspended                       somebody has suspended the installation
        ├── NotFound                        nothing there, or nothing that we may see
        ├── Outdated                        a branch or pull request moved on meanwhile
        └── DraftsUnsupported               the repository has no draft pull requests
"""
