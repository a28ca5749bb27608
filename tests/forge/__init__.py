"""A stand-in for GitHub: real HTTP, real git, real signatures; what people and the App do changes its state.

    Forge                       forge.py        start it, fill it (people, repositories, installations), ask it for its state
      its HTTP server           serving.py      in a thread, on a free port
      the state                 world.py        plain dataclasses; everything that is git is in bare repositories (git.py)
      a request's way           dispatch.py     fault? limit? who (access.py)? which endpoint (routes.py)? paged, tagged, logged
      REST, GraphQL, web pages  endpoints/      one module per subject; each endpoint says which permission and role it needs
      shapes of the answers     views*.py       as GitHub's OpenAPI description has them
      git clone, fetch, push    git_http.py     `git http-backend`, and the refusals of protected branches (pre_receive.py)
      what follows from a push  moves.py        heads of pull requests move, events are sent, auto-merge is tried
      merging                   merging.py      by merge, squash and rebase; what protects a branch is in rules.py
      webhooks                  webhooks.py     signed, numbered, logged, redelivered; dropped, doubled, delayed on demand
      faults and limits         faults.py       the n-th matching request is answered 502, late, or with a rate limit
      manners of the App        openapi.py      its requests are held against GitHub's own OpenAPI description (from npm.py)

In a test: the fixture `forge` (fixtures.py). As a process of its own: `python -m tests.forge --hook-url URL`, which prints its
settings as one line of JSON. What a browser does at GitHub, and faults, are asked for under `/_forge/` (endpoints/control.py).

The addresses are those of a GitHub Enterprise Server: REST under `/api/v3`, GraphQL at `/api/graphql`, everything else beside them.
"""
