"""Git: mirrors, worktrees, branches, commits, pushes, conflicts.

Errors (all in `worktrees.errors`)::

    WorktreeError
    ├── GitMissing               no git on this machine, or not on the PATH
    ├── NotARepository           the folder is in no git repository, or the repository has no commit yet
    ├── UnusableBase             detached or unknown base branch
    ├── UnsafePath               a path that would leave the worktree
    ├── GitFailed                a git command failed; carries its command line and its last words
    ├── PushRejected             the branch moved in the meantime, or a hook or rule refused
    └── MergeRefused             conflicts, or the checkout of the base branch has uncommitted changes
"""
