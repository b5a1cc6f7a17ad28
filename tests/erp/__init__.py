"""A real ERP for tests and the demo: Tryton on PostgreSQL, both started here, without a container."""
