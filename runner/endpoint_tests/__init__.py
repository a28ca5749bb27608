"""Tests of a deployed endpoint, over HTTP, as its callers will use it.

`run_endpoint_tests` is what others call; `checks` has the tests, `validity` says when an output is worth something,
`quality` how good it is.
"""

from runner.endpoint_tests.quality import Wanted
from runner.endpoint_tests.suite import EndpointOutcome, run_endpoint_tests

__all__ = ["EndpointOutcome", "Wanted", "run_endpoint_tests"]
