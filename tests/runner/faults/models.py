"""What keeps the models from being there."""

from __future__ import annotations

from tests.runner.faults.fault import after, asks, stops, worded

FLUX = "https://huggingface.co/black-forest-labs/FLUX.1-dev/resolve/main/ae.safetensors"
GATED = worded(
    "gated",
    "models",
    end=asks("FLUX.1-dev"),
    known=(
        f"""\
huggingface_hub.errors.GatedRepoError: 401 Client Error. (Request ID: Root=1-6650)

Cannot access gated repo for url {FLUX}.
Access to model black-forest-labs/FLUX.1-dev is restricted. You must have access to it and be authenticated to access it.
Please log in.
""",
    ),
    unseen=(
        "vae/ae.safetensors: access refused by huggingface.co with 403 (gated); accept its licence and set HF_TOKEN\n",
        f"""\
Traceback (most recent call last):
  File "/usr/local/lib/python3.12/site-packages/huggingface_hub/utils/_http.py", line 409, in hf_raise_for_status
    response.raise_for_status()
requests.exceptions.HTTPError: 403 Client Error: Forbidden for url: {FLUX}

The above exception was the direct cause of the following exception:

huggingface_hub.errors.GatedRepoError: 403 Client Error. (Request ID: Root=1-69)
Your request to access model black-forest-labs/FLUX.1-dev is awaiting a review from the repo authors.
""",
        f"urllib.error.HTTPError: HTTP Error 401: Unauthorized\n  while fetching {FLUX}\n",
    ),
)
CIVITAI = worded(
    "site-wants-login",
    "models",
    end=asks("sd15"),
    unseen=(
        "checkpoints/sd15.safetensors: access refused by civitai.com with 401; accept its licence and set CIVITAI_TOKEN\n",
        (
            "checkpoints/sd15.safetensors: civitai.com answered a web page instead of the file; open it in a browser, "
            "it may ask for a login (CIVITAI_TOKEN)\n"
        ),
    ),
)
WITHOUT_ADDRESS = worded(
    "no-address",
    "models",
    end=asks("wan.safetensors"),
    known=("diffusion_models/wan.safetensors: huggingface.co answered 404\n",),
    unseen=(
        "diffusion_models/wan.safetensors: no url; add one to app.lock.json\n",
        (
            "huggingface_hub.errors.EntryNotFoundError: 404 Client Error. (Request ID: Root=1-69c2)\n\n"
            "Entry Not Found for url: https://huggingface.co/Kijai/WanVideo/resolve/main/wan.safetensors.\n"
        ),
        "diffusion_models/wan.safetensors: huggingface.co answered 410\n",
    ),
)
REPOSITORY = worded(
    "hub-repository-gone",
    "models",
    end=asks("wan.safetensors"),
    unseen=(
        """\
huggingface_hub.errors.RepositoryNotFoundError: 404 Client Error. (Request ID: Root=1-4f)

Repository Not Found for url: https://huggingface.co/Kijai/WanVideo/resolve/main/wan.safetensors.
Please make sure you specified the correct `repo_id` and `repo_type`.
If you are trying to access a private or gated repo, make sure you are authenticated.
""",
    ),
)
ANOTHER_FILE = worded(
    "another-file",
    "models",
    end=stops("sd15.safetensors"),
    known=("checkpoints/sd15.safetensors: the download is not the file that the lock names (sha256 differs)\n",),
    unseen=("checkpoints/sd15.safetensors: the host has 2132696762 bytes, the lock names 4265146304 (size differs)\n",),
)
VOLUME_FULL = worded(
    "volume-full",
    "models",
    end=stops("full"),
    unseen=(
        "diffusion_models/wan.safetensors: it needs 28584193224 bytes, and 1073741824 are free; make room in the volume\n",
        "diffusion_models/wan.safetensors: no space is left; the next call goes on where this one stopped\n",
    ),
)
HALF = worded(
    "download-stopped",
    "models",
    gone=after(1),
    known=(
        (
            "diffusion_models/wan.safetensors: peer closed connection without sending complete message body (received "
            "4194304 bytes, expected 28584193224); the next call goes on where this one stopped\n"
        ),
    ),
    unseen=(
        (
            "requests.exceptions.ChunkedEncodingError: ('Connection broken: IncompleteRead(1048576 bytes read, "
            "3145728 more expected)', IncompleteRead(1048576 bytes read, 3145728 more expected))\n"
        ),
        "diffusion_models/wan.safetensors: huggingface.co answered 503; the next call goes on where this one stopped\n",
        "diffusion_models/wan.safetensors: cdn-lfs.hf.co sends too slowly; the next call goes on where this one stopped\n",
    ),
)
NOT_FETCHED = worded(
    "not-fetched",
    "preflight",
    group="models",
    gone=after(1),
    known=("checkpoints/sd15.safetensors has not been downloaded; run the app's fetch_models\n",),
)
MODELS = (
    *GATED, *CIVITAI, *WITHOUT_ADDRESS, *REPOSITORY, *ANOTHER_FILE, *VOLUME_FULL, *HALF, *NOT_FETCHED,
)  # fmt: skip
