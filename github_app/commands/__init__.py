"""What people tell us to do, in the comments of issues and pull requests.

    comment.py      finds the commands of a comment and reads them: `parse_comment`
    answers.py      the lines that answer our questions: `pack … = …`, `model … = …`
    known.py        every command there is, and the help that is made from them: `help_text`
    grammar.py      how a command is declared, read, printed and explained
    values.py       the kinds of values that options take
    deploy.py …     one module per command: its value and its grammar

Commands are the first lines of a comment, one per line, each beginning with `/word` or with a mention of the App
(`@flowberth deploy`). Quotes, code and HTML comments above them do not count; the first line of prose ends them. At
most `MAX_COMMANDS` are taken, and they are carried out in their order; if one of them cannot be understood, none is.
Answers may stand anywhere outside quotes and code, because their form is not one that prose has.
"""
