"""Shapes that give a secret away whatever it is called: published token formats, URLs with credentials.

Every pattern starts at a border of its own character class, so a failed match is never retried inside the
same run of characters, and every repetition is of one class: the scan is linear in the text. The shapes of
the tokens are those that their issuers publish for secret scanning (GitHub, GitLab, Slack, AWS, Hugging Face,
PyPI, npm, Stripe, ...).
"""

from __future__ import annotations

import re

_START = r"(?<![A-Za-z0-9])"
_WIDE = r"(?<![A-Za-z0-9_-])"


def _shape(rule: str, pattern: str, flags: int = 0) -> tuple[str, re.Pattern[str]]:
    return rule, re.compile(pattern, flags)


PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    _shape(
        "private-key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]{1,60}-----|\Z)",
    ),
    _shape("age-key", _START + r"AGE-SECRET-KEY-1[0-9A-Z]{20,}"),
    _shape("url-webhook", r"hooks\.slack\.com/(?:services|workflows)/[\w/@.-]{8,}"),
    _shape("url-webhook", r"(?:discord(?:app)?\.com/api/webhooks|outlook\.office\.com/webhook)/[\w/@.-]{8,}"),
    _shape("github", _START + r"(?:gh[opusr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,})"),
    _shape("gitlab", _WIDE + r"(?:glpat|gldt|glrt|glptt|glcbt|glsoat|glft|glagent|gloas)-[A-Za-z0-9_-]{16,}"),
    _shape("hugging-face", _START + r"(?:hf_|api_org_)[A-Za-z0-9]{20,}"),
    _shape("openai", _WIDE + r"sk-(?:proj|svcacct|admin|ant|or)-[A-Za-z0-9_-]{16,}"),
    _shape("sk", _WIDE + r"sk-(?=[A-Za-z]*[0-9])[A-Za-z0-9]{20,}"),
    _shape("slack", _WIDE + r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}"),
    _shape("aws-key-id", _START + r"(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _shape("google-api", _WIDE + r"AIza[A-Za-z0-9_-]{35}"),
    _shape("google-oauth", _WIDE + r"(?:ya29\.|GOCSPX-)[A-Za-z0-9_-]{20,}"),
    _shape("jwt", _WIDE + r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
    _shape("npm", _START + r"npm_[A-Za-z0-9]{30,}"),
    _shape("pypi", _WIDE + r"pypi-AgE[A-Za-z0-9_-]{16,}"),
    _shape("docker", _WIDE + r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{16,}"),
    _shape(
        "stripe",
        _START + r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}|" + _START + r"whsec_[A-Za-z0-9]{16,}",
    ),
    _shape("sendgrid", _WIDE + r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    _shape("telegram", _START + r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"),
    _shape("nvidia", _WIDE + r"nvapi-[A-Za-z0-9_-]{20,}"),
    _shape("groq", _START + r"gsk_[A-Za-z0-9]{30,}"),
    _shape("replicate", _START + r"r8_[A-Za-z0-9]{30,}"),
    _shape("databricks", _START + r"dapi[0-9a-f]{32}(?:-[0-9]+)?(?![A-Za-z0-9])"),
    _shape("digitalocean", _START + r"do[opr]_v1_[0-9a-f]{40,}"),
    _shape("vault", _START + r"hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    _shape("terraform", _START + r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,}"),
    _shape("grafana", _START + r"(?:glsa_[A-Za-z0-9_]{30,}|glc_[A-Za-z0-9+/]{30,})"),
    _shape("atlassian", _WIDE + r"ATATT3[A-Za-z0-9_=-]{20,}"),
    _shape("shopify", _START + r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _shape("mailgun", _WIDE + r"key-[0-9a-f]{32}(?![A-Za-z0-9])"),
    _shape("tailscale", _WIDE + r"tskey-[A-Za-z0-9-]{16,}"),
    _shape("linear", _START + r"lin_api_[A-Za-z0-9]{30,}"),
    _shape("notion", _START + r"(?:secret_[A-Za-z0-9]{40,}|ntn_[A-Za-z0-9]{40,})"),
    _shape("wandb", _START + r"wandb_v[0-9]_[A-Za-z0-9_]{20,}"),
    _shape(
        "connection-string",
        r"(?i:(?<![a-z])(?:AccountKey|SharedAccessKey|SharedAccessSignature))\s{0,4}=\s{0,4}[^\s;\"']{8,}",
    ),
    _shape("connection-string", r"(?i:;\s{0,4}(?:password|pwd)\s{0,4}=\s{0,4})[^\s;\"'*][^\s;\"']*"),
    _shape(
        "signed-url",
        r"(?i:[?&](?:sig|signature|X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)|AWSAccessKeyId))"
        r"=[A-Za-z0-9%+/=_.~-]{8,}",
    ),
    _shape("bearer", r"(?i:(?<![a-z])bearer)\s{1,4}(?=[A-Za-z._~+/=-]*[0-9])[A-Za-z0-9._~+/=-]{16,}"),
    _shape(
        "header",
        r"(?i:(?<![a-z-])(?:(?:proxy-)?authorization\s{0,4}:\s{0,4}(?:[a-z]{1,16}\s{1,4})?"
        r"|(?:x-api-key|api-key|private-token|x-auth-token|x-access-token)\s{0,4}:\s{0,4}))"
        r"[^\s\"'*][^\s\"']*",
    ),
)
"""Rule name and shape; the order is the order of report."""

URL = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s\"'<>`]+")
"""A URL inside text."""

USERINFO = re.compile(
    r"(?P<scheme>(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,30})://"
    r"(?:(?P<user>[^\s/?#@:\[\]\"'<>]{0,256}):(?!\d{1,5}(?:[/,;?#]|$))(?P<password>[^\s/@\"'<>,][^\s@\"'<>]{0,255}"
    r"(?:@[^\s/?#@\"'<>]{1,128}(?=@))*)|(?P<token>[^\s/?#@:\[\]\"'<>]{1,512}))@"
)
"""`scheme://user:password@` or `scheme://token@`; a password may hold `/` or `@` as people do write them."""

ASSIGNMENT = re.compile(
    r"(?:(?<![\w.$-])(?:(?P<flag>--?[A-Za-z][\w.-]{0,79})(?:=|\s{1,8})|(?P<name>[A-Za-z_][\w.-]{0,79})=)"
    r"|[\"'](?P<member>[A-Za-z_][\w.-]{0,79})[\"']\s{0,4}:\s{0,4}(?=[\"']))"
    r"(?P<value>\"[^\"]{0,1024}\"|'[^']{0,1024}'|[^\s\"';&|]{1,1024})"
)
"""`NAME=VALUE`, `--flag=VALUE`, `--flag VALUE` and `"name": "value"` inside a command line, a log or JSON."""

WORD_REST = re.compile(r"[^\s\"';&|]*")
"""What is left of an unquoted value that is longer than `ASSIGNMENT` reads."""

HARMLESS_USERS = frozenset({"git", "hg", "svn", "anonymous", "root", "user", "ubuntu", "***"})
"""Users of `scheme://user@host` that are no credential."""
