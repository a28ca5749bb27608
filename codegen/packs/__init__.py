"""The custom-node packs that a workflow needs: class → repository → commit, as far as nobody needs to be asked.

said           what the file says of where its nodes come from
known          the packs that ComfyUI-Manager lists, a snapshot that ships
attribution    one repository for each class, or the candidates
use            a pack that a workflow needs, as far as it is known
resolve        the packs of a workflow, and those that go into the lock
told           what people are asked, and what they should know

A class of ComfyUI itself never belongs to a third party. A pack is somebody's code: what is not clear is a finding, and
nothing is pinned that ComfyUI-Manager does not list.
"""

from codegen.packs.resolve import Packs, find_packs, folder_name
from codegen.packs.use import PackUse

__all__ = ["PackUse", "Packs", "find_packs", "folder_name"]
