"""YAML from strangers, as settings files of repositories have it: `codegen.strict_yaml`."""

from codegen.strict_yaml import MAX_CHARACTERS, MAX_DEPTH, Document, InvalidYaml, load

__all__ = ["MAX_CHARACTERS", "MAX_DEPTH", "Document", "InvalidYaml", "load"]
