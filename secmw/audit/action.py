"""Action: what can happen, one name for each thing. Pure.

Three vocabularies in one table: the names that Posit's products write, OWASP's where it has one for what secmw does
besides (Logging Vocabulary Cheat Sheet), and ours, in OWASP's manner, for the rest. Of these two, what secmw writes is here and
nothing else. An application's own actions are plain text and stand in no table.
"""

from __future__ import annotations

import enum
from typing import Literal, Self

#: Whose name it is.
Vocabulary = Literal["posit", "owasp", "secmw"]

#: What makes it happen: a request, a command, or secmw by itself.
Origin = Literal["web", "cli", "system"]


class Action(enum.StrEnum):
    """Name what happened; each member says in ``description`` what it means, and in ``vocabulary`` whose name it is.

    ``origin``: ``web`` for what a request brings about, ``cli`` for what only a command does in the products, ``system``
    for what secmw does by itself.

    >>> Action.WEB_SUDO.vocabulary
    'posit'
    >>> Action("remove_vantiy")  # a slip in the products' table
    <Action.REMOVE_VANITY: 'remove_vanity'>
    """

    vocabulary: Vocabulary
    origin: Origin
    description: str

    def __new__(
        cls, name: str, vocabulary: Vocabulary = "secmw", origin: Origin = "web", description: str = ""
    ) -> Self:
        """Make a member out of its row."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.vocabulary = vocabulary
        member.origin = origin
        member.description = description
        return member

    @classmethod
    def _missing_(cls, value: object) -> Action | None:
        return cls.REMOVE_VANITY if value == "remove_vantiy" else None

    # --- accounts and groups
    ADD_USER = "add_user", "posit", "web", "a user account was created"
    EDIT_USER = "edit_user", "posit", "web", "a user account was changed"
    REMOVE_USER = "remove_user", "posit", "cli", "a user account was deleted"
    UPDATE_LOCK_USER = "update_lock_user", "posit", "web", "a user was locked or unlocked"
    ADD_GROUP = "add_group", "posit", "web", "a group was created"
    EDIT_GROUP = "edit_group", "posit", "cli", "a group was changed"
    REMOVE_GROUP = "remove_group", "posit", "web", "a group was deleted"
    ADD_GROUP_MEMBER = "add_group_member", "posit", "web", "a user was added to a group"
    REMOVE_GROUP_MEMBER = "remove_group_member", "posit", "web", "a user was removed from a group"

    # --- content
    ADD_APPLICATION = "add_application", "posit", "web", "a content item was created"
    UPLOAD_BUNDLE = "upload_bundle", "posit", "web", "a bundle was uploaded for a content item"
    DEPLOY_APPLICATION = "deploy_application", "posit", "web", "a content item was deployed"
    EDIT_APPLICATION = "edit_application", "posit", "web", "the settings of a content item were changed"
    REMOVE_APPLICATION = "remove_application", "posit", "web", "a content item was deleted"
    REMOVE_BUNDLE = "remove_bundle", "posit", "web", "a bundle was deleted"
    DOWNLOAD_BUNDLE = "download_bundle", "posit", "web", "a bundle was downloaded"
    UPDATED_ENVIRONMENT_VARIABLES = (
        "updated_environment_variables",
        "posit",
        "web",
        "the environment variables of a content item were changed",
    )

    # --- who may see it
    ASSIGN_USER_APP_ROLE = (
        "assign_user_app_role",
        "posit",
        "web",
        "a user was given viewer or editor access to a content item",
    )
    REMOVE_USER_APP_ROLE = (
        "remove_user_app_role",
        "posit",
        "web",
        "a user lost viewer or editor access to a content item",
    )
    ASSIGN_GROUP_APP_ROLE = (
        "assign_group_app_role",
        "posit",
        "web",
        "a group was given viewer or editor access to a content item",
    )
    REMOVE_GROUP_APP_ROLE = (
        "remove_group_app_role",
        "posit",
        "web",
        "a group lost viewer or editor access to a content item",
    )
    CLEAR_APP_VIEWER_ACL = (
        "clear_app_viewer_acl",
        "posit",
        "web",
        "a content item was changed from a viewer list to its owner only",
    )

    # --- where it is found
    ADD_VANITY = "add_vanity", "posit", "web", "a vanity URL was added"
    UPDATE_VANITY = "update_vanity", "posit", "web", "a vanity URL was changed"
    REMOVE_VANITY = "remove_vanity", "posit", "web", "a vanity URL was removed"
    ADD_TAG = "add_tag", "posit", "web", "a tag or tag category was created"
    REMOVE_TAG = "remove_tag", "posit", "web", "a tag or tag category was deleted"
    UPDATE_TAG = "update_tag", "posit", "web", "a tag or tag category was changed"
    ASSIGN_TAG_TO_PARENT = (
        "assign_tag_to_parent",
        "posit",
        "web",
        "a tag was placed under a parent tag or category",
    )
    ADD_APP_TAG = "add_app_tag", "posit", "web", "a tag was attached to a content item"
    REMOVE_APP_TAG = "remove_app_tag", "posit", "web", "a tag was detached from a content item"

    # --- keys and tokens of programs
    ACTIVATE_TOKEN = "activate_token", "posit", "web", "a client token was activated"
    ADD_API_KEY = "add_api_key", "posit", "web", "an API key was created"
    EDIT_API_KEY = "edit_api_key", "posit", "cli", "an API key was changed"
    REMOVE_API_KEY = "remove_api_key", "posit", "web", "an API key was deleted"

    # --- signing in
    USER_LOGIN = "user_login", "posit", "web", "a user signed in"
    AUTHN_LOGIN_FAIL = "authn_login_fail", "owasp", "web", "a sign-in was tried and refused"
    WEB_SUDO = (
        "web_sudo",
        "posit",
        "web",
        "a user had to re-enter credentials for a privileged action after the sudo window had ended",
    )

    # --- sessions
    SESSION_RENEWED = "session_renewed", "owasp", "web", "a session was given another id"
    SESSION_EXPIRED = "session_expired", "owasp", "web", "a session reached its age limit or its idle limit"
    SESSION_USE_AFTER_EXPIRE = (
        "session_use_after_expire",
        "owasp",
        "web",
        "a request came with the id of a session that was over",
    )
    SESSION_LOGGED_OUT = "session_logged_out", "secmw", "web", "a user signed out"
    SESSION_REVOKED = (
        "session_revoked",
        "secmw",
        "web",
        "a session was ended from elsewhere: by its user, an administrator, a limit or a new password",
    )
    SESSION_ROTATED_USE = (
        "session_rotated_use",
        "secmw",
        "web",
        "a request came with an id that had long been replaced: a copy of it may be in other hands",
    )
    SESSION_FORGED = (
        "session_forged",
        "secmw",
        "web",
        "a request named a living session without knowing its secret",
    )
    SESSION_AMBIGUOUS = (
        "session_ambiguous",
        "secmw",
        "web",
        "a request came with two session cookies that differ; none was used",
    )
    SESSION_CONNECTION_CLOSED = (
        "session_connection_closed",
        "secmw",
        "system",
        "a WebSocket was closed, or a response cut off, because its session was over",
    )
    SESSION_UNREADABLE = "session_unreadable", "secmw", "web", "what the store holds of a session is damaged"

    # --- requests
    MALICIOUS_CSRF = (
        "malicious_csrf",
        "secmw",
        "web",
        "a request was refused because it may come from another site",
    )
    REQUEST_REFUSED = "request_refused", "secmw", "web", "a request was refused for another reason"
    COOKIE_TWIN_DISAGREES = (
        "cookie_twin_disagrees",
        "secmw",
        "web",
        "a -legacy cookie differed from its primary and was ignored",
    )

    # --- the log itself
    SUPPRESSED = (
        "suppressed",
        "secmw",
        "system",
        "so many more refusals of one kind from one network in one minute; they are counted only",
    )
    AUDIT_GAP = (
        "audit_gap",
        "secmw",
        "system",
        "so many events before this one could not be recorded",
    )
