from tests.conformance.stacks import Stack
from tests.conformance.told import told
from tests.conformance.client import seen
def test_x(stack: Stack) -> None:
    site = stack.site("recommended")
    r = site.get(told(headers=[("x-own", "1"), ("set-cookie","a=1"),("set-cookie","b=2")]))
    print(r.status, r.headers)
    print(seen(r))
    v = site.visit()
    print(site.post("/", v.headers(), b"abc"))
    ws = site.websocket("/x", messages=["hi"])
    print(ws)
