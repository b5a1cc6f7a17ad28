"""Settings come from four places, and a wrong one names itself and the remedy, never its value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from seamline.errors import ConfigurationError
from seamline.process.process import Process
from seamline.process.start import Start
from seamline.records.approval import ApprovalRule
from seamline.settings import account_of, load_settings, start_for

TOML = """
[connections.shop-uk]
system = "shopify"
rate_per_second = 4
webhook_secret = "from-toml"
[connections.shop-uk.account]
url = "https://example.myshopify.com"
[policy]
patience_seconds = 12
"""

Write = Callable[[str], None]


class Shipping(Process):
    """Needs a shop and a carrier; never run here."""

    name = "shipping"
    start_type = Start
    roles = ("shop", "carrier")
    origin = "shop"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes `seamline.toml` in an empty folder, which becomes the current one."""
    monkeypatch.chdir(tmp_path)
    for name in ("SEAMLINE_CONFIG", "SEAMLINE_SECRETS_DIR"):
        monkeypatch.delenv(name, raising=False)
    return lambda text: (tmp_path / "seamline.toml").write_text(text) and None


def message(error: pytest.ExceptionInfo[ConfigurationError]) -> str:
    return str(error.value)


def test_without_any_setting_all_have_defaults(write: Write) -> None:
    settings = load_settings()
    assert settings.connections == {}
    assert settings.api.body_limit_bytes == 1_000_000
    assert settings.telemetry.otlp_endpoint is None


