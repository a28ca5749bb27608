"""The queue, as ComfyUI's module of that name has it."""

import queue


class PromptQueue:
    def __init__(self):
        self._waiting = queue.Queue()

    def put(self, prompt):
        self._waiting.put(prompt)

    def get(self, timeout=None):
        try:
            return self._waiting.get(timeout=timeout)
        except queue.Empty:
            return None
