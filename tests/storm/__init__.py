"""The storm: many orders at once while every part is killed and every fault is drawn; then the promises are checked.

    make storm SEED=7 ORDERS=200

Real Temporal with its database on disk, the simulator, two workers and the webhook door. The seed decides the orders,
the faults and at which order each part is killed. Approvals, capturing payments and the shop's own cancellations are no
part of the process yet, so none is drawn. `docs/reliability.md` has the figures.
"""