def test_the_environment_is_stronger_than_dotenv_and_both_than_toml(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(TOML)
    Path(".env").write_text("SEAMLINE_POLICY__PATIENCE_SECONDS=34\nSEAMLINE_API__PORT=1234\nTEMPORAL_ADDRESS=x:1\n")
    monkeypatch.setenv("SEAMLINE_API__PORT", "5678")
    settings = load_settings()
    assert settings.policy.patience_seconds == 34
    assert settings.api.port == 5678
    assert settings.connections["shop-uk"].rate_per_second == 4


LISTS = [
    ("a,b", ("a", "b")),
    (" a , b ,", ("a", "b")),
    ('["a","b"]', ("a", "b")),
    ("a", ("a",)),
]


@pytest.mark.parametrize(("text", "served"), LISTS)
@pytest.mark.parametrize("place", ["environment", "dotenv", "secret"])
def test_a_list_may_be_written_with_commas(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str, text: str, served: tuple[str, ...]
) -> None:
    write("".join(f'[connections.{name}]\nsystem = "slack"\n' for name in "ab"))
    if place == "environment":
        monkeypatch.setenv("SEAMLINE_WORKER__CONNECTIONS", text)
    elif place == "dotenv":
        Path(".env").write_text(f"SEAMLINE_WORKER__CONNECTIONS='{text}'\n")
    else:
        monkeypatch.setenv("SEAMLINE_SECRETS_DIR", str(tmp_path / "secrets"))
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets/worker__connections").write_text(text)
    assert load_settings().served == served


def test_lists_of_days_numbers_and_roles_too(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write('[connections.mail]\nsystem = "smtp"\n')
    for name, text in {
        "CONNECTIONS__MAIL__ROLES": "mail",
        "POLICY__EXPRESS": "mail",
        "POLICY__WORKING_HOURS__HOLIDAYS": "2026-12-25,2026-12-26",
        "POLICY__WORKING_HOURS__DAYS": "mon,sat",
        "POLICY__BILLING__REMIND_DAYS": "-3,7",
        "POLICY__BILLING__CURRENCIES": "GBP",
    }.items():
        monkeypatch.setenv(f"SEAMLINE_{name}", text)
    settings = load_settings()
    policy = settings.policy
    assert (settings.connections["mail"].roles, policy.express) == (("mail",), ("mail",))
    assert [str(day) for day in policy.working_hours.holidays] == ["2026-12-25", "2026-12-26"]
    assert policy.working_hours.days == ("mon", "sat")
    assert (policy.billing.remind_days, policy.billing.currencies) == ((-3, 7), ("GBP",))


@pytest.mark.parametrize(
    ("name", "text"), [("WORKER__CONNECTIONS", '["a",'), ("POLICY__ABSENCES", "kim"), ("ROUTES", "shop=a")]
)
def test_what_is_neither_says_so(write: Write, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv(f"SEAMLINE_{name}", text)
    with pytest.raises(ConfigurationError, match="write it as JSON, or set its parts one by one"):
        load_settings()


def test_a_connection_may_be_written_with_underscores_where_dashes_are_not_possible(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(TOML)
    monkeypatch.setenv("SEAMLINE_CONNECTIONS__SHOP_UK__CONCURRENCY", "3")
    monkeypatch.setenv("SEAMLINE_CONNECTIONS__SHOP_UK__ACCOUNT__CLIENT_ID", "id-1")
    connection = load_settings().connections["shop-uk"]
    assert connection.concurrency == 3
    assert connection.account == {"url": "https://example.myshopify.com", "client_id": "id-1"}


def test_secrets_are_read_from_the_folder_of_secrets(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write('[connections.shop-uk]\nsystem = "shopify"\n')
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "connections__shop-uk__account__client_secret").write_text("hush\n")
    monkeypatch.setenv("SEAMLINE_SECRETS_DIR", str(secrets))
    assert load_settings().connections["shop-uk"].account == {"client_secret": "hush"}


def test_a_value_is_read_from_the_file_that_its_file_setting_names(write: Write) -> None:
    Path("token").write_text("s3cret\n")
    write('[api]\ntoken_file = "token"\n')
    token = load_settings().api.token
    assert token is not None
    assert token.get_secret_value() == "s3cret"


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ('[api]\ntoken_file = "nowhere"\n', "api.token_file: the file cannot be read (No such file or directory)"),
        ('[api]\ntoken = "a"\ntoken_file = "b"\n', "api.token: is set twice, also as token_file: remove one"),
        ("[api]\nport = 99999\n", "api.port: Input should be less than or equal to 65535"),
        ("[api]\nport = 99999\n", "SEAMLINE_API__PORT"),
        ("[policy]\npatience = 3\n", "policy.patience: is no setting here"),
        ("[policy]\ntime_zone = 'Middle/Earth'\n", "policy.time_zone: is no time zone known here"),
        ("[policy.approvals.risk]\nfour_eye = true\n", "policy.approvals.risk.four_eye: is no setting here"),
        ("[policy.approvals.risk]\ndue_hours = 0\n", "policy.approvals.risk.due_hours: "),
        ("[policy.billing]\nreminds = 'marketing'\n", "policy.billing.reminds: "),
        ("[policy.billing]\nremind = 'us'\n", "policy.billing.remind: is no setting here"),
        ("[policy.billing]\nremind_days = [7, 1]\n", "remind_days must be in order, each day once"),
        ("[policy.billing]\nstandard_terms = 'net-31'\n", "standard_terms: no such terms are set; there are: net-0, "),
        ("[policy.billing.group_terms]\npublic = 'net-31'\n", "group_terms.public: no such terms are set"),
        ("[policy.billing.entities]\nGmbH = 'xero-de'\n", 'seller_countries has no country for "GmbH"'),
        (
            '[policy.billing.entities]\n"" = "gone"\n',
            'entities."" names no connection of role accounting; there are: none',
        ),
        ("[policy.billing.terms.net-30]\nday = 30\n", "policy.billing.terms.net-30.day: is no setting here"),
        ("[policy.billing.calendar]\nhollidays = []\n", "policy.billing.calendar.hollidays: is no setting here"),
        ("[policy.billing]\ntax_rules = [{seller = 'GB', zone = 'EU'}]\n", "tax_rules.0.zone: is no setting here"),
        ("[policy.billing]\ntax_rules = [{seller = 'gb'}]\n", "policy.billing.tax_rules.0.seller: "),
        ("[policy.working_hours]\nopens = 18:00:00\ncloses = 09:00:00\n", "closes must be later than opens"),
        ("[policy.working_hours]\nhollidays = []\n", "policy.working_hours.hollidays: is no setting here"),
        ("[conections]\n", "conections: is no setting here"),
        ('[connections.Shop_UK]\nsystem = "shopify"\n', "connections.Shop-UK: a connection's name has small letters"),
        ('[connections.seamline]\nsystem = "shopify"\n', "the name 'seamline' is taken"),
        ('[connections.a]\nsystem = "shopfy"\n', "connections.a: system is not known; there are: hubspot, "),
        ('[connections.a]\nsystem = "shopify"\nroles = ["mail"]\n', "roles: shopify cannot be mail; it can be: shop"),
        ('[worker]\nconnections = "a,b"\n', "worker.connections: must be a list: ["),
        ('[worker]\nconnections = ["gone"]\n', "worker.connections: 'gone' is none; there are: none"),
        (
            '[policy.locations."North warehouse"]\ninventory = "shippo-north"\n',
            'locations."North warehouse".inventory names no connection of role inventory; there are: none',
        ),
        ('[policy.locations.North]\ncarriers = "x"\n', "policy.locations.North.carriers: is no setting here"),
        ('[policy]\nlabels_at = "later"\n', "policy.labels_at"),
        ('[routes]\nshop = "gone"\n', "routes.shop names no connection; there are: none"),
        ("[api\n", "seamline.toml is not TOML"),
    ],
)
def test_a_wrong_setting_names_itself(write: Write, toml: str, says: str) -> None:
    write(toml)
    Path("b").write_text("x")
    with pytest.raises(ConfigurationError) as error:
        load_settings()
    assert says in message(error)


def test_the_files_of_accounts_are_read_by_whoever_calls_the_system_alone(write: Write) -> None:
    write(TOML.replace("[policy]", 'client_secret_file = "secret"\n[policy]'))
    connection = load_settings().connections["shop-uk"]
    with pytest.raises(ConfigurationError, match=r"connections.shop-uk.account.client_secret_file: the file cannot be"):
        account_of("shop-uk", connection)
    Path("secret").write_text("hush\n")
    assert account_of("shop-uk", connection)["client_secret"] == "hush"


def test_every_wrong_setting_is_named_at_once_and_no_value_is_told(write: Write) -> None:
    write('[api]\nport = "hunter2"\n[worker]\ndrain_seconds = "hunter2"\n')
    with pytest.raises(ConfigurationError) as error:
        load_settings()
    assert "api.port" in message(error)
    assert "worker.drain_seconds" in message(error)
    assert "hunter2" not in message(error)


def test_secrets_do_not_show_when_the_settings_are_printed(write: Write) -> None:
    write(TOML + "\n[api]\ntoken = 'hunter2'\n")
    shown = repr(load_settings())
    assert "from-toml" not in shown
    assert "hunter2" not in shown
    assert "example.myshopify.com" not in shown


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SEAMLINE_CONFIG", "gone.toml", "SEAMLINE_CONFIG: there is no file gone.toml"),
        ("SEAMLINE_SECRETS_DIR", "gone", "SEAMLINE_SECRETS_DIR: there is no folder gone"),
    ],
)
def test_a_place_of_settings_that_is_gone_is_named(
    write: Write, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=says):
        load_settings()


