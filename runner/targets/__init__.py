"""Places where apps are deployed, one module each; the protocol is `runner.protocols.Target`."""
