"""Workflow JSON in, analysed plan and app source out. Pure: no network, no clock, no subprocess.

The pipeline, one module per arrow::

    bytes --parse--> Workflow --plan--> Plan --render--> {path: bytes}

A plan takes the core version that the workflow needs (`core_version`), the prompt that it gives (`convert`, with node
definitions from `catalog`), the custom-node packs that the other classes come from (`packs`), the files it loads
(`models`), what people call it with (`interface`), and the smallest hardware that holds it (`hardware`).

Errors (all in `codegen.errors`)::

    CodegenError
    ├── WorkflowError            the file cannot be used; the message names the field and the way out
    │   ├── NotAWorkflow         what was found, and what is accepted
    │   ├── MalformedJson        not strict JSON, or beyond a limit (size, depth, NaN, duplicate keys)
    │   └── InvalidGraph         the real frontend refuses it too (cycles, broken links, …)
    ├── InvalidName              not usable as an app name
    ├── CatalogError             unreadable or unknown node definitions
    ├── InvalidAnswer            a repository, commit or address that a person gave is none
    ├── InvalidYaml              a text is no YAML, or more of it than is taken (codegen.strict_yaml)
    ├── InvalidLock              the committed app.lock.json, or a file beside it, was edited into something else
    ├── PatchRefused             a change of the lock that cannot or must not be made; the message names the field
    └── UnsafeLiteral            a value that must not reach Python source
"""
