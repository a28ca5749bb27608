"""The errors of `codegen`; the package's docstring draws the tree. None is worth a retry: same input, same error."""


class CodegenError(Exception):
    """Base of everything `codegen` raises on purpose. `str(error)` is fit to show to the person who sent the file."""


class WorkflowError(CodegenError):
    """The submitted file cannot be used."""


class NotAWorkflow(WorkflowError):  # noqa: N818 - reads as the sentence that is shown
    """The file is well-formed but is no ComfyUI workflow."""


class MalformedJson(WorkflowError):  # noqa: N818
    """The file is not strict JSON or passes one of the limits on size and depth."""


class InvalidGraph(WorkflowError):  # noqa: N818
    """The graph is one that ComfyUI's own frontend refuses to load or to queue."""


class InvalidName(CodegenError):  # noqa: N818
    """A name that cannot become the name of an app, a folder and a branch."""


class CatalogError(CodegenError):
    """Node definitions that cannot be read, or a core version that does not ship."""


class InvalidAnswer(CodegenError):  # noqa: N818
    """What a person has answered to a question cannot be used."""


class InvalidLock(CodegenError):  # noqa: N818
    """A file that an app is made from cannot be used as it is committed; the message names file, line and field."""


class PatchRefused(CodegenError):  # noqa: N818
    """A change to the lock that is not made; `str(error)` names the field, the reason and a way out."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why

    def __reduce__(self) -> tuple[object, ...]:
        return (PatchRefused, (self.field, self.why))


class UnsafeLiteral(CodegenError):  # noqa: N818
    """A value that is not allowed to appear in generated Python source."""
