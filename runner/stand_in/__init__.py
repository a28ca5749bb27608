"""A stand-in for ComfyUI: its HTTP and WebSocket protocol without torch, models or a GPU.

    python -m runner.stand_in --port 8188 --core 0.33.0

It validates prompts as the server does, really runs nodes that need no model, and simulates all others: what they give
is of the right kind and size and says SIMULATED. It never passes for ComfyUI: `/system_stats` says what it is, and so
does the header `X-Flowberth-Engine` of every answer.

    __main__     the command
    app          routes, and the socket
    queue        prompts waiting, running and ended
    validation   what `POST /prompt` refuses
    execution    runs one prompt, with ComfyUI's cache and messages
    values       what travels along links
    nodes/       the nodes that are really run, one module per family
    simulate     what all other nodes give
    media        pictures, videos, sounds and meshes that say SIMULATED
    files        input, output and temp folder

Errors:

    NodeError            a node cannot do what it is asked for; ends the prompt as an exception of a node does
    ├── TooLarge         it asks for more memory than the stand-in gives
    └── NotAPicture      a file that was to be loaded is no picture
    NeedsModel           a node got something simulated, so it is simulated too
    Interrupted          somebody interrupted the prompt
    UnsafeName           a file name leaves its folder

Source of protocol and behaviour, where nothing else is said: ComfyUI 0.3.64 and 0.33.0, server.py, execution.py,
nodes.py, comfy_extras/.
"""
