"""The matrix: every step of an order x every disturbance x every moment, each cell on a real Temporal.

    make matrix
    python -m tests.matrix --only "buy-label second-cancel"
    pytest tests/matrix -k "buy-label and second-cancel and after"

`places` says what is disturbed, `table` which cells there are and how each must end. `play` brings an order to a cell's
moment, disturbs it there and follows it to its end; `run` plays cells and lets the independent checker judge;
`self_test` breaks the product and sees cells turn red. `docs/reliability.md` has the table.
"""
