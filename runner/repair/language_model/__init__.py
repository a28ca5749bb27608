"""What happens when no signature knows: a language model reads the evidence, and may propose a change of the lock.

excerpt            what of a text is sent: visible, without credentials, bounded, the lines about errors first
request            what is asked: our words, everybody else's between fences, one tool
answer             what was answered, read strictly
rules              what a model may not propose though a person or a rule of ours may
messages_api       Anthropic's API: bytes, or errors that say whether it is paid for
paid_api           the API, paid for through the ledger
anthropic_adviser  all of it together

Everything that the model reads may have been written to mislead it, so everything that it answers is treated as
written by whoever wrote that. It has no tools that do anything; all that it can cause is a lock that
`codegen.lock_patch.apply` and `rules` let through, below the limits of the ledger.
"""
