"""The whole of the model: what a request must find, and what its answer must bring about.

Each request's wishes become effects. Where nothing went wrong all of them must have happened; where a store failed or a
process died half-way, each may have happened or not, and the store is asked which, but nothing else may have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from secmw.sessions import codec
from secmw.sessions.identifier import well_formed
from secmw.sessions.record import Record
from tests.model.book import TOLERANCE, Book, notable
from tests.model.oracle import GRACE, SUDO, Data, Life, Visit, must

LIFETIME: Final = 600.0


class Answer(NamedTuple):
    """Be what a browser sees: the status, and our cookie: None for left alone, empty for cleared."""

    status: int
    cookie: str | None


class Ledger(Book):
    """Say what a request must find, and carry out what its answer must bring about."""

    # --- a request comes in

    def find(self, visit: Visit, p: float) -> tuple[bool, bool | None]:
        """Say whether a request may find its session, and whether it is told to wait; its reasons go into the visit.

        None where that is open: of secrets before the last one the record need not know when they were replaced.
        """
        text = visit.text
        if text is None:
            return False, False
        life = self.lives.get(text[:22])
        if life is None:
            visit.over = frozenset({"unknown"})
            return False, False
        why = life.why(p)
        if life.id == text:
            visit.over = why
            return not why, False
        replaced = life.replaced_at(text)
        if replaced is None:
            visit.over = why | {"forged"}
            return False, False
        # Of secrets that were replaced long ago the record need not know more than that they do not fit.
        old = life.former[0][0] != text
        fresh = (
            None if old and max(p, life.seen) - replaced <= GRACE else max(p, life.seen) - replaced <= GRACE
        )
        if why:
            visit.over = why | {"rotated", "forged"}
            return False, fresh
        visit.over = frozenset({"rotated", "forged"} if old else {"rotated"})
        return False, fresh

    # --- an answer leaves

    def settle(
        self,
        visit: Visit,
        wanted: int,
        p: float,
        answer: Answer | None,
        *,
        sure: bool,
        made: Sequence[str],
        late: bool,
    ) -> None:
        """Carry out what a request asked for; ``answer``: what left, if a head did.

        ``sure``: nothing came between; ``made``: sessions that were put into the store meanwhile; ``late``: the head had
        left before.
        """
        failed = wanted >= 500
        life = visit.life
        lived = life is not None and life.alive(p)
        self._ends(visit, p, sure=sure and (lived or life is None), failed=failed)
        cookie = None if answer is None else answer.cookie
        status = {wanted}
        cookies: set[str | None] = {None}
        if visit.out is not None:
            cookies = {"", None} if visit.out == "revoked" or visit.text is None else {""}
        created = None
        if visit.away and not late:
            status = {503, wanted} if failed else {503}
            self.tally["sign-in or logout in an outage"] += 1
        elif failed:
            if late and visit.changed and lived:
                # The head said that all was well: nobody has promised what becomes of the rest.
                self._change(visit, p, cookie, lived=lived, sure=False)
        elif visit.signs_in:
            created = self._login(visit, p, answer, sure=sure, made=made)
            if created is None:
                status = {409} if sure else {wanted, 409}
        elif self._late_for_a_sign_in(visit, answer) and visit.data and not late and not made:
            status = {503}
            self.tally["late for a sign-in"] += 1
        elif (life is None or visit.out is not None) and visit.data and not visit.readonly and not late:
            created = self._create(visit, p, cookie, sure=sure, made=made)
        elif life is not None and visit.out is None:
            changed = self._change(visit, p, cookie, lived=lived, sure=sure)
            if changed is None:
                status = {409}
            elif changed:
                cookies = {life.id}
            # Too late even for the grace: whoever gave the password is told to come again.
            late_grant = changed is False and visit.grants and lived
            status = ({503} if sure else {wanted, 503}) if late_grant else status
        self.tally.update(notable(visit, failed=failed, lived=lived, sure=sure, late=late))
        if created is not None:
            cookies = {created.id}
            visit.life = created
        elif visit.out is not None:
            visit.life = None
        if not sure:
            status |= {503}
            cookies |= {None, ""} if visit.out is not None else {None}
        if answer is not None:
            must(answer.status in status, "the status is", answer.status, "and not", status)
            must(
                cookie in cookies,
                "the cookie is",
                _shown(cookie),
                "and not",
                [_shown(each) for each in cookies],
            )
        visit.settled()

    def _ends(self, visit: Visit, p: float, *, sure: bool, failed: bool) -> None:
        """Carry out the endings, which come true whatever the status."""
        life = visit.life
        if visit.everywhere is not None:
            self._everywhere(visit, *visit.everywhere, p, sure=sure, failed=failed)
        for user, selector, pending in visit.ones:
            other = self.lives.get(selector)
            if other is None or other.user != user:
                continue
            certain = sure and other.alive(p) and not (pending and failed)
            if certain or self._is_over(other):
                other.end({"revoked"}, p)
        if life is None:
            return
        # It may be that it should change now, and does not.
        life.stood = None
        if visit.out is not None and (sure or self._is_over(life)):
            # One of the sessions that a request ends may be its own.
            life.end({visit.out} if visit.everywhere is None else {visit.out, "revoked"}, p)
        if visit.drops and life.alive(p):
            found = self.peek(life.selector)
            # A request that was shown no elevation may leave alone the one that another has brought about since.
            if (sure and visit.sudo is not None) or (
                isinstance(found, Record) and found.identity.sudo is None
            ):
                life.sudo = None

    def _everywhere(
        self, visit: Visit, user: str, spares: bool, pending: bool, p: float, *, sure: bool, failed: bool
    ) -> None:
        """Carry out the end of all sessions of a user, or of all but this one."""
        life = visit.life
        before = self.generations.get(user, 0)
        self.generations[user] = now = self.generation(user)
        must(now in (before, before + 1), "all sessions of", user, "were ended", now - before, "times")
        if now == before:
            # A sign-in that is dropped leaves open what becomes of the rest that it asked for.
            must(not sure or (pending and failed), "the sessions of", user, "were to end and did not")
            return
        self.bumps.setdefault(user, []).append((p, visit))
        for each in self.lives.values():
            if each.user != user or each.ended is not None:
                continue
            if each is life and spares:
                # Where it was to be replaced anyway, it may go with the others.
                if visit.signs_in and self._is_over(each):
                    each.end({"revoked", "replaced"}, p)
                continue
            if self.forgets and not sure and not self._is_over(each):
                # Its end is still to be asked for again.
                continue
            if each.limits(p):
                # What nobody had noticed may be said to be revoked, or be as it was.
                each.swept = True
            each.end({"revoked", visit.out or "revoked"} if each is life else {"revoked"}, p)

    def _is_over(self, life: Life) -> bool:
        return not isinstance(self.peek(life.selector), Record)

    # --- sign-in and creation

    def _login(
        self, visit: Visit, p: float, answer: Answer | None, *, sure: bool, made: Sequence[str]
    ) -> Life | None:
        """Carry out a sign-in; None where all sessions were ended meanwhile."""
        user = visit.user
        assert user is not None
        before = self.of_user(user, p)
        later = [when for when, who in self.bumps.get(user, ()) if who is not visit and when >= visit.began]
        if later and answer is not None and answer.status == 409:
            self.tally["sign-in undone"] += 1
            return None
        must(
            self.skewed or not any(when > visit.began for when in later) or not sure,
            "a sign-in stands although all sessions were ended meanwhile",
        )
        created = self._create(visit, p, None if answer is None else answer.cookie, sure=sure, made=made)
        if created is None:
            self.places[user] += self.forgets
            return None
        old = visit.life
        if old is not None and (sure or self._is_over(old)):
            # What was the oldest of too many was ended for that.
            old.end({"replaced", "revoked"} if self.terms.cap else {"replaced"}, p)
        self._displace(
            created, [life for life in before if life is not old], p, sure=sure, more=old in before
        )
        return created

    def _displace(self, created: Life, others: list[Life], p: float, *, sure: bool, more: bool) -> None:
        """Find out who had to go because a user may have so many sessions only."""
        cap = self.terms.cap
        if not cap:
            return
        gone = [life for life in others if self._is_over(life)]
        left = [life for life in others if life not in gone]
        must(
            len(left) + 1 <= cap or not sure, "a user has", len(left) + 1, "sessions, and", cap, "are allowed"
        )
        allowed = max(0, len(others) + more + 1 - cap)
        if created.user is not None:
            allowed += self.places[created.user]
        must(len(gone) <= allowed, len(gone), "sessions were ended to make room, and", allowed, "had to go")
        for life in gone:
            must(
                all(life.authenticated <= other.authenticated for other in left),
                "an older session was kept, and a newer one was ended",
            )
            life.end({"revoked"}, p)
            self.tally["session displaced"] += 1

    def _create(
        self, visit: Visit, p: float, cookie: str | None, *, sure: bool, made: Sequence[str]
    ) -> Life | None:
        """Find the session that was made, and check what a new one must be."""
        selectors = [
            selector for selector in made if selector not in self.lives and not self._missing(selector)
        ]
        must(len(selectors) <= 1, "more than one session was made")
        must(selectors or not sure, "no session was made")
        if not selectors:
            return None
        selector = selectors[0]
        if sure:
            must(cookie, "a session was made, and no cookie says so")
        text = cookie or None
        must(text is None or text[:22] == selector, "the cookie is not that of the session that was made")
        must(text is None or text != visit.text, "the id that was presented was adopted")
        record = self.peek(selector)
        assert isinstance(record, Record)
        life = Life(selector, text, visit.user if visit.signs_in else None, {})
        life.data = self._carried(visit, p, codec.decode(record.data))
        life.created, life.authenticated = record.created, record.identity.authenticated
        life.seen, life.expires = record.seen, record.expires
        life.inactivity = self.terms.inactivity
        life.proof = record.verifier
        if visit.grants:
            life.sudo = record.identity.sudo
            self._granted(life, p)
        earliest = min(visit.began, p)
        must(
            earliest + LIFETIME <= life.expires + TOLERANCE and life.expires <= p + LIFETIME + TOLERANCE,
            "a new session does not end a lifetime after its sign-in, but after",
            life.expires - p,
        )
        if life.user is not None:
            must(earliest <= life.authenticated <= p, "a new session was not signed in just now")
        must(earliest <= life.seen <= p, "a new session was not in use just now")
        self.lives[selector] = life
        return life

    def _missing(self, selector: str) -> bool:
        return not isinstance(self.peek(selector), Record)

    def _carried(self, visit: Visit, p: float, found: Data) -> Data:
        """Say what a new session must hold: what the request saw, and of what others wrote meanwhile either."""
        old = visit.life
        expected = dict(visit.data)
        if old is None or visit.out is not None or (visit.signs_in and old.user not in (None, visit.user)):
            return expected
        for name in old.data.keys() | visit.base.keys():
            now, then = old.data.get(name), visit.base.get(name)
            if name not in visit.changed and now != then and found.get(name) == now:
                self.tally["change carried over"] += 1
                expected.pop(name, None)
                if now is not None:
                    expected[name] = now
        return expected

    @staticmethod
    def _late_for_a_sign_in(visit: Visit, answer: Answer | None) -> bool:
        """Say whether a request came with the id that a sign-in has just replaced.

        The cookie of that sign-in may be on its way, and a session made now would take its place.
        """
        if visit.out is not None or "replaced" not in visit.over:
            return False
        return len(visit.over) == 1 or (answer is not None and answer.status == 503)

    # --- changes

    def _change(self, visit: Visit, p: float, cookie: str | None, *, lived: bool, sure: bool) -> bool | None:
        """Carry out changes of a session there is; say whether its id is new, None where they are in conflict."""
        life = visit.life
        assert life is not None
        if not lived:
            # What has ended is not brought back, and nobody is told.
            return False
        record = self.peek(life.selector)
        changed = visit.changed
        if visit.strict and any(life.data.get(name) != visit.base.get(name) for name in changed):
            self.tally["conflict"] += 1
            return None if sure else False
        rotated = False
        if visit.rotates or visit.grants:
            rotated = self._rotate(visit, life, p, cookie, record, sure=sure)
        if changed:
            after = dict(life.data)
            for name, value in changed.items():
                if value is None:
                    after.pop(name, None)
                else:
                    after[name] = value
            if sure or (isinstance(record, Record) and codec.decode(record.data) == after):
                life.data = after
        return rotated

    def _rotate(
        self, visit: Visit, life: Life, p: float, cookie: str | None, record: Any, *, sure: bool
    ) -> bool:
        """Replace the secret, if the one presented still counts."""
        if not isinstance(record, Record):
            return False
        happened = record.verifier != life.proof
        if visit.text != life.id:
            replaced = life.replaced_at(visit.text or "")
            assert replaced is not None
            at = max(p, life.seen)
            if visit.grants:
                # The password was given again: within the grace it must count, later it may.
                last = life.former[0][0] == visit.text
                must(
                    happened or at - replaced > GRACE or not last or not sure,
                    "a re-authentication was not taken",
                )
            else:
                must(not happened, "a secret that has been replaced was used to rotate")
        else:
            must(happened or not sure, "the session was to rotate and did not")
        if not happened:
            self.tally["rotation lost"] += 1
            return False
        self.tally["grant with a replaced secret" if visit.text != life.id else "rotation"] += 1
        must(cookie or not sure, "the session was rotated, and no cookie says so")
        at = max(p, life.seen)
        if life.id is not None:
            life.former.insert(0, (life.id, at))
        must(cookie is None or cookie[:22] == life.selector, "a rotation changed the selector")
        must(cookie is None or life.replaced_at(cookie) is None, "an old secret came back")
        life.id = cookie
        life.proof = record.verifier
        if visit.grants:
            life.sudo = record.identity.sudo
            self._granted(life, p)
        return cookie is not None

    def _granted(self, life: Life, p: float) -> None:
        sudo = life.sudo
        must(sudo is not None, "sudo was granted, and the session does not have it")
        assert sudo is not None
        must(abs(sudo[0] - p) < TOLERANCE, "sudo was granted at another time")
        must(abs(sudo[1] - min(p + SUDO, life.expires)) < TOLERANCE, "sudo lasts", sudo[1] - p)


def _shown(cookie: str | None) -> str:
    if not cookie:
        return "left alone" if cookie is None else "cleared"
    return f"{cookie[:6]}.." if well_formed(cookie) else repr(cookie)
