"""The response headers secmw sends, one file each.

A header is a frozen value that was checked when it was made (:class:`Header`): ``of(policy)`` makes it, ``render()``
writes it. To add one, add a file and a line to ``HEADERS``. Which response gets which header is decided elsewhere.
"""

from __future__ import annotations

from typing import Final

from secmw.headers.base import Header, HeaderSettings, HstsSettings
from secmw.headers.cache_control import CacheControl, hardened
from secmw.headers.clear_site_data import ClearSiteData
from secmw.headers.content_security_policy import ContentSecurityPolicy, ContentSecurityPolicyReportOnly
from secmw.headers.content_type_options import ContentTypeOptions
from secmw.headers.cross_domain_policies import CrossDomainPolicies
from secmw.headers.custom import CustomHeader
from secmw.headers.dns_prefetch_control import DNSPrefetchControl
from secmw.headers.embedder_policy import EmbedderPolicy
from secmw.headers.fingerprints import FINGERPRINTS
from secmw.headers.frame_options import FrameOptions
from secmw.headers.nel import NetworkErrorLogging
from secmw.headers.opener_policy import OpenerPolicy
from secmw.headers.origin_agent_cluster import OriginAgentCluster
from secmw.headers.permissions_policy import PermissionsPolicy
from secmw.headers.referrer_policy import ReferrerPolicy
from secmw.headers.reporting_endpoints import ReportingEndpoints
from secmw.headers.resource_policy import ResourcePolicy
from secmw.headers.server import Server
from secmw.headers.strict_transport_security import StrictTransportSecurity
from secmw.headers.vary import vary_with

#: What a policy can ask for, in the order it is sent.
HEADERS: Final[tuple[type[Header], ...]] = (
    StrictTransportSecurity,
    FrameOptions,
    ContentTypeOptions,
    ContentSecurityPolicy,
    ContentSecurityPolicyReportOnly,
    ReferrerPolicy,
    PermissionsPolicy,
    OpenerPolicy,
    EmbedderPolicy,
    ResourcePolicy,
    OriginAgentCluster,
    DNSPrefetchControl,
    CrossDomainPolicies,
    ReportingEndpoints,
    NetworkErrorLogging,
    CacheControl,
    Server,
)

__all__ = [
    "FINGERPRINTS",
    "HEADERS",
    "Header",
    "HeaderSettings",
    "HstsSettings",
    "CacheControl",
    "ClearSiteData",
    "ContentSecurityPolicy",
    "ContentSecurityPolicyReportOnly",
    "ContentTypeOptions",
    "CrossDomainPolicies",
    "CustomHeader",
    "DNSPrefetchControl",
    "EmbedderPolicy",
    "FrameOptions",
    "NetworkErrorLogging",
    "OpenerPolicy",
    "OriginAgentCluster",
    "PermissionsPolicy",
    "ReferrerPolicy",
    "ReportingEndpoints",
    "ResourcePolicy",
    "Server",
    "StrictTransportSecurity",
    "hardened",
    "vary_with",
]
