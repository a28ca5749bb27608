"""The doors: commands, webhooks, pull requests. The composition root: the only place that knows every implementation."""
