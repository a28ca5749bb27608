"""Git: mirrors, worktrees, branches, commits, pushes, conflicts.

Errors (all in `worktrees.errors`)::

    WorktreeError
    ├── GitMissing               no git on this machine, or not on the PATH
    ├── NotARepository           the folder is in no git repository, or the repository has no commit yet
    ├── UnusableBase             detached or unknown base branch, or no such commit
    ├── UnsafePath               a path that would leave the worktree
    ├── GitFailed                a git command failed; carries its name and its last words
    ├── RemoteError              the remote cannot be talked to
    │   ├── RemoteUnavailable    no answer, or a failure on its side (the only retryable ones)
    │   ├── AccessDenied         it takes neither the token nor a fresh one, or does not let its owner in
    │   └── RepositoryGone       deleted, moved to another host, or not one the token may see
    ├── PushRejected             the branch moved in the meantime, or a hook or rule refused; `kind` says which
    ├── NotExpressible           commits that the API cannot make: links, executable files, merges
    └── MergeRefused             conflicts, or the checkout of the base branch has uncommitted changes
"""
