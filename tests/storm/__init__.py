"""The storm: many orders at once while every part is killed and every fault is drawn; then the promises are checked.

    make storm SEED=7 ORDERS=200
    make storm-self-test

Real Temporal with its database on disk, the simulator, two workers and the webhook door. The seed decides the orders,
the faults, at which order each part is killed, and what people do. `docs/reliability.md` has the figures.
"""
