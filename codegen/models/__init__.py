"""The model files that a workflow loads, where each comes from, and how large it is.

loaders        which inputs name a file, and the folder that they list
embedded       what the file's nodes say of them: `properties.models`
notes          what its notes say: links, with the size where it stands beside one
index          what ComfyUI's official templates and ComfyUI-Manager's list say, a snapshot that ships
sizes          about how large a file is by its name, where nobody says it
find           the models of a workflow: one pin for each, and what is left to ask
told           what people are told of them
"""

from codegen.models.find import FoundModel, completed, find_models

__all__ = ["FoundModel", "completed", "find_models"]
