"""The custom-node packs that a workflow needs: class → repository → commit, as far as nobody needs to be asked.

said           what the file says of where its nodes come from
known          the packs that ComfyUI-Manager lists, a snapshot that ships
attribution    one repository for each class, or the candidates
resolve        the packs of a workflow, what goes into the lock, and what is left to ask

A class of ComfyUI itself never belongs to a third party. A pack is somebody's code: what is not clear is a finding, and
a commit is pinned only if the file names it.
"""

from codegen.packs.resolve import Packs, PackUse, find_packs

__all__ = ["PackUse", "Packs", "find_packs"]
