"""Any store, sealed: who reads it learns nothing of what sessions hold or whose they are, and who writes to it makes none up.

    records    what a sealed session looks like to the store that keeps it
    plans      what each method asks of that store, for both colours
    store, async_store    the two

Importing this loads no cryptography.
"""

from __future__ import annotations

from collections.abc import Sequence
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final, overload

from secmw.clock import Clock, system
from secmw.keys import KeyRing

if TYPE_CHECKING:
    from secmw.stores.base import AsyncStore, Store
    from secmw.stores.sealing.async_store import AsyncSealed
    from secmw.stores.sealing.store import Sealed

#: What the key of the aliases is kept under, in a store that is sealed: no session has such a name.
KEPT_UNDER: Final = "secmw: sealed"


@overload
def sealed(store: Store, keys: KeyRing | Sequence[str], *, clock: Clock = ...) -> Sealed: ...
@overload
def sealed(store: AsyncStore, keys: KeyRing | Sequence[str], *, clock: Clock = ...) -> AsyncSealed: ...
def sealed(store: Any, keys: KeyRing | Sequence[str], *, clock: Clock = system) -> Sealed | AsyncSealed:
    """Return a store of the same colour that keeps everything sealed in this one.

    ``keys``: secret keys, as a policy has them; the first seals, all open. Raise ValueError where there is none, and where
    the extra ``crypto`` is not installed.
    """
    ring = keys if isinstance(keys, KeyRing) else KeyRing(keys)
    if not len(ring):
        raise ValueError("needs a secret key; `secmw keys new` makes one")
    try:
        if iscoroutinefunction(store.load):
            from secmw.stores.sealing.async_store import AsyncSealed

            return AsyncSealed(store, ring, clock=clock)
        from secmw.stores.sealing.store import Sealed

        return Sealed(store, ring, clock=clock)
    except ImportError as error:
        raise ValueError(f"needs {error.name}, which is not installed; pip install 'secmw[crypto]'") from None
