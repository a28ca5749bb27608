"""Money: what a run may spend, has spent, and was billed for.

Nothing that costs is started before its worst case has been reserved in the ledger below every limit: of the run, of
the repository's month and of the installation's month. So no limit is passed by looking too late.

    reserve → [ start → … ] → spend → bill            it ran
            → release                                 it provably did not start
            → (crash) settle_abandoned → bill         nobody knows: the worst case counts until the bill

`ledger` keeps the lines in Postgres, `limits` says what each run spends below, `prices` and `tokens` what things cost,
`spending` guards a step, `bills` maps a bill to the lines.

Errors::

    runner.errors.RunnerError
    ├── OverBudget     terminal   a limit is in the way; the run ends as `over-budget`
    │   ├── DoesNotFit              the worst case of what was about to start does not fit below it
    │   └── UsedUp                  what was going on has been stopped, because it has reached it
    ├── NotReserved    terminal   a bug: money is spent that nobody has reserved
    └── PriceUnknown   terminal   there is no price, so there is no worst case
"""