TWO_SHOPS = TOML + '[connections.shop-de]\nsystem = "shopify"\n[connections.shippo-main]\nsystem = "shippo"\n'


def test_a_start_routes_each_role_and_carries_the_policy_of_the_moment(write: Write) -> None:
    write(TWO_SHOPS)
    start = start_for(Shipping, "shop-de:5001", load_settings(), started_by="test")
    assert start.route == {"shop": "shop-de", "carrier": "shippo-main"}
    assert start.policy.patience_seconds == 12
    assert start.started_by == "test"


def test_goods_leave_from_where_the_carriers_sender_is_unless_it_is_set(write: Write) -> None:
    senders = """
[connections.shippo-main.account.sender]
country = "DE"
[connections.shippo-north]
system = "shippo"
[connections.shippo-north.account.sender]
country = "SE"
[routes]
carrier = "shippo-main"
[policy.locations.North]
carrier = "shippo-north"
[policy.locations.Pole]
carrier = "shippo-north"
ship_from = "NO"
"""
    for said, leaves in (("", "DE"), ('[policy]\nship_from = "FR"\n', "FR")):
        write(TWO_SHOPS.replace("[policy]\n", said or "[policy]\n") + senders)
        policy = start_for(Shipping, "shop-uk:5001", load_settings()).policy
        assert [policy.ships_from(place) for place in ("Main", "North", "Pole")] == [leaves, "SE", "NO"]
    write(TWO_SHOPS)
    assert start_for(Shipping, "shop-uk:5001", load_settings()).policy.ships_from("Main") == "GB"


def test_a_part_is_not_started_by_hand(write: Write) -> None:
    class Parted(Shipping):
        has_parts = True

    write(TWO_SHOPS)
    for reference in ("shop-uk:5001.2", "shop-uk:5001.0.2"):
        with pytest.raises(ValueError, match="whose own process ships it: start that, shop-uk:5001"):
            start_for(Parted, reference, load_settings())
    assert start_for(Parted, "shop-uk:5001", load_settings())


def test_two_connections_for_a_role_need_a_route(write: Write) -> None:
    second = '[connections.shippo-two]\nsystem = "shippo"\n'
    write(TWO_SHOPS + second)
    with pytest.raises(ConfigurationError) as error:
        start_for(Shipping, "shop-uk:5001", load_settings())
    assert "routes.carrier: is missing" in message(error)
    assert "shippo-main, shippo-two" in message(error)
    write(TWO_SHOPS + second + '[routes]\ncarrier = "shippo-two"\n')
    assert start_for(Shipping, "shop-uk:5001", load_settings()).route["carrier"] == "shippo-two"


def test_two_connections_for_a_role_may_be_chosen_by_location(write: Write) -> None:
    second = '[connections.shippo-two]\nsystem = "shippo"\n'

    class Choosing(Shipping):
        chosen = ("carrier",)

    write(TWO_SHOPS + second)
    with pytest.raises(ConfigurationError) as error:
        start_for(Choosing, "shop-uk:5001", load_settings())
    assert "routes.carrier: is missing" in message(error)
    write(TWO_SHOPS + second + '[policy.locations.North]\ncarrier = "shippo-two"\n')
    start = start_for(Choosing, "shop-uk:5001", load_settings())
    assert start.route == {"shop": "shop-uk"}
    assert start.policy.location("North").carrier == "shippo-two"
    assert start.policy.location("South").carrier == ""


