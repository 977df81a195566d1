"""What people notice when something breaks: real workers on a real store, and a fault in the middle of their requests.

`people.py` is the side of the clients, who write down what they were promised and look at it again afterwards. `serve.py`
is what the workers serve, `places.py` starts them and the stores, `breaking.py` and its neighbours hold the faults.
`python -m tests.faults` plays all of them at length.
"""
