"""What deployments have taught, as files of the user's repository: written by runs, read by people and by later runs.

One file for each thing that is learned, so that two pull requests never change the same one; what sums them up is
written on the base branch after a merge, never in a pull request. GitHub merges without the drivers that
`.gitattributes` names (`merge=union` among them), so nothing here leans on one.

    entry        what an entry says, and its JSON Schema
    entry_file   an entry as Markdown with YAML front matter, and whether a person has edited it
    story        the entry of a deployment, from its plan, report and attempts
    library      all entries of a repository, read tolerantly
    recall       what they know of models and packs, before the network is asked; and fixes that a pack is known to need
    fixes        patches of the lock that have worked
    definitions  what packs say of their nodes
    learnings    index and sums over all entries
    refresh      those brought up to date on the base branch
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
