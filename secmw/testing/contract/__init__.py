"""The parts of :class:`secmw.testing.StoreContract`: one file for each thing that a store promises."""
