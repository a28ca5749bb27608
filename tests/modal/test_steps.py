"""What is read of an image's steps."""

from __future__ import annotations

from modal_proto import api_pb2

from tests.modal.packages import missing
from tests.modal.steps import Checkout, checkouts, environment, libraries
from tests.modal.world import Image

SHA = "0123456789abcdef0123456789abcdef01234567"


def image(*commands: str) -> Image:
    return Image("im-1", api_pb2.ImageGetOrCreateRequest(image=api_pb2.Image(dockerfile_commands=commands)))


def test_checkouts_are_found_however_they_are_made() -> None:
    layers = [
        image(
            "FROM base", "RUN git clone --depth 1 --branch v0.3.64 https://github.com/c/ComfyUI.git /root/comfy/ComfyUI"
        ),
        image("RUN uv pip install --exclude-newer 2025-10-22 -r /root/comfy/ComfyUI/requirements.txt uv==0.9.9"),
        image("RUN git clone https://github.com/a/b /nodes/b", f"RUN git -C /nodes/b checkout {SHA}"),
        image(f"RUN python /root/build.py checkout 'https://github.com/d/e' /libraries/e --commit {SHA}"),
        image("RUN python /root/build.py dependencies --library /libraries/e", "RUN echo 'it''s"),
    ]
    comfyui, *packs = checkouts(layers)
    assert (comfyui.is_comfyui, comfyui.url, comfyui.version) == (True, "https://github.com/c/ComfyUI", "0.3.64")
    assert packs == [
        Checkout("/nodes/b", "https://github.com/a/b", SHA),
        Checkout("/libraries/e", "https://github.com/d/e", SHA),
    ]
    assert libraries(layers) == ["/libraries/e"]


def test_the_environment_is_what_the_last_step_says() -> None:
    layers = [image("ENV A=1 B='two words'"), image("FROM base", "ENV A=3")]
    assert environment(layers) == {"A": "3", "B": "two words"}


def test_packages_come_with_what_they_need() -> None:
    assert {"fastapi", "starlette", "jsonschema"} <= missing([])
    assert not {"modal", "grpclib"} & missing([])
    assert not {"fastapi", "starlette"} & missing(["RUN uv pip install --system fastapi==0.165.0"])
    assert "jsonschema" in missing(["RUN uv pip install --system fastapi==0.165.0"])
    assert "PIL" not in missing(["RUN uv pip install -r /root/comfy/ComfyUI/requirements.txt"])
