"""The secret scan against a corpus of planted secrets and of ordinary machine-learning variables."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect.secrets import (
    LONGEST_SCAN,
    MASK,
    Redactor,
    redact_text,
    redact_url,
    scan_argument,
    scan_variable,
    withhold_arguments,
)

LETTERS = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA3bC5dE7fG9hJ1kL3mN5pQ7rS9tU1vW3x"
HEX = hashlib.sha256(b"a planted secret").hexdigest()


def shaped(prefix: str, length: int, alphabet: str = LETTERS) -> str:
    """A value of the published shape; put together here so that no repository scanner trips over it."""
    return prefix + (alphabet * (length // len(alphabet) + 1))[:length]


VALUES: dict[str, str] = {
    "github classic": shaped("ghp" + "_", 36),
    "github oauth": shaped("gho" + "_", 36),
    "github app": shaped("ghs" + "_", 36),
    "github fine-grained": shaped("github" + "_pat_", 82),
    "gitlab": shaped("glpat" + "-", 20),
    "hugging face": shaped("hf" + "_", 34),
    "hugging face org": shaped("api" + "_org_", 34),
    "openai": shaped("sk" + "-", 48),
    "openai project": shaped("sk" + "-proj-", 48),
    "anthropic": shaped("sk" + "-ant-api03-", 48),
    "slack bot": shaped("xox" + "b-", 40),
    "slack user": shaped("xox" + "p-", 40),
    "slack webhook": "https://hooks.slack.com/services/" + "T00000000/B00000000/" + LETTERS[:24],
    "discord webhook": "https://discord.com/api/webhooks/" + "123456789012345678/" + LETTERS,
    "aws key id": "AKIA" + "IOSFODNN7EXAMPLE",
    "aws session key id": "ASIA" + "IOSFODNN7EXAMPLE",
    "google api": shaped("AI" + "za", 35),
    "google oauth": shaped("ya29" + ".", 60),
    "jwt": ".".join(("ey" + "JhbGciOiJIUzI1NiJ9", "ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0", LETTERS[:43])),
    "private key": "-----BEGIN "
    + "OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----",
    "rsa key without end": "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA",
    "service account": '{"type": "service_account", "private_key": "-----BEGIN ' + 'PRIVATE KEY-----\\nMII"}',
    "npm": shaped("npm" + "_", 36),
    "pypi": shaped("pypi" + "-AgEIcHlwaS5vcmc", 60),
    "docker": shaped("dckr" + "_pat_", 27),
    "stripe": shaped("sk" + "_live_", 24),
    "sendgrid": "SG." + LETTERS[:22] + "." + LETTERS[:43],
    "telegram": "123456789" + ":AA" + LETTERS[:33],
    "nvidia": shaped("nv" + "api-", 64),
    "groq": shaped("gsk" + "_", 52),
    "replicate": shaped("r8" + "_", 37),
    "databricks": "da" + "pi" + HEX[:32],
    "digitalocean": "dop" + "_v1_" + HEX,
    "vault": shaped("hvs" + ".", 90),
    "grafana": shaped("glsa" + "_", 40),
    "shopify": "shpat" + "_" + HEX[:32],
    "mailgun": "key" + "-" + HEX[:32],
    "azure storage": "DefaultEndpointsProtocol=https;AccountName=x;AccountKey="
    + LETTERS
    + "==;EndpointSuffix=a.b",
    "azure sas": "https://x.blob.core.windows.net/c/f?sv=2022-11-02&sp=r&sig=" + LETTERS[:43] + "%3D",
    "sql server": "Server=db;Database=x;User Id=sa;Password=hunter2;",
    "presigned s3": "https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIA&X-Amz-Signature=" + HEX,
    "bearer": "Bearer " + LETTERS[:40],
    "header": "Authorization: Basic dXNlcjpwYXNz",
    "url userinfo": "https://alice:hunter2@example.org/simple",
    "url token": "https://" + LETTERS[:20] + "@example.org/repo.git",
    "postgres": "postgresql://app:s3cr3t@db:5432/prod",
    "redis": "redis://:s3cr3t@cache:6379/0",
    "password with slash": "mysql://app:pa/ss@db/prod",
    "git over https": "git+https://oauth2:s3cr3t@gitlab.example.org/x/y.git@v1.0#egg=y",
    "json member": '{"user": "x", "password": "hunter2"}',
    "shell script": "set -e; export DB_PASSWORD=hunter2; python train.py",
    "quoted assignment": "API_KEY='two words'",
}

NAMES: dict[str, str] = {
    "WANDB_API_KEY": HEX[:40],
    "HF_TOKEN": "anything",
    "HUGGING_FACE_HUB_TOKEN": "x1",
    "AWS_SECRET_ACCESS_KEY": LETTERS[:40],
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SESSION_TOKEN": "abc",
    "DB_PASSWORD": "1234",
    "PGPASSWORD": "pw",
    "MYSQL_ROOT_PASSWORD": "root",
    "SMTP_PASSWD": "pw",
    "DB_PASS": "letmein",
    "FTP_PWD": "pw",
    "SECRET": "x",
    "CLIENT_SECRET": "x",
    "DJANGO_SECRET_KEY": "x",
    "OPENAI_API_KEY": "x",
    "COMETML_APIKEY": "x",
    "PRIVATE_KEY": "x",
    "SSH_KEY": "x",
    "KAGGLE_KEY": HEX[:32],
    "NEPTUNE_KEY": LETTERS[:24],
    "GOOGLE_CREDENTIALS": "x",
    "DOCKER_AUTH_CONFIG": "{}x",
    "AUTH_TOKEN": "x",
    "authToken": "x",
    "dbPassword": "x",
    "model.hub.api-key": "x",
    "SESSION_COOKIE": "x",
    "SENTRY_DSN": "x",
    "GITHUB_PAT": LETTERS[:40],
    "SSH_PASSPHRASE": "x y z",
    "ENCRYPTION_KEY": "x",
    "TF_TOKEN_app_terraform_io": "abcdef",
}

ORDINARY: tuple[tuple[str, str], ...] = (
    ("PATH", "/opt/conda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("LD_LIBRARY_PATH", "/usr/local/nvidia/lib:/usr/local/nvidia/lib64"),
    ("PWD", "/workspace"),
    ("OLDPWD", "/root"),
    ("HOME", "/root"),
    ("HOSTNAME", "3f2a9b1c4d5e"),
    ("GPG_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D"),
    ("PYTHON_VERSION", "3.11.9"),
    ("PYTHON_SHA256", HEX),
    ("PYTHON_GET_PIP_SHA256", HEX),
    ("PYTHON_GET_PIP_URL", "https://github.com/pypa/get-pip/raw/dbf0c85/public/get-pip.py"),
    ("PYTHONHASHSEED", "0"),
    ("PYTHONPATH", "/app:/app/src"),
    ("CUDA_VERSION", "12.4.1"),
    ("CUDA_VISIBLE_DEVICES", "0,1,2,3"),
    ("CUDA_VISIBLE_DEVICES", "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"),
    ("CUBLAS_WORKSPACE_CONFIG", ":4096:8"),
    ("NVIDIA_REQUIRE_CUDA", "cuda>=12.4 brand=tesla,driver>=470,driver<471 brand=nvidiartx,driver>=525"),
    ("NVIDIA_VISIBLE_DEVICES", "all"),
    ("NVIDIA_DRIVER_CAPABILITIES", "compute,utility"),
    ("NV_CUDNN_PACKAGE", "libcudnn8=8.9.7.29-1+cuda12.2"),
    ("NV_LIBNCCL_PACKAGE_VERSION", "2.21.5-1"),
    ("NCCL_SOCKET_IFNAME", "eth0"),
    ("NCCL_DEBUG", "INFO"),
    ("OMP_NUM_THREADS", "8"),
    ("MKL_CBWR", "COMPATIBLE"),
    ("KMP_AFFINITY", "granularity=fine,compact,1,0"),
    ("TF_ENABLE_ONEDNN_OPTS", "0"),
    ("TF_XLA_FLAGS", "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit"),
    ("XLA_FLAGS", "--xla_gpu_deterministic_ops=true --xla_force_host_platform_device_count=8"),
    ("TORCH_CUDA_ARCH_LIST", "7.0 7.5 8.0 8.6 9.0+PTX"),
    ("PYTORCH_CUDA_ALLOC_CONF", "max_split_size_mb:128,expandable_segments:True"),
    ("TORCH_HOME", "/cache/torch"),
    ("TOKENIZERS_PARALLELISM", "false"),
    ("MAX_TOKENS", "512"),
    ("MAX_NEW_TOKENS", "2048"),
    ("TOTAL_TRAINING_TOKENS", "1000000000000"),
    ("PAD_TOKEN", "<pad>"),
    ("EOS_TOKEN", "</s>"),
    ("MASK_TOKEN", "[MASK]"),
    ("PAD_TOKEN_ID", "50256"),
    ("SPECIAL_TOKENS", "<s>,</s>,<unk>"),
    ("TOKEN_DROPOUT", "0.1"),
    ("USE_AUTH_TOKEN", "True"),
    ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"),
    ("HF_HOME", "/cache/huggingface"),
    ("HF_HUB_OFFLINE", "1"),
    ("WANDB_PROJECT", "llm-finetune"),
    ("WANDB_MODE", "offline"),
    ("KEYBOARD_LAYOUT", "us"),
    ("SORT_KEY", "created_at"),
    ("PARTITION_KEYS", "year,month,day"),
    ("PRIMARY_KEY", "id"),
    ("SSH_AUTH_SOCK", "/tmp/ssh-XXXX/agent.123"),
    ("GIT_AUTHOR_NAME", "A. Uthor"),
    ("GIT_COMMIT", HEX[:40]),
    ("DATASET_SHA256", HEX),
    ("IMAGE", "registry.example.org/team/train@sha256:" + HEX),
    ("MODEL_ID", "meta-llama/Llama-3.1-8B-Instruct"),
    ("MODEL", "sk-learn-compatible-estimator-with-long-name"),
    ("PIP_INDEX_URL", "https://pypi.example.org:8443/simple/@scope/x"),
    ("HTTP_PROXY", "http://proxy.example.org:3128"),
    ("NO_PROXY", "localhost,127.0.0.1,.example.org"),
    ("PIP_REQUIREMENT", "git+https://github.com/pypa/pip@22.0#egg=pip"),
    ("PIP_REQUIREMENT", "git+ssh://git@github.com/pypa/pip.git@22.0"),
    ("PIP_REQUIREMENT", "torch @ https://download.example.org/torch-2.1.0+cu118.whl#sha256=" + HEX),
    ("PURL", "pkg:pypi/torch@2.1.0?download_url=https://files.example.org/torch@2.whl"),
    ("DATABASE_URL", "sqlite:////data/mlflow.db"),
    ("MLFLOW_TRACKING_URI", "http://mlflow:5000"),
    ("S3_PATH", "s3://bucket/key/part-00000@v2.parquet"),
    ("RDZV_ENDPOINT", "10.0.0.1:29500"),
    ("LS_COLORS", "rs=0:di=01;34:ln=01;36:mh=00:pi=40;33:so=01;35"),
    ("JUPYTER_TOKEN", ""),
    ("SECRET_NAME_PLACEHOLDER", "${SECRET}"),
    ("API_KEY", "<your-key>"),
    ("DB_PASSWORD", MASK),
    ("TOKEN_TYPE", "bearer"),
    ("AUTH_METHOD", "oidc"),
    ("DOC", "bearer authentication is described below"),
)


def test_the_corpus_is_as_wide_as_promised() -> None:
    """Forty kinds of secret, sixty ordinary values."""
    assert len(VALUES) >= 40
    assert len(ORDINARY) >= 60


@pytest.mark.parametrize("kind", sorted(VALUES))
def test_a_secret_value_is_found_under_a_harmless_name_and_masked(kind: str) -> None:
    """The shape gives it away in a variable, in an argument, and in running text; the mask is final."""
    value = VALUES[kind]
    hit = scan_variable("SETTING", value)
    assert hit is not None
    assert value not in repr(hit)
    assert scan_argument(value, None) is not None
    masked = redact_text(f"before {value} after")
    assert MASK in masked
    assert value not in masked
    assert redact_text(masked) == masked


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_secret_name_is_found(name: str) -> None:
    """The name alone condemns the value; as an argument and as a shell assignment too."""
    value = NAMES[name]
    assert scan_variable(name, value) is not None
    assert scan_argument(f"--{name.lower() if name.isupper() else name}={value}", None) is not None
    assert scan_argument(value, f"--{name}") is not None
    assert scan_argument(f"{name}={value}", None) is not None


@pytest.mark.parametrize(("name", "value"), ORDINARY)
def test_ordinary_values_pass(name: str, value: str) -> None:
    """No false alarm on what training runs really set."""
    assert scan_variable(name, value) is None
    assert scan_argument(f"{name}={value}", None) is None


def test_no_false_hit_over_package_rows() -> None:
    """Two thousand rows of a lock file, a purl list, RECORD and image digests stay as they are."""
    stems = (
        "numpy",
        "scikit-learn",
        "sk-dist",
        "token-utils",
        "python-dotenv",
        "keyring",
        "authlib",
        "pypi-simple",
    )
    for number in range(500):
        name = f"{stems[number % len(stems)]}{number % 7 or ''}"
        version = f"{number % 5}.{number % 31}.{number % 13}+cu{118 + number % 10}"
        digest = hashlib.sha256(f"{name}{version}".encode()).hexdigest()
        rows = (
            f"{name}=={version} --hash=sha256:{digest}",
            f"pkg:pypi/{name}@{version.replace('+', '%2B')}?checksum=sha256:{digest}",
            f"/usr/lib/python3/dist-packages/{name}/_core.cpython-311-x86_64-linux-gnu.so,sha256={digest[:43]},{number}",
            f"docker.io/library/{name}:{number}@sha256:{digest}",
        )
        for row in rows:
            assert scan_argument(row, None) is None, row
            assert scan_variable("ROW", row) is None, row
            assert redact_text(row) == row


@pytest.mark.parametrize(
    ("argv", "expected", "positions"),
    [
        (("python", "train.py", "--lr", "0.1"), ("python", "train.py", "--lr", "0.1"), ()),
        (("x", "--token=abc", "--seed=1"), ("x", "--token=***", "--seed=1"), (1,)),
        (("x", "--password", "a b", "--epochs", "3"), ("x", "--password", "***", "--epochs", "3"), (2,)),
        (("x", "--password", "--verbose"), ("x", "--password", "--verbose"), ()),
        (("x", "--max-tokens", "512"), ("x", "--max-tokens", "512"), ()),
        (("sh", "-c", "A_TOKEN=zzz run --n 5"), ("sh", "-c", "A_TOKEN=***"), (2,)),
        (("sh", "-c", "run --api-key 'a b' --n 5"), ("sh", "-c", "run --api-key '***' --n 5"), (2,)),
        (("x", "++wandb.api_key=abc"), ("x", "++wandb.api_key=***"), (1,)),
        (("x", "-H", "X-Api-Key: abcdefgh"), ("x", "-H", "***"), (2,)),
        (("git", "clone", "https://u:p@h/x"), ("git", "clone", "https://***@h/x"), (2,)),
        ((), (), ()),
    ],
)
def test_arguments_are_withheld_with_their_positions(
    argv: tuple[str, ...], expected: tuple[str, ...], positions: tuple[int, ...]
) -> None:
    """As little as possible is masked, and the positions say where."""
    assert withhold_arguments(argv) == (expected, positions)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://u:p@example.org:8443/a/b?x=1#egg=y", "https://example.org:8443/a/b"),
        ("https://u:p/w@example.org/a", "https://example.org/a"),
        ("https://alice@example.org/a", "https://example.org/a"),
        ("https://example.org/a?token=abc&x=1", "https://example.org/a"),
        ("https://example.org/a?x=1#access_token=abc", "https://example.org/a"),
        ("https://example.org/a@1.0?x=1", "https://example.org/a@1.0"),
        ("git+ssh://git@github.com/a/b.git@v1", "git+ssh://git@github.com/a/b.git@v1"),
        ("ssh://git:pw@github.com/a/b.git", "ssh://github.com/a/b.git"),
        ("https://x.blob.core.windows.net/c?sig=abcdefghijkl", "https://x.blob.core.windows.net/c"),
        ("https://example.org/" + VALUES["github classic"] + "/a", "https://example.org/***/a"),
        ("file:///data/a@b", "file:///data/a@b"),
        ("http://[::1]:8080/@x", "http://[::1]:8080/@x"),
        ("http://[", ""),
    ],
)
def test_urls_keep_scheme_host_and_path_only(url: str, expected: str) -> None:
    assert redact_url(url) == expected
    assert redact_url(expected) == expected


def test_a_secret_in_a_name_is_not_shown() -> None:
    """Even the name of the variable may be the secret."""
    hit = scan_variable(VALUES["hugging face"], "1")
    assert hit is not None
    assert VALUES["hugging face"] not in hit.where


def test_too_long_counts_as_a_hit_and_a_long_text_is_cut_with_a_remark() -> None:
    """What was not scanned is not published."""
    assert scan_variable("X", "a" * (LONGEST_SCAN + 1)) is not None
    assert scan_argument("a" * (LONGEST_SCAN + 1), None) is not None
    secret = VALUES["github classic"]
    text = "word " * (LONGEST_SCAN // 5 - 3) + secret + " tail"
    assert len(text) > LONGEST_SCAN
    shown = redact_text(text)
    assert shown.endswith("too long to scan for secrets)")
    assert secret[:8] not in shown


def test_the_redactor_knows_exact_values_in_every_printed_form() -> None:
    """Raw, JSON-escaped, percent-encoded; the longest goes first; three characters are too few."""
    redactor = Redactor()
    redactor.register('p@ss/w"ord')
    redactor.register("p@ss")
    redactor.register("abc")
    assert redactor.clean('raw p@ss/w"ord') == "raw ***"
    assert redactor.clean('json p@ss/w\\"ord') == "json ***"
    assert redactor.clean("url p%40ss%2Fw%22ord") == "url ***"
    assert redactor.clean("p@ss abc") == "*** abc"


def test_the_redactor_learns_from_variables_and_arguments() -> None:
    """The password inside a URL is remembered on its own."""
    redactor = Redactor()
    redactor.register_variables([("DB", "postgres://app:opensesame@db/x"), ("LANG", "C.UTF-8")])
    redactor.register_arguments(("x", "--token=abcdef", "sh", "MY_SECRET=swordfish"))
    assert redactor.clean("opensesame abcdef swordfish C.UTF-8") == "*** *** *** C.UTF-8"


HOSTILE = (
    "a://", "eyJ", "-----BEGIN PRIVATE KEY-----", "x='", "--a ", 'a="', "sk-", "://a:b@", "@a", "--a-",
    "a.b-", ";pwd=", "'a' : ", "bearer  ", "authorization: a ", "?sig=", "AA.", "[x]", "a=b=", "-----", "h://a:@b@",
)  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_is_scanned_in_linear_time(piece: str) -> None:
    """Sixty-four thousand characters of the worst fragments take far less than any quadratic scan would."""
    text = (piece * 65536)[:65536]
    redact_text(text)
    scan_variable("TOKENIZER", text)
    scan_argument(text, "--x")
    redact_url(text)


@given(st.text(max_size=300), st.sampled_from(sorted(VALUES.values())))
@settings(deadline=None, max_examples=50)
def test_redaction_is_idempotent_and_never_raises(text: str, secret: str) -> None:
    """Whatever stands around a secret, a second pass changes nothing."""
    once = redact_text(f"{text} {secret} {text}")
    assert redact_text(once) == once
    scan_variable(text, text)
    withhold_arguments((text, secret, text))
