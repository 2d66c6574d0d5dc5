"""Which block is trained next, what became of it, and the driver that runs it on Ray."""
