"""Slack: people are told of runs there, and start them there. Off without its settings.

    text.py      other people's words in a message: escaped, cut, and back from what Slack sends
    message.py   a run as one message: pure
    client.py    the few calls of Slack's API that are made, with its errors as ours
    teller.py    brings the one message of a run to what its row says
    door.py      `POST /webhooks/slack/…`: size, signature, age; on record before the answer
    requests.py  from what Slack has sent to what somebody asks for: pure
    office.py    puts together what a worker needs of it
    intake.py    from what somebody asks for to an issue, and to its runs
    threads.py   the table `slack_thread`: from which message an issue has come

SlackError
├── SlackUnavailable   no answer in time, or a failure on Slack's side
├── SlackBusy          Slack asks for patience
└── SlackRefused       Slack does not allow it, or there is no such thing; `code` is Slack's word for it
"""
