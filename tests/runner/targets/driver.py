"""A server of its own that deploys one app, to be killed: `python -m tests.runner.targets.driver`, order on stdin."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import SecretStr

from runner.protocols import DeploymentSpec
from runner.targets.modal.accounts import ModalAccount, ModalAccounts
from runner.targets.modal.target import ModalTarget

if __name__ == "__main__":
    order = json.loads(sys.stdin.readline())
    account = ModalAccount(
        key="default",
        source="the test",
        token_id=SecretStr(order.pop("token_id")),
        token_secret=SecretStr(order.pop("token_secret")),
        server_url=order.pop("server_url"),
    )
    data = Path(order.pop("data"))
    ModalTarget(ModalAccounts(account), data).ensure(DeploymentSpec.model_validate(order))
