"""The vendors' APIs stood in for: their own dialects, a ledger of effects, faults on demand.

Start it with `python -m seamline.simulator --port 0 --smtp-port 0 --state PATH --ready-file PATH`; in a test use
`async with running(path) as simulator` of `seamline.simulator.server`.
"""
