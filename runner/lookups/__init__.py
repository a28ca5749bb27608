"""What only the network knows of a workflow's models and packs (`codegen.facts.Lookups`).

web            HTTP for all of them: cached with ETags, bounded, and quick to give up on a host that is not there
hugging_face   files on Hugging Face: size, SHA-256, gated, licence
civitai        files on Civitai, by version, by hash and by name
github         repositories: where they are now, archived or a fork, and the commit of a version
registry       the Comfy registry: whose a node class is
live           all of them at once
offline        none of them

Only these hosts are asked, and nothing of a workflow but names and addresses of files and packs is told to them. An
address on any other host is never fetched from here: a submitted file could name one inside somebody's network.
"""
