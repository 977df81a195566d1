"""What becomes of a session: the same requests to secmw and to others, on real servers, and what each came to.

python -m benchmarks.semantics                     play everything and print the tables
python -m benchmarks.semantics --only starsessions    with those alone whose name begins so

``subjects.py`` says who is asked and how each is set up (``apps/`` has the applications), ``races.py``, ``lives.py`` and
``failures.py`` what is asked, ``site.py`` how: with browsers that keep cookies, and gates that hold a request in flight until the test
lets it go on. So nothing is timed, and a second run finds the same. Nothing in an answer is typed by hand.
"""
