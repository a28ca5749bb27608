"""What deployments have taught, as files of the user's repository: written by runs, read by people and by later runs.

One file for each thing that is learned, so that two pull requests never change the same one; what sums them up is
written on the base branch after a merge, never in a pull request. GitHub merges without the drivers that
`.gitattributes` names (`merge=union` among them), so nothing here leans on one.

    entry        what an entry says, and its JSON Schema
    entry_file   an entry as Markdown with YAML front matter, and whether a person has edited it
    story, page  the entry of a deployment: its facts, and how people read them
    keeping      what people have done to an entry, when it is written again
    library      all entries of a repository, read tolerantly
    recall       what they know of models and packs, before the network is asked
    fixes        patches of the lock that have worked, and which of them a workflow's packs are known to need
    definitions  what packs say of their nodes
    learnings    index and sums over all entries
    bills        what an entry's deployment has cost by its bills, which come later
    refresh      those brought up to date on the base branch

The other modules index the same files in Postgres, and find things in them; `finder` is their front.
"""

from typing import Final

WORKFLOWS: Final = "docs/knowledge-base/workflows"
PATTERNS: Final = f"{WORKFLOWS}/patterns"
LEARNINGS: Final = f"{WORKFLOWS}/learnings"
FIXES: Final = f"{LEARNINGS}/fixes"
NODES: Final = f"{WORKFLOWS}/nodes"


def entry_path(name: str) -> str:
    """Of a workflow's entry in the repository."""
    return f"{PATTERNS}/{name}.md"
