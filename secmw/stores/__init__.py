"""One file per store; :mod:`secmw.stores.base` says what a store owes."""
