"""`python -m tests.erp` makes the real ERP's seeded database, once: a minute, which no test should wait for."""

from __future__ import annotations

import asyncio
import sys

from tests.erp.postgres import Missing
from tests.erp.tryton import seeded

try:
    asyncio.run(seeded())
except Missing as error:
    sys.exit(str(error))
