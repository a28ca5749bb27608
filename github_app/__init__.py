"""The doors: commands, webhooks, pull requests. Composition root: the only place that knows every implementation."""
