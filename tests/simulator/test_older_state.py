"""A state that an older release left: what was seeded since is there too, and what people did stays."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import httpx

from seamline.http import trusted
from seamline.simulator.server import running
from tests.simulator.tryton_client import ErpClient

CATEGORY = "account_category.name"


def grow_older(state: Path) -> None:
    """As the state of a release was that knew no categories of articles, and one unit."""
    with sqlite3.connect(state) as world:
        world.execute("UPDATE documents SET body = '{\"id\": \"1\"}' WHERE kind = 'tryton-seed'")
        world.execute("DELETE FROM documents WHERE kind = 'product.category'")
        world.execute("DELETE FROM documents WHERE kind = 'product.uom' AND body LIKE '%kg%'")
        products = world.execute("SELECT id, body FROM documents WHERE kind = 'product.product'").fetchall()
        for identity, body in products:
            older = {name: value for name, value in json.loads(body).items() if name != "account_category"}
            world.execute(
                "UPDATE documents SET body = ? WHERE kind = 'product.product' AND id = ?", (json.dumps(older), identity)
            )
    world.close()


async def test_an_erp_of_an_older_release_gets_what_it_lacks_and_keeps_the_rest(tmp_path: Path) -> None:
    state = tmp_path / "world.db"
    async with running(state) as simulator, httpx.AsyncClient(base_url=simulator.url, verify=trusted()) as http:
        erp = ErpClient(http, "erp-main")
        before = await erp.search("product.product", [], "code")
        simulator.world.set_stock("erp-main", {"MUG-BLUE": 7})
    grow_older(state)
    async with running(state) as simulator, httpx.AsyncClient(base_url=simulator.url, verify=trusted()) as http:
        erp = ErpClient(http, "erp-main")
        simulator.world.set_stock("erp-main", {"NEW-CUP": 1})
        found = await erp.search("product.product", [], "code", CATEGORY)
        assert {one["code"] for one in found} == {one["code"] for one in before} | {"NEW-CUP"}
        assert {one["account_category"]["name"] for one in found} == {"Goods"}
        assert {one["symbol"] for one in await erp.search("product.uom", [], "symbol")} == {"u", "kg"}
        assert len(await erp.search("company.company", [])) == 1
        assert simulator.world.stock("erp-main")["MUG-BLUE"] == 7
