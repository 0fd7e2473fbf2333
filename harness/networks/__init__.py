"""Networks whose checkpoint is weights without a graph: their form, so that a runtime can have one."""