def test_a_role_that_nothing_fills_is_named(write: Write) -> None:
    write(TOML)
    with pytest.raises(ConfigurationError, match="none fills the role 'carrier'"):
        start_for(Shipping, "shop-uk:5001", load_settings())


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("5001", "must look like connection:external-id"),
        ("shop-fr:5001", "its connection 'shop-fr' is not set; there are: shippo-main, shop-de, shop-uk"),
        ("shippo-main:5001", "its connection 'shippo-main' is no shop; there are: shop-de, shop-uk"),
    ],
)
def test_a_reference_that_fits_no_connection_is_refused(write: Write, reference: str, says: str) -> None:
    write(TWO_SHOPS)
    with pytest.raises(ValueError, match=says):
        start_for(Shipping, reference, load_settings())


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ('deployment = "seamline"', "worker: deployment and build_id belong together"),
        ('build_id = "1.4.0"', "worker: deployment and build_id belong together"),
        ('deployment = "our.seamline"\nbuild_id = "1.4.0"', "worker.deployment: "),
        ('deployment = "seamline"\nbuild_id = "1.4.0:2"', "worker.build_id: "),
    ],
)
def test_a_build_is_named_whole_and_as_temporal_takes_it(write: Write, toml: str, says: str) -> None:
    write(f"[worker]\n{toml}\n")
    with pytest.raises(ConfigurationError) as error:
        load_settings()
    assert says in message(error)


STAFF = """
[connections.mail-main]
system = "smtp"
[connections.chat-main]
system = "slack"
"""
TEAM = STAFF + '[teams.operations]\nemail = "operations@shop.example"\n'


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        (STAFF + "[teams.operations]\n", "teams.operations: give email, chat or both"),
        (STAFF + '[teams.Ops]\nemail = "a@b.example"\n', "teams.Ops: a team's name has small letters"),
        (STAFF + '[teams.operations]\nemail = "nobody"\n', "teams.operations.email: must be a mail address"),
        (
            STAFF + '[teams.operations]\nchat = "gone"\n',
            "teams.operations.chat names no connection that writes in a chat",
        ),
        (STAFF + '[teams.operations]\nchat = "mail-main"\n', "writes in a chat; there are: chat-main"),
        (
            '[teams.operations]\nemail = "a@b.example"\n',
            "teams.operations.email: needs one connection that mails to staff",
        ),
        (TEAM + '[connections.mail-two]\nsystem = "smtp"\n', "set routes.staff where there are several"),
        (STAFF + '[teams.it]\nchat = "chat-main"\n', "notifier.default_team is no team that is set; there are: it"),
        (TEAM + "[notifier]\ninterval_seconds = 0\n", "notifier.interval_seconds: "),
        (TEAM + "[notifier]\nevery = 5\n", "notifier.every: is no setting here"),
    ],
)
def test_a_team_that_cannot_be_told_is_named(write: Write, toml: str, says: str) -> None:
    write(toml)
    with pytest.raises(ConfigurationError) as error:
        load_settings()
    assert says in message(error)
    assert "nobody" not in message(error)


def test_teams_are_mailed_by_the_connection_that_can_or_the_routed_one(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(TEAM)
    assert load_settings().mailing == "mail-main"
    second = TEAM + '[connections.mail-two]\nsystem = "smtp"\n'
    write(second + '[routes]\nstaff = "mail-two"\n')
    assert load_settings().mailing == "mail-two"
    write(second.replace('system = "smtp"', 'system = "smtp"\nroles = ["mail"]', 1))
    assert load_settings().mailing == "mail-two"
    monkeypatch.setenv("SEAMLINE_TEAMS__SALES_OPS__CHAT", "chat-main")
    assert load_settings().teams["sales-ops"].chat == "chat-main"


def test_approvals_are_set_by_file_and_variable(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        TOML + "[policy.approvals.risk]\nfour_eyes = true\n[[policy.absences]]\nteam = 'fraud'\ndeputy = 'it'\n"
        "first_day = 2026-12-24\nlast_day = 2027-01-01\n"
    )
    monkeypatch.setenv("SEAMLINE_POLICY__APPROVALS__DEAR_LABEL__TEAM", "finance")
    policy = load_settings().policy
    assert (policy.approval("risk").four_eyes, policy.approval("dear-label").team) == (True, "finance")
    assert policy.present("fraud", datetime(2026, 12, 31, tzinfo=UTC)) == "it"
    assert policy.approval("anything else") == ApprovalRule()
